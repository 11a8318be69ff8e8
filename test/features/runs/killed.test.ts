import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { recordOutcomes } from '../../../src/outcomes/record.ts';
import { resumeRun, stopRun } from '../../../src/features/runs/control.ts';
import { type Running, runCli, startCli } from '../../support/cli.ts';
import { eventually } from '../../support/scene.ts';
import { openSurroundings, type Surroundings } from '../../support/world.ts';
import { AGENT, cardsFrom, counts, stateOf } from './support.ts';

const CARDS = 2_000;
const CONCURRENCY = 16;
/** Long enough that a kill finds calls under way, short enough for a few hundred calls a second. */
const LATENCY_MS = 25;

let world: Surroundings;
let directory: string;
const processes: Running[] = [];
beforeAll(async () => {
  world = await openSurroundings({
    CONAX_TIMEOUT_MS: '2000',
    LEASE_MS: '4500',
    CONAX_MAX_CONCURRENCY: String(CONCURRENCY),
    RUN_REQUESTS_PER_SECOND: '1000',
    // Far more than are claimed at a time: whenever it is stopped there is something to withdraw.
    RUN_WINDOW: '500',
  });
  await world.simulator('PUT', 'settings', { latencyMs: LATENCY_MS });
  directory = await mkdtemp(join(tmpdir(), 'runs-'));
});
afterAll(async () => {
  for (const process of processes) process.signal('SIGKILL');
  await Promise.all(processes.map(({ ended }) => ended));
  await rm(directory, { recursive: true });
  await world.close();
});

async function serving(): Promise<Running> {
  const process = startCli(['serve'], { ...world.env, LOG_LEVEL: 'info' });
  processes.push(process);
  await process.line(/HTTP server listens/, 60_000);
  return process;
}

/** How often each card got the message. */
async function shown(): Promise<Map<string, number>> {
  const times = new Map<string, number>();
  for (const { command, parameters, effect } of await world.journal()) {
    expect(command).toBe('SEND_BARK_MESSAGE_TO_CLIENT');
    const card = parameters.smartcard ?? '';
    if (effect) times.set(card, (times.get(card) ?? 0) + 1);
  }
  return times;
}

/** Waits until so many calls were answered and written down. */
const calls = (count: number): Promise<true> =>
  eventually(
    async () => {
      const [row] = await world.db.query<{ calls: number }>('select count(*) as calls from attempt');
      return (row?.calls ?? 0) >= count ? true : undefined;
    },
    `${count} calls`,
    120_000,
  );

describe(`a bark run to ${CARDS} cards whose service is killed in the middle, and that is stopped and resumed`, () => {
  const cards = cardsFrom('7', CARDS);
  let id = 0;

  test('ends with exact counts, and no card got the message twice', async () => {
    const first = await serving();
    const file = join(directory, 'cards.txt');
    await writeFile(file, `${cards.join('\n')}\n`);
    const created = await runCli(
      ['runs', 'message', '--type', 'BARK', '--message', 'Goal!', '--cards', file, '--yes', '--no-wait', '--json'],
      world.env,
    );
    expect(created.stderr).toContain('2,000 targets: 70000000001, ');
    id = (JSON.parse(created.stdout) as { id: number }).id;
    await calls(300);
    first.signal('SIGKILL');
    await first.ended;
    const second = await serving();
    await calls(800);

    const withdrawn = await stopRun(world.db, id, AGENT, recordOutcomes);
    const atStop = (await shown()).size;
    expect(withdrawn).toBeGreaterThan(0);
    // What was claimed already ends by itself, and then nothing moves any more.
    await eventually(
      async () => ((await counts(world.db, id)).pending === 0 ? true : undefined),
      'nothing is pending',
      60_000,
    );
    const stopped = await shown();
    expect(stopped.size - atStop).toBeLessThanOrEqual(5 * CONCURRENCY);
    const { waiting } = await counts(world.db, id);
    expect(waiting).toBeGreaterThan(CARDS / 4);
    const [{ left } = { left: -1 }] = await world.db.query<{ left: number }>('select count(*) as left from work');
    expect(left).toBe(0);

    await resumeRun(world.db, id, AGENT);
    await eventually(
      async () => ((await stateOf(world.db, id)) === 'COMPLETED' ? true : undefined),
      'the run is COMPLETED',
      120_000,
    );
    const all = await shown();
    expect([...all].filter(([, times]) => times !== 1)).toEqual([]);
    const { targets, waiting: unsent, pending, outcomes } = await counts(world.db, id);
    const { COMPLETED: done = 0, OUTCOME_UNKNOWN: unknown = 0, ...others } = outcomes;
    expect({ targets, unsent, pending, sum: done + unknown, others }).toEqual({
      targets: CARDS,
      unsent: 0,
      pending: 0,
      sum: CARDS,
      others: {},
    });
    // Those that the killed one had marked as leaving, or not written down yet; a call that took too long has its attempt.
    const [{ abandoned } = { abandoned: -1 }] = await world.db.query<{ abandoned: number }>(`
      select count(*) as abandoned from request r where error_code = 'OUTCOME_UNKNOWN'
         and not exists (select from attempt a where a.request_number = r.number)`);
    expect(abandoned).toBeGreaterThan(0);
    expect(abandoned).toBeLessThanOrEqual(8 * CONCURRENCY);
    expect(unknown).toBeGreaterThanOrEqual(abandoned);
    second.signal('SIGTERM');
    expect(await second.ended).toMatchObject({ exitCode: 0 });
  }, 300_000);

  test('lists the cards whose outcome is unknown for a person; every other one got the message', async () => {
    const listed = await runCli(['runs', 'cards', String(id), '--outcome', 'OUTCOME_UNKNOWN', '--json'], world.env);
    const { targets: unknown } = JSON.parse(listed.stdout) as {
      targets: { card: string; request_numbers: number[] }[];
    };
    const all = await shown();
    const named = new Set(unknown.map(({ card }) => card));
    expect(cards.filter((card) => !named.has(card) && !all.has(card))).toEqual([]);
    for (const { request_numbers: numbers } of unknown) expect(numbers).toHaveLength(1);
    const story = await runCli(['requests', 'show', String(unknown[0]?.request_numbers[0])], world.env);
    expect(story.stdout).toContain('OUTCOME_UNKNOWN');
  });
});

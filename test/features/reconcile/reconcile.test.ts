import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { addService, type CrmSubscription, setService } from '../../../dev/demo/crm.ts';
import type { Subscription } from '../../../src/events/crm.generated.ts';
import { recordOutcomes } from '../../../src/outcomes/record.ts';
import { countTargets, type RunCounts } from '../../../src/features/runs/counts.ts';
import { resumeRun, stopRun } from '../../../src/features/runs/control.ts';
import { type Ran, runCli } from '../../support/cli.ts';
import { expectedEntitlements } from '../../support/expected-state.ts';
import { act, eventually, household, outcomeOf, spoil } from '../../support/scene.ts';
import type { JournalEntry } from '../../support/world.ts';
import { startWebWorld, type WebWorld } from '../../web-api/support.ts';
import { beginRun, know, runEnded } from '../runs/known.ts';

let world: WebWorld;

beforeAll(async () => {
  world = await startWebWorld({ CONAX_MAX_REQUESTS_PER_SECOND: '100000', CONAX_MAX_CONCURRENCY: '8' });
});
afterAll(async () => {
  await world.close();
  rmSync(directory, { recursive: true });
});

const directory = mkdtempSync(join(tmpdir(), 'conax-reconcile-'));

const BY = { user: 'test', unit: null };
const card = (n: number): string => `7100000000${n}`;
const home = (n: number, ...services: string[]): CrmSubscription => household(`R010000000${n}`, card(n), services);

/** Calls since the last time, as `COMMAND card service`. */
async function callsSince(seen: { seq: number }): Promise<string[]> {
  const { entries } = await world.simulator<{ entries: JournalEntry[] }>('GET', `journal?after=${seen.seq}`);
  seen.seq = entries.at(-1)?.seq ?? seen.seq;
  return entries.map(({ command, parameters: { smartcard, serviceCaId } }) =>
    [command, smartcard, serviceCaId].filter((word) => word !== undefined).join(' '),
  );
}

async function entitlements(cards: readonly string[]): Promise<Map<string, string[]>> {
  const found = await Promise.all(
    cards.map((one) => world.simulator<{ entitlements: string[] }>('GET', `cards/${one}`)),
  );
  return new Map(cards.map((one, index) => [one, found[index]?.entitlements ?? []]));
}

const cli = (...args: string[]): Promise<Ran> => runCli(args, { DATABASE_URL: world.env['DATABASE_URL'] ?? '' });

/** A file with these lines. */
function listOf(lines: readonly string[]): string {
  const file = join(directory, `${lines.length}-${lines[0]}`);
  writeFileSync(file, lines.join('\n'));
  return file;
}

test('a reconcile finds what drifted and sends nothing; a fix mends it, and nothing that an event did since', async () => {
  const homes = [
    home(1, '0101'),
    home(2, '101', '102'),
    home(3, '101'),
    home(4, '101'),
    home(5, '102'),
    home(7, '101'),
  ];
  const [, stopping, buying] = homes;
  if (!stopping || !buying) throw new Error('There are six');
  // The card of the first, also in a second subscription.
  const second = household('R0100000011', card(1), ['103']);
  const snapshots = new Map((await know(world.db, ...homes, second)).map((one) => [one.number, one]));
  const lost = card(6);
  const entitled: Record<string, string[]> = {
    [card(1)]: ['101'], // the second subscription's 103 is missing
    [card(2)]: [], // both are missing
    [card(3)]: ['101', '777', '888'], // two too many
    [card(5)]: ['101', '102'], // the 101 of card 4
    [lost]: ['555'], // no subscription holds it any more
    [card(7)]: ['101'],
  };
  await world.simulator(
    'PUT',
    'state',
    Object.entries(entitled).map(([smartcard, services]) => ({ smartcard, entitlements: services, pairing: null })),
  );
  await spoil(world, {
    match: { command: 'GET_ACTIVE_SUBSCRIPTIONS', smartcard: card(7) },
    times: null,
    fault: 'status:CLIENT_NOT_FOUND',
  });
  const seen = { seq: 0 };
  await callsSince(seen);

  const cards = [1, 2, 3, 4, 5, 6, 7].map(card);
  const started = await cli('reconcile', 'run', '--cards', listOf(cards), '--yes', '--json');
  expect({ ...started, stdout: '' }).toMatchObject({
    exitCode: 1,
    stderr: expect.stringContaining('7 of 7 are not COMPLETED or EQUAL') as string,
  });
  const { id: run, counts } = JSON.parse(started.stdout) as { id: number; counts: RunCounts };
  expect(counts).toMatchObject({ targets: 7, outcomes: { DIFFERENT: 6, NOT_READABLE: 1 } });
  const shown = await cli('reconcile', 'show', String(run));
  expect(shown.stdout.split('\n')).toEqual([
    `run ${run} COMPLETED: 7 of 7 (100 %): 6 DIFFERENT, 1 NOT_READABLE`,
    '4 MISSING_IN_CAS on 3 cards',
    '4 TOO_MUCH_IN_CAS on 3 cards',
    'card         outcome       differences',
    `${card(1)}  DIFFERENT     MISSING_IN_CAS 103`,
    `${card(2)}  DIFFERENT     MISSING_IN_CAS 101, MISSING_IN_CAS 102`,
    `${card(3)}  DIFFERENT     TOO_MUCH_IN_CAS 777, TOO_MUCH_IN_CAS 888`,
    `${card(4)}  DIFFERENT     MISSING_IN_CAS 101`,
    `${card(5)}  DIFFERENT     TOO_MUCH_IN_CAS 101`,
    `${lost}  DIFFERENT     TOO_MUCH_IN_CAS 555`,
    expect.stringMatching(`^${card(7)}  NOT_READABLE  CLIENT_NOT_FOUND: `) as string,
    '',
  ]);
  const differences = await world.operate(`/runs/${run}/differences?outcome=NOT_READABLE`);
  expect(differences).toMatchObject({
    code: 'OK',
    data: {
      counts: [
        { finding: 'MISSING_IN_CAS', services: 4, cards: 3 },
        { finding: 'TOO_MUCH_IN_CAS', services: 4, cards: 3 },
      ],
      cards: [{ smartcard_ca_id: card(7), outcome: 'NOT_READABLE', code: 'CLIENT_NOT_FOUND' }],
    },
  });
  const fixes = await world.operate(`/runs/${run}/fixes?only=TOO_MUCH_IN_CAS&after=${card(3)}&limit=2`);
  expect(fixes.data).toEqual({
    cards: [
      { smartcard_ca_id: card(4), commands: [], withheld: [] },
      {
        smartcard_ca_id: card(5),
        commands: [
          {
            type: 'CANCEL_SUBSCRIPTIONS',
            service_ca_id: '101',
            sub_provisioning_distribution_id: null,
            subscription_number: 'R0100000005',
          },
        ],
        withheld: [],
      },
    ],
  });
  const preview = await cli('reconcile', 'fix', String(run));
  expect(preview).toMatchObject({
    exitCode: 0,
    stderr: '',
    stdout: expect.stringMatching(
      /\n8 commands for 6 cards, 0 withheld\nNothing was sent: --send does it\n$/,
    ) as string,
  });
  expect(preview.stdout.split('\n')[0]).toBe(`ADD_SUBSCRIPTIONS ${card(1)} 103 of R0100000011`);
  expect((await callsSince(seen)).toSorted()).toEqual(cards.map((one) => `GET_ACTIVE_SUBSCRIPTIONS ${one}`));

  // In between an agent stops the 102 of card 2, and sells the 777 that card 3 had for nothing.
  setService(stopping, 'service-102', 'CANCELLED');
  const stopped = await act(world, stopping, { action: 'V:STOP_SERVICE', outgoingServices: ['service-102'] });
  addService(buying, 'service-777', '777');
  const bought = await act(world, buying, { action: 'V:ADD_SERVICE', incomingServices: ['service-777'] });
  await Promise.all([outcomeOf(world, stopped), outcomeOf(world, bought)]);
  for (const { value } of [...stopped.events, ...bought.events]) {
    snapshots.set(value.subscription.number, value.subscription);
  }
  await callsSince(seen);

  const fix = await cli('reconcile', 'fix', String(run), '--send', '--yes');
  expect(fix.exitCode).toBe(0);
  expect(fix.stderr).toContain(
    `  withheld CANCEL_SUBSCRIPTIONS ${card(3)} 777: SUPERSEDED. By now subscription R0100000003`,
  );
  expect(fix.stderr).toContain(`  withheld ADD_SUBSCRIPTIONS ${card(2)} 102: SUPERSEDED. No subscription entitles`);
  expect((await callsSince(seen)).toSorted()).toEqual([
    `ADD_SUBSCRIPTIONS ${card(1)} 103`,
    `ADD_SUBSCRIPTIONS ${card(2)} 101`,
    `ADD_SUBSCRIPTIONS ${card(4)} 101`,
    `CANCEL_SUBSCRIPTIONS ${card(3)} 888`,
    `CANCEL_SUBSCRIPTIONS ${card(5)} 101`,
    `CANCEL_SUBSCRIPTIONS ${lost} 555`,
  ]);
  const right = expectedEntitlements([...snapshots.values()] satisfies Subscription[]);
  expect(await entitlements(cards)).toEqual(new Map(cards.map((one) => [one, right.get(one) ?? []])));

  await world.simulator('DELETE', 'faults');
  const again = await beginRun(world.db, 'RECONCILE', { cards });
  expect(await runEnded(world.db, again)).toMatchObject({ outcomes: { EQUAL: 7 } });
}, 180_000);

test('a reconcile that is stopped asks nothing more, and resumed it asks each card once, with exact counts', async () => {
  const many = Array.from({ length: 120 }, (_, index) => `72${String(index).padStart(9, '0')}`);
  await know(world.db, ...many.map((one, index) => household(`R02${index}`, one, ['101'])));
  await world.simulator('PUT', 'settings', { latencyMs: 1_000 });
  await world.simulator(
    'PUT',
    'state',
    many.flatMap((smartcard, index) => (index % 3 === 0 ? [] : [{ smartcard, entitlements: ['101'], pairing: null }])),
  );
  const seen = { seq: 0 };
  await callsSince(seen);
  const run = await beginRun(world.db, 'RECONCILE', { cards: many });
  await eventually(async () => {
    const { outcomes } = await countTargets(world.db, run);
    return Object.keys(outcomes).length > 0 ? true : undefined;
  }, 'the first cards are done');
  await stopRun(world.db, run, BY, recordOutcomes);
  const stopped = await runEnded(world.db, run, 'STOPPED');
  const asked = await callsSince(seen);
  expect(stopped.waiting).toBeGreaterThan(0);
  expect(asked.length).toBe(many.length - stopped.waiting);

  await world.simulator('PUT', 'settings', { latencyMs: 0 });
  await resumeRun(world.db, run, BY);
  expect(await runEnded(world.db, run)).toMatchObject({ targets: 120, outcomes: { EQUAL: 80, DIFFERENT: 40 } });
  expect([...asked, ...(await callsSince(seen))].toSorted()).toEqual(
    many.map((one) => `GET_ACTIVE_SUBSCRIPTIONS ${one}`),
  );
});

test('a resync of one subscription is a command, and tells what is wrong with what it is given', async () => {
  const one = household('R0300000001', '73000000001', ['101', '102']);
  await know(world.db, one);
  await world.simulator('PUT', 'state', []);
  const done = await cli('resync', '--subscription', one.number, '--yes');
  expect({ ...done, stderr: '' }).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/COMPLETED/) as string });
  expect(await world.simulator('GET', 'cards/73000000001')).toEqual({
    smartcard: '73000000001',
    entitlements: ['101', '102'],
    pairing: { smartcards: ['73000000001'], setTopBoxes: ['STB-73000000001'] },
  });

  expect(await cli('resync', '--subscription', one.number, '--subscription', 'R9', '--yes')).toMatchObject({
    exitCode: 3,
    stderr: expect.stringContaining('--subscription: 1 of 2 are not known (no. 2: "R9")') as string,
  });
});

test('through the operations API a reconcile asks, and its fix sends exactly the ADD and the CANCEL that are missing', async () => {
  const [lacking, having] = ['71000000101', '71000000102'];
  await know(world.db, household('R0100000101', lacking, ['101']), household('R0100000102', having, ['102']));
  const state = [
    { smartcard: lacking, entitlements: [], pairing: null },
    { smartcard: having, entitlements: ['102', '666'], pairing: null },
  ];
  await world.simulator('PUT', 'state', state);
  const seen = { seq: 0 };
  await callsSince(seen);
  const done = async (body: object): Promise<number> => {
    const { data } = await world.operate<{ id: number }>('/runs', body);
    await eventually(async () => {
      const run = await world.operate<{ state: string }>(`/runs/${data.id}`);
      return run.data.state === 'COMPLETED' ? true : undefined;
    }, `run ${data.id}`);
    return data.id;
  };
  const run = await done({ kind: 'RECONCILE', parameters: {}, selection: { cards: [lacking, having] } });
  expect((await callsSince(seen)).toSorted()).toEqual([
    `GET_ACTIVE_SUBSCRIPTIONS ${lacking}`,
    `GET_ACTIVE_SUBSCRIPTIONS ${having}`,
  ]);
  await done({ kind: 'RECONCILE_FIX', parameters: {}, selection: { run } });
  expect((await callsSince(seen)).toSorted()).toEqual([
    `ADD_SUBSCRIPTIONS ${lacking} 101`,
    `CANCEL_SUBSCRIPTIONS ${having} 666`,
  ]);
  expect(await entitlements([lacking, having])).toEqual(
    new Map([
      [lacking, ['101']],
      [having, ['102']],
    ]),
  );
});

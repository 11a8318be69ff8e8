import { applyChunk } from '../../src/intake/apply.ts';
import { type Database, openDatabase } from '../../src/platform/database.ts';
import { DISPATCH_PLANNER } from '../../src/platform/planner-settings.ts';
import { dispatchToInstantCas } from './instant-cas.ts';
import { intakeOf, openForIntake } from './intake.ts';
import { makeLoad } from './load.ts';
import { loadLine, type Report } from './report.ts';
import { fillForRetention } from './retention-fill.ts';
import { openSite, type Site, until } from './site.ts';
import { writesOf } from './writes.ts';

export interface GrowthOptions {
  /** Requests that wait in the large database. */
  readonly pending: number;
  /** Final requests of the large database, each with six rows of its own in other tables. */
  readonly history: number;
  /** Compare the large database with ones that have the statistics of empty tables, and none, instead of a small one. */
  readonly statistics: boolean;
  readonly rounds: number;
  /** Commands, and events, of each round. */
  readonly items: number;
}

/** Requests that wait in the small database, as a minimum. */
const PENDING = 10_000;
const MOST = 1.2;
const DEADLINE_MS = 120_000;

interface World {
  readonly name: string;
  readonly dispatching: Database;
  readonly intake: Database;
}

interface Costs {
  /** CPU of PostgreSQL. */
  readonly ms: number;
  /** WAL. */
  readonly kb: number;
}

/**
 * What a command and an event cost PostgreSQL in two databases or more, in turns. CPU depends less than time on what else
 * the machine does.
 */
export async function growth(report: Report, options: GrowthOptions): Promise<void> {
  const { pending, history, statistics, rounds, items } = options;
  const site = await openSite(report, { parts: ['postgres'] });
  // One round more than there is: a round stops only after some requests too many.
  const least = Math.max(PENDING, (rounds + 2) * items);
  const large = { old: history, pending: Math.max(pending, least) };
  const sizes = statistics
    ? [
        { ...large, name: 'analysed', spoil: [] },
        { ...large, name: 'analysed while empty', spoil: forgetStatistics(0) },
        { ...large, name: 'restored without statistics', spoil: forgetStatistics(-1) },
      ]
    : [
        { old: 0, pending: least, name: 'small', spoil: [] },
        { ...large, name: 'large', spoil: [] },
      ];
  const worlds: World[] = [];
  try {
    if (statistics) for (const statement of NO_AUTOVACUUM) await site.db.query(statement);
    for (const { name, spoil, ...size } of sizes) {
      const begunAt = performance.now();
      const url = await site.anotherDatabase();
      await fillForRetention(url, { ...size, young: 0 });
      const seconds = ((performance.now() - begunAt) / 1000).toFixed(0);
      report.line(`${name}: ${size.pending} requests wait, ${size.old} are final; made in ${seconds} s`);
      const intake = openForIntake(url);
      for (const statement of spoil) await intake.query(statement);
      const settings = DISPATCH_PLANNER;
      worlds.push({
        name,
        intake,
        dispatching: openDatabase({ url, settings, maxConnections: 10, applicationName: 'bench', prepared: true }),
      });
    }
    const events = (rounds + 1) * items;
    const load = makeLoad({ events, subscriptions: Math.ceil(events / 5), seed: 1 });
    const works: readonly [string, (world: World, round: number) => Promise<void>][] = [
      ['dispatch', (world) => dispatchOf(world, items)],
      ['intake', (world, round) => intakeOfRound(load, world, round, items)],
    ];
    for (const [work, run] of works) await compare(report, site, worlds, work, { run, rounds, items });
  } finally {
    for (const { dispatching, intake } of worlds) await Promise.all([dispatching.close(), intake.close()]);
    await site.close();
  }
}

const NO_AUTOVACUUM = ['alter system set autovacuum = off', 'select pg_reload_conf()'];

/** As statistics of empty tables (0 rows), or none (-1), would be. Needs a superuser. */
function forgetStatistics(rows: 0 | -1): string[] {
  return [
    'delete from pg_statistic where starelid >= 16384',
    `update pg_class set relpages = 0, reltuples = ${rows}, relallvisible = 0 where oid >= 16384 and relkind in ('r', 'i')`,
  ];
}

/** The first round warms up and does not count. */
async function compare(
  report: Report,
  site: Site,
  worlds: readonly World[],
  work: string,
  { run, rounds, items }: { run: (world: World, round: number) => Promise<void>; rounds: number; items: number },
): Promise<void> {
  const costs = new Map<string, Costs[]>();
  for (let round = 0; round <= rounds; round += 1) {
    for (const world of worlds) {
      const [before, wal] = [site.cpu()['postgres'] ?? 0, await writesOf(world.dispatching)];
      await run(world, round);
      const ms = ((site.cpu()['postgres'] ?? 0) - before) * (1000 / items);
      const kb = ((await writesOf(world.dispatching)).walBytes - wal.walBytes) / 1000 / items;
      if (round > 0) costs.set(world.name, [...(costs.get(world.name) ?? []), { ms, kb }]);
    }
  }
  const first = median(costs.get(worlds[0]?.name ?? ''));
  for (const [name, all] of costs) {
    const shown = (key: keyof Costs): string => all.map((one) => one[key].toFixed(3)).join(', ');
    report.line(`${work}, ${name}: ${shown('ms')} ms of CPU and ${shown('kb')} kB of WAL for each; ${loadLine()}`);
    const ratio = median(all) / first;
    report.check(`${work}, ${name}: at most ${MOST} times the CPU of the first`, ratio <= MOST, ratio.toFixed(2));
  }
}

function median(costs: readonly Costs[] = []): number {
  return costs.map(({ ms }) => ms).toSorted((a, b) => a - b)[Math.floor(costs.length / 2)] ?? NaN;
}

async function dispatchOf({ dispatching: db }: World, items: number): Promise<void> {
  const written = async (): Promise<number> => {
    const [row] = await db.query<{ last: number }>('select last_value::float8 as last from outbox_id_seq');
    return row?.last ?? 0;
  };
  const first = await written();
  const dispatcher = dispatchToInstantCas(db, 32);
  await until('enough requests are final', DEADLINE_MS, 20, async () => (await written()) - first >= items);
  await dispatcher.stop();
}

async function intakeOfRound(
  load: ReturnType<typeof makeLoad>,
  { intake }: World,
  round: number,
  items: number,
): Promise<void> {
  const intakes = intakeOf();
  const partitions = intakes.partitionsOf(load.events.slice(round * items, (round + 1) * items));
  await Promise.all(
    partitions.map(async (messages) => {
      for await (const chunk of intakes.chunksRead(messages)) await applyChunk(chunk, intakes.applying(intake));
    }),
  );
}

import type { PartState } from '../../src/platform/http.ts';
import type { Load } from './load.ts';
import type { Fault } from './rough-proxy.ts';
import { type Neighbour, partOf, type WholeService } from './whole-service.ts';

/** What was seen of one outage; times in milliseconds, since its begin (`toldAfter`) and since its end (all others). */
export interface Seen {
  /** Until /health/ready said not ready, and named a part that the outage concerns; null: never. */
  readonly toldAfterMs: number | null;
  /** What it said then. */
  readonly told: string | null;
  /** Times that /health/live did not answer 200. */
  readonly notLive: number;
  /** Metrics at the end of the outage, changes since its begin for those that only grow. */
  readonly metrics: ReadonlyMap<string, number>;
  /** Until the first event was processed, the first call sent, the first outcome published; of whichever partition. */
  readonly processedMs: number;
  readonly sentMs: number;
  readonly publishedMs: number;
  /** Until /health/ready said ready. */
  readonly readyMs: number;
  /** Until everything was done that follows from events which came right after the outage, behind all that had piled up; null: not waited for. */
  readonly caughtUpMs: number | null;
}

export interface OutageOptions {
  readonly service: WholeService;
  readonly load: Load;
  readonly neighbour: Neighbour;
  readonly fault: Fault;
  readonly seconds: number;
  readonly untilCaughtUp: boolean;
}

/** Parts that wait, where a neighbour is away. */
const CONCERNED: Readonly<Record<Neighbour, readonly string[]>> = {
  kafka: ['intake', 'outcomes'],
  registry: ['intake', 'outcomes'],
  postgres: ['database', 'intake', 'outcomes', 'dispatch'],
  cas: ['cas'],
};

/** Enough to reach every partition. */
const PROBES = 60;
const RECOVERY_DEADLINE_MS = 60_000;
const LOOK_MS = 50;

/** Lets one neighbour be away while the load goes on, and sees how the service bears it and comes back. */
export async function seeOutage({
  service,
  load,
  neighbour,
  fault,
  seconds,
  untilCaughtUp,
}: OutageOptions): Promise<Seen> {
  const { url, db } = service;
  // Schemas that were fetched once are known for good: only a new one asks the registry.
  if (neighbour === 'registry') await load.newSchema();
  const before = await metricsAt(url);

  const beganAt = performance.now();
  const over = AbortSignal.timeout(seconds * 1_000);
  // A server takes its time to stop, and its clients feel it from the first moment.
  const [watched] = await Promise.all([
    watch(url, CONCERNED[neighbour], over, beganAt),
    takeAway(service, neighbour, fault),
  ]);
  const after = await metricsAt(url);
  await bringBack(service, neighbour, fault);

  const endedAt = Date.now();
  const since = (): number => Date.now() - endedAt;
  const first = async (table: string, column: string): Promise<number> =>
    await eventually(`${column} of ${table}`, async () => {
      const [row] = await db.query<{ at: Date | null }>(
        `select min(${column}) as at from ${table} where ${column} > $1`,
        [new Date(endedAt)],
      );
      return row?.at ? row.at.getTime() - endedAt : null;
    });
  const caughtUp = async (): Promise<number> => {
    const events = await load.nextSent(PROBES);
    return await eventually('caught up', async () => ((await settled(service, events)) ? since() : null));
  };
  const [processedMs, sentMs, publishedMs, readyMs, caughtUpMs] = await Promise.all([
    first('inbox', 'received_at'),
    first('attempt', 'started_at'),
    first('outbox', 'published_at'),
    eventually('ready', async () => ((await readiness(url)).ready ? since() : null)),
    untilCaughtUp ? caughtUp() : null,
  ]);
  const metrics = new Map([...after].map(([name, value]) => [name, change(name, value, before)]));
  return { ...watched, metrics, processedMs, sentMs, publishedMs, readyMs, caughtUpMs };
}

/** Begins an outage: on the way to the neighbour, and where it is stopped, at the neighbour itself. */
export async function takeAway(
  { proxies, stack }: Pick<WholeService, 'proxies' | 'stack'>,
  neighbour: Neighbour,
  fault: Fault,
): Promise<void> {
  await proxies[neighbour].spoil(fault);
  const part = fault === 'stop' ? partOf(neighbour) : null;
  if (part !== null) await stack.control[part].stop();
}

/** Ends what `takeAway` began; resolves when the neighbour answers again. */
export async function bringBack(
  { proxies, stack }: Pick<WholeService, 'proxies' | 'stack'>,
  neighbour: Neighbour,
  fault: Fault,
): Promise<void> {
  const part = fault === 'stop' ? partOf(neighbour) : null;
  if (part !== null) await stack.control[part].start();
  await proxies[neighbour].heal();
}

function change(name: string, value: number, before: ReadonlyMap<string, number>): number {
  return /_total\b/.test(name) ? value - (before.get(name) ?? 0) : value;
}

/** Looks at both health addresses until the outage is over. */
async function watch(
  url: string,
  concerned: readonly string[],
  over: AbortSignal,
  beganAt: number,
): Promise<Pick<Seen, 'toldAfterMs' | 'told' | 'notLive'>> {
  let toldAfterMs: number | null = null;
  let told: string | null = null;
  let notLive = 0;
  while (!over.aborted) {
    const { parts } = await readiness(url);
    const waiting = parts.filter(({ part, ready }) => !ready && concerned.includes(part));
    if (toldAfterMs === null && waiting.length > 0) {
      toldAfterMs = Math.round(performance.now() - beganAt);
      told = waiting.map(({ part, detail }) => `${part}: ${detail}`).join('; ');
    }
    const live = await fetch(`${url}/health/live`, { signal: AbortSignal.timeout(1_000) }).catch(() => null);
    if (live?.status !== 200) notLive += 1;
    await live?.arrayBuffer();
    await look();
  }
  return { toldAfterMs, told, notLive };
}

async function readiness(url: string): Promise<{ ready: boolean; parts: PartState[] }> {
  try {
    const answer = await fetch(`${url}/health/ready`, { signal: AbortSignal.timeout(5_000) });
    const { parts } = (await answer.json()) as { parts: PartState[] };
    return { ready: parts.every(({ ready }) => ready), parts };
  } catch {
    return { ready: false, parts: [] };
  }
}

/** Whether nothing is left to do of what these events made: their requests final, their actions' outcomes published. */
async function settled({ db }: WholeService, events: Awaited<ReturnType<Load['nextSent']>>): Promise<boolean> {
  const [row] = await db.query<{ read: number; left: number }>(
    `select (select count(distinct event_id) from inbox where event_id = any($1::text[])) as read,
       (select count(*) from request where action_id = any($2::text[]) and life_cycle_state = 'PENDING')
       + (select count(*) from crm_action where id = any($2::text[]) and outcome_due_at is not null)
       + (select count(*) from outbox where action_id = any($2::text[]) and published_at is null) as left`,
    [events.map(({ eventId }) => eventId), [...new Set(events.map(({ action }) => action.id))]],
  );
  return row?.read === events.length && row.left === 0;
}

async function metricsAt(url: string): Promise<Map<string, number>> {
  const text = await (await fetch(`${url}/metrics`, { signal: AbortSignal.timeout(5_000) })).text();
  return new Map([...text.matchAll(/^(\w+(?:\{.*\})?) (\S+)$/gm)].map(([, name = '', value]) => [name, Number(value)]));
}

async function eventually<T>(what: string, probe: () => Promise<T | null>): Promise<T> {
  const end = performance.now() + RECOVERY_DEADLINE_MS;
  for (;;) {
    const found = await probe();
    if (found !== null) return found;
    if (performance.now() > end) throw new Error(`Not within ${RECOVERY_DEADLINE_MS} ms of the return: ${what}`);
    await look();
  }
}

/** The interval of a look, not a wait for anything. */
function look(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, LOOK_MS));
}

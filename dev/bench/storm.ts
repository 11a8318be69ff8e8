import { setTimeout as pause } from 'node:timers/promises';
import type { CrmSubscription } from '../demo/crm.ts';
import type { Database } from '../../src/platform/database.ts';
import type { NewRequest } from '../../src/requests/new-request.ts';
import { submitRequests } from '../../src/requests/submit.ts';
import { importHouseholds } from './households.ts';
import { registerWriters } from './load.ts';
import { loadLine, median, quantile, type Report } from './report.ts';
import { openSite, type Program, type Site, simulatorView, TOPICS } from './site.ts';
import { openTriggerStream, type TriggerTimes } from './trigger-stream.ts';

export interface StormOptions {
  readonly cancels: number;
  readonly adds: number;
  readonly seconds: number;
  readonly instances: number;
  /** Kills an instance with SIGKILL this often, in seconds, and starts another; 0: never. */
  readonly killEvery: number;
}

const CALLS_PER_SECOND = 50;
const BULK_SHARE = 0.2;
const PATIENCE_MS = 10_000;
const LIVE_PER_SECOND = 5;
const AGENT_PER_SECOND = 1;
/** A little more than the rate that the share of bulk work leaves. */
const RUSH_PER_SECOND = 42;
const RUSH_SECONDS = 40;
const LIVE_P99_MS = 2_000;
const SUBMIT_CARDS = 1_000;

/**
 * The CANCELs and ADDs of a billing user wait, and the CAS takes 50 calls a second. Meanwhile customers are activated at
 * the counter, and agents cancel services. Then so many customers come that they alone fill the rate.
 */
export async function storm(report: Report, options: StormOptions): Promise<void> {
  const site = await openSite(report);
  try {
    const simulator = await site.startSimulator();
    await submitBulk(site.db, options);
    const live = LIVE_PER_SECOND * options.seconds;
    const agent = AGENT_PER_SECOND * (options.seconds + RUSH_SECONDS);
    const rush = RUSH_PER_SECOND * RUSH_SECONDS;
    const stopped = await importHouseholds(site.db, live + rush, 'NOT_EFFECTIVE');
    const started = await importHouseholds(site.db, agent, 'EFFECTIVE', live + rush);
    const writers = await registerWriters(site.env['SCHEMA_REGISTRY_URL'] ?? '', TOPICS.CRM_TOPICS);
    const streamOf = (subscriptions: readonly CrmSubscription[], perSecond: number, first: 'stop' | 'start') =>
      openTriggerStream({
        kafka: site.kafka,
        db: site.db,
        topic: TOPICS.CRM_TOPICS,
        writers,
        subscriptions,
        perSecond,
        first,
      });
    const lives = await streamOf(stopped.slice(0, live), LIVE_PER_SECOND, 'start');
    const agents = await streamOf(started, AGENT_PER_SECOND, 'stop');
    const rushes = await streamOf(stopped.slice(live), RUSH_PER_SECOND, 'start');
    const start = (): Promise<Program> =>
      site.startService({
        CONAX_BASE_URL: simulator.url,
        CONAX_MAX_REQUESTS_PER_SECOND: String(CALLS_PER_SECOND),
        CONAX_MAX_CONCURRENCY: '32',
        BULK_SHARE: String(BULK_SHARE),
        CANCEL_PATIENCE_MS: String(PATIENCE_MS),
      });
    const services: Program[] = [];
    for (let n = 0; n < options.instances; n += 1) services.push(await start());
    const ended = new AbortController();
    const killing = options.killEvery > 0 ? kill(services, start, options.killEvery * 1_000, ended.signal) : null;

    const calm = await bulkMeanwhile(site, async () => {
      const cancelled = agents.measure(AGENT_PER_SECOND * options.seconds);
      return { activated: await lives.measure(live), cancelled: await cancelled };
    });
    tell(report, 'activations at the counter', calm.result.activated);
    tell(report, 'cancellations by agents', calm.result.cancelled);
    report.line(`  bulk work meanwhile: ${calm.perSecond.toFixed(1)} calls/s; ${loadLine()}`);
    const rushed = await bulkMeanwhile(site, async () => {
      const cancelled = agents.measure(AGENT_PER_SECOND * RUSH_SECONDS);
      return { activated: await rushes.measure(rush), cancelled: await cancelled };
    });
    tell(report, `activations, ${RUSH_PER_SECOND}/s`, rushed.result.activated);
    tell(report, 'cancellations by agents meanwhile', rushed.result.cancelled);
    report.line(`  bulk work meanwhile: ${rushed.perSecond.toFixed(1)} calls/s; ${loadLine()}`);
    ended.abort();
    const kills = (await killing) ?? 0;

    const stats = await simulatorView<{ calls: number }>(simulator.url, 'GET', 'stats');
    report.line(`${stats.calls} calls in all, ${options.instances} instances, ${kills} killed`);
    const p99 = quantile(
      calm.result.activated.map((one) => one.published),
      0.99,
    );
    report.check(`activations: p99 under ${LIVE_P99_MS} ms from event to outcome`, p99 < LIVE_P99_MS, p99.toFixed(0));
    report.check(
      'the mass work has at least its share, also during the rush',
      Math.min(calm.perSecond, rushed.perSecond) >= 0.95 * BULK_SHARE * CALLS_PER_SECOND,
      `${calm.perSecond.toFixed(1)} and ${rushed.perSecond.toFixed(1)} calls/s`,
    );
    const oldest = (times: readonly TriggerTimes[]): number => Math.max(...times.map(({ called }) => called));
    const [cancelled, activated] = [oldest(rushed.result.cancelled), oldest(rushed.result.activated)];
    report.check(
      `after its patience of ${PATIENCE_MS} ms a CANCEL of an agent waits no longer than an activation, and 1 s`,
      cancelled <= PATIENCE_MS + activated + 1_000,
      `${cancelled.toFixed(0)} ms, activations at most ${activated.toFixed(0)} ms`,
    );
    const disorder = await site.db.query<{ number: number }>(OUT_OF_ORDER);
    report.check('each card had its requests in order', disorder.length === 0, `${disorder.length} out of order`);
    for (const stream of [lives, agents, rushes]) await stream.close();
    await Promise.all(services.map((one) => one.stop()));
  } finally {
    await site.close();
  }
}

/** Submits the requests of the billing user, as intake does. */
async function submitBulk(db: Database, { cancels, adds }: StormOptions): Promise<void> {
  const request = (n: number): NewRequest => ({
    command: {
      type: n <= cancels ? 'CANCEL_SUBSCRIPTIONS' : 'ADD_SUBSCRIPTIONS',
      smartcard: String(40_000_000_000 + n),
      service: { caId: '101', distributor: null },
    },
    sequenceNumber: 1,
    subscription: null,
    process: { name: 'TRIGGER', id: null },
    createdBy: { user: 'BILLING', unit: null },
    bulk: true,
  });
  for (let from = 1; from <= cancels + adds; from += SUBMIT_CARDS) {
    const count = Math.min(SUBMIT_CARDS, cancels + adds - from + 1);
    await db.transaction((tx) =>
      submitRequests(
        tx,
        Array.from({ length: count }, (_, at) => request(from + at)),
      ),
    );
  }
}

/** Kills one instance after the other until the end; returns how many. */
async function kill(
  services: Program[],
  start: () => Promise<Program>,
  everyMs: number,
  ended: AbortSignal,
): Promise<number> {
  for (let kills = 0; ; kills += 1) {
    await pause(everyMs, undefined, { signal: ended }).catch(() => undefined);
    if (ended.aborted) return kills;
    const [victim] = services.splice(0, 1);
    if (victim) process.kill(victim.pid, 'SIGKILL');
    services.push(await start());
  }
}

/** How many bulk requests a second were final while the work ran. */
async function bulkMeanwhile<T>({ db }: Site, work: () => Promise<T>): Promise<{ result: T; perSecond: number }> {
  const done = async (): Promise<number> => {
    const [row] = await db.query<{ done: number }>(
      `select count(*)::int as done from request where bulk and life_cycle_state <> 'PENDING'`,
    );
    return row?.done ?? 0;
  };
  const [before, startedAt] = [await done(), performance.now()];
  const result = await work();
  const seconds = (performance.now() - startedAt) / 1_000;
  return { result, perSecond: ((await done()) - before) / seconds };
}

function tell(report: Report, what: string, times: readonly TriggerTimes[]): void {
  const at = (stage: keyof TriggerTimes): string => {
    const values = times.map((one) => one[stage]);
    return `${stage} ${median(values).toFixed(0)}, ${quantile(values, 0.99).toFixed(0)}, ${Math.max(...values).toFixed(0)}`;
  };
  report.line(`${what}: ${times.length}; ms since the event, p50, p99, most:`);
  report.line(`  ${at('submitted')}; ${at('called')}; ${at('final')}; ${at('published')}`);
}

/** Requests whose first call came before the last one of an earlier request of their card. */
const OUT_OF_ORDER = /* sql */ `
with called as (
  select r.number, r.cards[1] as card, min(a.started_at) as first, max(a.started_at) as last
    from request r join attempt a on a.request_number = r.number
   group by r.number, r.cards[1]
)
select number from (
  select number, first, lag(last) over (partition by card order by number) as before from called
) ordered where first < before`;

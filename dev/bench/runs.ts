import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { recordOutcomes } from '../../src/outcomes/record.ts';
import type { Database } from '../../src/platform/database.ts';
import { resumeRun, stopRun } from '../../src/features/runs/control.ts';
import { countTargets } from '../../src/features/runs/counts.ts';
import { messageKind } from '../../src/features/messages/message-kind.ts';
import { createRun, findRun } from '../../src/features/runs/store.ts';
import { planningRulesOf } from '../../src/settings.ts';
import type { CrmSubscription } from '../demo/crm.ts';
import { resetStatements, topStatements } from './databases.ts';
import { importHouseholds } from './households.ts';
import { registerWriters } from './load.ts';
import { loadLine, median, quantile, type Report } from './report.ts';
import { cpuLine, openSite, type Site, simulatorView, TOPICS, until } from './site.ts';
import { openTriggerStream, type TriggerTimes } from './trigger-stream.ts';

export interface RunsOptions {
  readonly cards: number;
  readonly events: number;
  readonly eventsPerSecond: number;
  readonly cardsPerSecond: number;
  /** CPU profile and statements of the time beside the run. */
  readonly profiled: boolean;
}

const LATENCY_MS = 20;
const CONCURRENCY = 32;
/** Subscriptions of which the events speak; they get the message too. */
const ACTING = 500;
const WARM_UP_EVENTS = 100;
/** How many times as long a trigger may take beside the run, at the 99th percentile. */
const RATIO_MOST = 2;
const STOPPED_MS = 2_000;
const RUN_DEADLINE_MS = 900_000;
const BY = { user: 'bench', unit: null };

/**
 * A bark run to many cards while trigger events arrive, at a CAS that takes 20 ms a call: how
 * long the events take until their commands are final, beside the run and without it (half of these before the run, half
 * after it, so that a load that grows or falls meets both). The run is stopped and resumed, and every card is counted.
 */
export async function runs(report: Report, options: RunsOptions): Promise<void> {
  const { cards, events, eventsPerSecond, cardsPerSecond, profiled } = options;
  const site = await openSite(report, { profiled });
  try {
    const simulator = await site.startSimulator();
    await simulatorView(simulator.url, 'PUT', 'settings', { latencyMs: LATENCY_MS });
    const subscriptions = await importHouseholds(site.db, cards);
    const service = await site.startService(
      {
        CONAX_BASE_URL: simulator.url,
        CONAX_MAX_CONCURRENCY: String(CONCURRENCY),
        RUN_REQUESTS_PER_SECOND: String(cardsPerSecond),
      },
      { profiled },
    );
    const stream = await openTriggerStream({
      kafka: site.kafka,
      db: site.db,
      topic: TOPICS.CRM_TOPICS,
      writers: await registerWriters(site.env['SCHEMA_REGISTRY_URL'] ?? '', TOPICS.CRM_TOPICS),
      subscriptions: spread(subscriptions, ACTING),
      perSecond: eventsPerSecond,
    });
    report.line(
      `${cards} cards; ${events} events at ${eventsPerSecond}/s; a CAS of ${LATENCY_MS} ms, ${CONCURRENCY} at once; the run ${cardsPerSecond} cards/s`,
    );
    await stream.measure(WARM_UP_EVENTS);
    const before = await stream.measure(Math.ceil(events / 2));
    tell(report, 'without the run, before it', before);

    const id = await start(site);
    await until('the run sends', 60_000, 50, async () => (await countTargets(site.db, id)).pending > 0);
    if (profiled) {
      await resetStatements(site.db);
      await service.profiler?.start();
    }
    const [cpu, beganAt, doneBefore] = [site.cpu(), performance.now(), await done(site.db, id)];
    let underWay: string | undefined;
    const beside = await stream.measure(events, async () => {
      underWay = (await findRun(site.db, id))?.state;
    });
    const seconds = (performance.now() - beganAt) / 1000;
    tell(report, 'beside the run', beside);
    const perSecond = Math.round(((await done(site.db, id)) - doneBefore) / seconds);
    report.line(`  the run meanwhile: ${perSecond} cards/s; CPU: ${cpuLine(cpu, site.cpu(), seconds)}; ${loadLine()}`);
    if (profiled) {
      for (const line of (await service.profiler?.stop(join(site.output, 'runs.cpuprofile'))) ?? [])
        report.line(`  ${line}`);
      for (const line of await topStatements(site.db, seconds, 20)) report.line(`  ${line}`);
    }
    report.check('the run was under way until the last event was produced', underWay === 'RUNNING', `${underWay}`);

    await stopAndResume(report, site, id);
    await until(
      'the run is COMPLETED',
      RUN_DEADLINE_MS,
      250,
      async () => (await findRun(site.db, id))?.state === 'COMPLETED',
    );
    const after = await stream.measure(Math.floor(events / 2));
    tell(report, 'without the run, after it', after);
    const p99 = (times: readonly TriggerTimes[]): number =>
      quantile(
        times.map(({ final }) => final),
        0.99,
      );
    const [without, with_] = [p99([...before, ...after]), p99(beside)];
    report.check(
      `the triggers' p99 beside the run is at most ${RATIO_MOST} times the one without`,
      with_ <= RATIO_MOST * without,
      `${with_.toFixed(0)} ms against ${without.toFixed(0)} ms: ${(with_ / without).toFixed(2)}`,
    );
    await checkCards(report, site, simulator.url, id, subscriptions);
    await stream.close();
    await service.stop();
  } finally {
    await site.close();
  }
}

/** So many of them, as far apart as can be: the run goes from one end to the other. */
function spread<T>(all: readonly T[], count: number): T[] {
  const step = Math.max(1, Math.floor(all.length / count));
  return all.filter((_, index) => index % step === 0).slice(0, count);
}

function tell(report: Report, what: string, times: readonly TriggerTimes[]): void {
  report.line(`${what}: ${times.length} triggers, milliseconds since they were produced; ${loadLine()}`);
  for (const stage of ['submitted', 'called', 'final'] as const) {
    const values = times.map((one) => one[stage]);
    const at = (share: number): string => quantile(values, share).toFixed(0);
    report.line(
      `  ${stage.padEnd(9)} p50 ${median(values).toFixed(0)}, p95 ${at(0.95)}, p99 ${at(0.99)}, most ${at(1)}`,
    );
  }
}

async function start(site: Site): Promise<number> {
  return await site.db.transaction((tx) =>
    createRun(
      tx,
      {
        kind: messageKind,
        parameters: { type: 'BARK', message: 'The match starts at 20:00.' },
        selection: { all: true },
        hold: false,
        by: BY,
      },
      { rules: planningRulesOf(site.settings()) },
    ),
  );
}

async function done(db: Database, id: number): Promise<number> {
  const { targets, waiting, pending } = await countTargets(db, id);
  return targets - waiting - pending;
}

/** Stopped as soon as the stop returns: what was claimed ends, and then nothing moves until it is resumed. */
async function stopAndResume(report: Report, site: Site, id: number): Promise<void> {
  if ((await findRun(site.db, id))?.state !== 'RUNNING') {
    report.check('the run could be stopped in the middle', false, 'it had ended: give it more cards');
    return;
  }
  const beganAt = performance.now();
  const withdrawn = await stopRun(site.db, id, BY, recordOutcomes);
  const tookMs = performance.now() - beganAt;
  await until('what was being sent is final', 30_000, 20, async () => (await countTargets(site.db, id)).pending === 0);
  const then = await countTargets(site.db, id);
  await pause(STOPPED_MS);
  const later = await countTargets(site.db, id);
  report.check(
    'a stop takes effect within a second, and nothing is sent until the run is resumed',
    tookMs < 1_000 && JSON.stringify(then) === JSON.stringify(later),
    `${tookMs.toFixed(0)} ms, ${withdrawn} withdrawn, ${then.waiting} of ${then.targets} left`,
  );
  await resumeRun(site.db, id, BY);
}

async function checkCards(
  report: Report,
  { db }: Site,
  simulatorUrl: string,
  id: number,
  subscriptions: readonly CrmSubscription[],
): Promise<void> {
  const { targets, waiting, pending, outcomes } = await countTargets(db, id);
  const completed = outcomes['COMPLETED'] ?? 0;
  const unknown = outcomes['OUTCOME_UNKNOWN'] ?? 0;
  report.check(
    'the run ends with exact counts',
    targets === subscriptions.length && waiting + pending === 0 && completed + unknown === targets,
    `${targets} targets: ${JSON.stringify(outcomes)}`,
  );
  const { entries } = await simulatorView<{ entries: { command: string; parameters: { smartcard?: string } }[] }>(
    simulatorUrl,
    'GET',
    'journal?after=0',
  );
  const barks = entries.filter(({ command }) => command === 'SEND_BARK_MESSAGE_TO_CLIENT');
  const reached = new Set(barks.map(({ parameters }) => parameters.smartcard));
  report.check(
    'no card got the message twice, and only cards of unknown outcome may not have got it',
    barks.length === reached.size && reached.size >= completed,
    `${barks.length} messages at ${reached.size} cards, ${unknown} unknown`,
  );
}

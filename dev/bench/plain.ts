import { join } from 'node:path';
import { randomUUID } from 'node:crypto';
import { type Database, openDatabase } from '../../src/platform/database.ts';
import { type ArrivalReader, readArrivals } from './arrivals.ts';
import { resetStatements, topStatements } from './databases.ts';
import { encodeEvent, newSubscriber, produce, registerWriters } from './load.ts';
import { peakMb } from './processes.ts';
import { loadLine, median, type Report } from './report.ts';
import { startTraceSink } from './trace-sink.ts';
import { openSite, type Program, type Site, simulatorView, TOPICS, until } from './site.ts';

export interface PlainOptions {
  readonly events: number;
  readonly rounds: number;
  /** How long the slow CAS takes for a call; 0: no turn with a slow CAS. */
  readonly casMs: number;
  /** Our service with and without tracing, and nothing else. */
  readonly tracing: boolean;
  /** CPU profile and statements of our service in the first round. */
  readonly profiled: boolean;
}

const CONCURRENCY = 32;
const SERVICE = {
  CONAX_MAX_CONCURRENCY: String(CONCURRENCY),
  CONAX_MAX_REQUESTS_PER_SECOND: '100000',
};
const TURN_DEADLINE_MS = 300_000;
/** The service that takes one message after the other is slow, so it takes fewer of them. */
const MESSAGE_SHARE = 0.2;
const GOALS = { overMessage: 5, overBatch: 3.5, cpuMs: 0.55, readyMs: 1_000, slowShare: 0.9, tracing: 0.05 };

/** What one turn measured; CPU in milliseconds a command. */
interface Turn {
  readonly perSecond: number;
  readonly serviceMs: number;
  readonly postgresMs: number;
  readonly kafkaMs: number;
  readonly casMs: number;
  readonly peakMb: number;
  readonly readyMs: number;
  readonly readyCpuMs: number;
}

interface World {
  readonly site: Site;
  readonly report: Report;
  readonly simulator: Program;
  readonly requestOutcomes: ArrivalReader;
  readonly actionOutcomes: ArrivalReader;
}

interface Contender {
  readonly name: string;
  readonly commands: number;
  /** The table with a row for each event that was taken, and when. */
  readonly taken: 'inbox' | 'plain_event';
  readonly outcomesPerCommand: 1 | 2;
  readonly latencyMs: number;
  start(env: Readonly<Record<string, string>>): Promise<Program>;
}

/**
 * Our whole service and two plain ones (`plain-service.ts`) take the same events of new subscribers, one command each,
 * from the same topic, in turns, each turn with a new database and consumer group. A turn lasts from the first event
 * taken until the last outcome arrived in Kafka.
 */
export async function plain(report: Report, options: PlainOptions): Promise<void> {
  const { events, rounds, casMs, tracing, profiled } = options;
  const site = await openSite(report, { profiled });
  try {
    const simulator = await site.startSimulator();
    const writers = await registerWriters(site.env['SCHEMA_REGISTRY_URL'] ?? '', TOPICS.CRM_TOPICS);
    const messages = Array.from({ length: events }, (_, n) => encodeEvent(writers, newSubscriber(n + 1)));
    await produce(site.kafka, TOPICS.CRM_TOPICS, messages);
    const [requestOutcomes, actionOutcomes] = await Promise.all([
      readArrivals(site.kafka, TOPICS.OUTCOME_TOPIC),
      readArrivals(site.kafka, TOPICS.ACTION_OUTCOME_TOPIC),
    ]);
    const world: World = { site, report, simulator, requestOutcomes, actionOutcomes };
    const ours = { taken: 'inbox', outcomesPerCommand: 2, commands: events } as const;
    const others = { taken: 'plain_event', outcomesPerCommand: 1, latencyMs: 0 } as const;
    const startOurs = (env: Readonly<Record<string, string>>): Promise<Program> =>
      site.startService({ ...SERVICE, ...env }, { profiled });
    const alone = { ...ours, name: 'ours', latencyMs: 0, start: startOurs };
    const collector = tracing ? await startTraceSink() : null;
    const traced = collector && {
      ...alone,
      name: 'ours, every event traced',
      start: (env: Readonly<Record<string, string>>) =>
        startOurs({ ...env, OTEL_EXPORTER_OTLP_ENDPOINT: collector.url }),
    };
    const contenders: Contender[] = traced
      ? [alone, traced]
      : [
          alone,
          {
            ...others,
            name: 'plain, eachMessage',
            commands: Math.ceil(events * MESSAGE_SHARE),
            start: (env) => site.startPlain({ ...env, PLAIN_WORKS_BY: 'message' }),
          },
          {
            ...others,
            name: 'plain, eachBatch',
            commands: events,
            start: (env) => site.startPlain({ ...env, PLAIN_WORKS_BY: 'batch' }),
          },
          ...(casMs > 0 ? [{ ...ours, name: `ours, a CAS of ${casMs} ms`, latencyMs: casMs, start: startOurs }] : []),
        ];
    const turns = new Map<string, Turn[]>(contenders.map(({ name }) => [name, []]));
    for (let round = 1; round <= rounds; round += 1) {
      // In turn forwards and backwards: what a turn leaves behind costs the next one.
      for (const contender of round % 2 === 1 ? contenders : contenders.toReversed()) {
        const turn = await measure(world, contender);
        report.line(`round ${round}, ${lineOf(contender, turn)}; ${loadLine()}`);
        turns.get(contender.name)?.push(turn);
      }
    }
    if (collector) {
      report.line(`the collector got ${(collector.bytes() / rounds / events).toFixed(0)} bytes per command`);
      await collector.close();
    }
    (traced ? tellTracing : tell)(report, contenders, turns, casMs);
    await Promise.all([requestOutcomes.close(), actionOutcomes.close()]);
  } finally {
    await site.close();
  }
}

async function measure(world: World, contender: Contender): Promise<Turn> {
  const { site, report, simulator, requestOutcomes, actionOutcomes } = world;
  const { name, commands, taken, outcomesPerCommand, latencyMs } = contender;
  await simulatorView(simulator.url, 'DELETE', 'state');
  await simulatorView(simulator.url, 'PUT', 'settings', { latencyMs });
  const url = await site.anotherDatabase();
  const db = openDatabase({ url, maxConnections: 1, applicationName: 'bench' });
  const before = [requestOutcomes.arrivals.length, actionOutcomes.arrivals.length] as const;
  const arrived = (): boolean =>
    requestOutcomes.arrivals.length - before[0] >= commands &&
    actionOutcomes.arrivals.length - before[1] >= commands * (outcomesPerCommand - 1);
  const service = await contender.start({
    DATABASE_URL: url,
    KAFKA_GROUP_ID: `bench-${randomUUID()}`,
    CONAX_BASE_URL: simulator.url,
  });
  // What was taken until then is too little to count.
  const cpuBefore = site.cpu();
  if (service.profiler) await Promise.all([resetStatements(db), service.profiler.start()]);
  await until(`${name}: ${commands} outcomes`, TURN_DEADLINE_MS, 5, () => Promise.resolve(arrived()));
  const endedAt = Date.now();
  const cpuAfter = site.cpu();
  const peak = peakMb(service.pid);
  const [first] = await db.query<{ at: Date }>(`select min(received_at) as at from ${taken}`);
  const seconds = (endedAt - (first?.at.getTime() ?? NaN)) / 1000;
  if (service.profiler) {
    const heapMb = await service.profiler.heapMb();
    for (const line of await service.profiler.stop(join(site.output, `${contender.name}.cpuprofile`)))
      report.line(`  ${line}`);
    for (const line of await topStatements(db, seconds, 16)) report.line(`  ${line}`);
    report.line(`  live heap ${heapMb.toFixed(0)} MB; profile in ${site.output}`);
  }
  await check(world, contender, db, before[0]);
  await service.stop();
  await db.close();
  // Nobody cleans it up during the next turn.
  await site.db.query(`drop database ${new URL(url).pathname.slice(1)} with (force)`);
  const cpuMs = (program: string): number => (((cpuAfter[program] ?? 0) - (cpuBefore[program] ?? 0)) * 1000) / commands;
  return {
    perSecond: commands / seconds,
    serviceMs: cpuMs(taken === 'inbox' ? 'service' : 'plain'),
    postgresMs: cpuMs('postgres'),
    kafkaMs: cpuMs('kafka'),
    casMs: cpuMs('simulator'),
    peakMb: peak,
    readyMs: service.readyMs,
    readyCpuMs: service.readyCpuMs,
  };
}

/** Each command was done once at the CAS and is stored as COMPLETED, and its outcome was published once. */
async function check(
  { report, simulator, requestOutcomes }: World,
  { name, commands, taken }: Contender,
  db: Database,
  from: number,
): Promise<void> {
  const [row] = await db.query<{ completed: number }>(
    taken === 'inbox'
      ? `select count(*) as completed from request where life_cycle_state = 'COMPLETED'`
      : `select count(*) as completed from plain_request where state = 'COMPLETED'`,
  );
  const cards = await simulatorView<{ entitlements: string[] }[]>(simulator.url, 'GET', 'cards');
  const entitled = cards.filter(({ entitlements }) => entitlements.length === 1).length;
  const outcomes = new Set(requestOutcomes.arrivals.slice(from).map(({ ceId }) => ceId)).size;
  report.check(
    `${name}: every command done, stored and published`,
    Math.min(row?.completed ?? 0, entitled, outcomes) >= commands,
    `${commands} commands, ${entitled} cards entitled, ${row?.completed} COMPLETED, ${outcomes} outcomes`,
  );
}

function lineOf({ name }: Pick<Contender, 'name'>, turn: Turn): string {
  const { perSecond, serviceMs, postgresMs, kafkaMs, casMs } = turn;
  return (
    `${name}: ${Math.round(perSecond)} commands/s; CPU per command: service ${serviceMs.toFixed(3)} ms, PostgreSQL ` +
    `${postgresMs.toFixed(3)} ms, Kafka ${kafkaMs.toFixed(3)} ms, simulator ${casMs.toFixed(3)} ms; peak memory ` +
    `${turn.peakMb} MB; ready after ${Math.round(turn.readyMs)} ms, of CPU ${Math.round(turn.readyCpuMs)} ms`
  );
}

function mediansOf(
  contenders: readonly Contender[],
  turns: ReadonlyMap<string, readonly Turn[]>,
): (Turn & { name: string })[] {
  return contenders.map(({ name }): Turn & { name: string } => {
    const column = (key: keyof Turn): number => median((turns.get(name) ?? []).map((turn) => turn[key]));
    return {
      name,
      perSecond: column('perSecond'),
      serviceMs: column('serviceMs'),
      postgresMs: column('postgresMs'),
      kafkaMs: column('kafkaMs'),
      casMs: column('casMs'),
      peakMb: column('peakMb'),
      readyMs: column('readyMs'),
      readyCpuMs: column('readyCpuMs'),
    };
  });
}

/** What tracing costs: less than a twentieth of the CPU of the service and PostgreSQL. */
function tellTracing(
  report: Report,
  contenders: readonly Contender[],
  turns: ReadonlyMap<string, readonly Turn[]>,
): void {
  const medians = mediansOf(contenders, turns);
  for (const one of medians) report.line(`median, ${lineOf(one, one)}`);
  const [off, on] = medians;
  if (!off || !on) throw new Error('There are two contenders');
  const cpuMs = (turn: Turn): number => turn.serviceMs + turn.postgresMs;
  const more = cpuMs(on) / cpuMs(off) - 1;
  report.line(
    `goal ${more < GOALS.tracing ? 'met' : 'MISSED'}: tracing costs less than ${GOALS.tracing} of the CPU of service and ` +
      `PostgreSQL (${more.toFixed(3)}; of the service alone ${(on.serviceMs / off.serviceMs - 1).toFixed(3)}; rate ` +
      `${(on.perSecond / off.perSecond).toFixed(2)})`,
  );
}

function tell(
  report: Report,
  contenders: readonly Contender[],
  turns: ReadonlyMap<string, readonly Turn[]>,
  casMs: number,
): void {
  const medians = mediansOf(contenders, turns);
  for (const one of medians) report.line(`median, ${lineOf(one, one)}`);
  const [ours, message, batch, slow] = medians;
  if (!ours || !message || !batch) throw new Error('There are three contenders');
  const goal = (what: string, isMet: boolean, seen: string): void =>
    report.line(`goal ${isMet ? 'met' : 'MISSED'}: ${what} (${seen})`);
  const ratio = (other: Turn): number => ours.perSecond / other.perSecond;
  goal(`${GOALS.overMessage} times eachMessage`, ratio(message) >= GOALS.overMessage, ratio(message).toFixed(2));
  goal(`${GOALS.overBatch} times eachBatch`, ratio(batch) >= GOALS.overBatch, ratio(batch).toFixed(2));
  const cpuMs = ours.serviceMs + ours.postgresMs;
  goal(
    `service and PostgreSQL together under ${GOALS.cpuMs} ms of CPU per command`,
    cpuMs < GOALS.cpuMs,
    `${cpuMs.toFixed(3)} ms; with Kafka ${(cpuMs + ours.kafkaMs).toFixed(3)} ms`,
  );
  const plainPeak = Math.min(message.peakMb, batch.peakMb);
  goal("peak memory under the plain service's", ours.peakMb < plainPeak, `${ours.peakMb} MB, ${plainPeak} MB`);
  goal(`ready within ${GOALS.readyMs} ms`, ours.readyMs < GOALS.readyMs, `${Math.round(ours.readyMs)} ms`);
  if (slow === undefined) return;
  const possible = (CONCURRENCY * 1000) / casMs;
  goal(
    `${GOALS.slowShare} of the ${possible} calls/s that a CAS of ${casMs} ms allows ${CONCURRENCY} at once`,
    slow.perSecond >= GOALS.slowShare * possible,
    `${(slow.perSecond / possible).toFixed(2)}; of our rate at an instant CAS ${(slow.perSecond / ours.perSecond).toFixed(2)}`,
  );
}

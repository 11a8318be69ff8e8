import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { Kafka } from 'kafkajs';
import kafkajs from '../../src/platform/kafkajs/index.ts';
import { startTcpProxy, targetOf, through } from '../../test/support/tcp-proxy.ts';
import { openBareHttp } from './bare-http.ts';
import { encodeEvent, newSubscriber, registerWriters } from './load.ts';
import { loadLine, quantile, type Report } from './report.ts';
import { openSite, type Site, TOPICS } from './site.ts';
import { createLedTopics } from '../../src/platform/topics.ts';

const WARM_UP = 30;
const BARE_TOPIC = 'bench.bare';
const WAIT_MS = 10_000;

/** What one event took, in milliseconds. */
interface Times {
  readonly bareKafka: number;
  readonly bareHttp: number;
  readonly requestOutcome: number;
  readonly actionOutcome: number;
}

/**
 * One event at a time through an idle service, from before it is produced until both outcomes are consumed, in turns
 * with a bare Kafka round trip (the same client and settings, the same bytes) and a bare HTTP exchange with the CAS.
 */
export async function idle(
  report: Report,
  options: { readonly events: number; readonly distanceMs: number },
): Promise<void> {
  const site = await openSite(report);
  const way = await startTcpProxy(targetOf(site.databaseUrl), options.distanceMs);
  try {
    const simulator = await site.startSimulator();
    const bareHttp = await openBareHttp(
      simulator.url,
      { type: 'ADD_SUBSCRIPTIONS', smartcard: '90000000001', service: { caId: '101', distributor: null } },
      1,
    );
    const writers = await registerWriters(site.env['SCHEMA_REGISTRY_URL'] ?? '', TOPICS.CRM_TOPICS);
    const admin = site.kafka.admin();
    await createLedTopics(admin, [{ topic: BARE_TOPIC, numPartitions: 6 }]);
    await admin.disconnect();
    const readers = await Promise.all(
      [BARE_TOPIC, TOPICS.OUTCOME_TOPIC, TOPICS.ACTION_OUTCOME_TOPIC].map((topic) => readKeys(site.kafka, topic)),
    );
    const [bareReader, requestReader, actionReader] = readers;
    if (!bareReader || !requestReader || !actionReader) throw new Error('There are three topics to read');
    const producer = site.kafka.producer({
      allowAutoTopicCreation: false,
      maxInFlightRequests: 1,
      createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
    });
    await producer.connect();
    const service = await site.startService({
      CONAX_BASE_URL: simulator.url,
      ...(options.distanceMs > 0 ? { DATABASE_URL: through(way, site.databaseUrl) } : {}),
    });

    const times: Times[] = [];
    for (let n = 1; n <= WARM_UP + options.events; n += 1) {
      const { key, value } = encodeEvent(writers, newSubscriber(n));
      const bareKafka = await timed(async () => {
        const seen = bareReader.seen(key);
        await producer.send({ topic: BARE_TOPIC, messages: [{ key, value }], acks: -1 });
        await seen;
      });
      const bareHttpMs = await timed(() => bareHttp.call());
      const begunAt = performance.now();
      const both = Promise.all([requestReader.seen(key), actionReader.seen(key)]);
      await producer.send({ topic: TOPICS.CRM_TOPICS, messages: [{ key, value }], acks: -1 });
      const [requestAt, actionAt] = await both;
      if (n > WARM_UP) {
        times.push({
          bareKafka,
          bareHttp: bareHttpMs,
          requestOutcome: requestAt - begunAt,
          actionOutcome: actionAt - begunAt,
        });
      }
      // Nothing is to be in step with anybody's clock.
      await pause(10 + Math.random() * 60);
    }
    await service.stop();
    await Promise.all([producer.disconnect(), bareHttp.close(), ...readers.map((reader) => reader.close())]);
    await tell(report, site, times);
  } finally {
    await way.close();
    await site.close();
  }
}

async function tell(report: Report, site: Site, times: readonly Times[]): Promise<void> {
  const column = (name: keyof Times): number[] => times.map((one) => one[name]);
  const cells = (values: readonly number[]): string =>
    `p50 ${quantile(values, 0.5).toFixed(1)} ms, p99 ${quantile(values, 0.99).toFixed(1)} ms`;
  const floor = times.map(({ bareKafka, bareHttp }) => bareKafka + bareHttp);
  const whole = times.map(({ requestOutcome, actionOutcome }) => Math.max(requestOutcome, actionOutcome));
  report.line(`bare Kafka round trip: ${cells(column('bareKafka'))}`);
  report.line(`bare HTTP exchange: ${cells(column('bareHttp'))}`);
  report.line(`event to request outcome: ${cells(column('requestOutcome'))}`);
  report.line(`event to action outcome: ${cells(column('actionOutcome'))}`);
  const [p50, p99] = [0.5, 0.99].map((share) => quantile(whole, share) / quantile(floor, share));
  report.line(
    `both outcomes, as a ratio to one round trip plus one exchange: p50 ${p50?.toFixed(2)}, p99 ${p99?.toFixed(2)}; ` +
      `${times.length} events, ${loadLine()}`,
  );
  const steps = await site.db.query<{ step: string; p50: number; p99: number }>(STEPS, [WARM_UP]);
  for (const { step, p50: half, p99: most } of steps) {
    report.line(`  ${step}: p50 ${half.toFixed(1)} ms, p99 ${most.toFixed(1)} ms`);
  }
  report.check('each event had both outcomes', true, `${times.length} events`);
  report.check('p50 within ten of the floor (aim 5)', (p50 ?? 99) <= 10, p50?.toFixed(2) ?? '');
}

/** Where the time goes between the timestamps that are stored anyway; each is when a transaction began, not its end. */
const STEPS = /* sql */ `
with one as (
  select i.message_timestamp as produced, i.received_at as taken, a.started_at as called, r.executed_at as answered,
         o.published_at as marked
    from inbox i
    join request r on r.inbox_id = i.id
    join attempt a on a.request_number = r.number
    join outbox o on o.request_number = r.number
   where i.id > $1
), step (position, step, ms) as (
  select 1, 'Kafka to the intake transaction', extract(epoch from taken - produced) * 1000 from one
  union all select 2, 'intake transaction, wake-up, claim, to the call', extract(epoch from called - taken) * 1000 from one
  union all select 3, 'the call, to the finishing transaction', extract(epoch from answered - called) * 1000 from one
  union all select 4, 'finishing, wake-up, publishing, to the mark', extract(epoch from marked - answered) * 1000 from one
)
select step, percentile_cont(0.5) within group (order by ms)::float8 as p50,
       percentile_cont(0.99) within group (order by ms)::float8 as p99
  from step group by position, step order by position`;

async function timed(work: () => Promise<void>): Promise<number> {
  const begunAt = performance.now();
  await work();
  return performance.now() - begunAt;
}

interface KeyReader {
  /** Resolves with the time (`performance.now()`) at which a message with the key arrived. */
  seen(key: string): Promise<number>;
  close(): Promise<void>;
}

async function readKeys(kafka: Kafka, topic: string): Promise<KeyReader> {
  const waiting = new Map<string, (at: number) => void>();
  const consumer = kafka.consumer({ groupId: `bench-${topic}-${randomUUID()}` });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  const joined = new Promise<void>((resolve) => {
    consumer.on(consumer.events.GROUP_JOIN, () => resolve());
  });
  await consumer.run({
    autoCommit: false,
    eachMessage: ({ message }) => {
      waiting.get(message.key?.toString() ?? '')?.(performance.now());
      return Promise.resolve();
    },
  });
  await joined;
  return {
    seen: (key) =>
      new Promise((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error(`Nothing with key ${key} in ${topic}`)), WAIT_MS);
        waiting.set(key, (at) => {
          waiting.delete(key);
          clearTimeout(timer);
          resolve(at);
        });
      }),
    close: () => consumer.disconnect(),
  };
}

import { readFileSync } from 'node:fs';
import { SchemaRegistry, SchemaType } from '@kafkajs/confluent-schema-registry';
import { Kafka, logLevel, Partitioners } from 'kafkajs';
import type { Subscription } from '../../src/events/crm.generated.ts';
import { avroRecord, type HistoryEvent, randomHistories } from '../support/histories.ts';

/** Random histories, produced all the time, by a CRM with ways of its own to Kafka and registry. */
export interface Load {
  /** The eventIds that Kafka has acknowledged. */
  readonly sent: ReadonlySet<string>;
  /** As the histories that were begun leave them, once `finish` has resolved. */
  readonly finalSnapshots: readonly Subscription[];
  /** The next events that Kafka acknowledges: about `count`. */
  nextSent(count: number): Promise<HistoryEvent[]>;
  /** From now on service action events come in a schema that nobody has seen. */
  newSchema(): Promise<void>;
  /** Sends what is left of the histories, at once, and stops. */
  finish(): Promise<void>;
  /** Stops at once, whatever is left. */
  abandon(): Promise<void>;
}

export interface LoadOptions {
  readonly brokers: string;
  readonly registryUrl: string;
  readonly topic: string;
  readonly seed: number;
  readonly eventsPerSecond: number;
}

const BATCHES_PER_SECOND = 10;
const SUBSCRIPTIONS = 40;

/** Begins to produce. */
export async function startLoad(options: LoadOptions): Promise<Load> {
  const kafka = new Kafka({ brokers: [options.brokers], clientId: 'crm-load', logLevel: logLevel.NOTHING });
  const producer = kafka.producer({
    allowAutoTopicCreation: false,
    maxInFlightRequests: 1,
    createPartitioner: Partitioners.DefaultPartitioner,
    retry: { retries: 2, initialRetryTime: 50, maxRetryTime: 200 },
  });
  await producer.connect();
  const registry = new SchemaRegistry({ host: options.registryUrl });
  const ids = new Map<string, number>();
  const sent = new Set<string>();
  const finalSnapshots: Subscription[] = [];
  const listeners = new Set<(events: readonly HistoryEvent[]) => void>();
  const batchSize = Math.ceil(options.eventsPerSecond / BATCHES_PER_SECOND);
  let events: HistoryEvent[] = [];
  let sets = 0;
  let schemas = 0;
  const pacing = new AbortController();
  const abandoning = new AbortController();

  const done = produce();
  // The failure is told by `finish`.
  done.catch(() => {});
  return {
    sent,
    finalSnapshots,
    nextSent: (count) =>
      new Promise((resolve) => {
        const got: HistoryEvent[] = [];
        const listener = (batch: readonly HistoryEvent[]): void => {
          got.push(...batch);
          if (got.length < count) return;
          listeners.delete(listener);
          resolve(got);
        };
        listeners.add(listener);
      }),
    async newSchema() {
      schemas += 1;
      await register('com.crm.subscription.v1.ServiceActionEvent', `NOT_USED_${schemas}`);
    },
    async finish() {
      pacing.abort();
      await done;
      await producer.disconnect();
    },
    async abandon() {
      abandoning.abort();
      await done.catch(() => {});
      await producer.disconnect();
    },
  };

  async function produce(): Promise<void> {
    while (!abandoning.signal.aborted && (!pacing.signal.aborted || events.length > 0)) {
      if (events.length === 0) begin();
      const nextAt = performance.now() + 1_000 / BATCHES_PER_SECOND;
      await send(events.splice(0, pacing.signal.aborted ? 500 : batchSize));
      if (!pacing.signal.aborted) await until(nextAt);
    }
  }

  function begin(): void {
    const histories = randomHistories(options.seed + sets, { subscriptions: SUBSCRIPTIONS, prefix: `7${sets}` });
    sets += 1;
    events = [...histories.events];
    finalSnapshots.push(...histories.finalSnapshots);
  }

  /** Repeated until Kafka takes the batch, as a whole: so that the order of each key holds. */
  async function send(batch: readonly HistoryEvent[]): Promise<void> {
    const messages = [];
    for (const event of batch) messages.push({ key: event.subscription.number, value: await encoded(event) });
    while (!abandoning.signal.aborted) {
      try {
        await producer.send({ topic: options.topic, messages, acks: -1, timeout: 2_000 });
        break;
      } catch {
        await until(performance.now() + 100);
      }
    }
    for (const { eventId } of batch) sent.add(eventId);
    for (const listener of listeners) listener(batch);
  }

  async function encoded(event: HistoryEvent): Promise<Buffer> {
    const { schema, value } = avroRecord(event);
    return registry.encode(ids.get(schema) ?? (await register(schema)), value);
  }

  async function register(fullName: string, newSymbol?: string): Promise<number> {
    const ours = readFileSync(new URL(`../../schemas/${fullName}.avsc`, import.meta.url), 'utf8');
    const schema = newSymbol === undefined ? ours : ours.replace('"ADD_SERVICE",', `"ADD_SERVICE",\n"${newSymbol}",`);
    const { id } = await registry.register(
      { type: SchemaType.AVRO, schema },
      { subject: `${options.topic}-${fullName}` },
    );
    // The client's cache is filled now: encoding asks the registry no more.
    await registry.getSchema(id);
    ids.set(fullName, id);
    return id;
  }
}

/** The pace of the load, not a wait for anything. */
function until(at: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.max(0, at - performance.now())));
}

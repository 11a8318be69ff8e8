import { readFileSync } from 'node:fs';
import { SchemaRegistry, SchemaType } from '@kafkajs/confluent-schema-registry';
import { Kafka, logLevel, Partitioners } from '../../src/platform/kafkajs/index.ts';
import type { Subscription } from '../../src/events/crm.generated.ts';
import { avroRecord, carelesslyDelivered, type HistoryEvent, randomHistories } from '../support/histories.ts';
import { randomFrom } from '../support/random.ts';

/** Random histories, produced all the time, by a CRM with ways of its own to Kafka and registry. */
export interface Load {
  /** The eventIds that Kafka has acknowledged. */
  readonly sent: ReadonlySet<string>;
  /** How many messages Kafka has acknowledged, repeats and poison included. */
  readonly messages: number;
  /** As the histories that were begun leave them, once `finish` has resolved. */
  readonly finalSnapshots: readonly Subscription[];
  /** The next events that Kafka acknowledges: about `count`. */
  nextSent(count: number): Promise<HistoryEvent[]>;
  /** From now on service action events come in a schema that nobody has seen. */
  newSchema(): Promise<void>;
  /** Sends bytes that are no event, each under its own key. */
  poison(messages: readonly Poison[]): Promise<void>;
  /** Sends what is left of the histories, at once, and stops. */
  finish(): Promise<void>;
  /** Stops at once, whatever is left. */
  abandon(): Promise<void>;
}

export interface Poison {
  readonly key: string;
  readonly value: Buffer | null;
}

export interface LoadOptions {
  readonly brokers: string;
  readonly registryUrl: string;
  readonly topic: string;
  readonly seed: number;
  readonly eventsPerSecond: number;
  /** Some events come late, and some again; false by default. */
  readonly careless?: boolean;
}

const BATCHES_PER_SECOND = 10;
const SUBSCRIPTIONS = 40;
/** How many events of a careless transport come again. */
const REPEATED = 0.03;
/** A prefix has three digits: a CA id has no room for more. */
const SETS_MAX = 1_000;

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
  const random = randomFrom(options.seed);
  let events: HistoryEvent[] = [];
  let previous: readonly HistoryEvent[] = [];
  let messages = 0;
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
    get messages() {
      return messages;
    },
    poison: (poison) => untilTaken([...poison]),
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
    if (sets === SETS_MAX) throw new Error(`The load is at its end after ${SETS_MAX} sets of histories.`);
    const seed = options.seed + sets;
    const histories = randomHistories(seed, { subscriptions: SUBSCRIPTIONS, prefix: String(sets).padStart(3, '0') });
    sets += 1;
    events =
      options.careless === true ? carelesslyDelivered(seed, histories.events, { late: true }) : [...histories.events];
    finalSnapshots.push(...histories.finalSnapshots);
  }

  async function send(batch: readonly HistoryEvent[]): Promise<void> {
    const again = options.careless === true ? previous.filter(() => random.chance(REPEATED)) : [];
    previous = batch;
    const values = [];
    for (const event of [...batch, ...again]) {
      values.push({ key: event.subscription.number, value: await encoded(event) });
    }
    await untilTaken(values);
    for (const { eventId } of batch) sent.add(eventId);
    for (const listener of listeners) listener(batch);
  }

  /** Repeated until Kafka takes the batch, as a whole: so that the order of each key holds. */
  async function untilTaken(batch: { key: string; value: Buffer | null }[]): Promise<void> {
    while (!abandoning.signal.aborted) {
      try {
        await producer.send({ topic: options.topic, messages: batch, acks: -1, timeout: 2_000 });
        messages += batch.length;
        return;
      } catch {
        await until(performance.now() + 100);
      }
    }
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

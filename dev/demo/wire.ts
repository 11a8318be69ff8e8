import { readFileSync } from 'node:fs';
import { SchemaRegistry, SchemaType } from '@kafkajs/confluent-schema-registry';
import { type Consumer, type IHeaders, Kafka, logLevel } from 'kafkajs';
import type { CrmActionOutcome } from '../../src/outcomes/outcome.generated.ts';
import type { CrmEvent } from './crm.ts';
import type { Message } from './journey.ts';

export interface Topics {
  readonly events: string;
  readonly actionOutcomes: string;
  readonly deadLetters: string;
}

/** The CRM's side of Kafka: it writes events and reads what became of them. */
export interface CrmWire {
  /** Writes the messages in order. */
  send(key: string, messages: readonly Message[]): Promise<void>;
  /** Resolves with the action's first outcome, also where it came before the call. */
  actionOutcome(actionId: string): Promise<CrmActionOutcome>;
  /** Resolves with the `dead-letter-reason` of the next message with that key that was not asked for yet. */
  deadLetterReason(key: string): Promise<string>;
  close(): Promise<void>;
}

/** Connects to Kafka and the registry as the CRM and its outcome reader would. */
export async function connectCrm(options: { brokers: string; registryUrl: string; topics: Topics }): Promise<CrmWire> {
  const { topics } = options;
  const kafka = new Kafka({ brokers: options.brokers.split(','), clientId: 'demo-crm', logLevel: logLevel.NOTHING });
  const registry = new SchemaRegistry({ host: options.registryUrl });
  const producer = kafka.producer({ allowAutoTopicCreation: false, maxInFlightRequests: 1 });
  const outcomes = mailbox<CrmActionOutcome>();
  const deadLetters = mailbox<string>();
  const consumers = [
    await consume(kafka, topics.actionOutcomes, async (_key, value) => {
      const outcome = (await registry.decode(value)) as CrmActionOutcome;
      outcomes.put(outcome.actionId, outcome);
    }),
    await consume(kafka, topics.deadLetters, (key, _value, headers) => {
      deadLetters.put(key, headers['dead-letter-reason']?.toString() ?? '');
    }),
  ];
  await producer.connect();
  return {
    send: async (key, messages) => {
      const values = [];
      for (const message of messages) values.push({ key, value: await encoded(registry, topics.events, message) });
      await producer.send({ topic: topics.events, messages: values, acks: -1 });
    },
    actionOutcome: (actionId) => outcomes.take(actionId),
    deadLetterReason: (key) => deadLetters.take(key),
    close: async () => {
      await Promise.all([producer.disconnect(), ...consumers.map((consumer) => consumer.disconnect())]);
    },
  };
}

async function encoded(registry: SchemaRegistry, topic: string, message: Message): Promise<Buffer> {
  if (message.kind === 'bytes') return message.value;
  const { event } = message;
  const schema = readFileSync(`schemas/${event.schema}.avsc`, 'utf8');
  if (message.kind === 'event') return registry.encode(await idOf(registry, topic, event, schema), event.value);
  // A newer CRM knows one symbol more.
  const newer = schema.replace('"ADD_SERVICE",', `"ADD_SERVICE",\n"${message.symbol}",`);
  return registry.encode(await idOf(registry, topic, event, newer), { ...event.value, type: message.symbol });
}

async function idOf(registry: SchemaRegistry, topic: string, event: CrmEvent, schema: string): Promise<number> {
  const { id } = await registry.register({ type: SchemaType.AVRO, schema }, { subject: `${topic}-${event.schema}` });
  return id;
}

async function consume(
  kafka: Kafka,
  topic: string,
  take: (key: string, value: Buffer, headers: IHeaders) => Promise<void> | void,
): Promise<Consumer> {
  const consumer = kafka.consumer({ groupId: `demo-${topic}-${process.pid}-${Date.now()}`, maxWaitTimeInMs: 50 });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  const joined = new Promise<void>((resolve) => {
    consumer.on(consumer.events.GROUP_JOIN, () => resolve());
  });
  await consumer.run({
    eachMessage: async ({ message }) =>
      take(String(message.key), message.value ?? Buffer.alloc(0), message.headers ?? {}),
  });
  await joined;
  return consumer;
}

/** Values by key; whoever asks first gets the first one, before or after it came. */
function mailbox<T>(): { put(key: string, value: T): void; take(key: string): Promise<T> } {
  const waiting = new Map<string, ((value: T) => void)[]>();
  const arrived = new Map<string, T[]>();
  return {
    put(key, value) {
      const next = waiting.get(key)?.shift();
      if (next) next(value);
      else arrived.set(key, [...(arrived.get(key) ?? []), value]);
    },
    take(key) {
      const value = arrived.get(key)?.shift();
      if (value) return Promise.resolve(value);
      return new Promise((resolve) => {
        waiting.set(key, [...(waiting.get(key) ?? []), resolve]);
      });
    },
  };
}

import { readFileSync } from 'node:fs';
import { SchemaRegistry, SchemaType } from '@kafkajs/confluent-schema-registry';
import type { Consumer, IHeaders } from 'kafkajs';
import { Kafka, logLevel } from '../../src/platform/kafkajs/index.ts';
import type { CrmActionOutcome, ProvisioningRequestOutcome } from '../../src/outcomes/outcome.generated.ts';
import type { Message } from './journey.ts';

export interface Topics {
  readonly events: string;
  readonly requestOutcomes: string;
  readonly actionOutcomes: string;
  readonly deadLetters: string;
}

/** A message as it came out of a topic. */
export interface Received<T> {
  readonly key: string | null;
  readonly headers: Readonly<Record<string, string>>;
  readonly value: T;
}

/** What came out of Kafka since the connection was made, in order of arrival. */
export interface Arrivals {
  readonly requestOutcomes: Received<ProvisioningRequestOutcome>[];
  readonly actionOutcomes: Received<CrmActionOutcome>[];
  readonly deadLetters: Received<Buffer>[];
}

/** The CRM's side of Kafka: it writes events and reads what became of them. */
export interface CrmWire {
  /** Writes the messages, in order for each key. */
  send(
    messages: readonly { readonly key: string; readonly message: Message; readonly headers?: IHeaders }[],
  ): Promise<void>;
  readonly arrivals: Arrivals;
  /** Resolves with what `find` gives as soon as it gives something; asked again whenever a message arrives. */
  until<T>(find: (arrivals: Arrivals) => T | undefined, what: string, deadlineMs: number): Promise<T>;
  close(): Promise<void>;
}

/** Connects to Kafka and the registry as the CRM and its outcome reader would. */
export async function connectCrm(options: { brokers: string; registryUrl: string; topics: Topics }): Promise<CrmWire> {
  const { topics } = options;
  const kafka = new Kafka({ brokers: options.brokers.split(','), clientId: 'crm', logLevel: logLevel.NOTHING });
  const registry = new SchemaRegistry({ host: options.registryUrl });
  const encode = encoder(registry, topics.events);
  const producer = kafka.producer({ allowAutoTopicCreation: false, maxInFlightRequests: 1 });
  const arrivals: Arrivals = { requestOutcomes: [], actionOutcomes: [], deadLetters: [] };
  const waiting = new Set<() => void>();
  const decoded = async <T>(value: Buffer): Promise<T> => (await registry.decode(value)) as T;
  const consumers = await Promise.all([
    consume(kafka, topics.requestOutcomes, arrivals.requestOutcomes, decoded, tell),
    consume(kafka, topics.actionOutcomes, arrivals.actionOutcomes, decoded, tell),
    consume(kafka, topics.deadLetters, arrivals.deadLetters, (value: Buffer) => Promise.resolve(value), tell),
  ]);
  await producer.connect();
  return {
    arrivals,
    async send(messages) {
      const values = [];
      for (const { key, message, headers = {} } of messages)
        values.push({ key, value: await encode(message), headers });
      await producer.send({ topic: topics.events, messages: values, acks: -1 });
    },
    until: (find, what, deadlineMs) =>
      new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
          waiting.delete(look);
          reject(new Error(`Not seen within ${deadlineMs} ms: ${what}`));
        }, deadlineMs);
        const look = (): void => {
          const found = find(arrivals);
          if (found === undefined) return;
          waiting.delete(look);
          clearTimeout(timer);
          resolve(found);
        };
        waiting.add(look);
        look();
      }),
    close: async () => {
      await Promise.all([producer.disconnect(), ...consumers.map((consumer) => consumer.disconnect())]);
    },
  };

  function tell(): void {
    for (const look of waiting) look();
  }
}

function encoder(registry: SchemaRegistry, topic: string): (message: Message) => Promise<Buffer> {
  const ids = new Map<string, Promise<number>>();
  return async (message) => {
    if (message.kind === 'bytes') return message.value;
    const { event } = message;
    const symbol = message.kind === 'newer-crm' ? message.symbol : null;
    const name = `${event.schema} ${symbol}`;
    const id = ids.get(name) ?? register(registry, topic, event.schema, symbol);
    ids.set(name, id);
    const value = await registry.encode(await id, symbol === null ? event.value : { ...event.value, type: symbol });
    return message.kind === 'cut' ? value.subarray(0, message.bytes) : value;
  };
}

async function register(
  registry: SchemaRegistry,
  topic: string,
  fullName: string,
  newSymbol: string | null,
): Promise<number> {
  const ours = readFileSync(new URL(`../../schemas/${fullName}.avsc`, import.meta.url), 'utf8');
  // A newer CRM knows one symbol more.
  const schema = newSymbol === null ? ours : ours.replace('"ADD_SERVICE",', `"ADD_SERVICE",\n"${newSymbol}",`);
  const { id } = await registry.register({ type: SchemaType.AVRO, schema }, { subject: `${topic}-${fullName}` });
  return id;
}

async function consume<T>(
  kafka: Kafka,
  topic: string,
  arrivals: Received<T>[],
  decode: (value: Buffer) => Promise<T>,
  tell: () => void,
): Promise<Consumer> {
  const consumer = kafka.consumer({ groupId: `crm-${topic}-${process.pid}-${Date.now()}`, maxWaitTimeInMs: 50 });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  const joined = new Promise<void>((resolve) => {
    consumer.on(consumer.events.GROUP_JOIN, () => resolve());
  });
  await consumer.run({
    eachMessage: async ({ message }) => {
      const value = await decode(message.value ?? Buffer.alloc(0));
      arrivals.push({ key: message.key?.toString() ?? null, headers: texts(message.headers), value });
      tell();
    },
  });
  await joined;
  return consumer;
}

function texts(headers: IHeaders | undefined): Record<string, string> {
  return Object.fromEntries(Object.entries(headers ?? {}).map(([name, value]) => [name, value?.toString() ?? '']));
}

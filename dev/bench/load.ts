import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { SchemaRegistry, SchemaType } from '@kafkajs/confluent-schema-registry';
import avro, { type Type } from 'avsc';
import type { Kafka } from 'kafkajs';
import kafkajs from '../../src/platform/kafkajs/index.ts';
import type { Subscription } from '../../src/events/crm.generated.ts';
import { CRM_RECORDS } from '../../src/events/decode.ts';
import { avroRecord, type HistoryEvent, randomHistories } from '../../test/support/histories.ts';

/** What a CRM writes in a day, and what must be true after it. */
export interface Load {
  readonly events: readonly HistoryEvent[];
  /** As the last event of each subscription left it. */
  readonly finalSnapshots: readonly Subscription[];
  /** CRM actions; each has one to three events. */
  readonly actions: number;
  /** Every smart card that any event speaks of. */
  readonly smartcards: ReadonlySet<string>;
}

/** An event as Kafka takes it. */
export interface Encoded {
  readonly key: string;
  readonly value: Buffer;
}

const GROUP_SUBSCRIPTIONS = 1_000;

/**
 * Random histories of so many subscriptions with at least so many events in all, a few more because an action is not
 * cut. The same seed gives the same events. The subscriptions of a group act in turn, and so do the groups.
 */
export function makeLoad(options: { events: number; subscriptions: number; seed: number }): Load {
  const groups = Math.ceil(options.subscriptions / GROUP_SUBSCRIPTIONS);
  const perSubscription = options.events / options.subscriptions;
  const parts = Array.from({ length: groups }, (_, group) => {
    const subscriptions = Math.min(GROUP_SUBSCRIPTIONS, options.subscriptions - group * GROUP_SUBSCRIPTIONS);
    const { events } = randomHistories(options.seed + group, {
      subscriptions,
      actions: Math.ceil(perSubscription * 1.5),
      prefix: String(group + 1),
    });
    return cutBetweenSubscriptions(events, Math.ceil(perSubscription * subscriptions));
  });
  const longest = Math.max(...parts.map((events) => events.length));
  const events = Array.from({ length: longest }, (_, index) => parts.flatMap((part) => part[index] ?? [])).flat();
  const last = new Map<string, Subscription>();
  for (const { subscription } of events) {
    if ((last.get(subscription.number)?.version ?? -1) <= subscription.version)
      last.set(subscription.number, subscription);
  }
  return {
    events,
    finalSnapshots: [...last.values()],
    actions: new Set(events.map(({ action }) => action.id)).size,
    smartcards: new Set(
      events.flatMap(({ subscription }) =>
        subscription.installedItems.flatMap(({ kind, caId }) => (kind === 'SMARTCARD' && caId !== null ? [caId] : [])),
      ),
    ),
  };
}

/** What a subscription does in one go stays together: some actions call for the next one. */
function cutBetweenSubscriptions(events: readonly HistoryEvent[], atLeast: number): readonly HistoryEvent[] {
  let end = atLeast;
  while (end < events.length && events[end]?.subscription.number === events[end - 1]?.subscription.number) end += 1;
  return events.slice(0, end);
}

/** The event of a new subscriber with one card, one service and no set-top box: one ADD_SUBSCRIPTIONS. */
export function newSubscriber(n: number): HistoryEvent {
  const number = `NEW-${n}`;
  return {
    family: 'SUBSCRIPTION',
    eventId: randomUUID(),
    occurredAt: Date.now(),
    type: 'BECOME_SUBSCRIBER',
    action: {
      id: randomUUID(),
      number: `${number}-1`,
      transactionReference: null,
      executedAt: Date.now(),
      executedBy: 'bench',
      facets: 1,
    },
    subscription: {
      id: `id-${number}`,
      number,
      version: 1,
      state: 'EFFECTIVE',
      services: [
        {
          id: `service-${n}`,
          productId: 'product-sports',
          productCode: 'sports',
          productAlternativeCode: null,
          caId: '101',
          state: 'EFFECTIVE',
          distributor: null,
        },
      ],
      installedItems: [
        {
          id: `item-${n}`,
          serialNumber: `serial-${n}`,
          alternativeCode: null,
          kind: 'SMARTCARD',
          caId: String(n).padStart(11, '0'),
          distributor: null,
        },
      ],
    },
    movedServices: [],
    movedInstalledItems: [],
  };
}

/** The CRM's own Avro types, with the id under which the registry knows each. */
export type Writers = ReadonlyMap<string, { readonly type: Type; readonly id: number }>;

/** Types with these ids; no registry knows them. */
export function unregisteredWriters(): Writers {
  return new Map(SCHEMAS.map((name, index) => [name, { type: crmType(name), id: index + 1 }]));
}

/** Registers the schemas as the CRM would. */
export async function registerWriters(registryUrl: string, topic: string): Promise<Writers> {
  const registry = new SchemaRegistry({ host: registryUrl });
  const writers = SCHEMAS.map(async (name) => {
    const { id } = await registry.register(
      { type: SchemaType.AVRO, schema: schemaText(name) },
      { subject: `${topic}-${name}` },
    );
    return [name, { type: crmType(name), id }] as const;
  });
  return new Map(await Promise.all(writers));
}

const SCHEMAS = Object.values(CRM_RECORDS);

function schemaText(name: string): string {
  return readFileSync(new URL(`../../schemas/${name}.avsc`, import.meta.url), 'utf8');
}

function crmType(name: string): Type {
  return avro.Type.forSchema(JSON.parse(schemaText(name)) as avro.Schema);
}

export function encodeEvent(writers: Writers, event: HistoryEvent): Encoded {
  const { schema, value } = avroRecord(event);
  const writer = writers.get(schema);
  if (!writer) throw new Error(`No schema ${schema}`);
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(writer.id, 1);
  return { key: event.subscription.number, value: Buffer.concat([prefix, writer.type.toBuffer(value)]) };
}

const SEND_MESSAGES = 1_000;

/** Writes messages in their order, for each key. */
export async function produce(kafka: Kafka, topic: string, messages: readonly Encoded[]): Promise<void> {
  const producer = kafka.producer({
    allowAutoTopicCreation: false,
    maxInFlightRequests: 1,
    createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
  });
  await producer.connect();
  for (let from = 0; from < messages.length; from += SEND_MESSAGES) {
    await producer.send({ topic, messages: messages.slice(from, from + SEND_MESSAGES), acks: -1 });
  }
  await producer.disconnect();
}

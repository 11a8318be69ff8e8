/**
 * What the service is compared with (`npm run bench -- plain`): the main job for new subscribers, written with the same
 * packages in the usual way, and nothing else. It stores each request as PENDING before it sends it, sends the
 * requests of a card in their order, stores the outcome, and publishes it. A message that comes again is stored once; its
 * pending requests are sent again, and its outcomes are published again.
 */
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { SchemaRegistry } from '@kafkajs/confluent-schema-registry';
import kafkajs, { type KafkaMessage } from 'kafkajs';
import knex, { type Knex } from 'knex';
import { type Client, createClientAsync } from 'soap';
import type { SubscriptionActionEvent } from '../../src/events/crm.generated.ts';
import type { ProvisioningRequestOutcome } from '../../src/outcomes/outcome.generated.ts';

const CALLS_AT_ONCE = 32;
const ANSWERED = ['state', 'attempts', 'reference_number', 'error_code', 'error_description', 'executed_at'] as const;
const WSDL = new URL('../../schemas/conax/wsdl/authorization.wsdl', import.meta.url).pathname;

/** What is stored before the call; the database adds the rest. */
interface NewRequest {
  readonly id: string;
  readonly event_id: string;
  readonly action_id: string;
  readonly action_number: string;
  readonly subscription_number: string;
  readonly card: string;
  readonly service: string;
}

interface Request extends NewRequest {
  readonly number: string;
  readonly submitted_at: Date;
  state: 'PENDING' | 'COMPLETED' | 'REJECTED';
  attempts: number;
  reference_number: string | null;
  error_code: string | null;
  error_description: string | null;
  executed_at: Date | null;
}

const env = (name: string): string => process.env[name] ?? '';
const outcomeTopic = env('OUTCOME_TOPIC');

const db = knex({ client: 'pg', connection: env('DATABASE_URL'), pool: { min: 0, max: 10 } });
await createTables();
const cas = await createClientAsync(WSDL, { endpoint: `${env('CONAX_BASE_URL')}/authorization` });
const registry = new SchemaRegistry({ host: env('SCHEMA_REGISTRY_URL') });
const outcomeSchema = await registry.getLatestSchemaId(
  `${outcomeTopic}-com.conax.provisioning.v1.ProvisioningRequestOutcome`,
);
const kafka = new kafkajs.Kafka({ brokers: env('KAFKA_BROKERS').split(','), clientId: 'plain', logLevel: 1 });
const producer = kafka.producer({ createPartitioner: kafkajs.Partitioners.DefaultPartitioner });
await producer.connect();
const consumer = kafka.consumer({ groupId: env('KAFKA_GROUP_ID') });
await consumer.connect();
await consumer.subscribe({ topic: env('CRM_TOPICS'), fromBeginning: true });
let status = 503;
consumer.on(consumer.events.GROUP_JOIN, () => void (status = 200));
createServer((_request, response) => response.writeHead(status).end()).listen(Number(env('HTTP_PORT')), '127.0.0.1');
process.once('SIGTERM', () => {
  void consumer.disconnect().finally(() => process.exit());
});

if (env('PLAIN_WORKS_BY') === 'message') {
  await consumer.run({
    eachMessage: async ({ message }) => {
      const [pending, final] = split(await store([await decode(message)]));
      for (const request of pending) {
        await send(cas, request);
        const outcome = Object.fromEntries(ANSWERED.map((name) => [name, request[name]]));
        await db('plain_request').where('id', request.id).update(outcome);
      }
      await publish([...final, ...pending]);
    },
  });
} else {
  await consumer.run({
    eachBatch: async (given) => {
      const [pending, final] = split(await store(await Promise.all(given.batch.messages.map(decode))));
      const cards = [...Map.groupBy(pending, ({ card }) => card).values()].values();
      const sendCards = async (): Promise<void> => {
        for (const requests of cards) {
          for (const request of requests) await send(cas, request);
          await given.heartbeat();
        }
      };
      await Promise.all(Array.from({ length: CALLS_AT_ONCE }, sendCards));
      if (pending.length > 0) await db('plain_request').insert(pending).onConflict('id').merge(ANSWERED);
      await publish([...final, ...pending]);
    },
  });
}

async function decode({ value }: KafkaMessage): Promise<SubscriptionActionEvent> {
  return (await registry.decode(value ?? Buffer.alloc(0))) as SubscriptionActionEvent;
}

/** Returns the requests of the events in their order, with those of events that were stored before. */
async function store(events: readonly SubscriptionActionEvent[]): Promise<Request[]> {
  const requests = events.flatMap(plan);
  const [storedEvents, stored] = await db.transaction(async (tx) => [
    await tx('plain_event')
      .insert(events.map((event) => ({ id: event.eventId, type: event.type, event: JSON.stringify(event) })))
      .onConflict('id')
      .ignore()
      .returning<{ id: string }[]>('id'),
    requests.length === 0
      ? []
      : await tx('plain_request')
          .insert(requests)
          .onConflict(['event_id', 'card', 'service'])
          .ignore()
          .returning<Request[]>('*'),
  ]);
  if (storedEvents.length === events.length) return stored;
  return await db<Request>('plain_request')
    .whereIn(
      'event_id',
      events.map(({ eventId }) => eventId),
    )
    .orderBy('number');
}

/** One ADD_SUBSCRIPTIONS for each smart card and each effective service of a new subscriber. */
function plan({ type, eventId, action, subscription }: SubscriptionActionEvent): NewRequest[] {
  if (type !== 'BECOME_SUBSCRIBER') return [];
  const cards = subscription.installedItems.filter(({ kind }) => kind === 'SMARTCARD');
  const services = subscription.services.filter(({ state }) => state === 'EFFECTIVE');
  return cards.flatMap((card) =>
    services.map((service) => ({
      id: randomUUID(),
      event_id: eventId,
      action_id: action.id,
      action_number: action.number,
      subscription_number: subscription.number,
      card: card.caId ?? '',
      service: service.caId ?? '',
      submitted_at: new Date(),
      state: 'PENDING',
      attempts: 0,
      reference_number: null,
      error_code: null,
      error_description: null,
      executed_at: null,
    })),
  );
}

function split(requests: readonly Request[]): [pending: Request[], final: Request[]] {
  return [requests.filter(({ state }) => state === 'PENDING'), requests.filter(({ state }) => state !== 'PENDING')];
}

/** Writes the answer into the request. A call that fails throws, and Kafka brings the message again. */
async function send(client: Client, request: Request): Promise<void> {
  const [answer] = (await client['AddSubscriptionsAsync']({
    AddSubscriptionsRequest: {
      CaClientIds: { CaClientId: [request.card] },
      ProductIds: { ProductId: [request.service] },
    },
  })) as [{ StatusCode: string; Message: string; ReferenceNumber?: string }];
  const isDone = answer.StatusCode === 'OK';
  request.state = isDone ? 'COMPLETED' : 'REJECTED';
  request.attempts += 1;
  request.reference_number = answer.ReferenceNumber ?? null;
  request.error_code = isDone ? null : answer.StatusCode;
  request.error_description = isDone ? null : answer.Message;
  request.executed_at = new Date();
}

async function publish(requests: readonly Request[]): Promise<void> {
  if (requests.length === 0) return;
  const messages = await Promise.all(
    requests.map(async (request) => ({
      key: request.subscription_number,
      value: await registry.encode(outcomeSchema, outcomeOf(request)),
      headers: {
        ce_id: request.id,
        ce_source: 'plain',
        ce_specversion: '1.0',
        ce_type: 'com.conax.provisioning.v1.ProvisioningRequestOutcome',
        ce_time: new Date().toISOString(),
        'content-type': 'application/avro',
      },
    })),
  );
  await producer.send({ topic: outcomeTopic, messages, acks: -1 });
}

function outcomeOf(request: Request): ProvisioningRequestOutcome {
  const submittedAt = request.submitted_at.getTime();
  return {
    eventId: request.id,
    occurredAt: Date.now(),
    requestId: request.id,
    requestNumber: Number(request.number),
    type: 'ADD_SUBSCRIPTIONS',
    outcome: request.state === 'COMPLETED' ? 'COMPLETED' : 'REJECTED',
    errorCode: request.error_code,
    errorDescription: request.error_description,
    referenceNumber: request.reference_number,
    subscriptionNumber: request.subscription_number,
    existingSmartcard: null,
    smartcards: [{ caId: request.card, distributor: null }],
    setTopBoxes: [],
    service: { caId: request.service, distributor: null },
    priority: 'REGULAR',
    attempts: request.attempts,
    submittedAt,
    scheduledAt: submittedAt,
    executedAt: request.executed_at?.getTime() ?? submittedAt,
    processName: 'TRIGGER',
    actionId: request.action_id,
    actionNumber: request.action_number,
    causationEventId: request.event_id,
    activeServices: null,
    pairedDevices: null,
  };
}

async function createTables(): Promise<void> {
  await db.schema.createTable('plain_event', (table: Knex.CreateTableBuilder) => {
    table.uuid('id').primary();
    table.text('type').notNullable();
    table.jsonb('event').notNullable();
    table.timestamp('received_at').notNullable().defaultTo(db.fn.now());
  });
  await db.schema.createTable('plain_request', (table: Knex.CreateTableBuilder) => {
    table.uuid('id').primary();
    table.bigIncrements('number', { primaryKey: false });
    for (const name of ['action_id', 'action_number', 'subscription_number', 'card', 'service'])
      table.text(name).notNullable();
    for (const name of ['reference_number', 'error_code', 'error_description']) table.text(name);
    table.uuid('event_id').notNullable();
    table.text('state').notNullable().defaultTo('PENDING').index();
    table.integer('attempts').notNullable().defaultTo(0);
    table.timestamp('submitted_at').notNullable().defaultTo(db.fn.now());
    table.timestamp('executed_at');
    table.unique(['event_id', 'card', 'service']);
  });
}

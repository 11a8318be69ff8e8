import { Registry } from '@prometheus-io/client';
import { getEventListeners } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import { addItem, addService, type CrmEvent, events, newSubscription } from '../../dev/demo/crm.ts';
import { runConsumer } from '../../src/intake/consumer.ts';
import { intakeMetrics } from '../../src/intake/metrics.ts';
import { watchProgress } from '../../src/intake/progress.ts';
import { openDatabase } from '../../src/platform/database.ts';
import { openSchemaRegistry } from '../../src/platform/schema-registry.ts';
import { migrateTopicsAndSchemas } from '../../src/platform/topics.ts';
import { eventually, type Ground, logger, metric, openGround } from '../outcomes/support.ts';
import { schemaRegistryUrl } from '../support/stack.ts';
import { startTcpProxy, targetOf, type TcpProxy, through } from '../support/tcp-proxy.ts';

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

async function open(partitions = 3): Promise<Ground> {
  const ground = await openGround('intake', { partitions });
  closers.push(() => ground.close());
  return ground;
}

async function proxyTo(url: string): Promise<TcpProxy> {
  const proxy = await startTcpProxy(targetOf(url));
  closers.push(() => proxy.close());
  return proxy;
}

let counter = 0;

/** The first action of new subscriptions, each with one card and one service. */
function activations(count: number): CrmEvent[] {
  return Array.from({ length: count }, () => {
    counter += 1;
    const subscription = newSubscription(`S${String(counter).padStart(8, '0')}`);
    addItem(subscription, 'card', 'SMARTCARD', String(counter).padStart(11, '5'));
    addService(subscription, 'sports', '101');
    return events(subscription, [{ action: 'S:ACTIVATE_SUBSCRIPTION' }]);
  }).flat();
}

/** How many rows of the inbox have which disposition. */
async function dispositionsIn(ground: Ground): Promise<Record<string, number>> {
  const rows = await ground.db.query<{ disposition: string; count: number }>(
    'select disposition, count(*) from inbox group by disposition',
  );
  return Object.fromEntries(rows.map(({ disposition, count }) => [disposition, count]));
}

function untilPlanned(ground: Ground, count: number): Promise<true> {
  return eventually(async () => {
    const { PLANNED = 0 } = await dispositionsIn(ground);
    return PLANNED >= count ? true : undefined;
  }, `${count} planned events`);
}

async function restarts(ground: Ground): Promise<number> {
  return await metric(ground, 'conax_intake_restarts_total');
}

/** An event whose type has a number that the writer's enum does not reach. */
async function withWrongSymbol(ground: Ground): Promise<Buffer> {
  const subscription = newSubscription('S-symbol');
  const [event] = events(subscription, [{ action: 'S:ACTIVATE_SUBSCRIPTION' }]);
  if (!event) throw new Error('no event');
  const bytes = await ground.encode(event);
  const other = await ground.encode({ ...event, value: { ...event.value, type: 'BECOME_SUBSCRIBER' } } as CrmEvent);
  const wrong = Buffer.from(bytes);
  // One byte in both: the first that differs.
  wrong[bytes.findIndex((byte, index) => byte !== other[index])] = 0x7e;
  return wrong;
}

describe('Reading from Kafka', () => {
  it('gives up no message for hostile ones beside it, and each of those comes out of the dead letter topic', async () => {
    const ground = await open(1);
    ground.intake();
    ground.outcomes();
    const good = activations(8);
    const [sound] = good;
    if (!sound) throw new Error('no event');
    const bytes = await ground.encode(sound);
    const head = bytes.subarray(0, 5);
    const hostile: [Buffer | null, string][] = [
      [null, 'EMPTY_MESSAGE'],
      [Buffer.alloc(0), 'EMPTY_MESSAGE'],
      [Buffer.from('<xml/>'), 'NOT_AVRO'],
      [Buffer.from('00ffffffff', 'hex'), 'UNKNOWN_SCHEMA'],
      [Buffer.concat([head, Buffer.from('truncated')]), 'UNREADABLE'],
      [bytes.subarray(0, bytes.length - 1), 'UNREADABLE'],
      [await withWrongSymbol(ground), 'UNREADABLE'],
      [Buffer.concat([head, Buffer.alloc(1_000_000, 1)]), 'UNREADABLE'],
    ];
    for (const [index, [value]] of hostile.entries()) {
      await ground.sendRaw({ value, key: `bad-${index}`, headers: { 'x-tenant': 'north' } });
      await ground.send(good.slice(index, index + 1));
    }
    await untilPlanned(ground, good.length);
    const letters = await ground.wire.until(
      ({ deadLetters }) => (deadLetters.length >= hostile.length ? deadLetters : undefined),
      'all dead letters',
      20_000,
    );
    expect(letters.map(({ key, headers }) => [key, headers['dead-letter-reason'], headers['x-tenant']])).toEqual(
      hostile.map(([, reason], index) => [`bad-${index}`, reason, 'north']),
    );
    expect(letters.map(({ value }) => value.length)).toEqual(hostile.map(([value]) => value?.length ?? 0));
    expect(letters[0]?.headers).toMatchObject({
      'dead-letter-topic': ground.topics.CRM_TOPICS,
      'dead-letter-partition': '0',
      'dead-letter-offset': '0',
    });
  });

  it('takes a snapshot of 10,000 services as it is, and the message behind it', async () => {
    const ground = await open(1);
    ground.intake();
    const large = newSubscription('S-large');
    addItem(large, 'card', 'SMARTCARD', '66600000001');
    for (let service = 0; service < 10_000; service += 1) addService(large, `s${service}`, String(service + 1));
    const [next] = activations(1);
    await ground.send([...events(large, [{ action: 'S:ACTIVATE_SUBSCRIPTION' }]), ...(next ? [next] : [])]);
    await untilPlanned(ground, 2);
    const rows = await ground.db.query(
      `select count(*) as requests from request group by subscription_number order by requests desc`,
    );
    expect(rows).toEqual([{ requests: 10_000 }, { requests: 1 }]);
  });

  it('is shared by two instances, and taken over by the other when one stops', async () => {
    const ground = await open(6);
    const first = ground.intake();
    ground.intake();
    await ground.send(activations(60));
    await untilPlanned(ground, 60);
    await first.stop();
    await ground.send(activations(60));
    await untilPlanned(ground, 120);
    const [row] = await ground.db.query<{ events: number }>(
      `select count(distinct event_id) as events from inbox where disposition = 'PLANNED'`,
    );
    expect(row).toEqual({ events: 120 });
  });

  it('stops with everything that it stored told to Kafka, so that nothing is read twice', async () => {
    const ground = await open();
    const first = ground.intake();
    await ground.send(activations(30));
    await untilPlanned(ground, 30);
    await first.stop();
    await first.stop();
    ground.intake();
    await ground.send(activations(3));
    await untilPlanned(ground, 33);
    expect(await dispositionsIn(ground)).toEqual({ PLANNED: 33 });
  });

  it('begins by itself once its topic is there', async () => {
    const ground = await open();
    const topic = `${ground.topics.CRM_TOPICS}.later`;
    const intake = ground.intake({ topics: [topic], groupId: topic });
    await eventually(() => (intake.state().detail.startsWith('waiting for Kafka') ? true : undefined), 'waiting');
    expect(await metric(ground, 'conax_intake_reading')).toBe(0);
    await migrateTopicsAndSchemas({
      kafka: ground.kafka,
      registry: ground.registry,
      crmTopics: [topic],
      outcomeTopic: ground.topics.OUTCOME_TOPIC,
      actionOutcomeTopic: ground.topics.ACTION_OUTCOME_TOPIC,
      deadLetterTopic: ground.topics.DEAD_LETTER_TOPIC,
      partitions: 1,
      replicationFactor: -1,
      logger,
    });
    await eventually(() => (intake.state().ready ? true : undefined), 'reading');
    expect(intake.state().detail).toBe('reading');
    expect(await metric(ground, 'conax_intake_reading')).toBe(1);
  });
});

describe('A consumer', () => {
  it('that ends by itself leaves nothing at the signal that would have stopped it', async () => {
    const ground = await open(1);
    const stopping = new AbortController();
    await ground.send(activations(1));
    const ended = runConsumer({
      kafka: ground.kafka,
      groupId: ground.topics.CRM_TOPICS,
      topics: [ground.topics.CRM_TOPICS],
      sessionTimeoutMs: 6_000,
      database: ground.db,
      logger,
      signal: stopping.signal,
      // kafkajs ends a consumer at once for an error of this kind.
      onBatch: () => Promise.reject(new TypeError('not one of ours')),
      onJoined: () => expect(getEventListeners(stopping.signal, 'abort')).toHaveLength(1),
      onHeard: () => {},
      onIdle: () => {},
      offsetLost: 'skip',
      progress: watchProgress({ stalledMs: 30_000, metrics: intakeMetrics(new Registry()), logger }),
    });
    await expect(ended).rejects.toThrow('not one of ours');
    expect(getEventListeners(stopping.signal, 'abort')).toEqual([]);
  });
});

describe('An outage', () => {
  it('of the database pauses reading and gives up nothing; it resumes by itself, in the same group', async () => {
    const ground = await open();
    const proxy = await proxyTo(ground.databaseUrl);
    const database = openDatabase({
      url: through(proxy, ground.databaseUrl),
      maxConnections: 5,
      applicationName: 'test-proxied',
    });
    closers.push(() => database.close());
    const intake = ground.intake({ database });
    await ground.send(activations(5));
    await untilPlanned(ground, 5);
    proxy.cut();
    await ground.send(activations(20));
    await eventually(() => (intake.state().detail.startsWith('paused') ? true : undefined), 'the pause');
    expect(await dispositionsIn(ground)).toEqual({ PLANNED: 5 });
    expect(await metric(ground, 'conax_intake_reading')).toBe(0);
    expect(await metric(ground, 'conax_intake_paused_partitions')).toBeGreaterThan(0);
    // It is not Kafka that is away.
    expect(await metric(ground, 'conax_intake_kafka_silent_seconds')).toBeLessThan(3);
    proxy.heal();
    await untilPlanned(ground, 25);
    expect(await dispositionsIn(ground)).toEqual({ PLANNED: 25 });
    expect(await restarts(ground)).toBe(0);
    await eventually(() => (intake.state().ready ? true : undefined), 'ready again');
    expect(await metric(ground, 'conax_intake_reading')).toBe(1);
    expect(await metric(ground, 'conax_intake_paused_partitions')).toBe(0);
  });

  it('of a database that answers no more is noticed, and the consumer stays in its group', async () => {
    const ground = await open();
    const proxy = await proxyTo(ground.databaseUrl);
    const database = openDatabase({
      url: through(proxy, ground.databaseUrl),
      maxConnections: 5,
      applicationName: 'test-proxied',
      statementTimeoutMs: 1_000,
      connectTimeoutMs: 1_000,
    });
    closers.push(() => database.close());
    const intake = ground.intake({ database });
    await ground.send(activations(5));
    await untilPlanned(ground, 5);
    proxy.stall();
    await ground.send(activations(20));
    await eventually(() => (intake.state().detail.startsWith('paused') ? true : undefined), 'the pause');
    proxy.cut();
    proxy.heal();
    await untilPlanned(ground, 25);
    expect(await restarts(ground)).toBe(0);
  });

  it('of the schema registry pauses reading and gives up nothing; it resumes by itself', async () => {
    const ground = await open();
    const proxy = await proxyTo(schemaRegistryUrl());
    proxy.cut();
    const registry = openSchemaRegistry({ url: through(proxy, schemaRegistryUrl()), timeoutMs: 500 });
    const intake = ground.intake({ schemas: registry });
    await ground.send(activations(10));
    await eventually(() => (intake.state().detail.startsWith('paused') ? true : undefined), 'the pause');
    proxy.stall();
    await eventually(() => (intake.state().detail.includes('did not answer') ? true : undefined), 'the stall');
    expect(await dispositionsIn(ground)).toEqual({});
    proxy.heal();
    await untilPlanned(ground, 10);
    expect(await dispositionsIn(ground)).toEqual({ PLANNED: 10 });
  });
});

describe('After the database was restored from a backup', () => {
  it('what was read since is read again, also where nothing new comes', async () => {
    const ground = await open(2);
    const before = ground.intake();
    await ground.send(activations(20));
    await untilPlanned(ground, 20);
    await before.stop();
    // The backup was made after the first messages of each partition.
    await ground.db.query(
      'truncate inbox, withheld, request, work, lane, subscription, subscription_card, crm_action cascade',
    );
    await ground.db.query('update consumer_offset set next_offset = 2');
    ground.intake();
    await untilPlanned(ground, 16);
    const rows = await ground.db.query('select min(message_offset) from inbox group by partition');
    expect(rows).toEqual([{ min: 2 }, { min: 2 }]);
  });

  it('and where the backup knows nothing of the topic, all of it is', async () => {
    const ground = await open(2);
    const before = ground.intake();
    await ground.send(activations(20));
    await untilPlanned(ground, 20);
    await before.stop();
    await ground.db.query(
      'truncate inbox, withheld, request, work, lane, subscription, subscription_card, crm_action, consumer_offset cascade',
    );
    ground.intake();
    await untilPlanned(ground, 20);
    expect(await dispositionsIn(ground)).toEqual({ PLANNED: 20 });
  });
});

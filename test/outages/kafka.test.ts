import { Kafka, logLevel } from '../../src/platform/kafkajs/index.ts';
import { afterEach, expect, test } from 'vitest';
import type { PartState } from '../../src/platform/http.ts';
import type { Service } from '../../src/service.ts';
import { action, eventually, household, outcomeOf, send } from '../support/scene.ts';
import { openSurroundings, type Surroundings } from '../support/world.ts';
import { kafkaBrokers } from '../support/stack.ts';

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

async function open(overrides: Readonly<Record<string, string>> = {}): Promise<Surroundings> {
  const world = await openSurroundings(overrides);
  closers.push(() => world.close());
  return world;
}

async function admin(): Promise<ReturnType<Kafka['admin']>> {
  const connected = new Kafka({ brokers: [kafkaBrokers()], logLevel: logLevel.NOTHING }).admin();
  await connected.connect();
  closers.push(() => connected.disconnect());
  return connected;
}

async function health(service: Service): Promise<{ status: number; intake: PartState | undefined }> {
  const answer = await fetch(`${service.url}/health/ready`);
  const { parts } = (await answer.json()) as { parts: PartState[] };
  return { status: answer.status, intake: parts.find(({ part }) => part === 'intake') };
}

const ready = (service: Service): Promise<true> =>
  eventually(async () => ((await health(service)).status === 200 ? true : undefined), 'ready');

/** Customers who subscribe, each with one pairing and one ADD; all is told to the CRM when this resolves. */
async function subscribe(world: Surroundings, prefix: string, count: number): Promise<void> {
  const actions = Array.from({ length: count }, (_, index) => {
    const id = `${prefix}${String(index).padStart(5, '0')}`;
    return action(household(`S${id}`, `44${id}`, ['1001']), { action: 'S:BECOME_SUBSCRIBER' });
  });
  await send(
    world,
    actions.flatMap(({ events }) => events),
  );
  for (const made of actions) expect((await outcomeOf(world, made)).value.outcome).toBe('PROVISIONED');
}

test('partitions that are added to the topic are read within seconds, from their beginning', async () => {
  const world = await open();
  const service = await world.startService();
  await ready(service);
  await subscribe(world, '0101', 10);
  const topic = world.env['CRM_TOPICS'] ?? '';
  const kafka = await admin();
  const led = async (): Promise<number> => {
    const { topics } = await kafka.fetchTopicMetadata({ topics: [topic] });
    return topics.flatMap(({ partitions }) => partitions.filter(({ leader }) => leader >= 0)).length;
  };
  const before = await led();
  await kafka.createPartitions({ topicPartitions: [{ topic, count: before + 6 }] });
  // The first messages come before the service knows of the partitions; the CRM's own producer has to know them.
  await eventually(async () => ((await led()) === before + 6 ? true : undefined), 'the partitions');
  const producer = new Kafka({ brokers: [kafkaBrokers()], logLevel: logLevel.NOTHING }).producer();
  await producer.connect();
  closers.push(() => producer.disconnect());
  for (let partition = before; partition < before + 6; partition += 1) {
    await producer.send({ topic, messages: [{ key: `tombstone-${partition}`, value: null, partition }] });
  }
  await eventually(
    async () => {
      const rows = await world.db.query('select distinct partition from inbox where partition >= $1', [before]);
      return rows.length === 6 ? true : undefined;
    },
    'a message of every new partition',
    30_000,
  );
  expect((await health(service)).status).toBe(200);
});

test('a rebalance in the middle of a batch loses nothing and decides nothing twice', async () => {
  const world = await open();
  const first = await world.startService();
  await ready(first);
  const actions = Array.from({ length: 40 }, (_, index) => {
    const id = `0105${String(index).padStart(5, '0')}`;
    return action(household(`S${id}`, `44${id}`, ['1001']), { action: 'S:BECOME_SUBSCRIBER' });
  });
  const group = world.settings.KAFKA_GROUP_ID;
  const kafka = await admin();
  const state = async (): Promise<string | undefined> => (await kafka.describeGroups([group])).groups[0]?.state;
  let starting: Promise<Service> | undefined;
  // Nobody can store a chunk until the lock is given back: the batch stays in hand.
  await world.db.transaction(async (tx) => {
    await tx.query('lock table subscription in exclusive mode');
    await send(
      world,
      actions.flatMap(({ events }) => events),
    );
    await eventually(async () => {
      const [row] = await tx.query<{ waiting: number }>(
        'select count(*) as waiting from pg_locks where not granted and database = (select oid from pg_database where datname = current_database())',
      );
      return (row?.waiting ?? 0) > 0 ? true : undefined;
    }, 'a chunk that waits');
    starting = world.startService();
    await eventually(async () => ((await state()) === 'PreparingRebalance' ? true : undefined), 'the rebalance');
  });
  await starting;
  for (const made of actions) expect((await outcomeOf(world, made)).value.outcome).toBe('PROVISIONED');
  await eventually(async () => ((await state()) === 'Stable' ? true : undefined), 'the new assignment');
  const { groups } = await kafka.describeGroups([group]);
  expect(groups[0]?.members).toHaveLength(2);
  const decided = await world.db.query<{ times: number }>(
    `select count(*) as times from inbox where disposition <> 'DUPLICATE' group by event_id`,
  );
  expect(decided.map(({ times }) => times)).toEqual(actions.map(() => 1));
  expect(await world.journal()).toHaveLength(2 * actions.length);
  await subscribe(world, '0106', 20);
});

test('a topic that is missing is waited for, and readiness says which part waits', async () => {
  const world = await open();
  const kafka = await admin();
  const [topic = ''] = world.settings.CRM_TOPICS;
  await kafka.deleteTopics({ topics: [topic] });
  const service = await world.startService();
  const { status, intake } = await eventually(async () => {
    const seen = await health(service);
    return seen.intake?.detail.startsWith('waiting for Kafka') === true ? seen : undefined;
  }, 'waiting');
  expect(status).toBe(503);
  expect(intake?.detail).toMatch(/does not host this topic/);
  await kafka.createTopics({ topics: [{ topic, numPartitions: 3 }] });
  await ready(service);
  await subscribe(world, '0102', 3);
});

test('offsets that are reset to the beginning, and messages that are all read again, change nothing', async () => {
  const world = await open();
  const first = await world.startService();
  await subscribe(world, '0103', 20);
  const sent = (await world.journal()).length;
  const [topic = ''] = world.settings.CRM_TOPICS;
  const kafka = await admin();
  const reset = { groupId: world.settings.KAFKA_GROUP_ID, topic, earliest: true };
  // Kafka itself lets nobody do this to a group at work.
  await expect(kafka.resetOffsets(reset)).rejects.toThrow(/running instances|non-empty/i);
  await first.stop();
  await kafka.resetOffsets(reset);

  await world.startService();
  await subscribe(world, '0104', 5);
  await eventually(async () => {
    const [row] = await world.db.query<{ again: number }>(
      `select count(*) as again from inbox where disposition = 'DUPLICATE'`,
    );
    return row?.again === 20 ? true : undefined;
  }, 'every message of before, as a duplicate');
  expect(await world.journal()).toHaveLength(sent + 5 * 2);
  const ids = world.wire.arrivals.actionOutcomes.map(({ headers }) => headers['ce_id']);
  expect(new Set(ids).size).toBe(25);
});

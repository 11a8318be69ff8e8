import { CompressionTypes } from '../../src/platform/kafkajs/index.ts';
import { pino } from 'pino';
import { afterEach, describe, expect, it } from 'vitest';
import { addItem, addService, type CrmEvent, events, newSubscription } from '../../dev/demo/crm.ts';
import { eventually, type Ground, openGround } from '../outcomes/support.ts';

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

async function open(): Promise<Ground> {
  const ground = await openGround('progress', { partitions: 1 });
  closers.push(() => ground.close());
  return ground;
}

let counter = 0;

function activation(): CrmEvent {
  counter += 1;
  const subscription = newSubscription(`S${String(counter).padStart(8, '7')}`);
  addItem(subscription, 'card', 'SMARTCARD', String(counter).padStart(11, '6'));
  addService(subscription, 'sports', '101');
  const [event] = events(subscription, [{ action: 'S:ACTIVATE_SUBSCRIPTION' }]);
  if (!event) throw new Error('no event');
  return event;
}

async function untilPlanned(ground: Ground, count: number, deadlineMs = 30_000): Promise<void> {
  await eventually(
    async () => {
      const [row] = await ground.db.query<{ n: number }>(
        `select count(*) as n from inbox where disposition = 'PLANNED'`,
      );
      return row?.n === count ? true : undefined;
    },
    `${count} planned events`,
    deadlineMs,
  );
}

/** The value of a metric with the labels of the ground's only partition; undefined if it has none. */
async function ofPartition(ground: Ground, name: string): Promise<number | undefined> {
  const text = await ground.metrics.metrics();
  const labels = `topic="${ground.topics.CRM_TOPICS}",partition="0"`;
  const found = text.split('\n').find((line) => line.startsWith(`${name}{${labels}} `));
  return found === undefined ? undefined : Number(found.split(' ').at(-1));
}

async function transactionOf(ground: Ground) {
  const producer = ground.kafka.producer({
    transactionalId: `${ground.topics.CRM_TOPICS}-t`,
    idempotent: true,
    maxInFlightRequests: 1,
    transactionTimeout: 600_000,
  });
  await producer.connect();
  closers.push(() => producer.disconnect());
  return producer.transaction();
}

async function withAdmin<T>(
  ground: Ground,
  work: (admin: ReturnType<Ground['kafka']['admin']>) => Promise<T>,
): Promise<T> {
  const admin = ground.kafka.admin();
  await admin.connect();
  try {
    return await work(admin);
  } finally {
    await admin.disconnect();
  }
}

/** Deletes what is before the offset, as retention does. */
function deleteBefore(ground: Ground, offset: number): Promise<void> {
  const topic = ground.topics.CRM_TOPICS;
  return withAdmin(ground, async (admin) => {
    // kafkajs needs to have heard of the topic.
    await admin.fetchTopicOffsets(topic);
    await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: String(offset) }] });
  });
}

/** A logger whose lines can be looked at. */
function listening() {
  const lines: Record<string, unknown>[] = [];
  const logger = pino(
    { formatters: { level: (label) => ({ level: label }) } },
    { write: (line) => void lines.push(JSON.parse(line) as Record<string, unknown>) },
  );
  return { logger, errors: () => lines.filter(({ level }) => level === 'error') };
}

describe('Lag', () => {
  it('is 0 after a transaction, rolled back or not, and Kafka and PostgreSQL have the end as read', async () => {
    const ground = await open();
    ground.intake();
    const topic = ground.topics.CRM_TOPICS;
    const event = activation();
    const transaction = await transactionOf(ground);
    await transaction.send({ topic, messages: [{ key: 'k', value: await ground.encode(event) }] });
    await transaction.commit();
    const other = await transactionOf(ground);
    await other.send({ topic, messages: [{ key: 'k', value: await ground.encode(activation()) }] });
    await other.abort();
    await eventually(
      async () => ((await ofPartition(ground, 'conax_intake_lag_messages')) === 0 ? true : undefined),
      'lag 0',
    );
    // Two events and two markers.
    const committed = await eventually(async () => {
      const [of] = await withAdmin(ground, (admin) => admin.fetchOffsets({ groupId: topic, topics: [topic] }));
      return of?.partitions[0]?.offset === '4' ? '4' : undefined;
    }, 'the committed offset');
    expect(committed).toBe('4');
    expect(await ground.db.query('select next_offset from consumer_offset')).toEqual([{ next_offset: 4 }]);
    expect(await ground.db.query('select event_id from inbox')).toEqual([{ event_id: event.value.eventId }]);
  });

  it('of a partition that another instance reads is not shown', async () => {
    const ground = await open();
    const intake = ground.intake();
    await ground.send([activation()]);
    await untilPlanned(ground, 1);
    await eventually(
      async () => ((await ofPartition(ground, 'conax_intake_lag_messages')) === 0 ? true : undefined),
      'lag 0',
    );
    await intake.stop();
    expect(await ofPartition(ground, 'conax_intake_lag_messages')).toBeUndefined();
  });
});

describe('Reading that does not get on', () => {
  it('shows, with the open transaction that it waits for, until that ends', async () => {
    const ground = await open();
    const { logger, errors } = listening();
    const intake = ground.intake({ stalledMs: 1_000, logger });
    const transaction = await transactionOf(ground);
    await transaction.send({
      topic: ground.topics.CRM_TOPICS,
      messages: [{ key: 'k', value: await ground.encode(activation()) }],
    });
    await ground.send([activation()]);
    const detail = await eventually(
      () =>
        intake.state().ready || !intake.state().detail.includes('transaction') ? undefined : intake.state().detail,
      'the stall',
    );
    expect(detail).toMatch(/\/0 stays at offset 0 for \d+ s, and ends at 2: a transaction is open from offset 0 on/);
    expect(await ofPartition(ground, 'conax_intake_lag_messages')).toBe(2);
    expect(await ground.metrics.metrics()).toMatch(/^conax_intake_stalled_partitions 1$/m);
    await eventually(() => errors().find(({ msg }) => String(msg).startsWith('reading does not get on')), 'the line');
    await transaction.commit();
    await untilPlanned(ground, 2);
    await eventually(() => (intake.state().ready ? true : undefined), 'ready again');
    expect(await ground.metrics.metrics()).toMatch(/^conax_intake_stalled_partitions 0$/m);
  });
});

describe('Messages that Kafka removed unread', () => {
  async function withLoss(ground: Ground): Promise<void> {
    const before = ground.intake();
    await ground.send([activation()]);
    await untilPlanned(ground, 1);
    await before.stop();
    await ground.send(Array.from({ length: 5 }, activation));
    await deleteBefore(ground, 4);
  }

  it('are jumped over with an error line and a count, once', async () => {
    const ground = await open();
    await withLoss(ground);
    const { logger, errors } = listening();
    const intake = ground.intake({ logger });
    await untilPlanned(ground, 3);
    expect(errors()).toMatchObject([{ partition: 0, from: 1, to: 4, count: 3 }]);
    expect(await ofPartition(ground, 'conax_intake_lost_messages_total')).toBe(3);
    await intake.stop();
    ground.intake({ logger });
    await ground.send([activation()]);
    await untilPlanned(ground, 4);
    expect(errors()).toHaveLength(1);
  });

  it('while the service runs are reported too', async () => {
    const ground = await open();
    const { logger, errors } = listening();
    // It waits for its database, and what it waits with is removed meanwhile.
    let away = true;
    const database: Ground['db'] = {
      ...ground.db,
      transaction: (work) => (away ? Promise.reject(new Error('away')) : ground.db.transaction(work)),
    };
    const intake = ground.intake({ logger, database });
    await ground.send([activation(), activation()]);
    await eventually(() => (intake.state().detail.startsWith('paused') ? true : undefined), 'the pause');
    await deleteBefore(ground, 2);
    await eventually(() => errors().find(({ to }) => to === 2), 'the line');
    // Nothing is left that it could pause for.
    await eventually(() => (intake.state().ready ? true : undefined), 'ready again');
    expect(await ofPartition(ground, 'conax_intake_lost_messages_total')).toBe(2);
    away = false;
    await ground.send([activation()]);
    await untilPlanned(ground, 1);
  });

  it('stop the partition with KAFKA_OFFSET_LOST=stop, until the service starts with skip', async () => {
    const ground = await open();
    await withLoss(ground);
    const stopped = ground.intake({ offsetLost: 'stop' });
    const detail = await eventually(
      () => (stopped.state().detail.includes('is not read') ? stopped.state().detail : undefined),
      'the stop',
    );
    expect(detail).toMatch(
      /\/0 is not read: offset 1 is gone, and the next one is 4 \(3 messages missing\).*KAFKA_OFFSET_LOST=skip/,
    );
    expect(stopped.state().ready).toBe(false);
    await untilPlanned(ground, 1);
    await stopped.stop();
    ground.intake();
    await untilPlanned(ground, 3);
  });
});

describe('A batch beyond the limits', () => {
  it('does not stop its partition: its positions are dead-lettered, and what follows is read', async () => {
    const ground = await open();
    ground.intake();
    const producer = ground.kafka.producer({ allowAutoTopicCreation: false });
    await producer.connect();
    closers.push(() => producer.disconnect());
    const value = Buffer.alloc(1024 * 1024);
    for (const compression of [CompressionTypes.GZIP, CompressionTypes.ZSTD]) {
      const messages = Array.from({ length: 33 }, () => ({ key: 'k', value }));
      await producer.send({ topic: ground.topics.CRM_TOPICS, compression, messages });
    }
    await ground.send([activation()]);
    await untilPlanned(ground, 1, 50_000);
    const [row] = await ground.db.query<{ n: number }>(
      `select count(*) as n from inbox where disposition = 'DEAD_LETTERED'`,
    );
    expect(row).toEqual({ n: 66 });
  });
});

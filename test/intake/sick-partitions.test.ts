import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, test } from 'vitest';
import { addItem, addService, type CrmEvent, events, newSubscription } from '../../dev/demo/crm.ts';
import { startStack, type Stack } from '../../dev/stack/index.ts';
import { internal } from '../../src/platform/kafkajs/internals.ts';
import { eventually, type Ground, metric, openGround } from '../outcomes/support.ts';
import { createLedTopics } from '../../src/platform/topics.ts';

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

async function open(partitions: number, brokers?: string): Promise<Ground> {
  const ground = await openGround('sick', { partitions, ...(brokers === undefined ? {} : { brokers }) });
  closers.push(() => ground.close());
  return ground;
}

let counter = 0;

function activation(): CrmEvent {
  counter += 1;
  const subscription = newSubscription(`S${String(counter).padStart(8, '8')}`);
  addItem(subscription, 'card', 'SMARTCARD', String(counter).padStart(11, '4'));
  addService(subscription, 'sports', '101');
  const [event] = events(subscription, [{ action: 'S:ACTIVATE_SUBSCRIPTION' }]);
  if (!event) throw new Error('no event');
  return event;
}

/** Puts an event into each of the partitions, one send after the other, by one producer. */
async function sendTo(ground: Ground, partitions: readonly number[]): Promise<void> {
  const producer = ground.kafka.producer({ allowAutoTopicCreation: false, retry: { retries: 2 } });
  await producer.connect();
  try {
    for (const partition of partitions) {
      const message = { key: 'k', value: await ground.encode(activation()), partition };
      await producer.send({ topic: ground.topics.CRM_TOPICS, messages: [message] });
    }
  } finally {
    await producer.disconnect();
  }
}

/** Waits until so many events of each partition are planned. */
function untilPlanned(ground: Ground, expected: Readonly<Record<number, number>>): Promise<true> {
  return eventually(
    async () => {
      const rows = await ground.db.query<{ partition: number; count: number }>(
        `select partition, count(*) from inbox where disposition = 'PLANNED' group by partition`,
      );
      const found = new Map(rows.map(({ partition, count }) => [partition, count]));
      return Object.entries(expected).every(([key, count]) => found.get(Number(key)) === count) ? true : undefined;
    },
    `planned events ${JSON.stringify(expected)}`,
    40_000,
  );
}

interface Definition {
  protocol: (
    this: void,
    version: { version: number },
  ) => (request: unknown) => { request: unknown; response: { decode(bytes: Buffer): Promise<unknown> } };
}

type Api = 'fetch' | 'listOffsets';

/** What the real broker's next answers about one partition say instead, also those to requests under way. */
let sick: { readonly api: Api; readonly topic: string; readonly partition: number; readonly code: number } | null =
  null;

afterEach(() => {
  sick = null;
});

function changeAnswers(api: Api): void {
  const definition = internal<Definition>(`protocol/requests/${api}/index.js`);
  const { protocol } = definition;
  definition.protocol = (version) => {
    const original = protocol(version);
    return (request) => {
      const made = original(request);
      const decode = (bytes: Buffer): Promise<unknown> => {
        const changed = Buffer.from(bytes);
        for (const { topic, partition, offset } of sick?.api === api ? codesOf(api, changed) : []) {
          if (topic === sick?.topic && partition === sick.partition) changed.writeInt16BE(sick.code, offset);
        }
        return made.response.decode(changed);
      };
      return { ...made, response: { ...made.response, decode } };
    };
  };
}

changeAnswers('fetch');
changeAnswers('listOffsets');

/** Where the error codes of partitions are in an answer: of Fetch 11, or of ListOffsets 3. */
function codesOf(api: Api, bytes: Buffer): { topic: string; partition: number; offset: number }[] {
  let at = api === 'fetch' ? 10 : 4;
  const int32 = (): number => bytes.readInt32BE((at += 4) - 4);
  const list = <T>(read: () => T): T[] => Array.from({ length: Math.max(int32(), 0) }, read);
  return list(() => {
    const length = bytes.readInt16BE(at);
    const topic = bytes.toString('utf8', at + 2, at + 2 + length);
    at += 2 + length;
    return list(() => {
      const partition = int32();
      const offset = at;
      if (api === 'listOffsets') at += 2 + 8 + 8;
      else {
        at += 2 + 8 + 8 + 8;
        const aborted = int32();
        at += Math.max(aborted, 0) * 16 + 4;
        const records = int32();
        at += Math.max(records, 0);
      }
      return { topic, partition, offset };
    });
  }).flat();
}

describe('A partition that its broker cannot read', () => {
  it.each([
    [56, 'KAFKA_STORAGE_ERROR'],
    [29, 'TOPIC_AUTHORIZATION_FAILED'],
    [2, 'CORRUPT_MESSAGE'],
    [-1, 'UNKNOWN'],
    [6, 'NOT_LEADER_FOR_PARTITION'],
    [74, 'FENCED_LEADER_EPOCH'],
  ])('waits alone (error %i %s), is named, and is read once its broker reads it again', async (code, name) => {
    const ground = await open(3);
    const intake = ground.intake({ stalledMs: 1_000 });
    await sendTo(ground, [0, 1, 2]);
    await untilPlanned(ground, { 0: 1, 1: 1, 2: 1 });
    sick = { api: 'fetch', topic: ground.topics.CRM_TOPICS, partition: 1, code };
    await sendTo(ground, [0, 1, 2]);
    await untilPlanned(ground, { 0: 2, 1: 1, 2: 2 });
    const detail = await eventually(() => (intake.state().ready ? undefined : intake.state().detail), 'the reason');
    expect(detail).toMatch(
      new RegExp(`^${ground.topics.CRM_TOPICS}/1 is not read after offset 1 .*does not deliver it: ${name} \\(`),
    );
    await sendTo(ground, [0, 2]);
    await untilPlanned(ground, { 0: 3, 1: 1, 2: 3 });
    sick = null;
    await untilPlanned(ground, { 0: 3, 1: 2, 2: 3 });
    await eventually(() => (intake.state().ready ? true : undefined), 'ready again');
    expect(await metric(ground, 'conax_intake_restarts_total')).toBe(0);
  });
});

test('a partition whose start Kafka does not report does not keep the others from being read', async () => {
  const ground = await open(3);
  sick = { api: 'listOffsets', topic: ground.topics.CRM_TOPICS, partition: 1, code: 56 };
  await sendTo(ground, [0, 1, 2]);
  const intake = ground.intake({ stalledMs: 1_000 });
  await untilPlanned(ground, { 0: 1, 2: 1 });
  const detail = await eventually(() => (intake.state().ready ? undefined : intake.state().detail), 'the reason');
  expect(detail).toContain(`${ground.topics.CRM_TOPICS}/1 is not read for`);
  expect(detail).toContain('Disk error when trying to access log file');
  sick = null;
  await untilPlanned(ground, { 0: 1, 1: 1, 2: 1 });
  await eventually(() => (intake.state().ready ? true : undefined), 'ready again');
});

test('a topic that Kafka refuses while the service runs does not keep the other topics from being read', async () => {
  const ground = await open(1);
  const other = `${ground.topics.CRM_TOPICS}.other`;
  const admin = ground.kafka.admin();
  await admin.connect();
  closers.push(() => admin.disconnect());
  await createLedTopics(admin, [{ topic: other, numPartitions: 1 }]);
  const intake = ground.intake({ stalledMs: 1_000, topics: [ground.topics.CRM_TOPICS, other] });
  await sendTo(ground, [0]);
  await untilPlanned(ground, { 0: 1 });
  await admin.deleteTopics({ topics: [other] });
  const detail = await eventually(() => (intake.state().ready ? undefined : intake.state().detail), 'the reason');
  expect(detail).toMatch(new RegExp(`^${other}/0 is not read .*does not host this topic-partition`));
  await sendTo(ground, [0]);
  await untilPlanned(ground, { 0: 2 });
  expect(await metric(ground, 'conax_intake_restarts_total')).toBe(0);
});

describe('In a cluster whose second broker is away', () => {
  let first: Stack;
  let second: Stack;
  let directory = '';

  beforeAll(async () => {
    let settings: Readonly<Record<string, string>> = {};
    const alone = {
      parts: ['kafka'],
      env: { ...process.env, KAFKA_BROKERS: '', DOCKER_HOST: 'unix:///nowhere' },
    } as const;
    first = await startStack({ ...alone, kafkaSettings: (given) => (settings = given) });
    // The topic of the groups' offsets is created now, while there is one broker: it stays when the other goes.
    const ground = await openGround('first', { partitions: 1, brokers: first.kafkaBrokers });
    ground.intake();
    await ground.send([activation()]);
    await untilPlanned(ground, { 0: 1 });
    await ground.close();
    directory = await mkdtemp(join(tmpdir(), 'conax-second-'));
    await mkdir(join(directory, 'kafka', 'data'), { recursive: true });
    const cluster = Buffer.from('conax-test-stack').toString('base64url');
    const properties = `version=1\ncluster.id=${cluster}\nnode.id=2\ndirectory.id=Y29uYXgtc2Vjb25kLWRpcg\n`;
    await writeFile(join(directory, 'kafka', 'data', 'meta.properties'), properties);
    second = await startStack({
      ...alone,
      dataDir: directory,
      kafkaSettings: ({ listeners = '', ...given }) => ({
        ...given,
        listeners: listeners.replace(/,CONTROLLER.*/, ''),
        'node.id': '2',
        'process.roles': 'broker',
        'controller.quorum.voters': settings['controller.quorum.voters'] ?? '',
      }),
    });
  });

  afterAll(async () => {
    await second?.stop();
    await first?.stop();
    await rm(directory, { recursive: true, force: true });
  });

  /** The partitions of the CRM's topic by the broker that leads them; -1 for none. */
  async function ledBy(ground: Ground): Promise<Map<number, number[]>> {
    const admin = ground.kafka.admin();
    await admin.connect();
    try {
      const { topics } = await admin.fetchTopicMetadata({ topics: [ground.topics.CRM_TOPICS] });
      const all = topics.flatMap(({ partitions }) => partitions);
      return new Map(
        [...Map.groupBy(all, ({ leader }) => leader)].map(([leader, of]) => [leader, of.map((p) => p.partitionId)]),
      );
    } finally {
      await admin.disconnect();
    }
  }

  it('the partitions of the other are read and written, also from a start on, and those of the lost one follow', async () => {
    const ground = await open(4, first.kafkaBrokers);
    const before = ground.intake({ stalledMs: 1_000 });
    const led = await ledBy(ground);
    const [[here = -1, unread = -1] = [], [there = -1, never = -1] = []] = [led.get(1), led.get(2)];
    expect(new Set([here, unread, there, never])).toEqual(new Set([0, 1, 2, 3]));
    await sendTo(ground, [here, there]);
    await untilPlanned(ground, { [here]: 1, [there]: 1 });

    await second.control.kafka.kill();
    const lost = async (): Promise<true | undefined> => ((await ledBy(ground)).has(-1) ? true : undefined);
    await eventually(lost, 'partitions without a leader');
    await sendTo(ground, [here]);
    await untilPlanned(ground, { [here]: 2, [there]: 1 });
    await expect(sendTo(ground, [there])).rejects.toThrow(`${ground.topics.CRM_TOPICS}/${there}: There is no leader`);
    const detail = await eventually(() => (before.state().ready ? undefined : before.state().detail), 'the reason');
    expect(detail).toMatch(new RegExp(`/${there} is not read after offset 1 .*There is no leader`));
    expect(detail).toMatch(new RegExp(`/${never} is not read .*There is no leader`));
    expect(detail).not.toMatch(new RegExp(`/${here} `));
    expect(await metric(ground, 'conax_intake_restarts_total')).toBe(0);
    await before.stop();

    const after = ground.intake({ stalledMs: 1_000 });
    await sendTo(ground, [unread, here]);
    await untilPlanned(ground, { [here]: 3, [unread]: 1, [there]: 1 });

    await second.control.kafka.start();
    const back = async (): Promise<true | undefined> => ((await ledBy(ground)).has(-1) ? undefined : true);
    await eventually(back, 'leaders of all partitions');
    await sendTo(ground, [there, never]);
    await untilPlanned(ground, { [here]: 3, [unread]: 1, [there]: 2, [never]: 1 });
    await eventually(() => (after.state().ready ? true : undefined), 'ready again');
  });
});

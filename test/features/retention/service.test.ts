import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { Registry } from '@prometheus-io/client';
import { Kafka, logLevel } from '../../../src/platform/kafkajs/index.ts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { topicsKeptTooLong } from '../../../src/features/retention/kafka-memory.ts';
import { isDue } from '../../../src/features/retention/pass.ts';
import {
  retentionMetrics,
  type RetentionServiceOptions,
  startRetention,
} from '../../../src/features/retention/service.ts';
import { runRetention } from '../../../src/features/retention/remove.ts';
import { openDatabase } from '../../../src/platform/database.ts';
import { createLogger } from '../../../src/platform/logging.ts';
import { addTo, openTestRequests, requestFor, sendAll, submit, type TestRequests } from '../../requests/support.ts';
import { eventually } from '../../support/scene.ts';
import { createTopics, kafkaBrokers, testTopics } from '../../support/stack.ts';

const DAY_MS = 86_400_000;
let store: TestRequests;
beforeAll(async () => {
  store = await openTestRequests();
});
afterAll(() => store.close());

const registry = new Registry();
const metrics = retentionMetrics(registry);

function start(more: Partial<RetentionServiceOptions> = {}) {
  return startRetention({
    db: store.db,
    days: { requests: 30, events: 0, outcomes: 0, runs: 0, audit: 0 },
    archive: null,
    topicsKeptTooLong: () => Promise.resolve([]),
    metrics,
    logger: createLogger('silent'),
    lookEveryMs: 10,
    ...more,
  });
}

/** Requests that became final 31 days ago. */
async function oldRequests(count: number): Promise<void> {
  await submit(store.db, ...Array.from({ length: count }, (_, index) => requestFor(addTo(String(index)))));
  await sendAll(store.db, 100);
  await store.db.query(
    `update request set submitted_at = now() - interval '31 days', executed_at = now() - interval '31 days'`,
  );
}

async function left(): Promise<number> {
  const [row] = await store.db.query<{ count: number }>('select count(*) from request');
  return row?.count ?? -1;
}

test('the service removes once a day what is old, counts it, and goes on by itself once the archive is there again', async () => {
  await oldRequests(7);
  const lost = start({ archive: '/nowhere' });
  await eventually(
    async () => (await registry.metrics()).includes('conax_retention_failing 1') || undefined,
    'an alert',
  );
  await lost.stop();
  expect(await left()).toBe(7);

  const retention = start();
  await eventually(async () => (await left()) === 0 || undefined, 'nothing is left');
  const told = /rows_removed_total\{table="request"\} 7[^]*conax_retention_failing 0/;
  await eventually(
    async () => told.test(await registry.metrics()) || undefined,
    'it is counted, and the alert is over',
  );
  await retention.stop();

  await oldRequests(3);
  expect(await isDue(store.db, ['requests'], DAY_MS)).toBe(false);
  await store.db.query(`update retention_pass set began_at = began_at - interval '1 day'`);
  expect(await isDue(store.db, ['requests'], DAY_MS)).toBe(true);
  const next = start();
  await eventually(async () => (await left()) === 0 || undefined, 'nothing is left the next day');
  await next.stop();
});

test('topics that Kafka keeps longer than the events are named, with the remedy', async () => {
  const topics = testTopics('retention');
  await createTopics(topics);
  const kafka = new Kafka({ brokers: [kafkaBrokers()], clientId: 'test-retention', logLevel: logLevel.NOTHING });
  const admin = kafka.admin();
  await admin.connect();
  const set = (name: string, configName: string, value: string) =>
    admin.alterConfigs({
      validateOnly: false,
      resources: [{ type: 2, name, configEntries: [{ name: configName, value }] }],
    });
  await set(topics.CRM_TOPICS, 'retention.ms', String(7 * 86_400_000));
  await set(topics.OUTCOME_TOPIC, 'retention.ms', '-1');
  await set(topics.DEAD_LETTER_TOPIC, 'cleanup.policy', 'compact');
  await admin.disconnect();
  const all = [topics.CRM_TOPICS, topics.OUTCOME_TOPIC, topics.DEAD_LETTER_TOPIC];
  // A broker answers before the others, and itself, know of the change.
  const found = await eventually(async () => {
    const named = await topicsKeptTooLong(kafka, all, 7);
    return named.filter((sentence) => sentence.includes('for good')).length === 2 ? named : undefined;
  }, 'both changes');
  expect(found).toEqual([
    expect.stringContaining(`Kafka keeps ${topics.CRM_TOPICS} for 7 days, and RETENTION_EVENTS_DAYS is 7`),
    expect.stringContaining(`Kafka keeps ${topics.OUTCOME_TOPIC} for good`),
    expect.stringContaining(`Kafka keeps ${topics.DEAD_LETTER_TOPIC} for good`),
  ]);
  expect(await topicsKeptTooLong(kafka, [topics.CRM_TOPICS], 8)).toEqual([]);
});

test('completed runs go with their cards, a bounded number at a time; what a run may still look at stays', async () => {
  const { db } = store;
  await db.query('truncate request, run, retention_pass cascade');
  const run = async (state: string, days: number, targets: number): Promise<number> => {
    const [row] = await db.query<{ id: number }>(
      `insert into run (kind, state, open, parameters, selection, created_by_user, created_at, ended_at)
       values ('MESSAGE', $1, false, '{}', '{}', 'test', now() - interval '400 days',
               case when $1 = 'COMPLETED' then now() - $2 * interval '1 day' end) returning id`,
      [state, days],
    );
    const id = row?.id ?? 0;
    await db.query(`insert into run_change (run_id, event, state) values ($1, 'created', 'PREPARING')`, [id]);
    await db.query(
      `insert into run_target (run_id, target, state, outcome)
       select $1, lpad(n::text, 11, '0'), 'DONE', 'COMPLETED' from generate_series(1, $2::int) n`,
      [id, targets],
    );
    return id;
  };
  const old = await run('COMPLETED', 50, 1_234);
  const young = await run('COMPLETED', 20, 3);
  const failed = await run('FAILED', 0, 3);
  const numbers = await submit(
    db,
    ...[old, failed].map((id) =>
      requestFor(addTo(String(id)), { process: { name: 'MAIL_BARK_MESSAGE_RUN', id: String(id) } }),
    ),
  );
  await sendAll(db, 10);
  await db.query(
    `update request set submitted_at = now() - interval '99 days', executed_at = now() - interval '99 days'`,
  );
  const archive = mkdtempSync(join(tmpdir(), 'conax-archive-'));
  const result = await runRetention({
    db,
    days: { requests: 30, events: 0, outcomes: 0, runs: 30, audit: 0 },
    archive,
    rest: 0,
    signal: new AbortController().signal,
  });
  const lines = readdirSync(archive).flatMap((name) =>
    gunzipSync(readFileSync(join(archive, name)))
      .toString()
      .split('\n'),
  );
  rmSync(archive, { recursive: true });
  expect(result.removed).toMatchObject({ request: 1, run: 1, run_change: 1, run_target: 1_234 });
  expect(lines.filter((line) => line.includes('"table": "run_target"'))).toHaveLength(1_234);
  expect(await db.query('select id from run order by id')).toEqual([{ id: young }, { id: failed }]);
  expect(await db.query('select run_id as id, count(*) from run_target group by 1 order by 1')).toEqual([
    { id: young, count: 3 },
    { id: failed, count: 3 },
  ]);
  expect(await db.query('select number from request')).toEqual([{ number: numbers[1] }]);
});

test('requests are claimed and finished beside it, and never wait for a lock of its', async () => {
  const { db, url } = store;
  await db.query('truncate request, request_final, retention_pass cascade');
  for (let batch = 0; batch < 3; batch += 1) await oldRequests(800);
  // The sending of today waits for no lock longer than this: then it fails.
  const impatient = openDatabase({ url, maxConnections: 4, applicationName: 'test', lockTimeoutMs: 100 });
  try {
    const numbers = await submit(
      impatient,
      ...Array.from({ length: 400 }, (_, index) => requestFor(addTo(`n${index}`))),
    );
    const { signal } = new AbortController();
    const days = { requests: 30, events: 0, outcomes: 0, runs: 0, audit: 0 };
    const [{ removed }, sent] = await Promise.all([
      runRetention({ db, days, archive: null, rest: 0, signal, batchKeys: 50 }),
      sendAll(impatient, 10),
    ]);
    expect(removed['request']).toBe(2_400);
    expect(sent.toSorted((a, b) => a - b)).toEqual(numbers);
    expect(await left()).toBe(400);
  } finally {
    await impatient.close();
  }
});

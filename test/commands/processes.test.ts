import { afterEach, describe, expect, test } from 'vitest';
import { openDatabase } from '../../src/platform/database.ts';
import { runCli, type Running, startCli } from '../support/cli.ts';
import { act, household, outcomeOf } from '../support/scene.ts';
import { createTestDatabase, kafkaBrokers, schemaRegistryUrl, testTopics } from '../support/stack.ts';
import { openSurroundings } from '../support/world.ts';

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

function start(args: readonly string[], env: Readonly<Record<string, string>>): Running {
  const running = startCli(args, env);
  closers.push(async () => {
    running.signal('SIGKILL');
    await running.ended;
  });
  return running;
}

describe('conax-provisioning migrate', () => {
  test('makes tables, topics and schemas; by two at once, and again, it changes nothing more', async () => {
    const database = await createTestDatabase();
    closers.push(() => database.drop());
    const db = openDatabase({ url: database.url, maxConnections: 1, applicationName: 'test' });
    closers.push(() => db.close());
    // The test's database was migrated already: begin with an empty one.
    await db.query('drop schema public cascade');
    await db.query('create schema public');
    const topics = testTopics('migrate');
    const env = {
      DATABASE_URL: database.url,
      KAFKA_BROKERS: kafkaBrokers(),
      SCHEMA_REGISTRY_URL: schemaRegistryUrl(),
      TOPIC_PARTITIONS: '2',
      ...topics,
    };
    const both = await Promise.all([runCli(['migrate'], env), runCli(['migrate'], env)]);
    expect(both).toMatchObject([
      { exitCode: 0, stderr: '' },
      { exitCode: 0, stderr: '' },
    ]);
    const made = await whatIsThere();
    expect(made.tables).toContain('request');
    expect(made.subjects).toHaveLength(5);
    expect(await runCli(['migrate'], env)).toMatchObject({ exitCode: 0, stderr: '' });
    expect(await whatIsThere()).toEqual(made);

    async function whatIsThere() {
      const tables = await db.query<{ tablename: string }>(
        `select tablename from pg_tables where schemaname = 'public' order by 1`,
      );
      const migrations = await db.query('select name from knex_migrations order by id');
      const response = await fetch(`${schemaRegistryUrl()}/subjects`);
      const own = topics.CRM_TOPICS.slice(0, topics.CRM_TOPICS.lastIndexOf('.'));
      const subjects = ((await response.json()) as string[]).filter((subject) => subject.startsWith(own));
      const versions = await Promise.all(
        subjects.map(async (subject) => (await fetch(`${schemaRegistryUrl()}/subjects/${subject}/versions`)).json()),
      );
      return { tables: tables.map(({ tablename }) => tablename), migrations, subjects: subjects.toSorted(), versions };
    }
  });
});

describe('conax-provisioning simulator', () => {
  test('runs alone, answers, and ends with 0 when it is told to stop', async () => {
    const simulator = start(['simulator'], { SIMULATOR_PORT: '0' });
    const [, url] = await simulator.line(/"url":"([^"]+)"/);
    const response = await fetch(`${url}/simulator/journal?after=0`);
    expect(await response.json()).toEqual({ entries: [] });
    simulator.signal('SIGTERM');
    expect(await simulator.ended).toMatchObject({ exitCode: 0, signal: null, stderr: '' });
  });

  test('a port that is taken ends it with 1, and it says which', async () => {
    const first = start(['simulator'], { SIMULATOR_PORT: '0' });
    const [, port = ''] = await first.line(/"url":"http:\/\/127\.0\.0\.1:(\d+)"/);
    const second = await runCli(['simulator'], { SIMULATOR_PORT: port });
    expect(second).toMatchObject({ exitCode: 1, stderr: expect.stringContaining(port) as string });
  });
});

describe('conax-provisioning serve', () => {
  test.each(['SIGTERM', 'SIGINT'] as const)('does its work, logs JSON lines, and ends with 0 at %s', async (signal) => {
    const surroundings = await openSurroundings();
    closers.push(() => surroundings.close());
    const service = start(['serve'], { ...surroundings.env, LOG_LEVEL: 'info' });
    const [, url] = await service.line(/"url":"([^"]+)".*HTTP server listens/);
    const made = await act(surroundings, household('S0000036001', '36000000001', ['1001']), {
      action: 'S:BECOME_SUBSCRIBER',
    });
    expect((await outcomeOf(surroundings, made)).value.outcome).toBe('PROVISIONED');
    expect((await fetch(`${url}/health/ready`)).status).toBe(200);
    service.signal(signal);
    const { exitCode, stdout, stderr } = await service.ended;
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    const lines = stdout.trim().split('\n');
    for (const line of lines)
      expect(JSON.parse(line)).toMatchObject({ level: 'info', msg: expect.any(String) as string });
    expect(lines.at(-1)).toContain('stopped');
    expect(await surroundings.db.query('select from dispatcher_instance')).toEqual([]);
  });

  test('a port that is taken ends it with 1, and leaves no connection behind', async () => {
    const surroundings = await openSurroundings();
    closers.push(() => surroundings.close());
    const port = new URL(surroundings.simulatorUrl).port;
    const { exitCode, stderr } = await runCli(['serve'], { ...surroundings.env, HTTP_PORT: port });
    expect(exitCode).toBe(1);
    expect(stderr).toContain(port);
  });
});

import { SchemaRegistry, SchemaType } from '@kafkajs/confluent-schema-registry';
import { existsSync } from 'node:fs';
import { Kafka, logLevel } from '../../src/platform/kafkajs/index.ts';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startStack, type Stack } from '../../dev/stack/index.ts';
import { ALONE } from './processes.ts';

let stack: Stack;
const lines: string[] = [];
beforeAll(async () => {
  stack = await startStack({
    print: (line) => lines.push(line),
    env: { ...process.env, ...ALONE },
  });
});
afterAll(() => stack.stop());

async function query(statement: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: stack.databaseUrl });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query(statement)).rows as unknown[];
  } finally {
    await client.end();
  }
}

async function withKafka<T>(action: (admin: ReturnType<Kafka['admin']>) => Promise<T>): Promise<T> {
  const kafka = new Kafka({ brokers: [stack.kafkaBrokers], logLevel: logLevel.NOTHING, retry: { retries: 0 } });
  const admin = kafka.admin();
  try {
    await admin.connect();
    return await action(admin);
  } finally {
    await admin.disconnect();
  }
}

describe('a local stack with nothing given', () => {
  it('has all three parts, and says where each is and how long it took', () => {
    expect(stack.parts.map((part) => part.name)).toEqual(['postgres', 'kafka', 'registry']);
    for (const part of stack.parts) {
      expect(part.startedInMs).toBeGreaterThan(0);
      expect(part.startedInMs).toBeLessThan(60_000);
      expect(lines.some((line) => line.startsWith(`${part.name}:`) && line.includes(part.address))).toBe(true);
    }
  });

  it.each(['stop', 'kill'] as const)(
    'is away and back with its data when its parts %s and start again',
    async (how) => {
      const name = `kept_${how}`;
      await query(`create table ${name} ()`);
      await withKafka((admin) => admin.createTopics({ topics: [{ topic: name }] }));
      const registry = new SchemaRegistry({ host: stack.schemaRegistryUrl });
      const schema = JSON.stringify({ type: 'record', name, fields: [] });
      const { id } = await registry.register({ type: SchemaType.AVRO, schema }, { subject: name });

      const parts = Object.values(stack.control);
      await Promise.all(parts.map((part) => part[how]()));
      await expect(query('select 1')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
      await expect(withKafka((admin) => admin.listTopics())).rejects.toThrow(/ECONNREFUSED/);
      await expect(fetch(`${stack.schemaRegistryUrl}/subjects`)).rejects.toThrow('fetch failed');

      await Promise.all(parts.map((part) => part.start()));
      expect(await query(`select * from ${name}`)).toEqual([]);
      expect(await withKafka((admin) => admin.listTopics())).toContain(name);
      expect(await new SchemaRegistry({ host: stack.schemaRegistryUrl }).getSchema(id)).toMatchObject({ name });
    },
  );
});

describe('a local stack where the environment names a part', () => {
  it('uses it, starts nothing for it, and shows its address without the password', async () => {
    const given = await startStack({
      parts: ['postgres', 'registry'],
      env: {
        ...process.env,
        DATABASE_URL: 'postgres://conax:secret@database.test:5432/conax',
        SCHEMA_REGISTRY_URL: 'http://registry.test/',
      },
    });
    expect(given.databaseUrl).toBe('postgres://conax:secret@database.test:5432/conax');
    expect(given.parts).toMatchObject([
      { name: 'postgres', how: 'given', address: 'postgres://database.test:5432/conax' },
      { name: 'registry', how: 'given', address: 'http://registry.test/' },
    ]);
    expect(() => given.kafkaBrokers).toThrow(/kafka is not among the parts/);
    await expect(given.control.postgres.stop()).rejects.toThrow(/DATABASE_URL/);
    await given.stop();
  });
});

describe('a machine with neither a Docker engine nor Java', () => {
  it('is told both ways in one sentence', async () => {
    const env = { PATH: '/nowhere', DOCKER_HOST: 'unix:///nowhere/docker.sock', XDG_CACHE_HOME: '/nowhere' };
    await expect(startStack({ parts: ['kafka', 'registry'], env })).rejects.toThrow(
      /^[^\n]*Docker engine[^\n]*Java 17 or newer with Maven[^\n]*KAFKA_BROKERS and SCHEMA_REGISTRY_URL\.$/,
    );
    expect(existsSync('/nowhere')).toBe(false);
  });
});

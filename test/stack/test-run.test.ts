import { SchemaRegistry, SchemaType } from '@kafkajs/confluent-schema-registry';
import { Kafka, logLevel } from '../../src/platform/kafkajs/index.ts';
import pg from 'pg';
import { describe, expect, it } from 'vitest';
import { createTestDatabase, createTopics, kafkaBrokers, schemaRegistryUrl, testTopics } from '../support/stack.ts';

async function tableNames(url: string): Promise<string[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query<{ tablename: string }>(
      "select tablename from pg_tables where schemaname = 'public' order by 1",
    );
    return rows.map((row) => row.tablename);
  } finally {
    await client.end();
  }
}

describe('what a test run gives its test files', () => {
  it('a migrated database of their own, that the next one does not see into', async () => {
    const [one, other] = await Promise.all([createTestDatabase(), createTestDatabase()]);
    try {
      expect(one.url).not.toBe(other.url);
      expect(await tableNames(one.url)).toContain('knex_migrations');
      const client = new pg.Client({ connectionString: one.url });
      await client.connect();
      await client.query('create table only_here ()');
      await client.end();
      expect(await tableNames(one.url)).toContain('only_here');
      expect(await tableNames(other.url)).not.toContain('only_here');
    } finally {
      await Promise.all([one.drop(), other.drop()]);
    }
    await expect(tableNames(one.url)).rejects.toThrow(/does not exist/);
  });

  it('a Kafka that carries a message, and has only the topics that were created', async () => {
    const topics = testTopics('stack');
    await createTopics(topics, 2);
    const kafka = new Kafka({ brokers: [kafkaBrokers()], logLevel: logLevel.NOTHING });
    const admin = kafka.admin();
    await admin.connect();
    const found = await admin.listTopics();
    expect(found).toEqual(expect.arrayContaining(Object.values(topics)));
    await admin.disconnect();

    const producer = kafka.producer({ allowAutoTopicCreation: false });
    const consumer = kafka.consumer({ groupId: topics.CRM_TOPICS });
    await Promise.all([producer.connect(), consumer.connect()]);
    await consumer.subscribe({ topic: topics.CRM_TOPICS, fromBeginning: true });
    const received = new Promise<string | undefined>((resolve, reject) => {
      consumer.run({ eachMessage: ({ message }) => Promise.resolve(resolve(message.value?.toString())) }).catch(reject);
    });
    await producer.send({ topic: topics.CRM_TOPICS, messages: [{ key: 'S1', value: 'hello' }] });
    expect(await received).toBe('hello');
    await Promise.all([producer.disconnect(), consumer.disconnect()]);
  });

  it('a schema registry that gives a schema back under the id it assigned', async () => {
    const registry = new SchemaRegistry({ host: schemaRegistryUrl() });
    const schema = JSON.stringify({ type: 'record', name: 'Greeting', fields: [{ name: 'text', type: 'string' }] });
    const { id } = await registry.register(
      { type: SchemaType.AVRO, schema },
      { subject: `${testTopics('stack').OUTCOME_TOPIC}-Greeting` },
    );
    const encoded = await registry.encode(id, { text: 'hello' });
    expect(await new SchemaRegistry({ host: schemaRegistryUrl() }).decode(encoded)).toEqual({ text: 'hello' });
  });
});

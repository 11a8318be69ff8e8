import { SchemaRegistry, SchemaType } from '@kafkajs/confluent-schema-registry';
import { describe, expect, it } from 'vitest';
import { createKafka } from '../../src/platform/kafka.ts';
import { createLogger } from '../../src/platform/logging.ts';
import { openSchemaRegistry } from '../../src/platform/schema-registry.ts';
import { contractSchema, migrateTopicsAndSchemas, OUTCOME_RECORDS, subjectOf } from '../../src/platform/topics.ts';
import { CRM_RECORDS } from '../../src/events/decode.ts';
import { kafkaBrokers, schemaRegistryUrl, testTopics } from '../support/stack.ts';

const logger = createLogger('silent');
const kafka = createKafka({ brokers: [kafkaBrokers()], clientId: 'migrate', ssl: false, logger });

function options() {
  const topics = testTopics('migrate');
  return {
    kafka,
    registry: openSchemaRegistry({ url: schemaRegistryUrl() }),
    crmTopics: [topics.CRM_TOPICS],
    outcomeTopic: topics.OUTCOME_TOPIC,
    actionOutcomeTopic: topics.ACTION_OUTCOME_TOPIC,
    deadLetterTopic: topics.DEAD_LETTER_TOPIC,
    partitions: 4,
    replicationFactor: -1,
    logger,
  };
}

async function registryJson(path: string): Promise<unknown> {
  return (await fetch(`${schemaRegistryUrl()}${path}`)).json();
}

describe('migrate', () => {
  it('creates the topics and registers the schemas, by several at once and again', async () => {
    const mine = options();
    await Promise.all([migrateTopicsAndSchemas(mine), migrateTopicsAndSchemas(mine), migrateTopicsAndSchemas(mine)]);
    await migrateTopicsAndSchemas(mine);

    const admin = kafka.admin();
    await admin.connect();
    const topics = [...mine.crmTopics, mine.outcomeTopic, mine.actionOutcomeTopic, mine.deadLetterTopic];
    const { topics: described } = await admin.fetchTopicMetadata({ topics });
    await admin.disconnect();
    expect(new Map(described.map(({ name, partitions }) => [name, partitions.length]))).toEqual(
      new Map(topics.map((name) => [name, 4])),
    );

    const subjects = [
      ...Object.values(CRM_RECORDS).map((record) => subjectOf(mine.crmTopics[0] ?? '', record)),
      subjectOf(mine.outcomeTopic, OUTCOME_RECORDS.REQUEST_OUTCOME),
      subjectOf(mine.actionOutcomeTopic, OUTCOME_RECORDS.ACTION_OUTCOME),
    ];
    for (const subject of subjects) {
      expect(await registryJson(`/subjects/${encodeURIComponent(subject)}/versions`)).toEqual([1]);
    }
    for (const subject of subjects.slice(-2)) {
      expect(await registryJson(`/config/${encodeURIComponent(subject)}`)).toEqual({
        compatibilityLevel: 'FULL_TRANSITIVE',
      });
    }
  });

  it('leaves the schemas of a CRM that registered its own alone', async () => {
    const mine = options();
    const subject = subjectOf(mine.crmTopics[0] ?? '', CRM_RECORDS.SERVICE);
    const theirs = contractSchema(CRM_RECORDS.SERVICE).replace('"ADD_SERVICE",', '"ADD_SERVICE","SUSPEND_SERVICE",');
    const crm = new SchemaRegistry({ host: schemaRegistryUrl() });
    await crm.register({ type: SchemaType.AVRO, schema: theirs }, { subject });
    await migrateTopicsAndSchemas(mine);
    expect(await registryJson(`/subjects/${encodeURIComponent(subject)}/versions`)).toEqual([1]);
  });

  it('lets a CRM register its own next version with the usual client', async () => {
    const mine = options();
    await migrateTopicsAndSchemas(mine);
    const subject = subjectOf(mine.crmTopics[0] ?? '', CRM_RECORDS.SERVICE);
    const next = contractSchema(CRM_RECORDS.SERVICE).replace('"ADD_SERVICE",', '"ADD_SERVICE","SUSPEND_SERVICE",');
    const crm = new SchemaRegistry({ host: schemaRegistryUrl() });
    await crm.register({ type: SchemaType.AVRO, schema: next }, { subject });
    expect(await registryJson(`/subjects/${encodeURIComponent(subject)}/versions`)).toEqual([1, 2]);
  });

  it('says what it lacks where the registry is away', async () => {
    const away = { ...options(), registry: openSchemaRegistry({ url: 'http://127.0.0.1:9', timeoutMs: 300 }) };
    await expect(migrateTopicsAndSchemas(away)).rejects.toThrow(
      /^The schema registry at 127\.0\.0\.1:9 did not answer: /,
    );
  });
});

describe('The registry client', () => {
  const registry = openSchemaRegistry({ url: schemaRegistryUrl() });

  it('tells a schema that is unknown from one that is no Avro', async () => {
    const crm = new SchemaRegistry({ host: schemaRegistryUrl() });
    const { id } = await crm.register(
      {
        type: SchemaType.JSON,
        schema: '{"$schema":"http://json-schema.org/draft-07/schema#","type":"object","title":"T"}',
      },
      { subject: `json-${Date.now()}` },
    );
    expect(await registry.findWriterSchema(id)).toMatchObject({ kind: 'unusable' });
    expect(await registry.findWriterSchema(2_000_000_000)).toEqual({ kind: 'unknown' });
  });

  it('takes the refusals of a proxy for an outage, not for a verdict about the schema', async () => {
    const { createServer } = await import('node:http');
    for (const [status, body] of [
      [404, '<html>not found</html>'],
      [404, '{"message":"no route"}'],
      [401, '{"error_code":401,"message":"unauthorized"}'],
      [503, ''],
      [200, '<html>welcome</html>'],
    ] as const) {
      const server = createServer((_request, response) => response.writeHead(status).end(body));
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      const { port } = server.address() as { port: number };
      const behindProxy = openSchemaRegistry({ url: `http://127.0.0.1:${port}`, timeoutMs: 500 });
      await expect(behindProxy.findWriterSchema(1), `${status} ${body}`).rejects.toThrow(/schema registry/i);
      server.close();
      server.closeAllConnections();
    }
  });
});

import kafkajs from '../../../src/platform/kafkajs/index.ts';
import pg from 'pg';
import { expect, test } from 'vitest';
import { SchemaRegistryUnavailableError } from '../../../src/platform/schema-registry.ts';
import { isOutage, KafkaSilentError, NoSuchTopicError } from '../../../src/features/replay/kafka-range.ts';

function refusedByPostgres(code: string): pg.DatabaseError {
  return Object.assign(new pg.DatabaseError('told so', 0, 'error'), { code });
}

test('a replay waits for whatever comes back by itself, and for nothing else', () => {
  const outages = [
    new kafkajs.KafkaJSConnectionError('connect ECONNREFUSED'),
    new kafkajs.KafkaJSRequestTimeoutError('Request Metadata timed out'),
    new kafkajs.KafkaJSNumberOfRetriesExceeded(new Error('x'), { retryCount: 5, retryTime: 1 }),
    new KafkaSilentError('Kafka returned nothing'),
    new SchemaRegistryUnavailableError('The schema registry did not answer'),
    refusedByPostgres('57P01'),
  ];
  expect(outages.filter((error) => !isOutage(error))).toEqual([]);
  const failures = [
    new NoSuchTopicError('There is no topic crm-connection-timeouts'),
    // A statement that took too long takes too long again.
    refusedByPostgres('57014'),
    new Error('The events are not those that replay 7 was started with'),
    new TypeError('a fault of ours'),
    'the service stops',
  ];
  expect(failures.filter(isOutage)).toEqual([]);
});

import pg from 'pg';
import { isDatabaseOutage } from '../platform/database.ts';
import { SchemaRegistryUnavailableError } from '../platform/schema-registry.ts';
import { KafkaSilentError, NoSuchTopicError } from './kafka-range.ts';

/** PostgreSQL's own word for a statement that took too long: it will again. */
const STATEMENT_TOO_LONG = '57014';

/** Whether waiting helps: PostgreSQL, Kafka or the schema registry is away. */
export function isOutage(error: unknown): boolean {
  if (error instanceof NoSuchTopicError) return false;
  if (error instanceof pg.DatabaseError && error.code === STATEMENT_TOO_LONG) return false;
  if (error instanceof KafkaSilentError || error instanceof SchemaRegistryUnavailableError) return true;
  return (error instanceof Error && error.name.startsWith('KafkaJS')) || isDatabaseOutage(error);
}

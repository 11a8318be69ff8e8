import pg from 'pg';
import { isDatabaseOutage } from '../../platform/database.ts';
import { SchemaRegistryUnavailableError } from '../../platform/schema-registry.ts';
import { KafkaSilentError, NoSuchTopicError } from './kafka-range.ts';

/** The SQLSTATE for a statement that took too long; it would take too long again. */
const STATEMENT_TOO_LONG = '57014';

/** Returns whether waiting helps: PostgreSQL, Kafka or the schema registry is unreachable. */
export function isOutage(error: unknown): boolean {
  if (error instanceof NoSuchTopicError) return false;
  if (error instanceof pg.DatabaseError && error.code === STATEMENT_TOO_LONG) return false;
  if (error instanceof KafkaSilentError || error instanceof SchemaRegistryUnavailableError) return true;
  return (error instanceof Error && error.name.startsWith('KafkaJS')) || isDatabaseOutage(error);
}

import { isDatabaseOutage, sqlState } from '../platform/database-errors.ts';
import { messageOf } from '../platform/errors.ts';
import { SchemaRegistryUnavailableError } from '../platform/schema-registry.ts';
import { ControlFailedError } from './experiment.ts';

/**
 * SQLSTATEs that PostgreSQL returns when it is in trouble, but also when one statement asks too much of it: out of
 * memory, a statement that took too long, an internal error. The experiment decides who is to blame.
 */
const MAYBE_OF_THE_MESSAGE = /^(53200|57014|XX)/;

/**
 * SQLSTATEs about PostgreSQL's own state: a missing table, column or right, another database, an object in use. Our
 * statements are fixed texts, so no message causes these. The control writes to the same tables but cannot find all of
 * them, because an object may be in use only for the message's rows.
 */
const STATE_OF_THE_DATABASE = /^(0A|28|3D|3F|42|55)/;

/**
 * Returns whether an error is an outage of a named part, which no message can cause: PostgreSQL, the schema registry,
 * Kafka. Everything else is decided by experiment.
 */
export function isCertainOutage(error: unknown): boolean {
  if (error instanceof SchemaRegistryUnavailableError || isKafkaError(error)) return true;
  const state = sqlState(error) ?? '';
  return STATE_OF_THE_DATABASE.test(state) || (isDatabaseOutage(error) && !MAYBE_OF_THE_MESSAGE.test(state));
}

export type Neighbour = 'DATABASE' | 'KAFKA' | 'SCHEMA_REGISTRY';

/** Returns the neighbour whose outage the error is; null if it may be no outage. */
export function neighbourOf(error: unknown): Neighbour | null {
  if (!isCertainOutage(error)) return null;
  if (error instanceof SchemaRegistryUnavailableError) return 'SCHEMA_REGISTRY';
  return isKafkaError(error) ? 'KAFKA' : 'DATABASE';
}

/** Returns whether PostgreSQL cancelled a statement because it took too long. */
export function isTimeOut(error: unknown): boolean {
  return sqlState(error) === '57014';
}

/**
 * Returns whether kafkajs threw the error. It handles its own errors (a rebalance, a lost broker) when a handler throws
 * them.
 */
export function isKafkaError(error: unknown): boolean {
  return error instanceof Error && error.name.startsWith('KafkaJS');
}

/** Describes why reading waits, for people: the part, the problem, and a remedy that nobody would guess. */
export function describeOutage(error: unknown): string {
  if (error instanceof ControlFailedError) return `${describeOutage(error.cause)}; ${error.message}`;
  const state = sqlState(error);
  if (state === null) return messageOf(error);
  const remedy = REMEDIES[state];
  return `PostgreSQL: ${messageOf(error)} (${state})${remedy === undefined ? '' : `: ${remedy}`}`;
}

const REMEDIES: Readonly<Partial<Record<string, string>>> = {
  '54000':
    'end the session that holds the NOTIFY queue, one that listens and sits in a transaction: ' +
    'its process id is in the log of PostgreSQL, and pg_stat_activity shows it as idle in transaction',
  '53100': 'make room on the disk of PostgreSQL',
  '42P01': 'run `conax-provisioning migrate`',
  '42703': 'run `conax-provisioning migrate`',
  '42501': 'grant the role of DATABASE_URL what docs/database.md names',
};

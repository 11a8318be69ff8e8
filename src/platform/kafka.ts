import type { LogEntry, Mechanism, SASLOptions } from 'kafkajs';
import { Kafka, logLevel } from './kafkajs/index.ts';
import { LOG_IN_BEFORE_MS } from './oauth-token.ts';
import { kafkaSocket } from './kafkajs/socket.ts';
import type { TlsTexts } from './tls-texts.ts';
import type { Logger } from './logging.ts';

export interface KafkaOptions {
  /** `host:port` of the brokers to start with. */
  readonly brokers: readonly string[];
  readonly clientId: string;
  readonly ssl: boolean;
  /** Certificates for TLS; for nothing without `ssl`. */
  readonly tls?: TlsTexts | undefined;
  readonly sasl?:
    | {
        readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512';
        readonly username: string;
        readonly password: string;
      }
    | Mechanism
    | undefined;
  readonly logger: Logger;
}

/** The client for all consumers, producers and admins of the process; connects to nothing yet. */
export function createKafka({ brokers, clientId, ssl, tls = {}, sasl, logger }: KafkaOptions): Kafka {
  return new Kafka({
    brokers: [...brokers],
    clientId,
    ssl: ssl && { ...given('ca', tls.ca), ...given('cert', tls.cert), ...given('key', tls.key) },
    ...(sasl === undefined ? {} : { sasl: { ...sasl } as SASLOptions | Mechanism }),
    socketFactory: kafkaSocket,
    connectionTimeout: 3_000,
    authenticationTimeout: 5_000,
    reauthenticationThreshold: LOG_IN_BEFORE_MS,
    requestTimeout: 10_000,
    retry: { initialRetryTime: 100, maxRetryTime: 2_000, retries: 5 },
    logLevel: logLevel.INFO,
    logCreator: () => (entry) => logEntry(logger, entry),
  });
}

function given<K extends string>(name: K, value: string | undefined): { [name in K]?: string } {
  return value === undefined ? {} : ({ [name]: value } as { [name in K]: string });
}

/** Parts of kafkajs that report every attempt to reach a broker, several a second while one is away. */
const CHATTY = new Set(['Connection', 'BrokerPool', 'Cluster']);

/** kafkajs calls ERROR what it goes on to repeat; ours means that a person has to act. */
function logEntry(logger: Logger, { namespace, level, log }: LogEntry): void {
  const { message, timestamp: _timestamp, logger: _name, ...details } = log;
  const text = `kafka: ${namespace}: ${message}`;
  const isTrouble = level === logLevel.ERROR || level === logLevel.WARN;
  if (isTrouble && !CHATTY.has(namespace)) logger.warn(details, text);
  else logger.debug(details, text);
}

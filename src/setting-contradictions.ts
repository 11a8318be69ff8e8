import { tlsMistakes } from './platform/tls-texts.ts';

/** The settings that are compared with each other. */
interface Compared {
  readonly LEASE_MS?: number;
  readonly CONAX_TIMEOUT_MS?: number;
  readonly RETRY_BACKOFF_MIN_MS?: number;
  readonly RETRY_BACKOFF_MAX_MS?: number;
  readonly BREAKER_OPEN_MS?: number;
  readonly BREAKER_MAX_OPEN_MS?: number;
  readonly RETENTION_REQUESTS_DAYS?: number;
  readonly RETENTION_EVENTS_DAYS?: number;
  readonly HTTP_HOST?: string;
  readonly HTTP_PORT?: number;
  readonly MANAGEMENT_HOST?: string;
  readonly MANAGEMENT_PORT?: number;
}

/** Returns what is wrong between settings. One that is `wrong` by itself contradicts nothing. */
export function contradictions(values: Record<string, unknown>, wrong: ReadonlySet<string>): string[] {
  const {
    LEASE_MS,
    CONAX_TIMEOUT_MS,
    RETRY_BACKOFF_MIN_MS,
    RETRY_BACKOFF_MAX_MS,
    BREAKER_OPEN_MS,
    BREAKER_MAX_OPEN_MS,
    RETENTION_REQUESTS_DAYS: requestDays = 0,
    RETENTION_EVENTS_DAYS: eventDays = 0,
  } = values as Compared;
  const found: string[] = [];
  if (LEASE_MS !== undefined && CONAX_TIMEOUT_MS !== undefined && LEASE_MS <= 2 * CONAX_TIMEOUT_MS) {
    found.push(`LEASE_MS is ${LEASE_MS}: set it to more than twice CONAX_TIMEOUT_MS (${CONAX_TIMEOUT_MS})`);
  }
  if (
    RETRY_BACKOFF_MIN_MS !== undefined &&
    RETRY_BACKOFF_MAX_MS !== undefined &&
    RETRY_BACKOFF_MIN_MS > RETRY_BACKOFF_MAX_MS
  ) {
    found.push(
      `RETRY_BACKOFF_MIN_MS is ${RETRY_BACKOFF_MIN_MS}: set it to at most RETRY_BACKOFF_MAX_MS (${RETRY_BACKOFF_MAX_MS})`,
    );
  }
  if (BREAKER_OPEN_MS !== undefined && BREAKER_MAX_OPEN_MS !== undefined && BREAKER_OPEN_MS > BREAKER_MAX_OPEN_MS) {
    found.push(`BREAKER_OPEN_MS is ${BREAKER_OPEN_MS}: set it to at most BREAKER_MAX_OPEN_MS (${BREAKER_MAX_OPEN_MS})`);
  }
  // A further facet of an action needs what its requests were (R6).
  if (requestDays > 0 && requestDays < eventDays) {
    found.push(`RETENTION_REQUESTS_DAYS is ${requestDays}: set it to at least RETENTION_EVENTS_DAYS (${eventDays})`);
  }
  const { HTTP_HOST = '', HTTP_PORT, MANAGEMENT_HOST = HTTP_HOST, MANAGEMENT_PORT = HTTP_PORT } = values as Compared;
  if (MANAGEMENT_HOST !== HTTP_HOST && MANAGEMENT_PORT === HTTP_PORT && HTTP_PORT !== 0) {
    // One of them takes the port at every address, also at the other's.
    const wide = [HTTP_HOST, MANAGEMENT_HOST].find((host) => EVERY_ADDRESS.has(host));
    if (wide !== undefined) {
      found.push(`MANAGEMENT_HOST and HTTP_HOST have the same port, and ${wide} is every address: set MANAGEMENT_PORT`);
    }
  }
  for (const [one, other] of PAIRS) {
    if (wrong.has(one) || wrong.has(other)) continue;
    if ((values[one] === undefined) === (values[other] === undefined)) continue;
    if (one in values || other in values) found.push(`${one} and ${other} belong together: set both or neither`);
  }
  for (const names of TLS_SETTINGS) {
    const texts: Partial<Record<string, string>> = {};
    for (const [part, name] of Object.entries(names)) if (!wrong.has(name)) texts[part] = values[name] as string;
    found.push(...tlsMistakes(texts, names));
    for (const name of Object.values(names)) {
      if (name.startsWith('KAFKA_SSL_') && values[name] !== undefined && values['KAFKA_SSL'] !== true)
        found.push(`${name} is set, and KAFKA_SSL is false: set KAFKA_SSL to true`);
    }
  }
  return [...found, ...loginContradictions(values, wrong)];
}

/** Each way to log in to the brokers needs its own settings, and makes no use of the others. */
function loginContradictions(values: Record<string, unknown>, wrong: ReadonlySet<string>): string[] {
  const mechanism = values['KAFKA_SASL_MECHANISM'];
  if (wrong.has('KAFKA_SASL_MECHANISM')) return [];
  const isSet = (name: string): boolean => values[name] !== undefined || wrong.has(name);
  if (mechanism === 'oauthbearer') {
    const missing = OAUTH_NEEDS.filter((name) => !isSet(name));
    return [
      ...(missing.length === 0 ? [] : [`KAFKA_SASL_MECHANISM is oauthbearer: set ${missing.join(' and ')} too`]),
      ...PASSWORD_LOGIN.filter(isSet).map(
        (name) => `${name} is set, and KAFKA_SASL_MECHANISM is oauthbearer: remove it, or set another mechanism`,
      ),
    ];
  }
  const found = [...OAUTH_NEEDS, 'KAFKA_OAUTH_SCOPE', 'KAFKA_OAUTH_EXTENSIONS', 'KAFKA_OAUTH_CA']
    .filter(isSet)
    .map((name) => `${name} is set: set KAFKA_SASL_MECHANISM to oauthbearer`);
  if (mechanism !== undefined && !isSet('KAFKA_SASL_USERNAME')) {
    found.push('KAFKA_SASL_MECHANISM is set: set KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD too');
  }
  return found;
}

const PASSWORD_LOGIN = ['KAFKA_SASL_USERNAME', 'KAFKA_SASL_PASSWORD'] as const;
const OAUTH_NEEDS = ['KAFKA_OAUTH_TOKEN_URL', 'KAFKA_OAUTH_CLIENT_ID', 'KAFKA_OAUTH_CLIENT_SECRET'] as const;

const EVERY_ADDRESS: ReadonlySet<string> = new Set(['0.0.0.0', '::', '']);

const TLS_SETTINGS = [
  { ca: 'KAFKA_SSL_CA', cert: 'KAFKA_SSL_CERT', key: 'KAFKA_SSL_KEY' },
  { ca: 'CONAX_CA', cert: 'CONAX_CLIENT_CERT', key: 'CONAX_CLIENT_KEY' },
  { ca: 'SCHEMA_REGISTRY_CA', cert: '', key: '' },
  { ca: 'KAFKA_OAUTH_CA', cert: '', key: '' },
] as const;

const PAIRS = [
  ['CONAX_USERNAME', 'CONAX_PASSWORD'],
  ['CONAX_CLIENT_CERT', 'CONAX_CLIENT_KEY'],
  ['KAFKA_SASL_USERNAME', 'KAFKA_SASL_PASSWORD'],
  ['KAFKA_SSL_CERT', 'KAFKA_SSL_KEY'],
  ['SCHEMA_REGISTRY_USERNAME', 'SCHEMA_REGISTRY_PASSWORD'],
] as const;

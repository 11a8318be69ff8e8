import { z } from 'zod';
import { type Environment, misspelt, readEnvironment, SettingsError } from './platform/environment.ts';
import { parseBroker } from './platform/kafkajs/broker-addresses.ts';
import {
  flag,
  httpUrl,
  integer,
  keyValues,
  list,
  fraction,
  optionalInteger,
  optionalText,
  pattern,
  postgresUrl,
  secret,
  text,
} from './platform/setting-kinds.ts';
import { samplerNames } from './platform/tracing.ts';
import { contradictions } from './setting-contradictions.ts';

/** What a group of commands needs; a command reads only its own groups, so that `requests show` asks for no Kafka. */
export type SettingGroup =
  | 'database'
  | 'kafka'
  | 'conax'
  | 'rules'
  | 'mapping'
  | 'dispatch'
  | 'http'
  | 'webApi'
  | 'runs'
  | 'retention'
  | 'log'
  | 'tracing'
  | 'simulator';

/** RFC 7628, section 3.1, without line breaks. */
const SASL_EXTENSION = /^(?!auth=)[A-Za-z]+=[\u0020-\u007E]+$/;

/**
 * Every setting, by group: the one source for validation, types and docs/settings.md.
 * The description is for an operator; it names the unit and what a wrong value does.
 */
export const settingGroups = {
  database: {
    DATABASE_URL: secret(postgresUrl()).describe(
      'PostgreSQL 14 or newer, as `postgres://user:password@host:port/database`; directly, or through a pooler in session mode. Several hosts (`host1:port,host2:port`) are tried in turn until one takes writes ([database.md](database.md)).',
    ),
    DATABASE_MAX_CONNECTIONS: integer(8, 500, 20).describe('Connections that one process opens at most.'),
  },
  kafka: {
    KAFKA_BROKERS: list('host:port')
      .refine(
        (brokers) => brokers.every((broker) => parseBroker(broker) !== null),
        'set each broker to host:port, an IPv6 address in brackets ([::1]:9092)',
      )
      .describe(
        'Brokers to start with, `host:port`, separated by commas; an IPv6 address in brackets (`[2001:db8::1]:9092`).',
      ),
    KAFKA_CLIENT_ID: text('conax-provisioning').describe('The name under which the brokers see the service.'),
    KAFKA_GROUP_ID: text('conax-provisioning').describe('The consumer group; the same for all instances.'),
    KAFKA_SESSION_TIMEOUT_MS: integer(1_000, 300_000, 6_000).describe(
      "How long reading waits for a dead instance if no other one notices it first; at least the brokers' `group.min.session.timeout.ms`.",
    ),
    KAFKA_OFFSET_LOST: z
      .enum(['skip', 'stop'], 'set it to skip or stop')
      .default('skip')
      .describe(
        'If Kafka removed unread messages: `skip` continues after them, with an error line and a metric. `stop` does not read that partition, and the service is not ready, until it is started with `skip`.',
      ),
    KAFKA_STALLED_MS: integer(1_000, 3_600_000, 30_000).describe(
      'How long a partition with more messages may stay at one position before the service is not ready. Longer than the largest event takes.',
    ),
    KAFKA_SSL: flag(false).describe('Whether the brokers speak TLS.'),
    KAFKA_SSL_CA: optionalText().describe('Certificates to trust instead of the well-known ones, PEM.'),
    KAFKA_SSL_CERT: optionalText().describe('TLS client certificate, PEM.'),
    KAFKA_SSL_KEY: secret(optionalText()).describe('Its private key, PEM.'),
    KAFKA_SASL_MECHANISM: z
      .enum(['plain', 'scram-sha-256', 'scram-sha-512', 'oauthbearer'])
      .optional()
      .describe(
        'How to log in to the brokers; without it, not at all. `oauthbearer` needs the settings `KAFKA_OAUTH_…`, the others user and password.',
      ),
    KAFKA_SASL_USERNAME: optionalText().describe('User at the brokers.'),
    KAFKA_SASL_PASSWORD: secret(optionalText()).describe('Password at the brokers.'),
    KAFKA_OAUTH_TOKEN_URL: httpUrl()
      .optional()
      .describe(
        'Where `oauthbearer` gets its tokens, by the client credentials grant. Tokens should last for five minutes or more. It may contain client id and secret.',
      ),
    KAFKA_OAUTH_CLIENT_ID: optionalText().describe('Client at the token endpoint.'),
    KAFKA_OAUTH_CLIENT_SECRET: secret(optionalText()).describe('Its secret, sent by HTTP Basic.'),
    KAFKA_OAUTH_SCOPE: optionalText().describe('Scope to ask for, if the endpoint wants one.'),
    KAFKA_OAUTH_EXTENSIONS: keyValues()
      .refine(
        (all) => Object.entries(all ?? {}).every((one) => SASL_EXTENSION.test(one.join('='))),
        'a name has only letters, and a value only visible ASCII characters',
      )
      .describe(
        'What the brokers want besides the token, `name=value`, separated by commas, percent-encoded; for instance `logicalCluster=lkc-1,identityPoolId=pool-1`.',
      ),
    KAFKA_OAUTH_CA: optionalText().describe(
      'Certificates to trust for the token endpoint instead of the well-known ones, PEM.',
    ),
    SCHEMA_REGISTRY_URL: httpUrl().describe(
      'Schema registry with the Confluent API; for Apicurio the address ends with `/apis/ccompat/v7`. It may contain user and password.',
    ),
    SCHEMA_REGISTRY_CA: optionalText().describe(
      'Certificates to trust for the registry instead of the well-known ones, PEM.',
    ),
    SCHEMA_REGISTRY_USERNAME: optionalText().describe('User at the registry.'),
    SCHEMA_REGISTRY_PASSWORD: secret(optionalText()).describe('Password at the registry.'),
    CRM_TOPICS: list('topic', 'crm.subscription-events').describe(
      'Topics with the CRM action events, separated by commas.',
    ),
    OUTCOME_TOPIC: text('conax.provisioning-outcomes').describe('Topic for the outcome of every provisioning request.'),
    ACTION_OUTCOME_TOPIC: text('conax.action-outcomes').describe('Topic for the outcome of every CRM action.'),
    DEAD_LETTER_TOPIC: text('crm.subscription-events.dead-letter').describe(
      'Topic for messages that could not be read.',
    ),
    TOPIC_PARTITIONS: integer(1, 1000, 6).describe('Partitions of the topics that `migrate` creates.'),
    TOPIC_REPLICATION_FACTOR: integer(-1, 10, -1).describe(
      'Replicas of the topics that `migrate` creates; -1 takes what the brokers have set.',
    ),
  },
  rules: {
    ENTITLE_ADDED_CARDS: flag(false).describe(
      'Send the missing ADDs of a card that I: ADD_INSTALLED_ITEM added, instead of withholding them as NOT_TRIGGERED (R10).',
    ),
    STALE_POLICY: z
      .enum(['plan', 'hold'], 'set it to plan or hold')
      .default('plan')
      .describe('What becomes of a late event: `plan` it against the newest snapshot, or `hold` it for a person.'),
    BULK_EXECUTED_BY: list('the name of a CRM user')
      .optional()
      .describe(
        'CRM users whose actions are bulk work, such as those of billing runs and migrations, separated by commas; the names as events have them in `executedBy`. Their commands go after all others, within BULK_SHARE (R13).',
      ),
    ACTION_FACET_WAIT_MS: integer(0, 86_400_000, 30_000).describe(
      'How long an action that names its number of facets waits for missing ones before its outcome goes out.',
    ),
    SMARTCARD_CA_ID_PATTERN: pattern('^\\d{11}$').describe('What a smart card CA id looks like (regular expression).'),
    STB_CA_ID_PATTERN: pattern('^[!-~]{1,30}$').describe('What an STB CA id looks like (regular expression).'),
    SERVICE_CA_ID_PATTERN: pattern('^\\d{1,8}$').describe('What a service CA id looks like (regular expression).'),
    PIN_PATTERN: pattern('^\\d{4}$').describe('What a PIN looks like (regular expression).'),
    PIN_KEY: secret(
      z
        .string()
        .regex(
          /^[0-9a-fA-F]{64}(?:\s+[0-9a-fA-F]{64})*\s*$/,
          'has to be 64 hexadecimal characters (32 bytes), or several such lines',
        )
        .optional(),
    ).describe(
      'Key that seals PINs until they are sent, 64 hexadecimal characters. The same for all instances. [utilities.md](utilities.md) describes how to change it.',
    ),
  },
  conax: {
    CONAX_BASE_URL: httpUrl()
      .refine(
        (url) => !/[?#]/.test(url),
        'it has a query, which would not be sent: write it into the paths in conax.json',
      )
      .describe('The CAS; the paths of the areas come from conax.json. It may contain user and password.'),
    CONAX_USERNAME: optionalText().describe('User for HTTP Basic and for {{username}} in templates.'),
    CONAX_PASSWORD: secret(optionalText()).describe('Password for HTTP Basic and for {{password}} in templates.'),
    CONAX_CLIENT_CERT: optionalText().describe('TLS client certificate, PEM.'),
    CONAX_CLIENT_KEY: secret(optionalText()).describe('Its private key, PEM.'),
    CONAX_CA: optionalText().describe('Certificates to trust instead of the well-known ones, PEM.'),
    CONAX_TIMEOUT_MS: integer(100, 300_000, 10_000).describe('How long one SOAP call may take in all.'),
    CONAX_KEEP_ALIVE: flag(false).describe(
      'Whether SOAP calls share connections, one after the other: two to four times as many calls a second. If a CAS or proxy answers one call twice, the next one looks done ([0006](decisions/0006-keep-alive.md)). Messages and fingerprints never share one.',
    ),
    CONAX_MAX_CONCURRENCY: integer(1, 1000, 16).describe('SOAP calls under way at once, all instances together.'),
    CONAX_MAX_REQUESTS_PER_SECOND: integer(1, 100_000, 1_000).describe('SOAP calls a second, all instances together.'),
  },
  mapping: {
    CONAX_MAPPING_FILE: optionalText().describe(
      "The file conax.json, with request templates and WSDLs in its directory ([conax.md](conax.md)); by default the service's own.",
    ),
    ENTITLEMENT_MONTHS: integer(0, 1_200, 0).describe(
      'Calendar months after which an entitlement ends by itself, sent as entitledFrom and entitledUntil of ADD_SUBSCRIPTIONS; 0: never. More frequent resyncs renew entitlements.',
    ),
  },
  dispatch: {
    LEASE_MS: integer(1_000, 3_600_000, 30_000).describe(
      'How long a request stays with an instance that does not renew it; more than twice CONAX_TIMEOUT_MS.',
    ),
    BULK_SHARE: fraction(0.2).describe(
      'The part of the SOAP calls that bulk work has while other commands are ready, 0 to 1; alone it has all of them (R13). With 0 it waits until nothing else is ready.',
    ),
    CANCEL_PATIENCE_MS: integer(0, 604_800_000, 900_000).describe(
      'How long a cancellation may wait because commands that give go first; then it counts as one of them (R13).',
    ),
    RETRY_BACKOFF_MIN_MS: integer(1, 3_600_000, 250).describe(
      'Longest wait before the first retry; it doubles with every retry.',
    ),
    RETRY_BACKOFF_MAX_MS: integer(1, 3_600_000, 5_000).describe('Longest wait before any retry.'),
    BREAKER_FAILURES: integer(1, 10_000, 10).describe(
      'Calls in a row that do not reach the CAS, or have an unreadable answer, before all sending stops for a while.',
    ),
    BREAKER_OPEN_MS: integer(10, 3_600_000, 1_000).describe(
      'How long sending stops before one call tries again; it doubles while the CAS stays away.',
    ),
    BREAKER_MAX_OPEN_MS: integer(10, 3_600_000, 5_000).describe(
      'The longest time that sending stops before one call tries again.',
    ),
    SHUTDOWN_TIMEOUT_MS: integer(0, 600_000, 20_000).describe(
      'How long a stopping process may take to finish its work.',
    ),
  },
  http: {
    HTTP_HOST: text('0.0.0.0').describe('Address that the HTTP server listens on.'),
    HTTP_PORT: integer(0, 65_535, 8080).describe('Port of the HTTP server; 0 takes a free one.'),
    HTTP_MAX_CONNECTIONS: integer(10, 100_000, 1_000).describe(
      'Connections that each HTTP server holds at once. Further ones close idle ones, or are closed.',
    ),
    BUILD_REVISION: text('unknown').describe(
      'Revision of the source, for the metric `conax_build_info`; the image sets it.',
    ),
    MANAGEMENT_HOST: optionalText().describe(
      'Separate address of `/health`, `/metrics` and `/docs`; without it HTTP_HOST.',
    ),
    MANAGEMENT_PORT: optionalInteger(0, 65_535).describe(
      'Separate port of `/health`, `/metrics` and `/docs`; without it HTTP_PORT. Without both settings they are served with the APIs.',
    ),
  },
  webApi: {
    WEB_API_IMMEDIATE_TIMEOUT_MS: integer(0, 300_000, 10_000).describe(
      'How long a call with process_immediately, or a utility of the operations API, waits for the outcome. Then the answer shows the request PENDING; the request continues.',
    ),
    WEB_API_TOKEN_IDLE_MS: integer(1_000, 86_400_000, 3_600_000).describe(
      'How long a token of the login lives without a call; it ends up to a minute earlier.',
    ),
  },
  runs: {
    RUN_REQUESTS_PER_SECOND: integer(1, 10_000, 100).describe(
      'Requests a second for one run, all instances together. Triggers have the rest of CONAX_MAX_REQUESTS_PER_SECOND.',
    ),
    RUN_WINDOW: integer(1, 1_000, 200).describe(
      "Requests of one run that may be pending at once: enough for half a second of the CAS. A trigger for a card among them waits for that card's message.",
    ),
  },
  retention: {
    RETENTION_REQUESTS_DAYS: integer(0, 36_500, 0).describe(
      'Days that a final provisioning request is kept, with its attempts; 0: forever. At least RETENTION_EVENTS_DAYS.',
    ),
    RETENTION_EVENTS_DAYS: integer(0, 36_500, 0).describe(
      "Days that an event is kept, with its withheld commands; 0: forever. Longer than Kafka keeps the CRM's topics: an event read again after its removal counts as new.",
    ),
    RETENTION_OUTCOMES_DAYS: integer(0, 36_500, 0).describe(
      'Days that a published outcome or dead letter is kept; 0: forever.',
    ),
    RETENTION_RUNS_DAYS: integer(0, 36_500, 0).describe(
      'Days that a completed run is kept, with its cards; 0: forever.',
    ),
    RETENTION_AUDIT_DAYS: integer(0, 36_500, 0).describe(
      'Days that it is kept who did what (`audit list`); 0: forever.',
    ),
    RETENTION_ARCHIVE_DIR: optionalText().describe(
      'Directory for archives of removed rows; without it they are only removed.',
    ),
  },
  log: {
    LOG_LEVEL: z
      .enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'])
      .default('info')
      .describe('What is logged: this level and those above it.'),
  },
  tracing: {
    OTEL_EXPORTER_OTLP_ENDPOINT: httpUrl()
      .refine(
        (url) => !/@|[?#]/.test(url),
        'it has a login or a query: set it to the address alone, and OTEL_EXPORTER_OTLP_HEADERS to what proves who you are',
      )
      .optional()
      .describe(
        'Collector of traces (OTLP over HTTP, as JSON), such as `http://collector:4318`; without it nothing is traced ([tracing.md](tracing.md)).',
      ),
    OTEL_EXPORTER_OTLP_HEADERS: secret(keyValues()).describe(
      'HTTP headers for the collector, as `name=value`, separated by commas, percent-encoded.',
    ),
    OTEL_SERVICE_NAME: text('conax-provisioning').describe('The name under which traces show the service.'),
    OTEL_RESOURCE_ATTRIBUTES: keyValues().describe(
      'Further attributes of the service, such as `deployment.environment.name=test`, separated by commas, percent-encoded.',
    ),
    OTEL_TRACES_SAMPLER: z
      .enum(samplerNames, `set it to ${samplerNames.join(', ')}`)
      .default('parentbased_always_on')
      .describe(
        'Which traces are kept. Those with `parentbased` keep what the caller keeps, and choose only among traces that start here.',
      ),
    OTEL_TRACES_SAMPLER_ARG: fraction(1).describe('The part that a sampler with `traceidratio` keeps, 0 to 1.'),
  },
  simulator: {
    SIMULATOR_PORT: integer(0, 65_535, 8090).describe('Port of the CAS simulator; 0 takes a free one.'),
    SIMULATOR_HOST: text('127.0.0.1').describe('Address that the CAS simulator listens on.'),
  },
} as const satisfies Record<SettingGroup, Record<string, z.ZodType>>;

/** The groups of settings that the service needs. */
export const SERVICE_SETTINGS = [
  'database',
  'kafka',
  'conax',
  'mapping',
  'rules',
  'dispatch',
  'http',
  'webApi',
  'runs',
  'retention',
  'log',
  'tracing',
] as const;

/** The settings that the service needs. */
export type ServiceSettings = Settings<(typeof SERVICE_SETTINGS)[number]>;

type Shape<G extends SettingGroup> = (typeof settingGroups)[G];
type UnionToIntersection<U> = (U extends unknown ? (one: U) => void : never) extends (all: infer I) => void ? I : never;
/** The validated settings of some groups, by their names in the environment. */
export type Settings<G extends SettingGroup = SettingGroup> = Readonly<
  UnionToIntersection<G extends SettingGroup ? { [K in keyof Shape<G>]: z.output<Shape<G>[K] & z.ZodType> } : never>
>;

/**
 * Reads and validates the settings of the groups from the environment. An empty value counts as not set. `NAME_FILE`
 * reads the value of NAME from a file, without its last line break.
 * @throws SettingsError naming every mistake at once; secrets are never repeated.
 */
export function readSettings<G extends SettingGroup>(
  groups: readonly G[],
  env: Environment = process.env,
): Settings<G> {
  const schemas = Object.fromEntries(groups.flatMap((group) => Object.entries<z.ZodType>(settingGroups[group])));
  const { values, mistakes, wrong } = readEnvironment(schemas, env);
  const all = [...mistakes, ...credentialsTakenOut(values), ...contradictions(values, wrong)];
  if (all.length > 0) throw new SettingsError([...all, ...misspeltSettings(env)], groups);
  return Object.freeze(values) as Settings<G>;
}

/** Returns a hint for each name in the environment that looks like a setting which is not set. */
export function misspeltSettings(env: Environment = process.env): string[] {
  return misspelt(
    Object.values(settingGroups).flatMap((group) => Object.keys(group)),
    env,
  );
}

/**
 * Moves user and password out of the addresses that have them, into the settings made for them: errors, logs and health
 * show addresses. Returns what is wrong with them.
 */
function credentialsTakenOut(values: Record<string, unknown>): string[] {
  return ADDRESSES_WITH_LOGIN.flatMap(([name, user, password]) => {
    const given = values[name];
    if (typeof given !== 'string') return [];
    const url = new URL(given);
    if (url.username === '' && url.password === '') return [];
    const login = { user: url.username, password: url.password };
    Object.assign(url, { username: '', password: '' });
    values[name] = url.href;
    if (values[user] !== undefined || values[password] !== undefined) {
      return [`${name} has a user or password in it, and ${user} or ${password} is set: keep one of the two ways`];
    }
    try {
      values[user] = decodeURIComponent(login.user);
      values[password] = decodeURIComponent(login.password);
      return [];
    } catch {
      return [`${name} has a user or password that is not percent-encoded: set ${user} and ${password} instead`];
    }
  });
}

const ADDRESSES_WITH_LOGIN = [
  ['SCHEMA_REGISTRY_URL', 'SCHEMA_REGISTRY_USERNAME', 'SCHEMA_REGISTRY_PASSWORD'],
  ['CONAX_BASE_URL', 'CONAX_USERNAME', 'CONAX_PASSWORD'],
  ['KAFKA_OAUTH_TOKEN_URL', 'KAFKA_OAUTH_CLIENT_ID', 'KAFKA_OAUTH_CLIENT_SECRET'],
] as const;

/** The rules of planning, as the settings have them. */
export function planningRulesOf(settings: Settings<'rules'>): {
  entitleAddedCards: boolean;
  smartcardPattern: RegExp;
  setTopBoxPattern: RegExp;
  servicePattern: RegExp;
} {
  return {
    entitleAddedCards: settings.ENTITLE_ADDED_CARDS,
    smartcardPattern: settings.SMARTCARD_CA_ID_PATTERN,
    setTopBoxPattern: settings.STB_CA_ID_PATTERN,
    servicePattern: settings.SERVICE_CA_ID_PATTERN,
  };
}

/** The topics that this service reads or writes itself: a replay of outcomes may not name them. */
export function ownTopics(settings: Settings<'kafka'>): readonly string[] {
  return [...settings.CRM_TOPICS, settings.OUTCOME_TOPIC, settings.ACTION_OUTCOME_TOPIC, settings.DEAD_LETTER_TOPIC];
}

/** Where health, metrics and documents are served; undefined: with the APIs. */
export function managementAddressOf(settings: Settings<'http'>): { host: string; port: number } | undefined {
  const { HTTP_HOST, HTTP_PORT, MANAGEMENT_HOST, MANAGEMENT_PORT } = settings;
  if (MANAGEMENT_HOST === undefined && MANAGEMENT_PORT === undefined) return undefined;
  const { host, port } = { host: MANAGEMENT_HOST ?? HTTP_HOST, port: MANAGEMENT_PORT ?? HTTP_PORT };
  return host === HTTP_HOST && port === HTTP_PORT && port !== 0 ? undefined : { host, port };
}

/** How many days each kind of row is kept; 0: for good. */
export function retentionDaysOf(
  settings: Settings<'retention'>,
): Readonly<Record<'requests' | 'events' | 'outcomes' | 'runs' | 'audit', number>> {
  return {
    requests: settings.RETENTION_REQUESTS_DAYS,
    events: settings.RETENTION_EVENTS_DAYS,
    outcomes: settings.RETENTION_OUTCOMES_DAYS,
    runs: settings.RETENTION_RUNS_DAYS,
    audit: settings.RETENTION_AUDIT_DAYS,
  };
}

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeIdentity } from '../conax/certificates.ts';
import { managementAddressOf, misspeltSettings, readSettings, SERVICE_SETTINGS } from '../../src/settings.ts';

const client = makeIdentity('Provisioning');
const all = SERVICE_SETTINGS;
const required = {
  DATABASE_URL: 'postgres://user:s3cret@db/conax',
  KAFKA_BROKERS: 'one:9092, two:9092',
  SCHEMA_REGISTRY_URL: 'http://registry:8081',
  CONAX_BASE_URL: 'https://cas.example',
};

const oauth = {
  KAFKA_SASL_MECHANISM: 'oauthbearer',
  KAFKA_OAUTH_TOKEN_URL: 'https://me:p%40ss@login.example/token',
};

function mistakesOf(env: Record<string, string>): string {
  try {
    readSettings(all, { ...required, ...env });
  } catch (error) {
    return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  }
  return 'no mistake';
}

describe('settings', () => {
  let directory: string;
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'conax-settings-'));
  });
  afterAll(() => rmSync(directory, { recursive: true }));

  test('four of them are enough; the others have defaults', () => {
    const settings = readSettings(all, required);
    expect(settings.KAFKA_BROKERS).toEqual(['one:9092', 'two:9092']);
    expect(settings.OUTCOME_TOPIC).toBe('conax.provisioning-outcomes');
    expect(settings.SMARTCARD_CA_ID_PATTERN.test('20000000001')).toBe(true);
    expect(Object.isFrozen(settings)).toBe(true);
  });

  test('every mistake is named in one message, with the remedy', () => {
    const message = mistakesOf({
      KAFKA_BROKERS: '',
      CONAX_BASE_URL: 'cas.example',
      CONAX_MAX_CONCURRENCY: '0',
      KAFKA_SSL: 'yes',
      STALE_POLICY: 'drop',
      PIN_PATTERN: '(',
    });
    expect(message).toMatch(/SettingsError/);
    expect(message).toMatch(/KAFKA_BROKERS is not set: set it to host:port/);
    expect(message).toMatch(/CONAX_BASE_URL is "cas.example": set it to an address that starts with http/);
    expect(message).toMatch(/CONAX_MAX_CONCURRENCY is "0": set it to a whole number from 1 to 1000/);
    expect(message).toMatch(/KAFKA_SSL is "yes": set it to true or false/);
    expect(message).toMatch(/STALE_POLICY is "drop": set it to plan or hold/);
    expect(message).toMatch(/PIN_PATTERN is "\(": set it to a regular expression/);
  });

  test('tracing is off by default, and takes the settings of OpenTelemetry', () => {
    expect(readSettings(all, required).OTEL_EXPORTER_OTLP_ENDPOINT).toBeUndefined();
    const settings = readSettings(all, {
      ...required,
      OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318',
      OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer%20s3cret, x-tenant = one=two ',
      OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
      OTEL_TRACES_SAMPLER_ARG: '0.25',
    });
    expect(settings.OTEL_EXPORTER_OTLP_HEADERS).toEqual({ authorization: 'Bearer s3cret', 'x-tenant': 'one=two' });
    expect(settings.OTEL_TRACES_SAMPLER_ARG).toBe(0.25);
  });

  test.each([
    [{ OTEL_EXPORTER_OTLP_HEADERS: 's3cret' }, /HEADERS has a wrong value: set it to name=value/],
    [{ OTEL_EXPORTER_OTLP_HEADERS: 'key=%zzs3cret' }, /HEADERS has a wrong value: set it to name=value/],
    [
      { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://me:s3cret@collector' },
      /ENDPOINT is "http:\/\/…@collector": it has a login/,
    ],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector/?key=s3cret' }, /ENDPOINT is .*: it has a login or a query/],
    [{ OTEL_TRACES_SAMPLER: 'some' }, /SAMPLER is "some": set it to parentbased_always_on, /],
    [{ OTEL_TRACES_SAMPLER_ARG: '2' }, /SAMPLER_ARG is "2": set it to a part of the whole/],
  ])('wrong settings of tracing are named without secrets: %o', (wrong, expected) => {
    const message = mistakesOf(wrong);
    expect(message).toMatch(expected);
    expect(message).not.toContain('s3cret');
  });

  test('names that look like a setting which is not set are shown', () => {
    const env = { ...required, CONAX_MAPING_FILE: 'x', KAFKA_HOME: '/opt/kafka', USER: 'me', CONAX_TIMEOUT: '5' };
    const hints = [
      'CONAX_MAPING_FILE is set, and no setting has that name: did you mean CONAX_MAPPING_FILE?',
      'CONAX_TIMEOUT is set, and no setting has that name: did you mean CONAX_TIMEOUT_MS?',
    ];
    expect(misspeltSettings(env)).toEqual(hints);
    const message = mistakesOf({ KAFKA_BROKERS: '', KAFKA_BROKER: 'one:9092', KAFKA_SASL_MECHANISM: 'md5' });
    expect(message).toMatch(/KAFKA_BROKER is set, and no setting has that name: did you mean KAFKA_BROKERS\?/);
    expect(message).toMatch(/KAFKA_SASL_MECHANISM is "md5": must be one of plain, scram-sha-256, scram-sha-512/);
  });

  test.each<[string, Record<string, string>]>([
    ['an address of no known kind', { SCHEMA_REGISTRY_URL: 'htp://user:s3cret@host' }],
    ['an address without a kind', { CONAX_BASE_URL: 'user:s3cret@host' }],
    ['a query', { CONAX_BASE_URL: 'https://cas.example/?token=s3cret' }],
    ['a second login', { CONAX_BASE_URL: 'http://user:s3cret@host', CONAX_USERNAME: 'other', CONAX_PASSWORD: 'x' }],
    ['a password that is not encoded', { CONAX_BASE_URL: 'http://user:%zzs3cret@host' }],
    ['a database address that cannot be read', { DATABASE_URL: 'postgres://user:s3cret@host:port/x' }],
  ])('%s is named without its password', (_, wrong) => {
    const message = mistakesOf(wrong);
    expect(message).toContain(Object.keys(wrong)[0]);
    expect(message).not.toContain('s3cret');
  });

  test('the login by tokens is complete without TLS, and its client may be in the address', () => {
    expect(
      readSettings(all, { ...required, ...oauth, KAFKA_OAUTH_CA: client.cert, KAFKA_OAUTH_EXTENSIONS: 'a=1,b=x%3Dy' }),
    ).toMatchObject({
      KAFKA_OAUTH_TOKEN_URL: 'https://login.example/token',
      KAFKA_OAUTH_CLIENT_ID: 'me',
      KAFKA_OAUTH_CLIENT_SECRET: 'p@ss',
      KAFKA_OAUTH_EXTENSIONS: { a: '1', b: 'x=y' },
    });
  });

  test('user and password in an address are taken out of it', () => {
    const settings = readSettings(all, {
      ...required,
      SCHEMA_REGISTRY_URL: 'http://me:p%40ss@registry:8081/apis/ccompat/v7',
      CONAX_BASE_URL: 'https://cas.example/base',
    });
    expect(settings.SCHEMA_REGISTRY_URL).toBe('http://registry:8081/apis/ccompat/v7');
    expect(settings.SCHEMA_REGISTRY_USERNAME).toBe('me');
    expect(settings.SCHEMA_REGISTRY_PASSWORD).toBe('p@ss');
    expect(settings.CONAX_BASE_URL).toBe('https://cas.example/base');
    expect(settings.CONAX_USERNAME).toBeUndefined();
  });

  test.each<[Record<string, string>, object | undefined]>([
    [{}, undefined],
    [{ MANAGEMENT_PORT: '9090' }, { host: '0.0.0.0', port: 9090 }],
    [
      { MANAGEMENT_PORT: '9090', MANAGEMENT_HOST: '127.0.0.1' },
      { host: '127.0.0.1', port: 9090 },
    ],
    [
      { MANAGEMENT_HOST: '10.0.0.1', HTTP_HOST: '10.0.0.2' },
      { host: '10.0.0.1', port: 8080 },
    ],
    [{ MANAGEMENT_PORT: '8080', MANAGEMENT_HOST: '0.0.0.0' }, undefined],
    [
      { MANAGEMENT_PORT: '0', HTTP_PORT: '0' },
      { host: '0.0.0.0', port: 0 },
    ],
  ])('with %j health, metrics and documents are served at %j', (given, address) => {
    expect(managementAddressOf(readSettings(all, { ...required, ...given }))).toEqual(address);
  });

  test('two addresses that take the same port of the machine are a mistake', () => {
    expect(mistakesOf({ MANAGEMENT_HOST: '127.0.0.1' })).toMatch(/0\.0\.0\.0 is every address: set MANAGEMENT_PORT/);
    expect(mistakesOf({ MANAGEMENT_PORT: '65536' })).toMatch(/MANAGEMENT_PORT is "65536": set it to a whole number/);
  });

  test('a secret is never repeated in a message', () => {
    const message = mistakesOf({ DATABASE_URL: 'mysql://user:s3cret@db/conax', PIN_KEY: 's3cret' });
    expect(message).toMatch(/DATABASE_URL has a wrong value/);
    expect(message).toMatch(/PIN_KEY has a wrong value/);
    expect(message).not.toMatch(/s3cret/);
  });

  test('any setting can come from a file, without its last line break', () => {
    const file = join(directory, 'password');
    writeFileSync(file, 'from a file\n');
    const settings = readSettings(all, { ...required, CONAX_USERNAME: 'sms', CONAX_PASSWORD_FILE: file });
    expect(settings.CONAX_PASSWORD).toBe('from a file');
  });

  test('a file that cannot be read, and a value given twice, are mistakes', () => {
    const message = mistakesOf({
      CONAX_USERNAME: 'sms',
      CONAX_PASSWORD: 'one',
      CONAX_PASSWORD_FILE: 'other',
      PIN_KEY_FILE: join(directory, 'missing'),
    });
    expect(message).toMatch(/CONAX_PASSWORD and CONAX_PASSWORD_FILE are both set/);
    expect(message).toMatch(/PIN_KEY_FILE: .* cannot be read: there is no such file/);
  });

  test.each([
    [{ LEASE_MS: '20000' }, /LEASE_MS is 20000: set it to more than twice CONAX_TIMEOUT_MS \(10000\)/],
    [{ RETRY_BACKOFF_MIN_MS: '9000' }, /RETRY_BACKOFF_MIN_MS is 9000: set it to at most RETRY_BACKOFF_MAX_MS/],
    [{ CONAX_USERNAME: 'sms' }, /CONAX_USERNAME and CONAX_PASSWORD belong together/],
    [{ KAFKA_SASL_MECHANISM: 'plain' }, /set KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD too/],
    [
      { KAFKA_SASL_MECHANISM: 'oauthbearer', KAFKA_OAUTH_CLIENT_ID: 'me' },
      /KAFKA_SASL_MECHANISM is oauthbearer: set KAFKA_OAUTH_TOKEN_URL and KAFKA_OAUTH_CLIENT_SECRET too/,
    ],
    [
      { ...oauth, KAFKA_SASL_USERNAME: 'me', KAFKA_SASL_PASSWORD: 'x' },
      /KAFKA_SASL_USERNAME is set, and KAFKA_SASL_MECHANISM is oauthbearer: remove it/,
    ],
    [{ KAFKA_OAUTH_SCOPE: 'kafka' }, /KAFKA_OAUTH_SCOPE is set: set KAFKA_SASL_MECHANISM to oauthbearer/],
    [{ ...oauth, KAFKA_OAUTH_CA: 'nothing' }, /KAFKA_OAUTH_CA has no certificate: set it to PEM/],
    [
      { ...oauth, KAFKA_OAUTH_EXTENSIONS: 'logical_cluster=1' },
      /KAFKA_OAUTH_EXTENSIONS is .*: a name has only letters/,
    ],
  ] as const)('settings that contradict each other are a mistake: %j', (env, message) => {
    expect(mistakesOf(env)).toMatch(message);
  });

  test.each([
    ['CONAX_CA', 'nothing', 'CONAX_CA has no certificate: set it to PEM ("-----BEGIN CERTIFICATE-----")'],
    ['SCHEMA_REGISTRY_CA', 'nothing', 'SCHEMA_REGISTRY_CA has no certificate: set it to PEM'],
    [
      'CONAX_CLIENT_CERT',
      client.cert.replace(/M.{9}/, 'AAAAAAAAAA'),
      'CONAX_CLIENT_CERT: certificate 1 of 1 cannot be read (',
    ],
    ['CONAX_CLIENT_KEY', 's3cret', 'CONAX_CLIENT_KEY is no private key: set it to PEM without a passphrase'],
    [
      'CONAX_CLIENT_KEY',
      makeIdentity('Other').key,
      'CONAX_CLIENT_KEY does not belong to the first certificate of CONAX_CLIENT_CERT',
    ],
  ])('certificates and keys that TLS cannot use are mistakes: %s', (name, value, problem) => {
    const env = { CONAX_CLIENT_CERT: client.cert, CONAX_CLIENT_KEY: client.key, [name]: value };
    const message = mistakesOf(env);
    expect(message).toContain(problem);
    expect(message).not.toContain('s3cret');
    expect(() =>
      readSettings(all, { ...required, CONAX_CLIENT_CERT: client.cert, CONAX_CLIENT_KEY: client.key }),
    ).not.toThrow();
  });

  test('a command reads only what it needs', () => {
    expect(readSettings(['database'], { DATABASE_URL: required.DATABASE_URL })).toEqual({
      DATABASE_URL: required.DATABASE_URL,
      DATABASE_MAX_CONNECTIONS: 20,
    });
  });
});

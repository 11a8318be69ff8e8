import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startStack, type Stack } from '../../../dev/stack/index.ts';
import { freePort } from '../../../dev/stack/ports.ts';
import { createKafka, type KafkaOptions } from '../../../src/platform/kafka.ts';
import { tlsMistakes, type TlsTexts } from '../../../src/platform/tls-texts.ts';
import { createLogger } from '../../../src/platform/logging.ts';
import { oauthLogin } from '../../../src/platform/kafka-login.ts';
import { readSettings } from '../../../src/settings.ts';
import { UNSIGNED_TOKENS, unsignedToken } from '../../support/token-endpoint.ts';
import { createLedTopics } from '../../../src/platform/topics.ts';

/** A broker of its own, with listeners on IPv6, for TLS that demands a client certificate, and for login by tokens. */
let stack: Stack;
let tlsPort = 0;
let ipv6Port = 0;
let oauthPort = 0;
const directory = mkdtempSync(join(tmpdir(), 'conax-tls-'));
const file = (name: string): string => join(directory, name);
const text = (name: string): string => readFileSync(file(name), 'utf8');

function openssl(...args: string[]): void {
  execFileSync('openssl', args, { cwd: directory, stdio: 'ignore' });
}

function certificate(name: string, extension: string): void {
  openssl(
    'req',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-keyout',
    `${name}.key`,
    '-out',
    `${name}.csr`,
    '-subj',
    `/CN=${name}`,
  );
  writeFileSync(file(`${name}.ext`), extension);
  const signer = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial'];
  openssl(
    'x509',
    '-req',
    '-in',
    `${name}.csr`,
    ...signer,
    '-out',
    `${name}.pem`,
    '-days',
    '2',
    '-extfile',
    `${name}.ext`,
  );
}

beforeAll(async () => {
  openssl(
    'req',
    '-x509',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-keyout',
    'ca.key',
    '-out',
    'ca.pem',
    '-subj',
    '/CN=ca',
    '-days',
    '2',
  );
  certificate('broker', 'subjectAltName=IP:127.0.0.1');
  certificate('client', 'extendedKeyUsage=clientAuth');
  certificate('other', 'extendedKeyUsage=clientAuth');
  writeFileSync(file('broker-all.pem'), text('broker.key') + text('broker.pem'));
  [tlsPort, ipv6Port, oauthPort] = [await freePort(), await freePort(), await freePort()];
  const more = `TLS://127.0.0.1:${tlsPort},V6://[::1]:${ipv6Port},OAUTH://127.0.0.1:${oauthPort}`;
  stack = await startStack({
    parts: ['kafka'],
    env: { ...process.env, KAFKA_BROKERS: '', DOCKER_HOST: 'unix:///nowhere' },
    kafkaSettings: (settings) => ({
      ...settings,
      listeners: `${settings['listeners']},${more}`,
      'advertised.listeners': `${settings['advertised.listeners']},${more}`,
      'listener.security.protocol.map': `${settings['listener.security.protocol.map']},TLS:SSL,V6:PLAINTEXT,OAUTH:SASL_PLAINTEXT`,
      ...UNSIGNED_TOKENS,
      'ssl.keystore.type': 'PEM',
      'ssl.keystore.location': file('broker-all.pem'),
      'ssl.truststore.type': 'PEM',
      'ssl.truststore.location': file('ca.pem'),
      'ssl.client.auth': 'required',
    }),
  });
});

afterAll(async () => {
  await stack?.stop();
  rmSync(directory, { recursive: true, force: true });
});

/** Sends a message and reads it, as the whole client does: also to the address that the broker names. */
async function roundTrip(
  options: Omit<KafkaOptions, 'clientId' | 'logger'>,
  topic: string,
): Promise<string | undefined> {
  const kafka = createKafka({ ...options, clientId: 'broker-test', logger: createLogger('silent') });
  const admin = kafka.admin({ retry: { retries: 1 } });
  const producer = kafka.producer({ allowAutoTopicCreation: false });
  const consumer = kafka.consumer({ groupId: topic, maxWaitTimeInMs: 100 });
  try {
    await admin.connect();
    await createLedTopics(admin, [{ topic, numPartitions: 1 }]);
    await producer.connect();
    await producer.send({ topic, messages: [{ value: 'there' }] });
    await consumer.connect();
    await consumer.subscribe({ topic, fromBeginning: true });
    const heard = Promise.withResolvers<string | undefined>();
    await consumer.run({ eachMessage: ({ message }) => Promise.resolve(heard.resolve(message.value?.toString())) });
    return await heard.promise;
  } finally {
    await Promise.allSettled([admin.disconnect(), producer.disconnect(), consumer.disconnect()]);
  }
}

describe('A broker', () => {
  it('on IPv6 is reached by its address in brackets, and by the one that it names itself', async () => {
    expect(await roundTrip({ brokers: [`[::1]:${ipv6Port}`], ssl: false }, 'ipv6')).toBe('there');
  });

  it('with a certificate of a private CA, which demands one of the client, is reached with both', async () => {
    const tls = { ca: text('ca.pem'), cert: text('client.pem'), key: text('client.key') };
    expect(await roundTrip({ brokers: [`127.0.0.1:${tlsPort}`], ssl: true, tls }, 'tls')).toBe('there');
  });

  it.each([
    ['without the CA', {}, /self-signed certificate|unable to get local issuer|unable to verify/],
    [
      'without the client certificate',
      { ca: 'ca.pem' },
      /certificate required|bad certificate|alert|closed|ECONNRESET/i,
    ],
  ])('is not reached %s', async (_, files: { ca?: string }, reason) => {
    const tls = files.ca === undefined ? {} : { ca: text(files.ca) };
    await expect(roundTrip({ brokers: [`127.0.0.1:${tlsPort}`], ssl: true, tls }, 'no')).rejects.toThrow(reason);
  });
});

describe('A broker that wants tokens', () => {
  it('is reached with one, and with extensions; a refused one is named with its reason, and got again', async () => {
    let forgotten = 0;
    const withToken = (lifeSeconds: number) => ({
      brokers: [`127.0.0.1:${oauthPort}`],
      ssl: false,
      sasl: oauthLogin(
        { get: () => Promise.resolve(unsignedToken(lifeSeconds)), forget: () => (forgotten += 1) },
        { logicalCluster: 'lkc-1', identityPoolId: 'pool-1' },
      ),
    });
    expect(await roundTrip(withToken(300), 'oauth')).toBe('there');
    expect(forgotten).toBe(0);
    await expect(roundTrip(withToken(-60), 'refused')).rejects.toThrow(
      /^Kafka at 127\.0\.0\.1:\d+ refused the token: .*invalid_token/,
    );
    expect(forgotten).toBeGreaterThan(0);
  });
});

describe('The settings for TLS to Kafka', () => {
  it('are right, or say what is wrong and what to do', () => {
    const [ca, cert, key, otherKey] = [text('ca.pem'), text('client.pem'), text('client.key'), text('other.key')];
    const names = { ca: 'KAFKA_SSL_CA', cert: 'KAFKA_SSL_CERT', key: 'KAFKA_SSL_KEY' };
    const mistakesOf = (texts: TlsTexts): string[] => tlsMistakes(texts, names);
    expect(mistakesOf({ ca, cert: cert + ca, key })).toEqual([]);
    expect(mistakesOf({ ca: 'no' })).toEqual([
      'KAFKA_SSL_CA has no certificate: set it to PEM ("-----BEGIN CERTIFICATE-----")',
    ]);
    expect(mistakesOf({ ca: ca.replace(/MII.{20}/, 'AAAA') })).toEqual([
      expect.stringMatching(/^KAFKA_SSL_CA: certificate 1 of 1 cannot be read \(/),
    ]);
    expect(mistakesOf({ cert, key: 'no' })).toEqual([
      'KAFKA_SSL_KEY is no private key: set it to PEM without a passphrase ("-----BEGIN PRIVATE KEY-----")',
    ]);
    expect(mistakesOf({ cert, key: otherKey })).toEqual([
      'KAFKA_SSL_KEY does not belong to the first certificate of KAFKA_SSL_CERT: set the two that were made together',
    ]);
  });

  it('are read from files, and refused together with every other mistake', () => {
    const env = { KAFKA_BROKERS: '::1:9092', SCHEMA_REGISTRY_URL: 'http://registry', KAFKA_SSL: 'true' };
    expect(() => readSettings(['kafka'], env)).toThrow(/KAFKA_BROKERS is "::1:9092": set each broker to host:port/);
    const sound = { ...env, KAFKA_BROKERS: '[::1]:9092', KAFKA_SSL_CERT_FILE: file('client.pem') };
    expect(() => readSettings(['kafka'], sound)).toThrow('KAFKA_SSL_CERT and KAFKA_SSL_KEY belong together');
    const unused = { ...sound, KAFKA_SSL: 'false', KAFKA_SSL_KEY_FILE: file('client.key') };
    expect(() => readSettings(['kafka'], unused)).toThrow(
      'KAFKA_SSL_CERT is set, and KAFKA_SSL is false: set KAFKA_SSL',
    );
    const whole = { ...sound, KAFKA_SSL_KEY_FILE: file('client.key'), KAFKA_SSL_CA_FILE: file('ca.pem') };
    expect(readSettings(['kafka'], whole).KAFKA_SSL_CA).toBe(text('ca.pem').trimEnd());
  });
});

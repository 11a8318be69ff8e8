import { Writable } from 'node:stream';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startStack, type Stack } from '../../dev/stack/index.ts';
import { freePort } from '../../dev/stack/ports.ts';
import type { PartState } from '../../src/platform/http.ts';
import { Kafka, logLevel } from '../../src/platform/kafkajs/index.ts';
import { type Service, startService } from '../../src/service.ts';
import { readSettings, SERVICE_SETTINGS } from '../../src/settings.ts';
import { action, eventually, household, outcomeOf, send } from '../support/scene.ts';
import {
  granted,
  startTokenEndpoint,
  type TokenEndpoint,
  UNSIGNED_TOKENS,
  unsignedToken,
} from '../support/token-endpoint.ts';
import { openSurroundings, type Surroundings } from '../support/world.ts';

/** A broker of its own that takes tokens without a signature, as Kafka does by default. */
let stack: Stack;
let port = 0;
let endpoint: TokenEndpoint;
beforeAll(async () => {
  port = await freePort();
  endpoint = await startTokenEndpoint();
  stack = await startStack({
    parts: ['kafka'],
    env: { ...process.env, KAFKA_BROKERS: '', DOCKER_HOST: 'unix:///nowhere' },
    kafkaSettings: (settings) => ({
      ...settings,
      listeners: `${settings['listeners']},OAUTH://127.0.0.1:${port}`,
      'advertised.listeners': `${settings['advertised.listeners']},OAUTH://127.0.0.1:${port}`,
      'listener.security.protocol.map': `${settings['listener.security.protocol.map']},OAUTH:SASL_PLAINTEXT`,
      ...UNSIGNED_TOKENS,
    }),
  });
}, 120_000);
afterAll(async () => {
  await stack?.stop();
  await endpoint?.close();
});

const SECRET = 'Tr0ub4dor-secret';
/** The shortest life that the service takes: it logs in again after a second. */
const LIFE_S = 6.2;

async function subscribe(world: Surroundings, id: string): Promise<void> {
  const made = action(household(`S${id}`, `44${id}`, ['1001']), { action: 'S:BECOME_SUBSCRIBER' });
  await send(world, made.events);
  expect((await outcomeOf(world, made)).value.outcome).toBe('PROVISIONED');
}

test('a service logs in by tokens, again before they end and in its place in the group, and names who refuses it', async () => {
  const world = await openSurroundings({ KAFKA_BROKERS: stack.kafkaBrokers });
  let log = '';
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      log += chunk.toString('utf8');
      done();
    },
  });
  const settings = readSettings(SERVICE_SETTINGS, {
    ...world.env,
    KAFKA_BROKERS: `127.0.0.1:${port}`,
    KAFKA_SASL_MECHANISM: 'oauthbearer',
    KAFKA_OAUTH_TOKEN_URL: endpoint.url,
    KAFKA_OAUTH_CLIENT_ID: 'conax',
    KAFKA_OAUTH_CLIENT_SECRET: SECRET,
    KAFKA_OAUTH_EXTENSIONS: 'logicalCluster=lkc-1',
  });
  const refused = { error: 'invalid_client', error_description: `not ${SECRET}` };
  endpoint.answer = () => ({ status: 401, body: JSON.stringify(refused) });
  const service = await startService(settings, pino({ level: 'trace' }, stream));
  const admin = new Kafka({ brokers: [stack.kafkaBrokers], logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  try {
    await intakeSays(
      service,
      /token endpoint at 127\.0\.0\.1:\d+ answered 401: invalid_client, not \*{4} \(see KAFKA_/,
    );

    endpoint.answer = () => granted(unsignedToken(-30), LIFE_S);
    await intakeSays(service, /Kafka at 127\.0\.0\.1:\d+ refused the token: .*invalid_token/);

    endpoint.answer = () => granted(unsignedToken(LIFE_S), LIFE_S);
    await ready(service);
    const member = await memberOf();
    const since = performance.now();
    await subscribe(world, '020100001');
    await eventually(
      () => ((endpoint.asked.at(-1)?.at ?? 0) - since > (LIFE_S + 0.5) * 1000 ? true : undefined),
      'logins after the end of the first token',
    );
    await ready(service);
    await subscribe(world, '020100002');
    expect(await memberOf()).toBe(member);

    endpoint.answer = () => null;
    await intakeSays(service, /The token endpoint at 127\.0\.0\.1:\d+ (did not answer|cannot be reached)/);
    endpoint.answer = () => granted(unsignedToken(LIFE_S), LIFE_S);
    await ready(service);
    await subscribe(world, '020100003');

    expect(log).toMatch(/refused the token/);
    expect(log).not.toContain(SECRET);
    expect(log).not.toContain(unsignedToken(1).slice(0, 30));
  } finally {
    await service.stop();
    await admin.disconnect();
    await world.close();
  }

  async function memberOf(): Promise<string | undefined> {
    const { groups } = await admin.describeGroups([settings.KAFKA_GROUP_ID]);
    return groups[0]?.members[0]?.memberId;
  }
}, 60_000);

async function health(service: Service): Promise<{ status: number; intake: string }> {
  const answer = await fetch(`${service.url}/health/ready`);
  const { parts } = (await answer.json()) as { parts: PartState[] };
  return { status: answer.status, intake: parts.find(({ part }) => part === 'intake')?.detail ?? '' };
}

const ready = (service: Service): Promise<true> =>
  eventually(async () => ((await health(service)).status === 200 ? true : undefined), 'ready');

/** The service is not ready, and its health says why, without the secret. */
async function intakeSays(service: Service, reason: RegExp): Promise<void> {
  const said = await eventually(
    async () => {
      const { status, intake } = await health(service);
      return status === 503 && reason.test(intake) ? intake : undefined;
    },
    `health says ${String(reason)}`,
  );
  expect(said).not.toContain(SECRET);
}

/** The service with templates that put PIN and password into odd places, before a CAS that repeats them in odd ways. */
import { rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createSeal } from '../../src/platform/seal.ts';
import { submitRequests } from '../../src/requests/submit.ts';
import { escapeXml } from '../../src/soap/xml.ts';
import { apiKey, bodyOf, conduct, done, password, pin, username, writeOddDefinition } from '../conax/sets/odd.ts';
import { type Listener, listen, onRequests } from '../conax/support.ts';
import { until } from '../dispatch/support.ts';
import { addTo, requestFor } from '../requests/support.ts';
import { runCli, startCli } from '../support/cli.ts';
import { openSurroundings, type Surroundings } from '../support/world.ts';
import { foundIn, foundInTables, messagesOf, type Needle, needlesOf } from './traces.ts';

const KEY = 'b2'.repeat(32);
const NEEDLES = [...needlesOf(pin), ...needlesOf(password), ...needlesOf(escapeXml(password)), ...needlesOf(apiKey)];
/** Something that is there, to show that the search finds what there is. */
const KNOWN: readonly Needle[] = [{ how: 'an element of the templates', bytes: Buffer.from('o:LikeBase64') }];
const acts = Object.values(conduct).map(([act]) => act);
const pinCard = (index: number): string => `4300000${String(index).padStart(4, '0')}`;
const addCard = (index: number): string => `4400000${String(index).padStart(4, '0')}`;

let cas: Listener;
let world: Surroundings;
let mappingFile: string;
let log = '';
let screens = '';
/** How often the CAS was sent the secrets. */
const sent = { pin: 0, password: 0 };

beforeAll(async () => {
  const called = new Set<string>();
  cas = await listen((socket) =>
    onRequests(socket, (request) => {
      const card = /card="(\d+)"/.exec(request)?.[1] ?? '';
      if (request.includes(pin)) sent.pin++;
      if (bodyOf(request).includes(escapeXml(password))) sent.password++;
      const act = called.has(card) ? undefined : acts[Number(card.slice(-4))];
      called.add(card);
      socket.end(act?.(request, request.includes(pin) ? pin : 'none') ?? done('OK', ''), 'utf8');
    }),
  );
  mappingFile = await writeOddDefinition();
  world = await openSurroundings({
    CONAX_BASE_URL: cas.url,
    CONAX_MAPPING_FILE: mappingFile,
    CONAX_USERNAME: username,
    CONAX_PASSWORD: password,
    PIN_PATTERN: String.raw`^\d{16}$`,
    PIN_KEY: KEY,
    RETRY_BACKOFF_MIN_MS: '10',
    RETRY_BACKOFF_MAX_MS: '50',
    BREAKER_FAILURES: '1000',
  });
  await play();
}, 120_000);
afterAll(async () => {
  await world.close();
  await cas.close();
  await rm(dirname(mappingFile), { recursive: true });
});

async function play(): Promise<void> {
  const seal = createSeal(KEY);
  const stored = await world.db.transaction((tx) =>
    submitRequests(
      tx,
      acts.flatMap((_, index) => [
        requestFor(
          { type: 'UPDATE_CA_PIN_TO_GIVEN_VALUE', smartcard: { caId: pinCard(index), distributor: null } },
          { sealedPin: seal.seal(pin), process: { name: 'RESET_PIN', id: null } },
        ),
        requestFor(addTo(addCard(index))),
      ]),
    ),
  );
  const service = startCli(['serve'], { ...world.env, LOG_LEVEL: 'trace' });
  const [, url = ''] = await service.line(/"url":"(http:[^"]+)"/);
  await until(
    () => world.db.query('select from work'),
    (rows) => rows.length === 0,
    60_000,
  );
  const paths = ['health/ready', 'metrics', ...stored.map(({ number }) => `requests/${number}`)];
  for (const path of paths) screens += await (await fetch(`${url}/${path}`)).text();
  await world.wire.until(
    ({ requestOutcomes }) => (requestOutcomes.length >= stored.length ? true : undefined),
    'every outcome',
    30_000,
  );
  const settings = { DATABASE_URL: world.env['DATABASE_URL'] ?? '' };
  screens += (await runCli(['requests', 'show', String(stored[2]?.number)], settings)).stdout;
  service.signal('SIGTERM');
  const { stdout, stderr } = await service.ended;
  log = stdout + stderr;
}

test('the CAS was sent the PIN and the password in every one of the calls that carry them', () => {
  expect(sent.pin).toBeGreaterThanOrEqual(acts.length);
  expect(sent.password).toBeGreaterThanOrEqual(2 * acts.length);
});

test('no table holds either', async () => {
  expect(await foundInTables(world.db, KNOWN)).not.toEqual([]);
  expect(await foundInTables(world.db, NEEDLES)).toEqual([]);
});

test('no line of the log holds either, at its finest level', () => {
  expect(log).toContain('"level":"debug"');
  expect(foundIn(log, NEEDLES)).toEqual([]);
});

test('no message in Kafka holds either', async () => {
  const { KAFKA_BROKERS = '', OUTCOME_TOPIC = '' } = world.env;
  const messages = await messagesOf(KAFKA_BROKERS, [OUTCOME_TOPIC]);
  expect(messages.length).toBeGreaterThanOrEqual(2 * acts.length);
  expect(messages.flatMap((message) => foundIn(message, NEEDLES))).toEqual([]);
});

test('no screen and no answer over HTTP shows either', () => {
  expect(screens).toContain('o:LikeBase64');
  expect(foundIn(screens, NEEDLES)).toEqual([]);
});

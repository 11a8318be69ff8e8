import { rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openDatabase, type Database } from '../../src/platform/database.ts';
import { createSeal } from '../../src/platform/seal.ts';
import { recordOutcomes } from '../../src/outcomes/record.ts';
import { submitRequests } from '../../src/requests/submit.ts';
import { withdrawRequest } from '../../src/requests/withdraw.ts';
import { http, type Listener, listen, okAnswer, onRequests, soap } from '../conax/support.ts';
import { until } from '../dispatch/support.ts';
import { requestFor } from '../requests/support.ts';
import { runCli, startCli } from '../support/cli.ts';
import { act, household, outcomeOf } from '../support/scene.ts';
import { openSurroundings, type Surroundings } from '../support/world.ts';
import {
  foundIn,
  foundInDataFiles,
  foundInTables,
  foundInWal,
  keepWal,
  type KeptWal,
  messagesOf,
  needlesOf,
  type Needle,
} from './traces.ts';
import { setPinThroughWebApi } from './web-api-calls.ts';

/** No other 16 digits of a run are these by chance. */
const PIN = '8305172946612937';
const KEY = 'a1'.repeat(32);
const NEEDLES = needlesOf(PIN);

const spaced = Array.from(PIN).join(' ');
const entities = Array.from(PIN, (digit) => `&#${digit.charCodeAt(0)};`).join('');

/** What the CAS answers to the requests of a card, by how often it was asked; 'cut': half of an answer. */
type Conduct = (request: string, call: number) => string;

const fault = (text: string): string =>
  http(soap(`<s:Fault><faultcode>s:Client</faultcode><faultstring>${text}</faultstring></s:Fault>`), 'HTTP/1.1 500 X');
const done = http(okAnswer('UpdateCaPinToGivenValue', 'ca-pin'));
/** The answer of an operation whose status code and message are chosen. */
const said = (code: string, message: string): string =>
  http(okAnswer('UpdateCaPinToGivenValue', 'ca-pin', code).replace('>done<', `>${message}<`));

const CONDUCT: Readonly<Record<string, Conduct>> = {
  'accepted, and echoed in the message': () => said('OK', `PIN ${PIN} is set`),
  'refused with the PIN in the fault text': () => fault(`INPUT_VALIDATION_ERROR: ${PIN} is weak`),
  'refused with the PIN in the status code': () => said(`PIN_${PIN}_WEAK`, PIN),
  'refused with the PIN spaced out': () => fault(`CLIENT_NOT_FOUND for ${spaced}`),
  'refused with the PIN in entities': () => fault(`FEATURE_NOT_AVAILABLE ${entities}`),
  'refused with the whole request as base64': (request) =>
    fault(`CLIENT_NOT_FOUND ${Buffer.from(request).toString('base64')}`),
  'refused with the request in a web page': (request) => http(`<html>${request}</html>`, 'HTTP/1.1 400 Bad'),
  'garbage with the PIN, then accepted': (_request, call) =>
    call === 1 ? http(`?? ${PIN} ${entities} ??`, 'HTTP/1.1 500 X') : done,
  'cut in the middle of an echo, then accepted': (_request, call) => (call === 1 ? 'cut' : done),
  'asked for a later try with the PIN, then accepted': (_request, call) =>
    call === 1 ? fault(`SYSTEM_ERROR ${PIN}`) : done,
  'never answered for good, and withdrawn': () => fault(`SYSTEM_ERROR ${PIN}`),
};
const CASES = Object.keys(CONDUCT);
/** A card that is called for through the Web API, and the subscription that holds it. */
const WEB = { card: '42000009999', subscription: 'S0000042001' };
const cardOf = (index: number): string => `4100000${String(index).padStart(4, '0')}`;

let cas: Listener;
let world: Surroundings;
/** May read files through the server. */
let db: Database;
let log = '';
let answers = '';
/** How many requests were made in all. */
let outcomes = 0;
/** Status by call of the Web API. */
let webStatuses: Record<string, number> = {};
/** How `pin set` ended: the CAS refuses it. */
let utilityCode: number | null = null;
let wal: KeptWal;
/** The final state of each case. */
const states = new Map<string, string>();
const seen = new Set<string>();

beforeAll(async () => {
  const calls = new Map<string, number>();
  cas = await listen((socket) =>
    onRequests(socket, (request) => {
      const card = /CaClientId>(\d+)</.exec(request)?.[1] ?? '';
      if (request.includes(PIN)) seen.add(card);
      calls.set(card, (calls.get(card) ?? 0) + 1);
      const conduct = CONDUCT[CASES[Number(card.slice(-4))] ?? ''];
      const answer =
        conduct?.(request, calls.get(card) ?? 0) ??
        fault(request.includes(PIN) ? `INPUT_VALIDATION_ERROR ${PIN}` : 'CLIENT_NOT_FOUND');
      if (answer === 'cut') {
        socket.write(http(`${PIN}${' '.repeat(500)}`).slice(0, -300));
        socket.destroy();
      } else socket.write(answer);
    }),
  );
  world = await openSurroundings({
    CONAX_BASE_URL: cas.url,
    PIN_PATTERN: '^\\d{16}$',
    PIN_KEY: KEY,
    RETRY_BACKOFF_MIN_MS: '10',
    RETRY_BACKOFF_MAX_MS: '50',
    BREAKER_FAILURES: '1000',
  });
  db = openDatabase({ url: world.env['DATABASE_URL'] ?? '', maxConnections: 2, applicationName: 'test-secrecy' });
  wal = await keepWal(db);
  await play();
}, 120_000);
afterAll(async () => {
  await wal.letGo();
  await db.close();
  await world.close();
  await cas.close();
});

/** A service as a process of its own goes through all cases, and is asked whatever can be asked. */
async function play(): Promise<void> {
  const seal = createSeal(KEY);
  const numbers = new Map<string, number>();
  const stored = await db.transaction((tx) =>
    submitRequests(
      tx,
      CASES.map((_, index) =>
        requestFor(
          { type: 'UPDATE_CA_PIN_TO_GIVEN_VALUE', smartcard: { caId: cardOf(index), distributor: null } },
          { sealedPin: seal.seal(PIN), process: { name: 'RESET_PIN', id: null } },
        ),
      ),
    ),
  );
  stored.forEach(({ number }, index) => numbers.set(CASES[index] ?? '', number));
  const service = startCli(['serve'], { ...world.env, LOG_LEVEL: 'trace' });
  const [, url = ''] = await service.line(/"url":"(http:[^"]+)"/);

  const stubborn = numbers.get('never answered for good, and withdrawn') ?? 0;
  await until(
    () => db.query('select from attempt where request_number = $1', [stubborn]),
    (rows) => rows.length >= 2,
  );
  await until(
    () => db.transaction((tx) => withdrawRequest(tx, stubborn, { user: 'anna', unit: null }, recordOutcomes)),
    ({ withdrawn }) => withdrawn,
  );
  await until(
    () => db.query('select from work'),
    (rows) => rows.length === 0,
    30_000,
  );
  for (const path of ['health/live', 'health/ready', 'metrics', `requests/${stubborn}`]) {
    answers += await (await fetch(`${url}/${path}`)).text();
  }
  await outcomeOf(
    world,
    await act(world, household(WEB.subscription, WEB.card, []), { action: 'S:BECOME_SUBSCRIBER' }),
  );
  const web = await setPinThroughWebApi(db, url, { pin: PIN, ...WEB });
  answers += JSON.stringify(web);
  webStatuses = Object.fromEntries(Object.entries(web).map(([name, { status }]) => [name, status]));
  await until(
    () => db.query('select from work'),
    (rows) => rows.length === 0,
    30_000,
  );
  const settings = { DATABASE_URL: world.env['DATABASE_URL'] ?? '' };
  const file = join(tmpdir(), `secrecy-${process.pid}`);
  await writeFile(file, `${PIN}\n`, { mode: 0o600 });
  const utility = await runCli(['pin', 'set', '--card', WEB.card, '--pin-file', file, '--json'], {
    ...settings,
    PIN_PATTERN: world.env['PIN_PATTERN'] ?? '',
    PIN_KEY: KEY,
  });
  await rm(file);
  answers += utility.stdout + utility.stderr;
  utilityCode = utility.exitCode;
  const stories = await Promise.all(
    [...numbers.values()].map((number) => runCli(['requests', 'show', String(number)], settings)),
  );
  answers += stories.map(({ stdout }) => stdout).join('');
  const [made] = await db.query<{ count: number }>('select count(*) from request');
  outcomes = made?.count ?? 0;
  await world.wire.until(
    ({ requestOutcomes }) => (requestOutcomes.length >= outcomes ? true : undefined),
    'every outcome',
    30_000,
  );
  service.signal('SIGTERM');
  const { stdout, stderr } = await service.ended;
  log = stdout + stderr;
  for (const [name, number] of numbers) {
    const [row] = await db.query<{ state: string }>(
      `select concat_ws(' ', life_cycle_state, error_code) as state from request where number = $1`,
      [number],
    );
    states.set(name, row?.state ?? '');
  }
}

test('every way of ending was gone through, and each card got the PIN itself', () => {
  expect(Object.fromEntries(states)).toEqual({
    'accepted, and echoed in the message': 'COMPLETED',
    'refused with the PIN in the fault text': 'REJECTED INPUT_VALIDATION_ERROR',
    'refused with the PIN in the status code': 'REJECTED PIN_****_WEAK',
    'refused with the PIN spaced out': 'REJECTED CLIENT_NOT_FOUND',
    'refused with the PIN in entities': 'REJECTED FEATURE_NOT_AVAILABLE',
    'refused with the whole request as base64': 'REJECTED CLIENT_NOT_FOUND',
    'refused with the request in a web page': 'REJECTED HTTP_400',
    'garbage with the PIN, then accepted': 'COMPLETED',
    'cut in the middle of an echo, then accepted': 'COMPLETED',
    'asked for a later try with the PIN, then accepted': 'COMPLETED',
    'never answered for good, and withdrawn': 'REJECTED WITHDRAWN',
  });
  expect([...seen].toSorted()).toEqual([...CASES.map((_, index) => cardOf(index)), WEB.card]);
});

test('the Web API took it where it was right, and refused it in each wrong way', () => {
  expect(webStatuses).toEqual({
    'refused by the CAS': 200,
    'the same call again': 200,
    'another PIN under the same key': 422,
    'not waited for': 200,
    'too long': 400,
    'a number': 400,
    'a list': 400,
    'a wrong card beside it': 422,
    'broken JSON': 400,
    'broken at the PIN': 400,
    'another content type': 415,
    'in the address': 400,
    'by a utility': 200,
    'by a utility, too long': 400,
    'without a token': 401,
    list: 200,
  });
});

test('the command line took it, and tells that the CAS refused', () => {
  expect(utilityCode).toBe(1);
  expect(answers).toContain('1 of 1 requests were rejected');
});

test('of a final request no sealed PIN is left', async () => {
  expect(await db.query('select from request_pin')).toEqual([]);
});

describe('afterwards the PIN is, in no way of writing it,', () => {
  /** Something that is there, to show that the search finds what there is. */
  const known: readonly Needle[] = [{ how: 'a card number', bytes: Buffer.from(cardOf(1)) }];

  test('in no table', async () => {
    expect(await foundInTables(db, known)).not.toEqual([]);
    expect(await foundInTables(db, NEEDLES)).toEqual([]);
  });

  test('in none of the write-ahead log and of the data files on disk', async () => {
    expect(await foundInWal(db, wal.since, known)).not.toEqual([]);
    expect(await foundInWal(db, wal.since, NEEDLES)).toEqual([]);
    expect(await foundInDataFiles(db, known)).not.toEqual([]);
    expect(await foundInDataFiles(db, NEEDLES)).toEqual([]);
  });

  test('in no line of the log, at its finest level', () => {
    expect(log).toContain('"level":"debug"');
    expect(log).toContain('UPDATE_CA_PIN_TO_GIVEN_VALUE');
    expect(foundIn(log, NEEDLES)).toEqual([]);
  });

  test('in no message in Kafka', async () => {
    const { KAFKA_BROKERS = '', CRM_TOPICS = '', OUTCOME_TOPIC = '', ...env } = world.env;
    const topics = [CRM_TOPICS, OUTCOME_TOPIC, env['ACTION_OUTCOME_TOPIC'] ?? '', env['DEAD_LETTER_TOPIC'] ?? ''];
    const messages = await messagesOf(KAFKA_BROKERS, topics);
    expect(messages.length).toBeGreaterThan(outcomes);
    expect(messages.flatMap((message) => foundIn(message, known))).not.toEqual([]);
    expect(messages.flatMap((message) => foundIn(message, NEEDLES))).toEqual([]);
  });

  test('in no answer over HTTP and on no screen', () => {
    expect(answers).toContain('PIN_****_WEAK');
    expect(foundIn(answers, NEEDLES)).toEqual([]);
  });
});

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { openConaxClient } from '../../src/conax-checks/open-client.ts';
import type { ConaxClient } from '../../src/conax/client.types.ts';
import type { Command, CommandType } from '../../src/planning/command.ts';
import type { Database } from '../../src/platform/database.ts';
import { type Simulator, startSimulator } from '../../src/simulator/simulator.ts';
import { calls } from '../conax/support.ts';
import { openTestRequests, requestFor, submit, type TestRequests } from '../requests/support.ts';
import { dispatch, final, type RequestRow, type TestDispatcher } from './support.ts';

/** Endings of a call after which it may have been done, and after which it was not; played on the real SOAP client. */
const UNREADABLE = ['cut-after', 'cut-before', 'hang-after', 'garbage', 'html500'] as const;
const NOT_DONE = ['http:503', 'http:429', 'status:SYSTEM_ERROR'] as const;

let requests: TestRequests;
let db: Database;
let simulator: Simulator;
let conax: ConaxClient;
let dispatcher: TestDispatcher;

beforeAll(async () => {
  requests = await openTestRequests();
  db = requests.db;
  simulator = await startSimulator({ port: 0 });
  conax = await openConaxClient({ baseUrl: simulator.url, timeoutMs: 800, maxConnections: 8 });
  dispatcher = dispatch(requests.url, conax, {
    callTimeoutMs: 800,
    breaker: { failures: 1000, openMs: 1, maxOpenMs: 1 },
  });
});
afterAll(async () => {
  await dispatcher.stop();
  await conax.close();
  await simulator.close();
  await requests.close();
});
beforeEach(async () => {
  await ask('DELETE', 'state');
});
afterEach(() => ask('DELETE', 'faults'));

async function ask(method: string, path: string, body?: unknown): Promise<unknown> {
  const response = await fetch(`${simulator.url}/simulator/${path}`, {
    method,
    ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
  return text === '' ? null : JSON.parse(text);
}

interface Entry {
  seq: number;
  command: CommandType;
  effect: boolean;
}

/** Sends one command while the first call of its kind goes wrong; gives the row and what reached the CAS. */
async function sent(command: Command, fault?: string): Promise<{ row: RequestRow; journal: Entry[] }> {
  const { entries: before } = (await ask('GET', 'journal')) as { entries: Entry[] };
  if (fault !== undefined) await ask('POST', 'faults', { match: { command: command.type }, times: 1, fault });
  const sealedPin = command.type === 'UPDATE_CA_PIN_TO_GIVEN_VALUE' ? Buffer.from('4711') : null;
  const [number] = await submit(db, requestFor(command, { sealedPin }));
  const row = await final(db, number!);
  const { entries } = (await ask('GET', `journal?after=${before.at(-1)?.seq ?? 0}`)) as { entries: Entry[] };
  return { row, journal: entries };
}

const commands = Object.values(calls).map(({ command }) => command);
const isPairing = ({ type }: Command): boolean => type === 'CREATE_PAIRING' || type === 'ADD_TO_EXISTING_PAIRING';
const isOnce = ({ type }: Command): boolean => type.startsWith('SEND_') || type === 'DISPLAY_FINGERPRINT';
const effects = (journal: Entry[], type: CommandType): boolean[] =>
  journal.filter(({ command }) => command === type).map(({ effect }) => effect);

test.each(commands)('$type is COMPLETED by a CAS that does it', async (command) => {
  if (command.type === 'ADD_TO_EXISTING_PAIRING') await sent(calls.CREATE_PAIRING.command);
  const { row, journal } = await sent(command);
  expect(row).toMatchObject({ life_cycle_state: 'COMPLETED', attempts: 1, error_code: null });
  expect(journal.map(({ command: type }) => type)).toEqual([command.type]);
});

describe.each(UNREADABLE)('after %s', (fault) => {
  test.each(commands.filter(isOnce))('$type is left to a person and was sent once', async (command) => {
    const { row, journal } = await sent(command, fault);
    expect(row).toMatchObject({ life_cycle_state: 'REJECTED', error_code: 'OUTCOME_UNKNOWN' });
    expect(journal).toHaveLength(1);
  });

  test.each(commands.filter((command) => !isOnce(command) && !isPairing(command)))(
    '$type is repeated until it is done',
    async (command) => {
      const { row, journal } = await sent(command, fault);
      expect(row).toMatchObject({ life_cycle_state: 'COMPLETED', attempts: 2 });
      expect(journal).toHaveLength(2);
    },
  );

  test('CREATE_PAIRING is asked about, and is in effect once', async () => {
    const { command } = calls.CREATE_PAIRING;
    const { row, journal } = await sent(command, fault);
    expect(row.life_cycle_state).toBe('COMPLETED');
    expect(journal[1]?.command).toBe('GET_PAIRING_STATUS_FOR_CARD');
    expect(effects(journal, 'CREATE_PAIRING').filter(Boolean)).toHaveLength(1);
  });
});

describe.each(NOT_DONE)('after %s', (fault) => {
  test.each(commands.filter(({ type }) => type !== 'ADD_TO_EXISTING_PAIRING'))(
    '$type is tried again',
    async (command) => {
      const { row } = await sent(command, fault);
      expect(row).toMatchObject({ life_cycle_state: 'COMPLETED', attempts: 2 });
    },
  );
});

test('a pairing that the CAS refuses because of another pairing is PAIRED_ELSEWHERE', async () => {
  await sent(calls.CREATE_PAIRING.command);
  await ask('PUT', 'settings', { pairingConflict: 'refuse' });
  const { row } = await sent({
    type: 'CREATE_PAIRING',
    smartcards: [
      { caId: '00000000009', distributor: null },
      { caId: '00000000002', distributor: null },
    ],
    setTopBoxes: [{ caId: 'STB9', distributor: null }],
  });
  await ask('PUT', 'settings', { pairingConflict: 'take' });
  expect(row).toMatchObject({ life_cycle_state: 'REJECTED', error_code: 'PAIRED_ELSEWHERE' });
  expect(row.error_description).toContain('00000000001');
});

test('an extension of a pairing that the CAS does not hold keeps the code of the CAS', async () => {
  const { row, journal } = await sent(calls.ADD_TO_EXISTING_PAIRING.command);
  expect(row.life_cycle_state).toBe('REJECTED');
  expect(row.error_code).not.toBe('PAIRED_ELSEWHERE');
  expect(journal.map(({ command }) => command)).toEqual([
    'ADD_TO_EXISTING_PAIRING',
    'GET_PAIRING_STATUS_FOR_CARD',
    'GET_PAIRING_STATUS_FOR_CARD',
  ]);
});

test('no PIN is in what is kept of the calls', async () => {
  const { row } = await sent(calls.UPDATE_CA_PIN_TO_GIVEN_VALUE.command);
  const attempts = await db.query<{ request_body: string }>('select * from attempt where request_number = $1', [
    row.number,
  ]);
  expect(attempts).toHaveLength(1);
  expect(attempts[0]?.request_body).toContain('UpdateCaPin');
  expect(JSON.stringify(attempts)).not.toContain('4711');
});

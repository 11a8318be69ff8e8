import { createHash } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { commandTypes } from '../../../src/planning/command.ts';
import type { ShownRequest } from '../../../src/operations/shown-request.ts';
import type { CompleteRequest } from '../../../src/web-api/shape.ts';
import { type Ran, runCli } from '../../support/cli.ts';
import type { JournalEntry } from '../../support/world.ts';
import {
  type Answer,
  BASE,
  CREATE,
  json,
  OPERATIONS,
  startWebWorld,
  tellHousehold,
  type WebWorld,
} from '../../web-api/support.ts';

/** Next year, so that it is in the future whenever this runs. */
const LATER = `${new Date().getUTCFullYear() + 1}-06-01T10:00:00`;
const PIN_FILE = join(tmpdir(), `pin-${process.pid}`);

/** One command, made by whoever makes it. `card` is another one for each way. */
interface Case {
  readonly type: string;
  readonly processName: string;
  /** Arguments; null if runs alone make it: a fix of reconcile, seen by both ways in test/features/reconcile/reconcile.test.ts. */
  readonly cli: ((card: string) => readonly string[]) | null;
  readonly api: (card: string) => readonly [path: string, body: object];
  /** What the CAS gets beside the card: `smartcard` where nothing else is said. */
  readonly parameters: (card: string) => object;
  /** How many requests it makes; 1 by default. The first one is of the type. */
  readonly requests?: number;
}

const cards = (card: string): object => ({ smartcard_ca_ids: [card] });
const toCard = (card: string): readonly string[] => ['--card', card];
const entitlement = (number: string) => ({
  subscription_identifier: { number },
  service_identifier: { code: 'P1001' },
  smartcard_identifier: { serial_number: 'SN-card' },
  process_immediately: true,
});

const CASES: readonly Case[] = [
  {
    type: 'ADD_SUBSCRIPTIONS',
    processName: 'MANUAL',
    cli: null,
    api: () => [`${BASE}${CREATE}/add_subscriptions`, entitlement('S1')],
    parameters: () => ({ smartcard: '51000000999', serviceCaId: '1001' }),
  },
  {
    type: 'CANCEL_SUBSCRIPTIONS',
    processName: 'MANUAL',
    cli: null,
    api: () => [`${BASE}${CREATE}/cancel_subscriptions`, entitlement('S1')],
    parameters: () => ({ smartcard: '51000000999', serviceCaId: '1001' }),
  },
  {
    type: 'CREATE_PAIRING',
    processName: 'PAIRING_UTILITY',
    cli: (card) => ['pair', 'create', ...toCard(card), '--card', `9${card.slice(1)}`, '--stb', `A-${card}`],
    api: (card) => [
      '/utilities/pairing/create',
      { smartcard_ca_ids: [card, `9${card.slice(1)}`], stb_ca_ids: [`A-${card}`] },
    ],
    parameters: (card) => ({ smartcards: [card, `9${card.slice(1)}`], setTopBoxes: [`A-${card}`] }),
  },
  {
    type: 'ADD_TO_EXISTING_PAIRING',
    processName: 'PAIRING_UTILITY',
    cli: (card) => ['pair', 'add', '--to', card, '--card', `8${card.slice(1)}`, '--stb', 'B', '--stb', 'C'],
    api: (card) => [
      '/utilities/pairing/add',
      { existing_smartcard_ca_id: card, smartcard_ca_ids: [`8${card.slice(1)}`], stb_ca_ids: ['B', 'C'] },
    ],
    parameters: (card) => ({ existingSmartcard: card, smartcards: [`8${card.slice(1)}`], setTopBoxes: ['B', 'C'] }),
  },
  {
    type: 'GET_ACTIVE_SUBSCRIPTIONS',
    processName: 'CONAX_INFORMATION_UTILITY',
    cli: (card) => ['info', ...toCard(card)],
    api: (card) => ['/utilities/information', cards(card)],
    parameters: (smartcard) => ({ smartcard }),
    // It asks for the pairing as well.
    requests: 2,
  },
  {
    type: 'GET_PAIRING_STATUS_FOR_CARD',
    processName: 'PAIRING_UTILITY',
    cli: (card) => ['pair', 'status', ...toCard(card)],
    api: (card) => ['/utilities/pairing/status', cards(card)],
    parameters: (smartcard) => ({ smartcard }),
  },
  {
    type: 'GET_PAIRING_STATUS_FOR_PAIRING_MODULE',
    processName: 'PAIRING_UTILITY',
    cli: (card) => ['pair', 'status', '--stb', `D-${card}`],
    api: (card) => ['/utilities/pairing/status', { stb_ca_ids: [`D-${card}`] }],
    parameters: (card) => ({ setTopBox: `D-${card}` }),
  },
  {
    type: 'SEND_MAIL_MESSAGE_TO_CLIENT',
    processName: 'MAIL_BARK_MESSAGE_UTILITY',
    cli: (card) => ['message', 'mail', 'Grüße & <news>', ...toCard(card), '--start', `${LATER}+02:00`],
    api: (card) => [
      '/utilities/messages',
      { type: 'MAIL', message: 'Grüße & <news>', start_indication_date_time: `${LATER}+02:00`, ...cards(card) },
    ],
    parameters: (smartcard) => ({
      smartcard,
      message: 'Grüße & <news>',
      startAt: new Date(`${LATER}+02:00`).toISOString(),
    }),
  },
  {
    type: 'SEND_BARK_MESSAGE_TO_CLIENT',
    processName: 'MAIL_BARK_MESSAGE_UTILITY',
    cli: (card) => ['message', 'bark', 'Hello', ...toCard(card), '--start', LATER],
    api: (card) => [
      '/utilities/messages',
      { type: 'BARK', message: 'Hello', start_indication_date_time: LATER, ...cards(card) },
    ],
    parameters: (smartcard) => ({
      smartcard,
      message: 'Hello',
      startAt: new Date(`${LATER}Z`).toISOString(),
      durationSeconds: 20,
    }),
  },
  {
    type: 'SEND_REPEATING_BARK_MESSAGE_TO_CLIENT',
    processName: 'MAIL_BARK_MESSAGE_UTILITY',
    cli: (card) =>
      ['message', 'repeating-bark', 'Hello', ...toCard(card), '--start', LATER].concat([
        '--duration',
        '30',
        '--repetitions',
        '3',
        '--interval',
        '2550',
      ]),
    api: (card) => [
      '/utilities/messages',
      {
        type: 'REPEATING_BARK',
        message: 'Hello',
        start_indication_date_time: LATER,
        display_duration: 30,
        repetition_count: 3,
        repetition_interval: 2_550,
        ...cards(card),
      },
    ],
    parameters: (smartcard) => ({
      smartcard,
      message: 'Hello',
      startAt: new Date(`${LATER}Z`).toISOString(),
      durationSeconds: 30,
      repetitions: 3,
      intervalSeconds: 2_550,
    }),
  },
  {
    type: 'DISPLAY_FINGERPRINT',
    processName: 'FINGERPRINTING_UTILITY',
    cli: (card) =>
      ['fingerprint', ...toCard(card), '--at', LATER, '--duration', '7'].concat([
        '--x',
        '10',
        '--y',
        '20',
        '--height',
        '30',
        '--slot',
        '4',
      ]),
    api: (card) => [
      '/utilities/fingerprints',
      {
        display_date_time: LATER,
        duration: 7,
        position_x: 10,
        position_y: 20,
        height: 30,
        fingerprint_slot: 4,
        ...cards(card),
      },
    ],
    parameters: (smartcard) => ({
      smartcard,
      displayAt: new Date(`${LATER}Z`).toISOString(),
      durationSeconds: 7,
      x: 10,
      y: 20,
      height: 30,
      slot: 4,
    }),
  },
  {
    type: 'UPDATE_CA_PIN_TO_DEFAULT_VALUE',
    processName: 'RESET_PIN',
    cli: (card) => ['pin', 'reset', ...toCard(card)],
    api: (card) => ['/utilities/pin/default', cards(card)],
    parameters: (smartcard) => ({ smartcard }),
  },
  {
    type: 'UPDATE_CA_PIN_TO_GIVEN_VALUE',
    processName: 'RESET_PIN',
    cli: (card) => ['pin', 'set', ...toCard(card), '--pin-file', PIN_FILE],
    api: (card) => ['/utilities/pin/given', { pin: '4711', ...cards(card) }],
    parameters: (smartcard) => ({ smartcard, pinSha256: createHash('sha256').update('4711').digest('hex') }),
  },
];

/** A CA id that only this case names in this way. */
const cardOf = (index: number, way: 'cli' | 'api'): string =>
  `51${way === 'cli' ? '1' : '2'}${String(index).padStart(8, '0')}`;

let world: WebWorld;
const answers = new Map<string, Answer>();
const ran = new Map<string, Ran>();
let journal: JournalEntry[];

beforeAll(async () => {
  world = await startWebWorld();
  await writeFile(PIN_FILE, '4711\n', { mode: 0o600 });
  // Not effective, so that its event sends no ADD.
  await tellHousehold(world, 'S1', '51000000999', ['1001'], ({ services }) => {
    for (const service of services) service.state = 'NOT_EFFECTIVE';
  });
  const env = { DATABASE_URL: world.env['DATABASE_URL'] ?? '', PIN_KEY: world.env['PIN_KEY'] ?? '' };
  const headers = { authorization: `Bearer ${await world.token()}` };
  // In the table's order by each way: a pairing is added to once it is there.
  for (const [index, { type, api }] of CASES.entries()) {
    const [path, body] = api(cardOf(type === 'ADD_TO_EXISTING_PAIRING' ? index - 1 : index, 'api'));
    const url = path.startsWith('/utilities') ? `${OPERATIONS}${path}` : path;
    answers.set(type, await world.raw(url, json(body, headers)));
  }
  const [first, rest] = [CASES.slice(0, 3), CASES.slice(3)];
  for (const some of [first, rest]) {
    await Promise.all(
      some.map(async ({ type, cli }) => {
        const index = CASES.findIndex((one) => one.type === type);
        const card = cardOf(type === 'ADD_TO_EXISTING_PAIRING' ? index - 1 : index, 'cli');
        if (cli !== null) ran.set(type, await runCli([...cli(card), '--by', 'olga', '--json'], env));
      }),
    );
  }
  journal = await world.journal();
});
afterAll(async () => {
  await rm(PIN_FILE, { force: true });
  await world.close();
});

test('the table has all 13 commands', () => {
  expect(CASES.map(({ type }) => type).toSorted()).toEqual([...commandTypes].toSorted());
});

const ways = CASES.flatMap((one, index) =>
  (['api', 'cli'] as const).flatMap((way) => (one[way] === null ? [] : [{ ...one, index, way }])),
);

describe.each(ways)('$type by $way', ({ type, way, index, processName, parameters, requests = 1 }) => {
  const expected = parameters(cardOf(type === 'ADD_TO_EXISTING_PAIRING' ? index - 1 : index, way));

  test('is seen by the CAS once, with exactly its parameters', () => {
    const seen = journal.filter(
      (entry) => entry.command === type && JSON.stringify(keyOf(entry.parameters)) === JSON.stringify(keyOf(expected)),
    );
    expect(seen).toMatchObject([{ statusCode: 'OK' }]);
    expect(seen[0]?.parameters).toEqual(expected);
  });

  test('is told as COMPLETED to whoever made it, and noted with who did', async () => {
    const { number, ...told } = way === 'api' ? toldByApi(type) : toldByCli(type);
    expect(told).toEqual({ went: 'well', requests, type, state: 'COMPLETED', processName });
    const [row] = await world.db.query(
      `select created_by_user as user, created_by_unit as unit, priority, process_id ~ '^[0-9a-f-]{36}$' as process
         from request where number = $1`,
      [number],
    );
    const who = way === 'api' ? { user: 'operator', unit: 'Nicosia' } : { user: 'olga', unit: null };
    expect(row).toEqual({ ...who, priority: 'EXPRESS', process: processName === 'MANUAL' ? null : true });
  });
});

/** What somebody is told of the request that a call or command made. */
interface Told {
  /** `well`, or what was wrong. */
  readonly went: string;
  readonly requests: number;
  readonly number: number;
  readonly type: string | undefined;
  readonly state: string | undefined;
  readonly processName: string | undefined;
}

function toldByApi(type: string): Told {
  const { code, description, data } = answers.get(type) ?? {};
  const made = data as CompleteRequest & { provisioning_requests?: ShownRequest[] };
  const requests = made.provisioning_requests ?? [made];
  const [request] = requests;
  return {
    went: code === 'OK' ? 'well' : `${code}: ${description}`,
    requests: requests.length,
    number: Number(request?.number),
    type: request?.type,
    state: request?.life_cycle_state,
    processName: request?.process_name,
  };
}

function toldByCli(type: string): Told {
  const { exitCode, stdout = '', stderr } = ran.get(type) ?? {};
  const { provisioning_requests: requests } = JSON.parse(stdout) as { provisioning_requests: ShownRequest[] };
  const [request] = requests;
  return {
    went: exitCode === 0 && stderr === '' ? 'well' : `${exitCode}: ${stderr}`,
    requests: requests.length,
    number: request?.number ?? 0,
    type: request?.type,
    state: request?.life_cycle_state,
    processName: request?.process_name,
  };
}

/** What tells whose call it is. */
function keyOf(parameters: object): unknown {
  const { smartcard, smartcards, existingSmartcard, setTopBox } = parameters as JournalEntry['parameters'];
  return [smartcard, smartcards, existingSmartcard, setTopBox];
}

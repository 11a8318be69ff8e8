import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { ConaxAnswer } from '../../src/conax/client.types.ts';
import { providerStatus, resumeProvider } from '../../src/dispatch/provider.ts';
import type { Database } from '../../src/platform/database.ts';
import type { Command } from '../../src/planning/command.ts';
import type { NewRequest } from '../../src/requests/new-request.ts';
import { addTo, audit, claim, openTestRequests, requestFor, submit, type TestRequests } from '../requests/support.ts';
import {
  ACCEPTED,
  dispatch,
  final,
  INVALID,
  NOT_AUTHORISED,
  NOT_SENT,
  pairedWith,
  refused,
  type RequestRow,
  type Script,
  scriptedConax,
  type ScriptedConax,
  type TestDispatcher,
  TRY_LATER,
  UNKNOWN,
  until,
} from './support.ts';

let requests: TestRequests;
let db: Database;
let running: TestDispatcher | null = null;

beforeAll(async () => {
  requests = await openTestRequests();
  db = requests.db;
});
afterAll(() => requests.close());
beforeEach(async () => {
  await db.query('truncate work, lane, lane_pin, request, dispatcher_instance cascade');
  await db.query('update provider set paused = false, failures_in_a_row = 0, breaker_open_until = null');
});
afterEach(async () => {
  await running?.stop();
  running = null;
  const problems = await audit(db);
  if (problems.length > 0) throw new Error(problems.join('\n'));
});

/** Answers one after the other, then accepts. */
function inTurn(...answers: ConaxAnswer[]): Script {
  return (_call, number) => answers[number - 1] ?? ACCEPTED;
}

async function carriedOut(
  script: Script,
  command: Command,
  more: Partial<NewRequest> = {},
): Promise<{ row: RequestRow; conax: ScriptedConax; asked: string[] }> {
  const [number] = await submit(db, requestFor(command, more));
  const conax = scriptedConax(script);
  running = dispatch(requests.url, conax);
  const row = await final(db, number!);
  return { row, conax, asked: conax.calls.map(({ command: { type } }) => type) };
}

async function attemptsOf(number: number): Promise<{ attempt: number; command: string; answer: string }[]> {
  return await db.query('select attempt, command, answer from attempt where request_number = $1 order by attempt', [
    number,
  ]);
}

const ADD = addTo('c1');
const CREATE: Command = {
  type: 'CREATE_PAIRING',
  smartcards: [
    { caId: 'c1', distributor: 'room' },
    { caId: 'c2', distributor: 'room' },
  ],
  setTopBoxes: [{ caId: 's1', distributor: 'room' }],
};
const EXTEND: Command = {
  type: 'ADD_TO_EXISTING_PAIRING',
  existingSmartcard: { caId: 'c1', distributor: 'room' },
  smartcards: [{ caId: 'c2', distributor: null }],
  setTopBoxes: [{ caId: 's2', distributor: null }],
};
const MESSAGE: Command = {
  type: 'SEND_BARK_MESSAGE_TO_CLIENT',
  smartcard: { caId: 'c1', distributor: null },
  message: 'hello',
  startAt: 0,
  queueNumber: null,
  durationSeconds: 20,
};
const FINGERPRINT: Command = {
  type: 'DISPLAY_FINGERPRINT',
  smartcard: { caId: 'c1', distributor: null },
  displayAt: 0,
  durationSeconds: 5,
  x: 1,
  y: 1,
  height: 1,
  slot: 1,
};
const GIVEN_PIN: Command = { type: 'UPDATE_CA_PIN_TO_GIVEN_VALUE', smartcard: { caId: 'c1', distributor: null } };
const REPEATABLE: Command[] = [
  ADD,
  { type: 'CANCEL_SUBSCRIPTIONS', smartcard: 'c1', service: { caId: '1', distributor: null } },
  { type: 'GET_ACTIVE_SUBSCRIPTIONS', smartcard: { caId: 'c1', distributor: null } },
  { type: 'GET_PAIRING_STATUS_FOR_CARD', smartcard: { caId: 'c1', distributor: null } },
  { type: 'GET_PAIRING_STATUS_FOR_PAIRING_MODULE', setTopBox: { caId: 's1', distributor: null } },
  { type: 'UPDATE_CA_PIN_TO_DEFAULT_VALUE', smartcard: { caId: 'c1', distributor: null } },
];
const ONCE = [MESSAGE, FINGERPRINT, { ...MESSAGE, type: 'SEND_MAIL_MESSAGE_TO_CLIENT' } as Command];

describe('accepted, refused, invalid', () => {
  test('an accepted command is COMPLETED with its reference number and its attempt', async () => {
    const { row } = await carriedOut(inTurn(), ADD);
    expect(row).toMatchObject({
      life_cycle_state: 'COMPLETED',
      reference_number: 'ref-1',
      error_code: null,
      attempts: 1,
    });
    expect(await attemptsOf(row.number)).toEqual([{ attempt: 1, command: 'ADD_SUBSCRIPTIONS', answer: 'accepted' }]);
  });

  test('a refused command is REJECTED at once with the code and text of the CAS, and its card goes on', async () => {
    const [first, second] = await submit(db, requestFor(ADD), requestFor(addTo('c1', '2')));
    running = dispatch(requests.url, scriptedConax(inTurn(refused('CLIENT_NOT_FOUND'))));
    expect(await final(db, second!)).toMatchObject({ life_cycle_state: 'COMPLETED' });
    expect(await final(db, first!)).toMatchObject({
      life_cycle_state: 'REJECTED',
      error_code: 'CLIENT_NOT_FOUND',
      error_description: 'refused with CLIENT_NOT_FOUND',
    });
  });

  test('a refusal with a code that is not known is flagged for review', async () => {
    const { row } = await carriedOut(inTurn(refused('NEW_IN_RELEASE_9', true)), ADD);
    expect(row.error_code).toBe('NEW_IN_RELEASE_9');
    const flagged = async (): Promise<number> => (await running!.metrics.reviews.get()).values[0]?.value ?? 0;
    await until(flagged, (count) => count === 1);
  });

  test('a command that cannot be put into SOAP is REJECTED', async () => {
    const { row } = await carriedOut(inTurn(INVALID), ADD);
    expect(row).toMatchObject({ life_cycle_state: 'REJECTED', error_code: 'COMMAND_NOT_ENCODABLE' });
  });

  test('the answers of GET commands are kept', async () => {
    const active = { ...ACCEPTED, activeServices: ['1', '2'] } as ConaxAnswer;
    const { row } = await carriedOut(inTurn(active), REPEATABLE[2]!);
    expect(row.answer).toEqual({ activeServices: ['1', '2'] });
    await running!.stop();
    const { row: pairing } = await carriedOut(inTurn(pairedWith(['c1'], ['s1'])), REPEATABLE[3]!);
    expect(pairing.answer).toEqual({ pairing: { smartcards: ['c1'], setTopBoxes: ['s1'] } });
  });

  test('a PIN is opened for the call, and its sealed row is deleted when the request is final', async () => {
    const { row, conax } = await carriedOut(inTurn(NOT_SENT), GIVEN_PIN, { sealedPin: Buffer.from('1234') });
    expect(row.life_cycle_state).toBe('COMPLETED');
    expect(conax.calls.map(({ pin }) => pin)).toEqual(['1234', '1234']);
    expect(await db.query('select from request_pin')).toEqual([]);
  });

  test('a PIN that is missing rejects the request without a call', async () => {
    const { row, conax } = await carriedOut(inTurn(), GIVEN_PIN);
    expect(row).toMatchObject({ life_cycle_state: 'REJECTED', error_code: 'PIN_UNREADABLE', attempts: 0 });
    expect(conax.calls).toEqual([]);
  });

  test('what PostgreSQL cannot store of an answer is replaced, and nothing gets stuck', async () => {
    const { row } = await carriedOut(inTurn(refused('A\u0000B\uD800', true)), ADD);
    expect(row.error_code).toBe('A\uFFFDB\uFFFD');
  });
});

describe('no readable answer', () => {
  test.each(REPEATABLE)('$type is repeated', async (command) => {
    const { row, asked } = await carriedOut(inTurn(UNKNOWN, UNKNOWN), command);
    expect(row).toMatchObject({ life_cycle_state: 'COMPLETED', attempts: 3 });
    expect(asked).toEqual([command.type, command.type, command.type]);
  });

  test.each(ONCE)('$type is never repeated: REJECTED, for a person to decide', async (command) => {
    const { row, asked } = await carriedOut(inTurn(UNKNOWN), command);
    expect(row).toMatchObject({ life_cycle_state: 'REJECTED', error_code: 'OUTCOME_UNKNOWN' });
    expect(asked).toEqual([command.type]);
  });

  test.each([...REPEATABLE, CREATE, EXTEND, ...ONCE])('$type is tried again when it did not leave', async (command) => {
    const { row, asked } = await carriedOut(inTurn(NOT_SENT, TRY_LATER), command);
    expect(row).toMatchObject({ life_cycle_state: 'COMPLETED', attempts: 3 });
    expect(asked).toEqual([command.type, command.type, command.type]);
  });
});

const QUESTION = 'GET_PAIRING_STATUS_FOR_CARD';

describe('pairings', () => {
  test('an unknown pairing that turns out to be done is COMPLETED, with that noted', async () => {
    const { row, asked } = await carriedOut(inTurn(UNKNOWN, pairedWith(['c2', 'c1'], ['s1', 's9'])), CREATE);
    expect(asked).toEqual(['CREATE_PAIRING', QUESTION]);
    expect(row).toMatchObject({ life_cycle_state: 'COMPLETED', error_code: null, attempts: 2 });
    expect(row.error_description).toContain('paired together');
  });

  test('an unknown pairing that turns out not to be done is sent again', async () => {
    const { row, asked } = await carriedOut(inTurn(UNKNOWN, ACCEPTED), CREATE);
    expect(asked).toEqual(['CREATE_PAIRING', QUESTION, 'CREATE_PAIRING']);
    expect(row).toMatchObject({ life_cycle_state: 'COMPLETED', attempts: 3, error_description: null });
  });

  test('an unknown pairing is not sent again before the question was answered', async () => {
    const { row, asked } = await carriedOut(inTurn(UNKNOWN, UNKNOWN, NOT_SENT, TRY_LATER, pairedWith([], [])), CREATE);
    expect(asked).toEqual(['CREATE_PAIRING', QUESTION, QUESTION, QUESTION, QUESTION, 'CREATE_PAIRING']);
    expect(row.life_cycle_state).toBe('COMPLETED');
  });

  test('a CAS that leaves a pairing unanswered again and again gets a rest between the tries', async () => {
    const { row, asked } = await carriedOut(inTurn(UNKNOWN, ACCEPTED, UNKNOWN, ACCEPTED, pairedWith([], [])), CREATE);
    expect(asked).toEqual(['CREATE_PAIRING', QUESTION, 'CREATE_PAIRING', QUESTION, QUESTION, 'CREATE_PAIRING']);
    expect(row.life_cycle_state).toBe('COMPLETED');
  });

  test('a refused pairing whose devices are paired together is COMPLETED', async () => {
    const { row, conax } = await carriedOut(inTurn(refused('ALREADY'), pairedWith(['c1', 'c2'], ['s1', 's2'])), EXTEND);
    expect(row).toMatchObject({ life_cycle_state: 'COMPLETED', error_code: null });
    expect(row.error_description).toContain('ALREADY');
    expect(conax.calls[1]?.command).toEqual({ type: QUESTION, smartcard: { caId: 'c1', distributor: 'room' } });
  });

  test('a refused pairing of a card that is paired elsewhere is REJECTED with the present pairing', async () => {
    const { row, asked } = await carriedOut(inTurn(refused('CONFLICT'), pairedWith(['c1', 'x9'], ['s7'])), CREATE);
    expect(asked).toEqual(['CREATE_PAIRING', QUESTION]);
    expect(row).toMatchObject({ life_cycle_state: 'REJECTED', error_code: 'PAIRED_ELSEWHERE' });
    expect(row.error_description).toContain('c1, x9, s7');
    expect(row.error_description).toContain('CONFLICT');
  });

  test('of a refused CREATE_PAIRING any card may be the one that is paired elsewhere', async () => {
    const { row, asked } = await carriedOut(inTurn(refused(), ACCEPTED, pairedWith(['c2'], ['s7'])), CREATE);
    expect(asked).toEqual(['CREATE_PAIRING', QUESTION, QUESTION]);
    expect(row).toMatchObject({ error_code: 'PAIRED_ELSEWHERE' });
  });

  test('an extension that is refused for its STB keeps that code: the pairing that it extends is not another one', async () => {
    const extended = pairedWith(['c1', 'x9'], ['s1']);
    const { row, asked, conax } = await carriedOut(inTurn(refused('CONFLICT', true), extended, ACCEPTED), EXTEND);
    expect(asked).toEqual(['ADD_TO_EXISTING_PAIRING', QUESTION, QUESTION]);
    expect(conax.calls[2]?.command).toEqual({ type: QUESTION, smartcard: { caId: 'c2', distributor: null } });
    expect(row).toMatchObject({
      life_cycle_state: 'REJECTED',
      error_code: 'CONFLICT',
      error_description: 'refused with CONFLICT',
      attempts: 3,
    });
  });

  test('an extension whose card to add is in the extended pairing already is not paired elsewhere', async () => {
    const extended = pairedWith(['c1', 'c2', 'x9'], ['s1']);
    const { row } = await carriedOut(inTurn(refused('CONFLICT'), extended, extended), EXTEND);
    expect(row).toMatchObject({ life_cycle_state: 'REJECTED', error_code: 'CONFLICT' });
  });

  test('an extension whose card to add is in another pairing is PAIRED_ELSEWHERE, and shows that one', async () => {
    const answers = [refused('CONFLICT'), pairedWith(['c1'], ['s1']), pairedWith(['c2'], ['s7'])];
    const { row, asked } = await carriedOut(inTurn(...answers), EXTEND);
    expect(asked).toEqual(['ADD_TO_EXISTING_PAIRING', QUESTION, QUESTION]);
    expect(row).toMatchObject({ life_cycle_state: 'REJECTED', error_code: 'PAIRED_ELSEWHERE' });
    expect(row.error_description).toContain('card c2 in the pairing of c2, s7');
  });

  test('an extension whose existing card is in no pairing keeps the code of the CAS', async () => {
    const { row, asked } = await carriedOut(inTurn(refused('CLIENT_NOT_FOUND'), ACCEPTED, ACCEPTED), EXTEND);
    expect(asked).toEqual(['ADD_TO_EXISTING_PAIRING', QUESTION, QUESTION]);
    expect(row).toMatchObject({ life_cycle_state: 'REJECTED', error_code: 'CLIENT_NOT_FOUND' });
  });

  test('cards that are paired with devices of the command alone are not paired elsewhere', async () => {
    const { row, asked } = await carriedOut(inTurn(refused('CONFLICT'), pairedWith(['c1'], ['s1']), ACCEPTED), CREATE);
    expect(asked).toEqual(['CREATE_PAIRING', QUESTION, QUESTION]);
    expect(row).toMatchObject({ life_cycle_state: 'REJECTED', error_code: 'CONFLICT' });
  });

  test.each(['CLIENT_NOT_FOUND', 'CLIENT_NOT_MANAGED_BY_SMS', 'FEATURE_NOT_AVAILABLE'])(
    'a refusal with %s has that cause, also where a card is in another pairing',
    async (code) => {
      const { row } = await carriedOut(inTurn(refused(code), pairedWith(['c1'], ['s7'])), CREATE);
      expect(row).toMatchObject({ life_cycle_state: 'REJECTED', error_code: code });
    },
  );

  test('a question that is refused does not hide the card that is paired elsewhere', async () => {
    const answers = [refused('CONFLICT'), refused('CLIENT_NOT_FOUND'), pairedWith(['c2'], ['s7'])];
    const { row, asked } = await carriedOut(inTurn(...answers), CREATE);
    expect(asked).toEqual(['CREATE_PAIRING', QUESTION, QUESTION]);
    expect(row).toMatchObject({ error_code: 'PAIRED_ELSEWHERE' });
    expect(row.error_description).toContain('CONFLICT');
  });

  test('a refusal is not forgotten while its second question waits for an answer', async () => {
    const pairing = pairedWith(['c1'], ['s1']);
    const answers = [refused('CONFLICT', true), pairing, UNKNOWN, pairing, TRY_LATER, pairing, ACCEPTED];
    const { row, asked } = await carriedOut(inTurn(...answers), EXTEND);
    expect(asked).toEqual(['ADD_TO_EXISTING_PAIRING', ...Array<string>(6).fill(QUESTION)]);
    expect(row).toMatchObject({ error_code: 'CONFLICT', error_description: 'refused with CONFLICT', attempts: 7 });
  });

  test.each([
    ['none of its cards is paired', [ACCEPTED, ACCEPTED]],
    ['the questions are refused too', [refused('FEATURE_NOT_AVAILABLE'), refused('FEATURE_NOT_AVAILABLE')]],
  ])("a refused pairing keeps the CAS's own code where %s", async (_where, answers) => {
    const { row } = await carriedOut(inTurn(refused('CLIENT_NOT_FOUND'), ...answers), CREATE);
    expect(row).toMatchObject({ life_cycle_state: 'REJECTED', error_code: 'CLIENT_NOT_FOUND' });
  });

  test('a refusal is not forgotten while its question waits for an answer', async () => {
    const { row, asked } = await carriedOut(inTurn(refused('CONFLICT', true), NOT_SENT, ACCEPTED, ACCEPTED), CREATE);
    expect(asked).toEqual(['CREATE_PAIRING', QUESTION, QUESTION, QUESTION]);
    expect(row).toMatchObject({ error_code: 'CONFLICT', attempts: 4 });
  });

  test.each([
    ['CLIENT_NOT_FOUND', 'CLIENT_NOT_FOUND'],
    ['FEATURE_NOT_AVAILABLE', 'OUTCOME_UNKNOWN'],
  ])('an unknown pairing whose question is refused with %s is REJECTED with %s', async (answered, code) => {
    const { row } = await carriedOut(inTurn(UNKNOWN, refused(answered)), CREATE);
    expect(row).toMatchObject({ life_cycle_state: 'REJECTED', error_code: code });
  });
});

describe('a sender that died', () => {
  /** Claims the request as an instance that dies right after, with the mark of a message where it has one. */
  async function abandon(command: Command, marked: boolean): Promise<number> {
    const [number] = await submit(db, requestFor(command));
    expect(await claim(db, 1, 0)).toHaveLength(1);
    if (marked) await db.query('update work set sent_at = now()');
    return number!;
  }

  test('a message with the mark is not sent again', async () => {
    const number = await abandon(MESSAGE, true);
    const conax = scriptedConax(inTurn());
    running = dispatch(requests.url, conax);
    expect(await final(db, number)).toMatchObject({ life_cycle_state: 'REJECTED', error_code: 'OUTCOME_UNKNOWN' });
    expect(conax.calls).toEqual([]);
  });

  test('a message without the mark is sent', async () => {
    const number = await abandon(MESSAGE, false);
    running = dispatch(requests.url, scriptedConax(inTurn()));
    expect(await final(db, number)).toMatchObject({ life_cycle_state: 'COMPLETED' });
  });

  test('a message has its mark when it leaves', async () => {
    let mark: unknown = null;
    const { row } = await carriedOut(async ({ requestNumber }) => {
      [mark] = await db.query('select sent_at is not null as marked from work where number = $1', [requestNumber]);
      return ACCEPTED;
    }, MESSAGE);
    expect(row.life_cycle_state).toBe('COMPLETED');
    expect(mark).toEqual({ marked: true });
  });

  test('a pairing is asked about first', async () => {
    const number = await abandon(CREATE, false);
    const conax = scriptedConax(inTurn(pairedWith(['c1', 'c2'], ['s1'])));
    running = dispatch(requests.url, conax);
    expect(await final(db, number)).toMatchObject({ life_cycle_state: 'COMPLETED' });
    expect(conax.calls.map(({ command }) => command.type)).toEqual([QUESTION]);
  });

  test('a pairing that was refused before its questions were answered is asked about, sent again and refused again', async () => {
    const number = await abandon(EXTEND, false);
    const extended = pairedWith(['c1'], ['s1']);
    const conax = scriptedConax(inTurn(extended, refused('CONFLICT'), extended, ACCEPTED));
    running = dispatch(requests.url, conax);
    expect(await final(db, number)).toMatchObject({ life_cycle_state: 'REJECTED', error_code: 'CONFLICT' });
    expect(conax.calls.map(({ command }) => command.type)).toEqual([QUESTION, EXTEND.type, QUESTION, QUESTION]);
  });

  test('anything else is sent again', async () => {
    const number = await abandon(ADD, false);
    running = dispatch(requests.url, scriptedConax(inTurn()));
    expect(await final(db, number)).toMatchObject({ life_cycle_state: 'COMPLETED', attempts: 1 });
  });
});

describe('credentials', () => {
  test('401 and 403 pause the provider; the request stays PENDING and goes out after the resume', async () => {
    const [number] = await submit(db, requestFor(ADD));
    const conax = scriptedConax(inTurn(NOT_AUTHORISED));
    running = dispatch(requests.url, conax);
    await until(
      () => providerStatus(db),
      ({ paused }) => paused,
    );
    await until(
      () => db.query('select from work where token is null'),
      (rows) => rows.length === 1,
    );
    expect((await providerStatus(db)).pausedReason).toContain('CAS_NOT_AUTHORISED');
    expect(conax.calls).toHaveLength(1);
    await resumeProvider(db, { by: 'test' });
    expect(await final(db, number!)).toMatchObject({ life_cycle_state: 'COMPLETED', attempts: 2 });
  });
});

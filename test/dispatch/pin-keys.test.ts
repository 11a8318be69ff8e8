import { randomBytes } from 'node:crypto';
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { createSeal, missingSeal, type Seal } from '../../src/platform/seal.ts';
import type { Command } from '../../src/requests/command.ts';
import { addTo, openTestRequests, requestFor, submit, type TestRequests } from '../requests/support.ts';
import { ACCEPTED, dispatch, final, scriptedConax, type TestDispatcher } from './support.ts';

const [FORMER, NEXT] = [randomBytes(32).toString('hex'), randomBytes(32).toString('hex')];
const GIVEN_PIN: Command = { type: 'UPDATE_CA_PIN_TO_GIVEN_VALUE', smartcard: { caId: '1', distributor: null } };

let store: TestRequests;
let running: TestDispatcher | undefined;
beforeAll(async () => {
  store = await openTestRequests();
});
afterEach(() => running?.stop());
afterAll(() => store.close());

/** A PIN that the former key sealed, and a later request of the card, by a dispatcher that has this seal. */
async function carriedOut(seal: Seal) {
  const log: { level: string; msg: string; errorCode?: string }[] = [];
  const logger = pino(
    { level: 'info', formatters: { level: (level) => ({ level }) } },
    { write: (line: string) => void log.push(JSON.parse(line) as (typeof log)[number]) },
  );
  const [pinNumber = 0, laterNumber = 0] = await submit(
    store.db,
    requestFor(GIVEN_PIN, { sealedPin: createSeal(FORMER).seal('1234') }),
    requestFor(addTo('1')),
  );
  const conax = scriptedConax(() => ACCEPTED);
  running = dispatch(store.url, conax, { unsealPin: (sealed) => seal.unseal(sealed), logger });
  const later = await final(store.db, laterNumber);
  const row = await final(store.db, pinNumber);
  return { row, later, errors: log.filter(({ level }) => level === 'error'), pins: conax.calls.map(({ pin }) => pin) };
}

test.each([
  ['is another one than the one that sealed it', createSeal(NEXT)],
  ['is not there', missingSeal('PIN_KEY_FILE')],
])(
  'where the key %s the request is REJECTED without a call, an error tells what to do, and the card goes on',
  async (_how, seal) => {
    const { row, later, errors, pins } = await carriedOut(seal);
    expect(row).toMatchObject({
      life_cycle_state: 'REJECTED',
      error_code: 'PIN_UNREADABLE',
      error_description: expect.stringMatching(/PIN_KEY_FILE.*make the request again with the PIN/) as string,
      attempts: 0,
    });
    expect(errors).toMatchObject([{ msg: 'request is final', errorCode: 'PIN_UNREADABLE' }]);
    expect(later.life_cycle_state).toBe('COMPLETED');
    expect(pins).toEqual([undefined]);
    expect(await store.db.query('select from request_pin')).toEqual([]);
  },
);

test('a former key behind the new one still opens what it sealed', async () => {
  const { row, errors, pins } = await carriedOut(createSeal(`${NEXT}\n${FORMER}`));
  expect(row).toMatchObject({ life_cycle_state: 'COMPLETED', error_code: null });
  expect(errors).toEqual([]);
  expect(pins).toEqual(['1234', undefined]);
});

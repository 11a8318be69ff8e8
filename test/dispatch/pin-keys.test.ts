import { randomBytes } from 'node:crypto';
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { createSeal, missingSeal, type Seal } from '../../src/platform/seal.ts';
import type { Command } from '../../src/planning/command.ts';
import { addTo, openTestRequests, requestFor, submit, type TestRequests } from '../requests/support.ts';
import { createUnopenedPins } from '../../src/dispatch/unopened-pins.ts';
import { ACCEPTED, dispatch, final, scriptedConax, type TestDispatcher, until } from './support.ts';

const [FORMER, NEXT] = [randomBytes(32).toString('hex'), randomBytes(32).toString('hex')];
const GIVEN_PIN: Command = { type: 'UPDATE_CA_PIN_TO_GIVEN_VALUE', smartcard: { caId: '1', distributor: null } };

let store: TestRequests;
const running: TestDispatcher[] = [];
beforeAll(async () => {
  store = await openTestRequests();
});
afterEach(async () => {
  await Promise.all(running.splice(0).map((one) => one.stop()));
  await store.db.query('truncate work, lane, lane_pin, request, request_pin cascade');
});
afterAll(() => store.close());

/** Submits a PIN that the former key sealed, and a later request of the card. */
async function submitted(): Promise<[number, number]> {
  const sealedPin = createSeal(FORMER).seal('1234');
  const [pin = 0, later = 0] = await submit(store.db, requestFor(GIVEN_PIN, { sealedPin }), requestFor(addTo('1')));
  return [pin, later];
}

/** A dispatcher with this seal, what it logs as errors, and the PINs of its calls. */
function withSeal(seal: Seal) {
  const errors: object[] = [];
  const logger = pino({ level: 'error' }, { write: (line: string) => void errors.push(JSON.parse(line) as object) });
  const conax = scriptedConax(() => ACCEPTED);
  const one = dispatch(store.url, conax, { unsealPin: (sealed) => seal.unseal(sealed), logger });
  running.push(one);
  return { ...one, errors, pins: () => conax.calls.map(({ pin }) => pin) };
}

test.each([
  ['is another one than the one that sealed it', createSeal(NEXT)],
  ['is not there', missingSeal('PIN_KEY_FILE')],
])('an instance where the key %s leaves the request to one that has it, and reports that', async (_how, seal) => {
  const [number, later] = await submitted();
  const wrong = withSeal(seal);
  await until(
    () => wrong.dispatcher.pins(),
    ({ ready }) => !ready,
  );
  expect(wrong.dispatcher.pins()).toMatchObject({ part: 'pins', required: false });
  expect(wrong.dispatcher.pins().detail).toContain(`no key of PIN_KEY_FILE here opens, request ${number} for `);
  expect((await wrong.metrics.pinsUnopened.get()).values).toMatchObject([{ value: 1 }]);
  // Its back-off of 20 ms at most is over long before these are done; it is not claimed again.
  const others = await submit(
    store.db,
    ...Array.from({ length: 50 }, (_none, index) => requestFor(addTo(`2${index}`))),
  );
  for (const other of others) await final(store.db, other);
  expect(await store.db.query('select token, retries from work where number = $1', [number])).toEqual([
    { token: null, retries: 1 },
  ]);
  expect(wrong.errors).toMatchObject([{ requestNumber: number, msg: expect.stringContaining('no key') as string }]);

  const right = withSeal(createSeal(FORMER));
  expect(await final(store.db, number)).toMatchObject({ life_cycle_state: 'COMPLETED', error_code: null });
  await final(store.db, later);
  expect([...wrong.pins(), ...right.pins()].filter((pin) => pin !== undefined)).toEqual(['1234']);
});

test('a request whose sealed PIN is missing is REJECTED without a call, an error tells what to do, and the card goes on', async () => {
  const [number, later] = await submitted();
  await store.db.query('delete from request_pin');
  const { errors, pins } = withSeal(createSeal(FORMER));
  expect((await final(store.db, later)).life_cycle_state).toBe('COMPLETED');
  expect(await final(store.db, number)).toMatchObject({
    life_cycle_state: 'REJECTED',
    error_code: 'PIN_UNREADABLE',
    error_description: expect.stringContaining('make the request again with the PIN') as string,
    attempts: 0,
  });
  expect(errors).toMatchObject([{ msg: 'request is final', errorCode: 'PIN_UNREADABLE' }]);
  expect(pins()).toEqual([undefined]);
});

test('a former key after the new one still opens what it sealed', async () => {
  const [number, later] = await submitted();
  const { errors, pins } = withSeal(createSeal(`${NEXT}\n${FORMER}`));
  expect(await final(store.db, number)).toMatchObject({ life_cycle_state: 'COMPLETED', error_code: null });
  await final(store.db, later);
  expect(errors).toEqual([]);
  expect(pins()).toEqual(['1234', undefined]);
});

test('a request that somebody else ended is forgotten', async () => {
  const pins = createUnopenedPins();
  const [number] = await submitted();
  pins.add({ number });
  await pins.refresh(store.db);
  expect(pins.numbers()).toEqual([number]);
  await store.db.query('delete from request_pin');
  await pins.refresh(store.db);
  expect(pins.numbers()).toEqual([]);
  expect(pins.state().ready).toBe(true);
});

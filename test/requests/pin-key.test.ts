import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { sealPin } from '../../src/http/seal-pin.ts';
import { createSeal } from '../../src/platform/seal.ts';
import { changePinKey, pinKeyProblem, sealWithNamedKey } from '../../src/requests/pin-key.ts';
import { submitRequests } from '../../src/requests/submit.ts';
import { runCli } from '../support/cli.ts';
import { openTestRequests, requestFor, type TestRequests } from './support.ts';

const key = (): string => randomBytes(32).toString('hex');
const [FORMER, NEXT] = [key(), key()];
const former = createSeal(FORMER);
const next = createSeal(NEXT);
const both = createSeal(`${NEXT}\n${FORMER}`);

let store: TestRequests;
beforeAll(async () => {
  store = await openTestRequests();
});
beforeEach(() => store.db.query('truncate pin_key, request_pin, work, request cascade'));
afterAll(() => store.close());

async function waitingPin(sealedPin: Buffer): Promise<void> {
  const smartcard = { caId: '10000000001', distributor: null };
  const request = requestFor({ type: 'UPDATE_CA_PIN_TO_GIVEN_VALUE', smartcard }, { sealedPin });
  await store.db.transaction((tx) => submitRequests(tx, [request]));
}

test('the first instance names its key; one with another key, or without one, is found by a sentence that names PIN_KEY', async () => {
  expect(await pinKeyProblem(store.db, null)).toBeNull();
  expect(await pinKeyProblem(store.db, former)).toBeNull();
  expect(await pinKeyProblem(store.db, former)).toBeNull();
  expect(await pinKeyProblem(store.db, next)).toMatch(/^PIN_KEY is another key than the one that seals the PINs/);
  expect(await pinKeyProblem(store.db, null)).toMatch(/^PIN_KEY is not set, and other instances/);
});

test('of several that start first at once, one names its key and all others are held against it', async () => {
  const seals = Array.from({ length: 8 }, () => createSeal(key()));
  const problems = await Promise.all(seals.map((seal) => pinKeyProblem(store.db, seal)));
  expect(problems.filter((problem) => problem === null)).toHaveLength(1);
});

test('what the database keeps of a key is neither the key nor anything that a PIN was sealed with', async () => {
  await pinKeyProblem(store.db, former);
  const rows = JSON.stringify(await store.db.query('select * from pin_key'));
  expect(rows).not.toContain(FORMER);
  expect(rows).toContain(former.checks[0]);
});

test('a PIN is sealed with the key that the database names, and never with another one', async () => {
  expect(former.unseal(await sealWithNamedKey(store.db, former, '1234'))).toBe('1234');
  // While the key is changed an instance has both, and the others may still have the former alone.
  expect(former.unseal(await sealWithNamedKey(store.db, both, '5678'))).toBe('5678');
  await expect(sealPin(store.db, next, '4711')).rejects.toMatchObject({
    code: 'PIN_KEY_MISSING',
    message: expect.stringMatching(/PIN_KEY is another key/) as string,
  });
});

test('a changed key seals from then on, what waits can be opened, and an instance with the former alone is found', async () => {
  await waitingPin(await sealWithNamedKey(store.db, former, '1234'));
  expect(await changePinKey(store.db, both)).toBe('changed');
  expect(await changePinKey(store.db, both)).toBe('unchanged');
  expect(next.unseal(await sealWithNamedKey(store.db, both, '5678'))).toBe('5678');
  expect(await pinKeyProblem(store.db, former)).toMatch(/PIN_KEY is another key/);
  expect(await pinKeyProblem(store.db, both)).toBeNull();
  expect(await pinKeyProblem(store.db, next)).toBeNull();
});

test('a lost key cannot be changed while a PIN waits that it sealed, and can be afterwards', async () => {
  await waitingPin(await sealWithNamedKey(store.db, former, '1234'));
  expect(await changePinKey(store.db, next)).toEqual({ unopenable: 1 });
  expect(await pinKeyProblem(store.db, next)).toMatch(/PIN_KEY is another key/);
  await store.db.query('truncate request_pin');
  expect(await changePinKey(store.db, next)).toBe('changed');
  expect(await pinKeyProblem(store.db, next)).toBeNull();
});

test('the command changes the key, repeats it without harm, and refuses while a PIN waits that only a lost key opens', async () => {
  await waitingPin(await sealWithNamedKey(store.db, former, '1234'));
  const change = (pinKey?: string) =>
    runCli(['pin', 'change-key', '--json'], {
      DATABASE_URL: store.url,
      ...(pinKey === undefined ? {} : { PIN_KEY: pinKey }),
    });
  expect(await change()).toMatchObject({
    exitCode: 2,
    stderr: expect.stringMatching(/^PIN_KEY is not set: /) as string,
  });
  expect(await change(NEXT)).toMatchObject({
    exitCode: 1,
    stderr: expect.stringMatching(/^the former key sealed 1 waiting PINs, and PIN_KEY lacks that key: /) as string,
  });
  expect(await change(`${NEXT}\n${FORMER}`)).toMatchObject({ exitCode: 0, stdout: '{\n  "changed": true\n}\n' });
  expect(await change(NEXT)).toMatchObject({ exitCode: 0, stdout: '{\n  "changed": false\n}\n' });
});

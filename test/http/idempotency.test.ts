import { createHash } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { clearIdempotencyKeys, createIdempotencyHasher } from '../../src/http/idempotency.ts';
import { runRetention } from '../../src/features/retention/remove.ts';
import { CREATE, refusal, startWebWorld, tellHousehold, type WebWorld } from '../web-api/support.ts';

let world: WebWorld;
const CARD = '33000000001';
const CREATE_PAIRING = `${CREATE}/create_pairing`;
const RESET_PIN = `${CREATE}/reset_pin_to_given_value`;
const PAIRING = { smartcard_set: [{ smartcard_ca_id: CARD }], stb_set: [{ stb_ca_id: 'A' }] };

beforeAll(async () => {
  world = await startWebWorld();
  await tellHousehold(world, 'S1', CARD, []);
});
afterAll(() => world.close());

const under = (key: string) => ({ headers: { 'idempotency-key': key } });

test('the same key and body give the same request, in whatever order the members come', async () => {
  const first = await world.post(CREATE_PAIRING, { ...PAIRING, udf_string_1: 'x' }, under('k1'));
  const again = await world.post(CREATE_PAIRING, { udf_string_1: 'x', ...PAIRING }, under('k1'));
  expect(again.data.number).toBe(first.data.number);
  expect([first.headers.get('idempotent-replayed'), again.headers.get('idempotent-replayed')]).toEqual([null, 'true']);
});

test('the same key with another body is an error, and makes nothing', async () => {
  await world.post(CREATE_PAIRING, PAIRING, under('k2'));
  const answer = await world.post(CREATE_PAIRING, { ...PAIRING, udf_float_1: 1 }, under('k2'));
  expect(refusal(answer, 'Idempotency-Key')).toEqual([422, 'IDEMPOTENCY_KEY_REUSED', 'Idempotency-Key']);
});

test('a key belongs to one user', async () => {
  const one = await world.post(CREATE_PAIRING, PAIRING, under('k3'));
  const other = await world.post(CREATE_PAIRING, PAIRING, { ...under('k3'), by: 'admin' });
  expect(other.code).toBe('OK');
  expect(other.data.number).not.toBe(one.data.number);
});

test('a call that was refused has not used its key', async () => {
  const wrong = { ...PAIRING, subscription_identifier: { number: 'S404' } };
  expect((await world.post(CREATE_PAIRING, wrong, under('k4'))).code).toBe('SUBSCRIPTION_NOT_FOUND');
  expect((await world.post(CREATE_PAIRING, PAIRING, under('k4'))).code).toBe('OK');
});

test('twenty calls at once under one key make one request', async () => {
  const answers = await Promise.all(Array.from({ length: 20 }, () => world.post(CREATE_PAIRING, PAIRING, under('k5'))));
  expect(new Set(answers.map(({ code }) => code))).toEqual(new Set(['OK']));
  expect(new Set(answers.map(({ data }) => data.number)).size).toBe(1);
});

test('neither PIN nor key of a PIN call can be guessed from what is stored', async () => {
  const pin = '4711';
  const body = { subscription_identifier: { number: 'S1' }, smartcard_ca_id: CARD, pin };
  // A client that derives its keys from its bodies.
  const key = createHash('sha256').update(JSON.stringify(body)).digest('hex');
  expect((await world.post(RESET_PIN, body, under(key))).code).toBe('OK');
  expect((await world.post(RESET_PIN, { ...body, pin: '4712' }, under(key))).code).toBe('IDEMPOTENCY_KEY_REUSED');
  const call = 'reset_pin_to_given_value';
  const [row] = await world.db.query<{ key_hash: Buffer; body_hash: Buffer }>(
    'select key_hash, body_hash from web_api_idempotency where call = $1',
    [call],
  );
  // Whoever has the database, the source and all but the PIN, and not the key of the installation.
  const without = createIdempotencyHasher('00'.repeat(32));
  const within = createIdempotencyHasher(world.settings.PIN_KEY);
  const given = { username: 'operator', call, key };
  expect(without(given, body)).not.toMatchObject({ bodyHash: row?.body_hash });
  expect(without(given, body).keyHash).not.toEqual(row?.key_hash);
  expect(within(given, body)).toMatchObject({ keyHash: row?.key_hash, bodyHash: row?.body_hash });
});

test('a key that is no key is refused', async () => {
  for (const key of [' ', 'a b', 'x'.repeat(201), 'é']) {
    const answer = await world.post(CREATE_PAIRING, PAIRING, under(key));
    expect(refusal(answer, 'Idempotency-Key')).toEqual([400, 'IDEMPOTENCY_KEY_INVALID', 'Idempotency-Key']);
  }
});

test('keys older than a day are cleared, however many, and younger ones stay', async () => {
  await world.db.query(
    `insert into web_api_idempotency (username, call, key_hash, body_hash, created_at)
     select 'old', 'c', decode(md5(n::text), 'hex'), '', now() - interval '25 hours' from generate_series(1, 1200) n`,
  );
  const [before] = await world.db.query<{ count: number }>(
    "select count(*) from web_api_idempotency where username <> 'old'",
  );
  expect(await clearIdempotencyKeys(world.db)).toBe(1_200);
  expect(await world.db.query('select count(*) from web_api_idempotency')).toEqual([before]);
});

test('a key whose request retention has removed makes no other one, and says so', async () => {
  const body = { ...PAIRING, process_immediately: true };
  const { data } = await world.post(CREATE_PAIRING, body, under('k9'));
  expect(data.life_cycle_state).toBe('COMPLETED');
  await world.db.query(
    `update request set submitted_at = now() - interval '2 days', executed_at = now() - interval '2 days' where number = $1`,
    [data.number],
  );
  const { signal } = new AbortController();
  const days = { requests: 1, events: 0, outcomes: 0, runs: 0, audit: 0 };
  expect(await runRetention({ db: world.db, days, archive: null, rest: 0, signal })).toMatchObject({
    removed: { request: 1 },
  });
  const again = await world.post(CREATE_PAIRING, body, under('k9'));
  expect([again.status, again.code]).toEqual([404, 'PROVISIONING_REQUEST_NOT_FOUND']);
  expect(again.description).toContain('no longer kept: use a new Idempotency-Key');
});

import { Writable } from 'node:stream';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Service, startService } from '../../src/service.ts';
import { addUser } from '../../src/users/changes.ts';
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts';
import { openSurroundings, type Surroundings } from '../support/world.ts';
import { eventually } from '../support/scene.ts';
import { BASE, CREATE, json, LIST, PASSWORD } from './support.ts';

let surroundings: Surroundings;
let proxy: TcpProxy;
let service: Service;
let token: string;
const logged: string[] = [];

/** A service whose way to PostgreSQL can be cut, without a PIN key, and with everything that it logs. */
beforeAll(async () => {
  surroundings = await openSurroundings();
  const direct = new URL(surroundings.settings.DATABASE_URL);
  proxy = await startTcpProxy({ host: direct.hostname, port: Number(direct.port) });
  const proxied = new URL(direct);
  proxied.host = `127.0.0.1:${proxy.port}`;
  const log = new Writable({
    write(chunk: Buffer, _encoding, done) {
      logged.push(chunk.toString('utf8'));
      done();
    },
  });
  service = await startService({ ...surroundings.settings, DATABASE_URL: proxied.href }, pino({ level: 'trace' }, log));
  await service.started;
  const agent = { username: 'agent', role: 'operator', organisation: 'acme', unit: null } as const;
  await addUser(surroundings.db, { ...agent, password: PASSWORD, by: 'test' });
  const answer = await call(
    '/authentication/token',
    json({ username: 'agent', password: PASSWORD, organisation: 'acme' }),
  );
  ({ token } = answer.data as { token: string });
});
afterAll(async () => {
  proxy.heal();
  await service.stop();
  await proxy.close();
  await surroundings.close();
});

interface Told {
  readonly status: number;
  readonly retryAfter: string | null;
  readonly code: string;
  readonly data: unknown;
}

async function call(path: string, init?: RequestInit): Promise<Told> {
  const response = await fetch(`${service.url}${BASE}${path}`, init);
  const { status, data } = (await response.json()) as { status: { code: string }; data: unknown };
  return { status: response.status, retryAfter: response.headers.get('retry-after'), code: status.code, data };
}
const list = (): Promise<Told> => call(`${LIST}?life_cycle_state=PENDING&token=${token}`);

test('while the database is away every call is told so, and when to come back; then all is as before', async () => {
  expect((await list()).code).toBe('OK');
  proxy.cut();
  const pairing = { token, smartcard_set: [{ smartcard_ca_id: '35000000001' }], stb_set: [{ stb_ca_id: 'A' }] };
  for (const told of [await list(), await call(`${CREATE}/create_pairing`, json(pairing))]) {
    expect(told).toEqual({ status: 503, retryAfter: '2', code: 'DATABASE_UNAVAILABLE', data: null });
  }
  proxy.heal();
  await eventually(async () => ((await list()).code === 'OK' ? true : undefined), 'an answer after the outage');
});

test('while only a standby is left reading calls are answered, and writing ones are told when to come back', async () => {
  const database = new URL(surroundings.settings.DATABASE_URL).pathname.slice(1);
  const administer = async (change: string): Promise<unknown> => {
    await surroundings.db.query(`alter database ${database} ${change}`);
    return await surroundings.db.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where datname = $1 and application_name like 'conax-provisioning%'`,
      [database],
    );
  };
  await administer('set default_transaction_read_only = on');
  const operate = async (): Promise<number> =>
    (await fetch(`${service.url}/api/v1/provider`, { headers: { authorization: `Bearer ${token}` } })).status;
  try {
    await eventually(async () => ((await list()).code === 'OK' ? true : undefined), 'an answer of a standby');
    await eventually(async () => ((await operate()) === 200 ? true : undefined), 'an answer of the operations API');
    const pairing = { token, smartcard_set: [{ smartcard_ca_id: '35000000001' }], stb_set: [{ stb_ca_id: 'A' }] };
    const told = await call(`${CREATE}/create_pairing`, json(pairing));
    expect(told).toEqual({ status: 503, retryAfter: '2', code: 'DATABASE_UNAVAILABLE', data: null });
  } finally {
    await administer('reset default_transaction_read_only');
  }
  await eventually(async () => {
    const pairing = { token, smartcard_set: [{ smartcard_ca_id: '35000000001' }], stb_set: [{ stb_ca_id: 'A' }] };
    return (await call(`${CREATE}/create_pairing`, json(pairing))).code === 'OK' ? true : undefined;
  }, 'a pairing once the primary is back');
});

test('without a PIN key a PIN call says so, and no other call minds', async () => {
  const body = { token, subscription_identifier: { number: 'S1' }, smartcard_ca_id: '35000000001', pin: '4711' };
  const told = await call(`${CREATE}/reset_pin_to_given_value`, json(body));
  expect(told).toMatchObject({ status: 501, code: 'PIN_KEY_MISSING' });
  expect((await call(`${CREATE}/reset_pin_to_given_value`, json(body, { 'idempotency-key': 'k' }))).code).toBe(
    'PIN_KEY_MISSING',
  );
});

test('no token, password or PIN is in the log, whatever went wrong', async () => {
  await surroundings.db.query('alter table request rename to request_away');
  expect(await list()).toMatchObject({ status: 500, code: 'INTERNAL_ERROR', data: null });
  await surroundings.db.query('alter table request_away rename to request');
  const text = logged.join('');
  expect(text).toContain('a call of the Web API failed');
  for (const secret of [token, PASSWORD, '4711']) expect(text).not.toContain(secret);
});

import { afterAll, beforeAll, expect, test } from 'vitest';
import { operationsCalls, type OperationsParts } from '../../src/operations-api/calls.ts';
import { openApiOracle } from '../web-api/openapi-oracle.ts';
import { json, OPERATIONS, refusal, startWebWorld, type WebWorld } from '../web-api/support.ts';
import { metricsOf } from '../support/scene.ts';

let world: WebWorld;

beforeAll(async () => {
  world = await startWebWorld();
});
afterAll(() => world.close());

interface Provider {
  readonly paused: boolean;
  readonly paused_by: string | null;
  readonly paused_reason: string | null;
}

test('a call of the operations API takes the token of a login of the Web API, in the same places', async () => {
  const token = await world.token('admin');
  expect(await world.operate('/provider', undefined, 'viewer')).toMatchObject({ code: 'OK', data: { paused: false } });
  expect((await world.raw(`${OPERATIONS}/provider?token=${token}`)).code).toBe('OK');
  expect((await world.raw(`${OPERATIONS}/provider/resume`, json({ token }))).code).toBe('OK');
  expect(await world.raw(`${OPERATIONS}/provider`)).toMatchObject({ status: 401, code: 'TOKEN_MISSING' });
});

test('an admin pauses and resumes sending, and it is noted who did', async () => {
  const paused = await world.operate<Provider>('/provider/pause', { reason: 'CAS upgrade' }, 'admin');
  expect(paused.data).toMatchObject({ paused: true, paused_by: 'admin', paused_reason: 'CAS upgrade' });
  const resumed = await world.raw(`${OPERATIONS}/provider/resume`, {
    method: 'POST',
    headers: { authorization: `Bearer ${await world.token('admin')}` },
  });
  expect(resumed.data).toMatchObject({ paused: false, paused_by: 'admin', paused_reason: null });
});

test('wrong calls of the operations API are answered as those of the Web API are', async () => {
  const role = await world.operate('/provider/pause', { reason: 'x' }, 'operator');
  expect(refusal(role, 'log in as an admin')).toEqual([403, 'NOT_PERMITTED', 'log in as an admin']);
  const missing = await world.operate('/provider/pause', {}, 'admin');
  expect(refusal(missing, 'reason is missing')).toEqual([400, 'PARAMETER_MISSING', 'reason is missing']);
  const unknown = await world.operate('/provider/pause', { reason: 'x', colour: 1 }, 'admin');
  expect(refusal(unknown, 'colour: not known here')).toEqual([400, 'PARAMETER_UNKNOWN', 'colour: not known here']);
  expect(await world.operate('/nothing')).toMatchObject({ status: 404, code: 'ROUTE_NOT_FOUND' });
  expect(await world.operate('/provider/pause')).toMatchObject({ status: 405, code: 'METHOD_NOT_ALLOWED' });
  expect((await world.operate<Provider>('/provider')).data.paused).toBe(false);
});

test('calls of the operations API are counted under their names', async () => {
  const count = async (): Promise<number> =>
    (await metricsOf(world.service)).get('conax_web_api_calls_total{route="provider.status",code="OK"}') ?? 0;
  const before = await count();
  await world.operate('/provider');
  expect(await count()).toBe(before + 1);
});

test('every call of the operations API is in the OpenAPI document, with its parameters and its answer', async () => {
  const oracle = await openApiOracle(world.service.url, OPERATIONS);
  const documented = Object.entries(oracle.document.paths)
    .filter(([path]) => path.startsWith(`${OPERATIONS}/`))
    .flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, { operationId }]) => `${method} ${path} ${operationId}`),
    );
  const calls = operationsCalls(patternsOnly).map(
    ({ method, paths: [path], name }) =>
      `${method.toLowerCase()} ${OPERATIONS}${path.replaceAll(/:(\w+)/g, '{$1}')} ${name}`,
  );
  expect(documented.toSorted()).toEqual(calls.toSorted());
  expect(new Set(operationsCalls(patternsOnly).map(({ name }) => name)).size).toBe(calls.length);

  const answer = await fetch(`${world.service.url}${OPERATIONS}/provider?token=${await world.token()}`);
  expect(oracle.problemOf('GET', '/provider', answer.status, await answer.json())).toBeNull();
});

/** Enough to list the calls, none of which is made with it. */
const patternsOnly = {
  patterns: { smartcard: /^\d{11}$/, setTopBox: /^.{1,30}$/, service: /^\d{1,8}$/, pin: /^\d{4}$/ },
} as OperationsParts;

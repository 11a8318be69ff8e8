import { afterAll, beforeEach, expect, test, vi } from 'vitest';

type Heard = (event: { readonly repeat?: boolean }) => void;
const listeners = new Map<string, Heard>();
vi.stubGlobal('addEventListener', (name: string, heard: Heard) => listeners.set(name, heard));
// By a name that is computed: its types need those of browsers.
const client = new URL('../../console/api/client.ts', import.meta.url).href;
const { callApi } = (await import(client)) as {
  callApi: (name: string, input: object) => Promise<unknown>;
};

/** How each call was marked. */
let marks: string[] = [];
let answer: () => Promise<Response>;
vi.stubGlobal('fetch', (_url: string, { headers }: { headers: Record<string, string> }) => {
  marks.push(headers['x-conax-console'] ?? '');
  return answer();
});
const answered = () => Promise.resolve(Response.json({ status: { code: 'OK' }, data: {} }));
beforeEach(async () => {
  answer = answered;
  await callApi('overview', {});
  marks = [];
});
afterAll(() => vi.unstubAllGlobals());

test('the first call after a person did something is the person’s, and those after it are not', async () => {
  listeners.get('pointerdown')?.({});
  await callApi('overview', {});
  await callApi('overview', {});
  expect(marks).toEqual(['user', 'background']);
});

test('what a person does while a call is under way counts for the next one', async () => {
  const { promise, resolve } = Promise.withResolvers<Response>();
  answer = () => promise;
  const call = callApi('overview', {});
  listeners.get('keydown')?.({ repeat: false });
  resolve(await answered());
  await call;
  answer = answered;
  await callApi('overview', {});
  expect(marks).toEqual(['background', 'user']);
});

test('what a person did counts again if the call had no answer', async () => {
  answer = () => Promise.reject(new TypeError('Failed to fetch'));
  listeners.get('pointerdown')?.({});
  await expect(callApi('overview', {})).rejects.toMatchObject({ code: 'UNREACHABLE' });
  answer = answered;
  await callApi('overview', {});
  expect(marks).toEqual(['user', 'user']);
});

test('a key that something lies on does not keep the session alive', async () => {
  listeners.get('keydown')?.({ repeat: true });
  await callApi('overview', {});
  expect(marks).toEqual(['background']);
});

import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fastify, { type FastifyInstance } from 'fastify';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { registerConsole } from '../../src/http/console-files.ts';

let built: string;
let app: FastifyInstance;
beforeAll(async () => {
  built = await mkdtemp(join(tmpdir(), 'console-'));
  await mkdir(join(built, 'assets'));
  await writeFile(
    join(built, 'index.html'),
    '<meta name="style-nonce" content="{{NONCE}}"><script src="x.js"></script>',
  );
  await writeFile(join(built, 'assets/index-1.js'), 'script');
  await writeFile(join(built, 'assets/index-1.js.br'), 'brotli');
  await writeFile(join(built, 'recover.js'), 'recover');
  await writeFile(join(built, 'secret.txt'), 'secret');
  app = fastify();
  await registerConsole(app, built);
});
afterAll(async () => {
  await app.close();
  await rm(built, { recursive: true });
});

const get = (url: string, headers: Record<string, string> = {}) => app.inject({ method: 'GET', url, headers });

test.each(['/', '/console'])('%s leads to the console', async (url) => {
  const answer = await get(url);
  expect([answer.statusCode, answer.headers.location]).toEqual([302, '/console/']);
});

test.each(['/console/', '/console/requests/17', '/console/why/20000000101?ask=false', '/console/why/a.b'])(
  '%s is the page, whatever the address below',
  async (url) => {
    const answer = await get(url);
    expect([answer.statusCode, answer.headers['content-type']]).toEqual([200, 'text/html; charset=utf-8']);
    expect(answer.body).toContain('<script');
  },
);

test('no page is stored or framed, and no script of another place runs in it', async () => {
  const { headers } = await get('/console/');
  expect(headers).toMatchObject({
    'cache-control': 'no-store',
    'x-frame-options': 'DENY',
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
  });
  const policy = String(headers['content-security-policy']);
  expect(policy).toContain("default-src 'none'; script-src 'self';");
  expect(policy).toContain("frame-ancestors 'none'");
  expect(policy).not.toContain('unsafe');
});

test('each page has a nonce of its own, the one that its policy names', async () => {
  const pages = await Promise.all([get('/console/'), get('/console/')]);
  const nonces = pages.map(({ body, headers }) => {
    const nonce = /content="([^"]{22,})"/.exec(body)?.[1] ?? 'none';
    expect(headers['content-security-policy']).toContain(`'nonce-${nonce}'`);
    return nonce;
  });
  expect(new Set(nonces).size).toBe(2);
});

test('scripts are kept by browsers for a year, and sent compressed', async () => {
  const plain = await get('/console/assets/index-1.js');
  expect(plain.headers['cache-control']).toBe('public, max-age=31536000, immutable');
  const compressed = await get('/console/assets/index-1.js', { 'accept-encoding': 'gzip, br' });
  expect([compressed.body, compressed.headers['content-encoding']]).toEqual(['brotli', 'br']);
  expect(compressed.headers['content-type']).toContain('javascript');
  expect(compressed.headers['vary']).toContain('accept-encoding');
});

test('what loads a page again that lacks a script is asked for by the same name in every version, and never kept', async () => {
  const { statusCode, body, headers } = await get('/console/recover.js');
  expect([statusCode, body, headers['content-type'], headers['cache-control']]).toEqual([
    200,
    'recover',
    'text/javascript; charset=utf-8',
    'no-cache',
  ]);
});

test.each([
  ['/console/assets/none.js', 404],
  ['/console/assets/..%2fsecret.txt', 404],
  // It is the page of an address below the console.
  ['/console/assets/../secret.txt', 200],
])('%s leads to no file outside of the assets', async (url, status) => {
  const answer = await get(url);
  expect([answer.statusCode, answer.body === 'secret']).toEqual([status, false]);
});

test('a service whose console was not built says how to build it', async () => {
  const bare = fastify();
  expect(await registerConsole(bare, join(built, 'nowhere'))).toBe(false);
  const answer = await bare.inject('/console/requests');
  expect([answer.statusCode, answer.body]).toEqual([
    503,
    'The web console is not built: run "npm ci" with the development packages (or "npm run build"), then restart the service; the image has it.\n',
  ]);
  await bare.close();
});

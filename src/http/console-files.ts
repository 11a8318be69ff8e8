import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance, FastifyReply } from 'fastify';

/** `npm run build` writes the console here, and the image has it at the same place. */
const BUILT = join(import.meta.dirname, '../../console/dist');
const NOT_BUILT =
  'The web console is not built: run "npm ci" with the development packages (or "npm run build"), then restart the service; the image has it.\n';

/**
 * Serves the web console: its page at `/console/` and at every address below it, its scripts and styles at
 * `/console/assets/`, and at `/console/recover.js` what loads the page again if one of those is missing. `/` leads to it.
 * A service whose console was not built answers 503 there and works otherwise.
 * @returns whether it is built.
 */
export async function registerConsole(app: FastifyInstance, built = BUILT): Promise<boolean> {
  const page = await readFile(join(built, 'index.html'), 'utf8').catch(() => null);
  const recover = await readFile(join(built, 'recover.js'), 'utf8').catch(() => null);
  app.get('/', (_request, reply) => reply.redirect('/console/'));
  app.get('/console', (_request, reply) => reply.redirect('/console/'));
  const answer = (_request: unknown, reply: FastifyReply): FastifyReply => {
    if (page === null) return reply.code(503).type('text/plain; charset=utf-8').send(NOT_BUILT);
    return sendPage(page, reply);
  };
  app.get('/console/', answer);
  app.get('/console/*', answer);
  if (page === null) return false;
  // It has the same name in every version, so each instance has it for the pages of all.
  app.get('/console/recover.js', (_request, reply) =>
    reply
      .headers({ 'cache-control': 'no-cache', 'x-content-type-options': 'nosniff' })
      .type('text/javascript; charset=utf-8')
      .send(recover ?? ''),
  );
  await app.register(fastifyStatic, {
    root: join(built, 'assets'),
    prefix: '/console/assets/',
    decorateReply: false,
    index: false,
    preCompressed: true,
    // Their names change with their content.
    immutable: true,
    maxAge: '365d',
    setHeaders: (reply) => void reply.header('x-content-type-options', 'nosniff'),
  });
  return true;
}

/** The page, with a fresh nonce for the style elements that the console's components add. */
function sendPage(page: string, reply: FastifyReply): FastifyReply {
  const nonce = randomBytes(16).toString('base64');
  const policy = [
    "default-src 'none'",
    "script-src 'self'",
    `style-src 'self' 'nonce-${nonce}'`,
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    "form-action 'none'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ];
  return reply
    .headers({
      'content-security-policy': policy.join('; '),
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'referrer-policy': 'no-referrer',
      'cross-origin-opener-policy': 'same-origin',
    })
    .type('text/html; charset=utf-8')
    .send(page.replaceAll('{{NONCE}}', nonce));
}

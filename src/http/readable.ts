import type { FastifyInstance } from 'fastify';
import { bodyProblemOf, isReadableAddress, jsonTextOf, NotUtf8Error } from '../platform/http-text.ts';
import { WebApiError } from './envelope.ts';
import { fieldOf } from './problems.ts';

/** JSON can name half a surrogate pair only with an escape: a body without one needs no look at its texts. */
const SURROGATE_ESCAPE = /\\u[dD][89a-fA-F]/;
const BODYLESS = new Set(['GET', 'HEAD']);

/**
 * Refuses every call, of all routes of the server, whose bytes are not the text that they claim to be: an address, a body
 * or a string that is not UTF-8, another charset, a compressed body. Nothing is ever read with replacement characters.
 * The only content type is JSON. Must be registered before any route.
 */
export function refuseUnreadable(app: FastifyInstance): void {
  const parseJson = app.getDefaultJsonParser('error', 'error');
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body: Buffer, done) => {
    let text: string;
    try {
      text = jsonTextOf(body);
    } catch (error) {
      if (!(error instanceof NotUtf8Error)) throw error;
      done(new WebApiError('TEXT_NOT_UTF8', `the body ${error.message}`), undefined);
      return;
    }
    void parseJson(request, text, (error, value) => {
      const half = error === null && SURROGATE_ESCAPE.test(text) ? halfSurrogateIn(value) : null;
      done(half ?? error, value);
    });
  });
  app.addHook('onRequest', async ({ raw, method }) => {
    if (!isReadableAddress(raw.url ?? '')) throw unreadableAddress();
    // Node would answer this itself, without an envelope.
    if (raw.httpVersion === '1.1' && raw.headers.host === undefined) {
      throw new WebApiError('HTTP_MALFORMED', 'the header Host is missing: HTTP/1.1 needs it');
    }
    const problem = BODYLESS.has(method) ? null : bodyProblemOf(raw.headers);
    if (problem === null) return;
    throw problem.header === 'content-encoding'
      ? new WebApiError('CONTENT_ENCODING_NOT_SUPPORTED', problem.sentence, { 'accept-encoding': 'identity' })
      : new WebApiError('CONTENT_TYPE_NOT_SUPPORTED', problem.sentence);
  });
}

/** The address is not repeated: a token may be in it. */
export function unreadableAddress(): WebApiError {
  return new WebApiError(
    'TEXT_NOT_UTF8',
    'the address has a % that is not followed by percent-encoded UTF-8: encode it as UTF-8, and a percent sign as %25',
  );
}

/** Names the first text, or name of a member, that has half a surrogate pair. Iterative: a body may be deeply nested. */
function halfSurrogateIn(body: unknown): WebApiError | null {
  const open: { readonly path: readonly PropertyKey[]; readonly value: unknown }[] = [{ path: [], value: body }];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { path, value } = next;
    if (typeof value === 'string' && !value.isWellFormed()) return halfSurrogate(fieldOf(path), value);
    if (typeof value !== 'object' || value === null) continue;
    for (const [name, member] of Object.entries(value)) {
      if (!name.isWellFormed()) return halfSurrogate(`the name of a member of ${fieldOf(path)}`, name);
      open.push({ path: [...path, Array.isArray(value) ? Number(name) : name], value: member });
    }
  }
  return null;
}

function halfSurrogate(field: string, text: string): WebApiError {
  const characters = Array.from(text);
  const at = characters.findIndex((character) => !character.isWellFormed());
  const code = characters[at]?.codePointAt(0)?.toString(16).toUpperCase() ?? '';
  return new WebApiError(
    'PARAMETER_INVALID',
    `${field} has half a surrogate pair (U+${code}) as character ${at + 1}: send whole characters`,
  );
}

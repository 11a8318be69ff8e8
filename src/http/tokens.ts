import type { FastifyRequest } from 'fastify';
import { WebApiError } from './envelope.ts';

const PLACES =
  'give it as parameter token of the query (GET), as member token of the JSON body (POST), or as header Authorization: Bearer';
/** Headers in which other systems carry tokens: one there was meant, and is not read. */
const OTHER_HEADERS = ['token', 'x-token', 'x-auth-token', 'x-access-token', 'x-api-key'];

/**
 * The token that a call carries: parameter `token` of a GET's query or of a POST's body, or, for both, the header
 * `Authorization: Bearer <token>`.
 * @throws WebApiError if it is missing, in another place, or in two.
 */
export function tokenOf(request: FastifyRequest): string {
  const { query, body, headers } = request;
  const isPost = request.method === 'POST';
  const inQuery = memberOf(query, 'token');
  const inBody = memberOf(body, 'token');
  const inHeader = bearerOf(headers.authorization);
  if (isPost && inQuery !== undefined) {
    throw misplaced('token is in the query of a POST, where servers on the way may log it');
  }
  if (!isPost && inBody !== undefined) throw misplaced('token is in the body of a GET');
  const parameter = isPost ? inBody : inQuery;
  if (parameter !== undefined && inHeader !== undefined) throw misplaced('token is there twice, also in the header');
  const token = parameter ?? inHeader;
  if (token === undefined) {
    const header = OTHER_HEADERS.find((name) => headers[name] !== undefined);
    if (header !== undefined) throw misplaced(`token is in the header ${header}`);
    if (headers.cookie?.includes('token=')) throw misplaced('token is in a cookie');
    throw new WebApiError('TOKEN_MISSING', `token is missing: ${PLACES}`, { 'www-authenticate': 'Bearer' });
  }
  if (typeof token === 'string' && /^[0-9A-Za-z]{1,200}$/.test(token)) return token;
  throw invalidToken();
}

/** A token that no login gave, or that has ended. */
export function invalidToken(): WebApiError {
  return new WebApiError('TOKEN_INVALID', 'token is unknown, released or expired: log in again', {
    'www-authenticate': 'Bearer error="invalid_token"',
  });
}

function misplaced(what: string): WebApiError {
  return new WebApiError('TOKEN_MISPLACED', `${what}: ${PLACES}`);
}

function bearerOf(header: string | undefined): string | undefined {
  if (header === undefined) return undefined;
  const [, token] = /^bearer +(\S+) *$/i.exec(header) ?? [];
  if (token === undefined) throw misplaced('the header Authorization has no Bearer token');
  return token;
}

/** Returns a member of a query or body, undefined if it has none. */
export function memberOf(holder: unknown, name: string): unknown {
  return holder !== null && typeof holder === 'object' && Object.hasOwn(holder, name)
    ? (holder as Record<string, unknown>)[name]
    : undefined;
}

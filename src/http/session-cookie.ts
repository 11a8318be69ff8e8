import type { FastifyReply, FastifyRequest } from 'fastify';
import { OPERATIONS_PATH } from './calls.ts';
import { WebApiError } from './envelope.ts';
import { memberOf } from './tokens.ts';

/** The cookie that carries the token of the console. */
export const SESSION_COOKIE = 'conax_session';

/** The header of every call of the console: `user`, or `background` for a call that nobody asked for, such as a poll. */
const CONSOLE_HEADER = 'x-conax-console';

/** A call with the session's cookie. */
export interface SessionCall {
  readonly token: string;
  /** Whether the call keeps the session alive: a user did something. */
  readonly keepsAlive: boolean;
}

/**
 * Returns the session that a call carries; null if it has no cookie of ours, or a token in another place.
 * @throws WebApiError if the call has the cookie and does not come from the console.
 */
export function sessionOf(request: FastifyRequest): SessionCall | null {
  const { headers, query, body } = request;
  if (headers.authorization !== undefined) return null;
  if (memberOf(query, 'token') !== undefined || memberOf(body, 'token') !== undefined) return null;
  const token = sessionToken(request);
  return token === null ? null : { token, keepsAlive: requireConsole(request) === 'user' };
}

/** Returns the value of the session's cookie, null if there is none. */
export function sessionToken({ headers }: FastifyRequest): string | null {
  const [, token = null] = new RegExp(`(?:^|; *)${SESSION_COOKIE}=([^;]*)`).exec(headers.cookie ?? '') ?? [];
  return token;
}

/**
 * Refuses a call that another site may have caused. A form cannot set our header, and a script of another origin can
 * only after a preflight, which no address here permits. Browsers also report where a call comes from: in
 * `Sec-Fetch-Site`, and over plain HTTP at least in `Origin`.
 * @returns what the console says the call is for.
 */
export function requireConsole({ headers }: FastifyRequest): 'user' | 'background' {
  const use = headers[CONSOLE_HEADER];
  if (use !== 'user' && use !== 'background') {
    throw notFromConsole(`the header ${CONSOLE_HEADER} is neither user nor background`);
  }
  const site = headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin') throw notFromConsole('Sec-Fetch-Site is not same-origin');
  const hosts = [headers.host, headers['x-forwarded-host']];
  if (site === undefined && headers.origin !== undefined && !hosts.includes(hostOf(headers.origin))) {
    throw notFromConsole('Origin names another host than Host and X-Forwarded-Host');
  }
  return use;
}

function notFromConsole(problem: string): WebApiError {
  return new WebApiError('NOT_FROM_CONSOLE', `${problem}: use the console, or a token instead of its cookie`);
}

function hostOf(origin: string): string {
  return URL.parse(origin)?.host ?? 'no host';
}

/** Makes the browser keep the token, out of reach of scripts, until it is closed. */
export function setSessionCookie(request: FastifyRequest, reply: FastifyReply, token: string): void {
  reply.header('set-cookie', cookieText(request, token));
}

/** Makes the browser forget the token. */
export function clearSessionCookie(request: FastifyRequest, reply: FastifyReply): void {
  reply.header('set-cookie', `${cookieText(request, '')}; Max-Age=0`);
}

function cookieText(request: FastifyRequest, value: string): string {
  const [forwarded] = [request.headers['x-forwarded-proto']].flat();
  const isHttps = request.protocol === 'https' || /^https\b/i.test(forwarded ?? '');
  return `${SESSION_COOKIE}=${value}; HttpOnly; SameSite=Strict; Path=${OPERATIONS_PATH}${isHttps ? '; Secure' : ''}`;
}

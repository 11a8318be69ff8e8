import { randomUUID } from 'node:crypto';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { isDatabaseOutage } from '../platform/database-errors.ts';
import { BodiesFullError, type NoCall, type Refusal } from '../platform/http-connections.ts';
import type { Logger } from '../platform/logging.ts';
import { type WebApiCodeName, webApiCodes } from './codes.ts';
import { failure, WebApiError } from './envelope.ts';
import { OperationError } from './operation-error.ts';
import { unreadableAddress } from './readable.ts';

/** When a caller should ask again while the database is away. */
const RETRY_AFTER_SECONDS = 2;

/**
 * Makes every answer of the server that is not a success an envelope: what the calls throw, and what fastify refuses
 * (unknown address, method, content type, size, broken JSON). `methodsOf` returns the methods that an address has. No
 * address is ever logged or repeated: a token may be in it.
 */
export function answerErrors(
  app: FastifyInstance,
  logger: Logger,
  methodsOf: (path: string) => readonly string[],
): void {
  app.setErrorHandler(async (error: FastifyError | WebApiError | OperationError, request, reply) => {
    const known = asWebApiError(error);
    const told = known ?? internalError(error, `${request.method} ${request.routeOptions.url ?? 'unknown'}`, logger);
    request.answeredCode = told.code;
    return reply.code(told.statusCode).headers(told.headers).send(failure(told.code, told.message));
  });
  app.setNotFoundHandler(async (request, reply) => {
    const methods = methodsOf(request.url.split('?', 1)[0] ?? '');
    const { method } = request;
    // An address that has the method came here from its own handler: a page that is not among the documents.
    const told =
      methods.length === 0 || methods.includes(method)
        ? new WebApiError('ROUTE_NOT_FOUND', 'the address of the call is not one of this server: compare it with /docs')
        : new WebApiError('METHOD_NOT_ALLOWED', `the address takes ${methods.join(', ')}, not ${method}`, {
            allow: methods.join(', '),
          });
    request.answeredCode = told.code;
    return reply.code(told.statusCode).headers(told.headers).send(failure(told.code, told.message));
  });
}

/** Answers what Node could not make a call of; `detail` is the name that its parser has for the problem. */
export function refusalOf(why: NoCall, detail?: string): Refusal {
  const { code, problem } = NO_CALLS[why];
  const { status, remedy } = webApiCodes[code];
  const named = detail === undefined ? problem : `${problem} (${detail})`;
  return { status, body: JSON.stringify(failure(code, `${named}: ${remedy}`)) };
}

const NO_CALLS = {
  malformed: { code: 'HTTP_MALFORMED', problem: 'the bytes cannot be read as a call' },
  'headers too large': { code: 'HEADERS_TOO_LARGE', problem: 'address and headers have more than is taken' },
  late: { code: 'REQUEST_TIMEOUT', problem: 'headers and body were not complete in time' },
  expectation: { code: 'EXPECTATION_FAILED', problem: 'Expect has another value than 100-continue' },
  tunnel: { code: 'HTTP_MALFORMED', problem: 'CONNECT asks for a tunnel, and this is no proxy' },
} as const satisfies Record<NoCall, { readonly code: WebApiCodeName; readonly problem: string }>;

/** Answers an address that the router cannot read, before any route is known. */
export function answerBadAddress(error: FastifyError, _request: FastifyRequest, reply: FastifyReply): void {
  const told =
    error.code === 'FST_ERR_MAX_PARAM_LENGTH'
      ? new WebApiError('ADDRESS_TOO_LONG', 'a part of the path has more characters than any name or number here')
      : error.code === 'FST_ERR_BAD_URL'
        ? unreadableAddress()
        : new WebApiError('HTTP_MALFORMED', 'the address cannot be read: correct it');
  void reply.code(told.statusCode).headers(told.headers).send(failure(told.code, told.message));
}

function asWebApiError(error: FastifyError | WebApiError | OperationError): WebApiError | null {
  if (error instanceof WebApiError) return error;
  if (error instanceof OperationError) return new WebApiError(error.code, error.message);
  if (isDatabaseOutage(error)) {
    const description = 'the database does not answer in time: repeat the call, a POST with the same Idempotency-Key';
    return new WebApiError('DATABASE_UNAVAILABLE', description, { 'retry-after': String(RETRY_AFTER_SECONDS) });
  }
  if (error instanceof BodiesFullError) {
    const description = 'the body: the calls under way have 64 MiB together: repeat the call';
    return new WebApiError('TOO_MANY_BODIES', description, { 'retry-after': '1' });
  }
  switch (error.code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return new WebApiError('BODY_TOO_LARGE', 'the body has more than the call takes (1 MiB for most): send less', {
        connection: 'close',
      });
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return new WebApiError(
        'CONTENT_TYPE_NOT_SUPPORTED',
        'Content-Type is not application/json: send JSON with the header `Content-Type: application/json`',
      );
    case 'FST_ERR_CTP_EMPTY_JSON_BODY':
      return new WebApiError('BODY_NOT_JSON', 'the body is empty: send a JSON object with the parameters');
    default:
  }
  const status = error.statusCode ?? 500;
  if (error instanceof SyntaxError || (status >= 400 && status < 500)) {
    // Fastify's and the parser's texts name the place and not the value.
    const isJson = error instanceof SyntaxError || error.code === 'FST_ERR_CTP_INVALID_JSON_BODY';
    return isJson
      ? new WebApiError('BODY_NOT_JSON', 'the body is broken JSON, or has a member __proto__: send one JSON object')
      : new WebApiError('HTTP_MALFORMED', `${error.code}: the call cannot be read as HTTP with these headers`);
  }
  return null;
}

/** The caller gets a number, the log the cause. */
function internalError(error: Error, route: string, logger: Logger): WebApiError {
  const number = randomUUID();
  logger.error({ err: error, route, number }, 'a call of the Web API failed');
  return new WebApiError('INTERNAL_ERROR', `report ${number}: the log has the cause under this number`);
}

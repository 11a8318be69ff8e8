import { randomUUID } from 'node:crypto';
import type { Socket } from 'node:net';
import type { FastifyError, FastifyInstance } from 'fastify';
import { isDatabaseOutage } from '../platform/database.ts';
import type { Logger } from '../platform/logging.ts';
import { OperationError } from '../operations/operation-error.ts';
import { type WebApiCodeName, webApiCodes } from './codes.ts';
import { failure, WebApiError } from './envelope.ts';

/** When a caller should ask again while the database is away. */
const RETRY_AFTER_SECONDS = 2;

/**
 * Makes every answer of the server that is no success an envelope: what the calls throw, what fastify refuses (unknown
 * address, method, content type, size, broken JSON), and what Node cannot read. `methodsOf` gives the methods that an
 * address has. No URL is ever logged: a token may be in its query.
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
    const path = request.url.split('?', 1)[0] ?? '';
    const methods = methodsOf(path);
    const { method } = request;
    const told =
      methods.length === 0
        ? new WebApiError('ROUTE_NOT_FOUND', `${method} ${path.slice(0, 200)} is no call: compare it with /docs`)
        : new WebApiError('METHOD_NOT_ALLOWED', `the address takes ${methods.join(', ')}, not ${method}`, {
            allow: methods.join(', '),
          });
    request.answeredCode = told.code;
    return reply.code(told.statusCode).headers(told.headers).send(failure(told.code, told.message));
  });
}

/** Answers what is no HTTP, or too slow or too large before any route is known. */
export function answerClientError(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy();
  const code: WebApiCodeName =
    error.code === 'HPE_HEADER_OVERFLOW'
      ? 'HEADERS_TOO_LARGE'
      : error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? 'REQUEST_TIMEOUT'
        : 'HTTP_MALFORMED';
  const { status, remedy } = webApiCodes[code];
  const body = JSON.stringify(failure(code, `${error.code ?? 'the call'}: ${remedy}`));
  socket.end(
    `HTTP/1.1 ${status} Error\r\nConnection: close\r\nContent-Type: application/json; charset=utf-8\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}

function asWebApiError(error: FastifyError | WebApiError | OperationError): WebApiError | null {
  if (error instanceof WebApiError) return error;
  if (error instanceof OperationError) return new WebApiError(error.code, error.message);
  if (isDatabaseOutage(error)) {
    const description = 'the database does not answer in time: repeat the call, a POST with the same Idempotency-Key';
    return new WebApiError('DATABASE_UNAVAILABLE', description, { 'retry-after': String(RETRY_AFTER_SECONDS) });
  }
  switch (error.code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return new WebApiError('BODY_TOO_LARGE', 'the body has more than the call takes (1 MiB for most): send less', {
        connection: 'close',
      });
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return new WebApiError(
        'CONTENT_TYPE_NOT_SUPPORTED',
        'Content-Type is not application/json: send JSON and say so',
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

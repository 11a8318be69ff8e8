import type { Dispatcher, Pool } from 'undici';
import { createByteCollector } from '../platform/byte-collector.ts';
import { messageOf } from '../platform/errors.ts';
import { type SoapVersion } from '../soap/envelope.ts';
import type { ConaxCode } from './codes.ts';

/** A SOAP request as bytes on their way; `repeatable`: doing it twice does no harm. */
export interface HttpCall {
  readonly path: string;
  readonly soapVersion: SoapVersion;
  readonly soapAction: string;
  readonly body: string;
  readonly repeatable: boolean;
  /** W3C trace context for the header; null: none is sent. */
  readonly traceparent: string | null;
}

/** How one HTTP exchange ended. */
export type HttpOutcome =
  | {
      readonly kind: 'answered';
      readonly status: number;
      readonly contentType: string;
      /** As the header says; none is asked for. */
      readonly contentEncoding?: string;
      /** Whether only the end of the connection ended the body: nobody knows whether it is whole. */
      readonly endsByClose?: boolean;
      readonly body: Buffer;
    }
  /** `sent`: the CAS may have read the request. `body`: what of the answer came before it broke off. */
  | {
      readonly kind: 'failed';
      readonly sent: boolean;
      readonly code: ConaxCode;
      readonly description: string;
      readonly status: number | null;
      readonly contentType: string;
      readonly body: Buffer | null;
    };

export interface Exchange {
  /** The deadline is here: settles at once and lets go of the connection. A request that waits to be sent is not sent. */
  expire(timeoutMs: number): void;
}

export interface ExchangeOptions {
  readonly authorization: string | undefined;
  readonly answerBytesMax: number;
  /** Chunks and TCP segments that the answer's body may come in: each costs time, however small it is. */
  readonly answerPiecesMax: number;
  /** Whether the connection may serve another exchange after this one. */
  readonly keepConnection: boolean;
  /** Called with the error that ended the exchange, if any, before the connection closes. */
  readonly onError: (error: Error) => void;
  /** Called once, with the outcome. */
  readonly onSettled: (outcome: HttpOutcome) => void;
  /** Called once, when the connection is free again; after an expiry that may be later. */
  readonly onDone: () => void;
}

/** Sends one request and watches which phase it reaches: not sent, sent, answered, read. */
export function startExchange(pool: Pool, call: HttpCall, options: ExchangeOptions): Exchange {
  const body = createByteCollector();
  let pieces = 0;
  let status: number | null = null;
  let contentType = '';
  let contentEncoding = '';
  let endsByClose = false;
  let sent = false;
  let isSettled = false;
  let isDone = false;
  let controller: Dispatcher.DispatchController | undefined;

  function settle(outcome: HttpOutcome): void {
    if (isSettled) return;
    isSettled = true;
    options.onSettled(outcome);
  }

  function fail(code: ConaxCode, description: string): void {
    settle({
      kind: 'failed',
      sent,
      code,
      description,
      status,
      contentType,
      body: body.length() === 0 ? null : body.bytes(),
    });
  }

  function tooLarge(description: string): void {
    fail('CAS_ANSWER_TOO_LARGE', description);
    controller?.abort(new Error('answer too large'));
  }

  function done(): void {
    if (isDone) return;
    isDone = true;
    // Once undici has left the connection: it does so after this callback.
    queueMicrotask(options.onDone);
  }

  const handler: Dispatcher.DispatchHandler = {
    onRequestStart(requestController) {
      controller = requestController;
      if (isSettled) requestController.abort(new Error('the deadline was over before the request could be sent'));
      else sent = true;
    },
    onResponseStart(_controller, statusCode, headers) {
      if (statusCode < 200) return;
      status = statusCode;
      contentType = firstOf(headers['content-type']);
      contentEncoding = firstOf(headers['content-encoding']);
      const length = firstOf(headers['content-length']) + firstOf(headers['transfer-encoding']);
      endsByClose = length === '' && statusCode !== 204;
    },
    onResponseData(_controller, chunk) {
      if (isSettled) return;
      pieces += 1;
      const { answerBytesMax, answerPiecesMax } = options;
      if (body.length() + chunk.length > answerBytesMax) tooLarge(`the answer has more than ${answerBytesMax} bytes`);
      else if (pieces > answerPiecesMax) tooLarge(`the answer comes in more than ${answerPiecesMax} pieces`);
      else body.add(chunk);
    },
    onResponseEnd() {
      if (status === null) fail('CAS_CONNECTION_LOST', 'the answer has no status');
      else settle({ kind: 'answered', status, contentType, contentEncoding, endsByClose, body: body.bytes() });
      done();
    },
    onResponseError(_controller, error) {
      options.onError(error);
      const failure = failureOf(error, sent);
      fail(failure.code, failure.description);
      done();
    },
  };

  const headers: Record<string, string> = { ...soapHeaders(call), 'accept-encoding': 'identity' };
  if (options.authorization !== undefined) headers['authorization'] = options.authorization;
  if (call.traceparent !== null) headers['traceparent'] = call.traceparent;
  try {
    const reset = !options.keepConnection;
    pool.dispatch({ path: call.path, method: 'POST', headers, body: call.body, reset }, handler);
  } catch (error) {
    fail('CAS_NOT_SENT', messageOf(error));
    done();
  }

  return {
    expire(timeoutMs) {
      if (sent) fail('CAS_NO_ANSWER_IN_TIME', `no whole answer came within ${timeoutMs} ms`);
      else fail('CAS_CONNECT_TIMEOUT', `there was no connection within ${timeoutMs} ms`);
      controller?.abort(new Error('deadline'));
    },
  };
}

/** SOAP 1.2 has the action in the content type, and may leave it out. */
export function soapHeaders({
  soapVersion,
  soapAction,
}: Pick<HttpCall, 'soapVersion' | 'soapAction'>): Record<string, string> {
  if (soapVersion === '1.1') {
    return { 'content-type': 'text/xml; charset=utf-8', soapaction: `"${soapAction}"`, accept: 'text/xml' };
  }
  const action = soapAction === '' ? '' : `; action="${soapAction}"`;
  return { 'content-type': `application/soap+xml; charset=utf-8${action}`, accept: 'application/soap+xml' };
}

function firstOf(header: string | readonly string[] | undefined): string {
  return typeof header === 'string' ? header : (header?.[0] ?? '');
}

/** A failure with nothing of an answer. */
export function failed(sent: boolean, code: ConaxCode, description: string): HttpOutcome {
  return { kind: 'failed', sent, code, description, status: null, contentType: '', body: null };
}

const unsentCodes: Readonly<Record<string, ConaxCode>> = {
  ECONNREFUSED: 'CAS_CONNECTION_REFUSED',
  ENOTFOUND: 'CAS_HOST_UNKNOWN',
  EAI_AGAIN: 'CAS_HOST_UNKNOWN',
  EAI_FAIL: 'CAS_HOST_UNKNOWN',
  EHOSTUNREACH: 'CAS_HOST_UNREACHABLE',
  ENETUNREACH: 'CAS_HOST_UNREACHABLE',
  ENETDOWN: 'CAS_HOST_UNREACHABLE',
  EADDRNOTAVAIL: 'CAS_HOST_UNREACHABLE',
  UND_ERR_CONNECT_TIMEOUT: 'CAS_CONNECT_TIMEOUT',
  ETIMEDOUT: 'CAS_CONNECT_TIMEOUT',
  EPROTO: 'CAS_TLS_FAILED',
  UND_ERR_CLOSED: 'CAS_CLIENT_CLOSED',
  UND_ERR_DESTROYED: 'CAS_CLIENT_CLOSED',
};

const tlsCode = /^(?:ERR_(?:SSL|TLS|OSSL)_|CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|HOSTNAME_MISMATCH|INVALID_CA)/;

function failureOf(error: unknown, sent: boolean): { code: ConaxCode; description: string } {
  const code = errorCode(error);
  const description = messageOf(error);
  if (sent) return { code: 'CAS_CONNECTION_LOST', description };
  const known = unsentCodes[code];
  if (known !== undefined) return { code: known, description };
  const isTls = tlsCode.test(code) || description.includes('secure TLS connection');
  return { code: isTls ? 'CAS_TLS_FAILED' : 'CAS_NOT_SENT', description };
}

function errorCode(error: unknown): string {
  if (typeof error !== 'object' || error === null) return '';
  if ('code' in error && typeof error.code === 'string') return error.code;
  if (error instanceof AggregateError) return errorCode(error.errors[0]);
  return 'cause' in error ? errorCode(error.cause) : '';
}

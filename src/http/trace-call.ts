import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Tracing } from '../platform/tracing.ts';
import type { Call } from './calls.ts';

/**
 * Traces a call that may change something, so that the requests that it makes belong to it. Call it once the caller is
 * known: others must not fill the collector. Calls that only read have no span, because consoles repeat them.
 */
export function traceCall(
  request: FastifyRequest,
  reply: FastifyReply,
  { name, method, access }: Call,
  tracing: Tracing,
): void {
  if (method !== 'POST' || access === 'anybody' || access === 'reader') return;
  const route = request.routeOptions.url ?? name;
  const span = tracing.start(`${method} ${route}`, {
    kind: 'SERVER',
    parent: request.traceparent,
    attributes: { 'http.request.method': method, 'http.route': route },
  });
  request.traceparent = span.traceparent;
  reply.raw.once('close', () => {
    const { statusCode } = reply;
    span.end({
      attributes: { 'http.response.status_code': statusCode, 'conax.code': request.answeredCode },
      error: statusCode >= 500 ? request.answeredCode : null,
    });
  });
}

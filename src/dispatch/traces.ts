import type { ConaxCall, ConaxClient, ConaxExchange } from '../conax/client.types.ts';
import type { SpanAttributes, Tracing } from '../platform/tracing.ts';
import type { Settlement } from './settle.ts';

/**
 * Makes a SOAP call with a span, whose `traceparent` the CAS gets. A request without a stored trace has none: a run's
 * requests would be traces of one call each.
 */
export async function tracedCall(
  tracing: Tracing | null,
  conax: Pick<ConaxClient, 'call'>,
  call: ConaxCall,
): Promise<ConaxExchange> {
  const { command, requestNumber, traceparent = null } = call;
  if (tracing === null || traceparent === null) return await conax.call(call);
  const span = tracing.start(`SOAP ${command.type}`, {
    kind: 'CLIENT',
    parent: traceparent,
    attributes: { 'conax.request.number': requestNumber },
  });
  const exchange = await conax.call({ ...call, traceparent: span.traceparent });
  if (span.isRecorded) span.end({ attributes: attributesOf(exchange), error: problemOf(exchange) });
  return exchange;
}

function attributesOf({ answer, operation, url, httpStatus }: ConaxExchange): SpanAttributes {
  return {
    'url.full': url,
    'rpc.method': operation,
    'conax.answer': answer.kind,
    ...(httpStatus === null ? {} : { 'http.response.status_code': httpStatus }),
    ...('code' in answer ? { 'error.type': answer.code } : {}),
  };
}

function problemOf({ answer }: ConaxExchange): string | null {
  return answer.kind === 'accepted' ? null : answer.description;
}

/**
 * Notes when a transaction starts that writes these answers. Call the returned function after its commit, with whether
 * each claim still held: it gives each traced request a span. They link to the first one's.
 */
export function traceSettling(
  tracing: Tracing | null,
  settlements: readonly Settlement[],
): (held: readonly boolean[]) => void {
  if (tracing === null) return () => {};
  const startedAt = performance.now();
  return (held) => {
    const endedAt = performance.now();
    let first: string | undefined;
    for (const [index, settlement] of settlements.entries()) {
      if (settlement.kind === 'give-back' || settlement.traceparent === null) continue;
      const span = tracing.start('settle', {
        kind: 'INTERNAL',
        parent: settlement.traceparent,
        startedAt,
        ...(first === undefined ? {} : { links: [first] }),
      });
      if (!span.isRecorded) continue;
      first ??= span.traceparent;
      const isHeld = held[index] === true;
      span.end({
        endedAt,
        attributes: settledAttributes(settlement),
        error: isHeld ? null : 'the claim was lost, or the database refused the answer: nothing was written',
      });
    }
  };
}

function settledAttributes(settlement: Exclude<Settlement, { kind: 'give-back' }>): SpanAttributes {
  const { number } = settlement.request;
  const settled = settlement.kind === 'finish' ? settlement.request.state : 'PUT_OFF';
  return { 'conax.request.number': number, 'conax.settled': settled };
}

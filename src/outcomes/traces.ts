import type { Span, Tracing } from '../platform/tracing.ts';
import type { EncodedMessage } from './encode.ts';
import type { OutboxMessage, OutcomeHeaders } from './outbox.ts';

/** The messages of a publication, with their spans. */
export interface TracedPublication {
  /** Outcomes have the `traceparent` of their span instead of the stored one. */
  readonly messages: readonly OutboxMessage[];
  /** Ends the spans of messages that the broker has. */
  published(messages: readonly EncodedMessage[]): void;
}

/**
 * Starts a span for each outcome with a stored trace. It leaves dead letters alone, which keep their headers. A
 * publication that fails leaves no span, since it is repeated.
 */
export function tracePublication(tracing: Tracing, messages: readonly OutboxMessage[]): TracedPublication {
  const spans = new Map<number, Span>();
  return {
    messages: messages.map((message) => {
      const { id, kind } = message;
      const headers = message.headers as OutcomeHeaders;
      if (kind === 'DEAD_LETTER' || headers.traceparent === undefined) return message;
      const name = kind === 'REQUEST_OUTCOME' ? 'publish request outcome' : 'publish action outcome';
      const span = tracing.start(name, { kind: 'PRODUCER', parent: headers.traceparent });
      spans.set(id, span);
      return { ...message, headers: { ...headers, traceparent: span.traceparent } };
    }),
    published(published) {
      for (const { stored, topic } of published) {
        const { record } = stored;
        const what =
          record === null || !('requestNumber' in record) ? {} : { 'conax.request.number': record.requestNumber };
        spans.get(stored.id)?.end({
          attributes: {
            'messaging.system': 'kafka',
            'messaging.destination.name': topic,
            ...what,
            ...(record === null ? {} : { 'conax.outcome': record.outcome }),
          },
        });
      }
    },
  };
}

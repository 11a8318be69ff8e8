import type { SpanAttributes, Tracing } from '../platform/tracing.ts';
import type { Decision } from './fold.ts';
import { type IncomingMessage, type ReadMessage, traceparentOf } from './message.ts';

/** Traces the processing of a batch's messages, chunk by chunk. */
export interface EventTraces {
  /** Reads messages, each with a span that what follows from it belongs to. */
  read(
    messages: readonly IncomingMessage[],
    read: (messages: readonly IncomingMessage[]) => Promise<ReadMessage[]>,
  ): Promise<ReadMessage[]>;
  /** Ends the spans of messages that were just committed together. */
  stored(decisions: readonly Decision[]): void;
}

/**
 * Returns what traces a batch. Each message has a span of its own, a child of its header's `traceparent` or the start of
 * a trace, with one child for the reading and one for the transaction. Messages that share a transaction have the same
 * times there, and link to the first one's. A try that fails leaves no span: only committed events have one.
 */
export function traceEvents(tracing: Tracing): EventTraces {
  let startedAt = 0;
  let readAt = 0;
  /** When the transaction of the next chunk starts. */
  let storingSince = 0;
  return {
    async read(messages, read) {
      startedAt = performance.now();
      const decoded = await read(
        messages.map((message) => ({ ...message, span: startSpan(tracing, message, startedAt) })),
      );
      readAt = performance.now();
      storingSince = readAt;
      return decoded;
    },
    stored(decisions) {
      const endedAt = performance.now();
      let first: string | undefined;
      for (const decision of decisions) {
        const { span } = decision.message;
        if (span?.isRecorded !== true) continue;
        const within = { kind: 'INTERNAL', parent: span.traceparent } as const;
        tracing.start('decode', { ...within, startedAt }).end({ endedAt: readAt });
        const transaction = tracing.start('intake transaction', {
          ...within,
          startedAt: storingSince,
          attributes: { 'conax.events': decisions.length },
          ...(first === undefined ? {} : { links: [first] }),
        });
        first ??= transaction.traceparent;
        transaction.end({ endedAt });
        span.end({ endedAt, attributes: attributesOf(decision), error: decision.cause?.reason ?? null });
      }
      storingSince = performance.now();
    },
  };
}

function startSpan(tracing: Tracing, message: IncomingMessage, startedAt: number) {
  const { topic, partition, offset } = message;
  return tracing.start(`process ${topic}`, {
    kind: 'CONSUMER',
    parent: traceparentOf(message),
    startedAt,
    attributes: {
      'messaging.system': 'kafka',
      'messaging.destination.name': topic,
      'messaging.destination.partition.id': String(partition),
      'messaging.kafka.offset': offset,
    },
  });
}

function attributesOf({ event, disposition, plan }: Decision): SpanAttributes {
  const decided = { 'conax.disposition': disposition, 'conax.requests': plan?.commands.length ?? 0 };
  if (event === null) return decided;
  return {
    ...decided,
    'conax.event.id': event.eventId,
    'conax.event.type': event.writerType,
    'conax.action.id': event.action.id,
    'conax.subscription': event.subscription.number,
  };
}

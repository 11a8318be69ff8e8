/** What a span describes: serving a call, making one, sending or handling a message, or work inside the service. */
export type SpanKind = 'SERVER' | 'CLIENT' | 'PRODUCER' | 'CONSUMER' | 'INTERNAL';

export type SpanAttributes = Readonly<Record<string, string | number | boolean>>;

export interface SpanStart {
  readonly kind: SpanKind;
  /** The span that caused this one, as a W3C `traceparent`, maybe of another process hours ago; null: a new trace. */
  readonly parent: string | null;
  /** When it started, by `performance.now()`; default: now. */
  readonly startedAt?: number;
  readonly attributes?: SpanAttributes;
  /** Spans of other traces that share the work, each as a `traceparent`. */
  readonly links?: readonly string[];
}

export interface SpanEnd {
  /** When it ended, by `performance.now()`; default: now. */
  readonly endedAt?: number;
  readonly attributes?: SpanAttributes;
  /** What failed, for people; default: nothing. */
  readonly error?: string | null;
}

/** One step of a trace. It is exported only if it ends. */
export interface Span {
  /** The W3C `traceparent` to store, or to send to whoever continues the trace. */
  readonly traceparent: string;
  /** Whether the trace is sampled, so that somebody will see what is added. */
  readonly isRecorded: boolean;
  end(more?: SpanEnd): void;
}

/**
 * Records spans and exports them in the background. It never fails, and never keeps anybody waiting. The service has
 * none (null) unless OTEL_EXPORTER_OTLP_ENDPOINT is set (docs/tracing.md).
 */
export interface Tracing {
  start(name: string, start: SpanStart): Span;
  /** Exports what has ended, for at most `limitMs`, and stops. */
  close(limitMs: number): Promise<void>;
}

/** The values of OTEL_TRACES_SAMPLER: which traces are kept. Those with `parentbased` follow the parent, if there is one. */
export const samplerNames = [
  'parentbased_always_on',
  'parentbased_always_off',
  'parentbased_traceidratio',
  'always_on',
  'always_off',
  'traceidratio',
] as const;
export type SamplerName = (typeof samplerNames)[number];

/** Returns a W3C trace context as it came; null if it is malformed. */
export function wellFormedTraceparent(given: unknown): string | null {
  return typeof given === 'string' && /^[\da-f]{2}-[\da-f]{32}-[\da-f]{16}-[\da-f]{2}$/.test(given) ? given : null;
}

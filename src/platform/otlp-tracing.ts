import { randomFillSync, randomUUID } from 'node:crypto';
import { createExporter, type ExporterOptions } from './otlp-exporter.ts';
import type { SamplerName, Span, SpanAttributes, SpanKind, Tracing } from './tracing.ts';

export interface OtlpTracingOptions extends Omit<ExporterOptions, 'resource'> {
  readonly serviceName: string;
  readonly resourceAttributes: Readonly<Record<string, string>>;
  readonly sampler: SamplerName;
  /** The part of the new traces that a sampler by ratio keeps, 0-1. */
  readonly ratio: number;
}

/** Their numbers in OTLP. */
const KINDS: Readonly<Record<SpanKind, number>> = { INTERNAL: 1, SERVER: 2, CLIENT: 3, PRODUCER: 4, CONSUMER: 5 };
const ERROR = 2;
const ZEROS = '0'.repeat(32);
/** `performance.now()` and the wall clock part when the latter is set. */
const CLOCK_DRIFT_MS = 2;
const CLOCK_LOOK_MS = 100;

/**
 * Traces, and sends the spans to a collector as OTLP. The SDK of OpenTelemetry does the same at several times the CPU
 * (docs/decisions/0014-tracing.md). A span becomes text when it ends, and nothing else of it is kept.
 */
export function startTracing(options: OtlpTracingOptions): Tracing {
  const { serviceName, resourceAttributes, sampler, ratio } = options;
  const resource = {
    'service.instance.id': randomUUID(),
    ...resourceAttributes,
    'service.name': serviceName,
  };
  const exporter = createExporter({ ...options, resource: attributesText(resource) });
  const isKept = samplerOf(sampler, ratio);
  const newId = createIds();
  const epochMs = createEpoch();
  return {
    start(name, { kind, parent: given, startedAt = performance.now(), attributes, links = [] }): Span {
      const parent = given === null || hasZeroId(given) ? null : given;
      const traceId = parent === null ? newId(32) : parent.slice(3, 35);
      const spanId = newId(16);
      const isRecorded = isKept(traceId, parent);
      return {
        traceparent: `00-${traceId}-${spanId}-${isRecorded ? '01' : '00'}`,
        isRecorded,
        end({ endedAt = performance.now(), attributes: more, error = null } = {}) {
          if (!isRecorded) return;
          const ofParent = parent === null ? '' : `"parentSpanId":"${parent.slice(36, 52)}",`;
          const ofLinks = links.length === 0 ? '' : `,"links":[${links.map(linkText).join()}]`;
          const status = error === null ? '' : `,"status":{"code":${ERROR},"message":${JSON.stringify(error)}}`;
          const [early, late] = [attributesText(attributes), attributesText(more)];
          exporter.add(
            `{"traceId":"${traceId}","spanId":"${spanId}",${ofParent}"flags":1,"name":${quoted(name)},` +
              `"kind":${KINDS[kind]},"startTimeUnixNano":"${nanoText(epochMs(startedAt))}",` +
              `"endTimeUnixNano":"${nanoText(epochMs(endedAt))}",` +
              `"attributes":[${early}${early === '' || late === '' ? '' : ','}${late}]${ofLinks}${status}}`,
          );
        },
      };
    },
    close: (limitMs) => exporter.close(limitMs),
  };
}

/** Whether a trace is kept, by its id and the parent's flag. */
function samplerOf(sampler: SamplerName, ratio: number): (traceId: string, parent: string | null) => boolean {
  const part = sampler.endsWith('always_on') ? 1 : sampler.endsWith('always_off') ? 0 : ratio;
  // By the last 56 bits, as the specification of consistent sampling says, so that others keep the same traces.
  const byRatio = (traceId: string): boolean => Number.parseInt(traceId.slice(18), 16) / 2 ** 56 >= 1 - part;
  if (!sampler.startsWith('parentbased')) return byRatio;
  return (traceId, parent) => (parent === null ? byRatio(traceId) : isSampled(parent));
}

function isSampled(traceparent: string): boolean {
  return (Number.parseInt(traceparent.slice(53, 55), 16) & 1) === 1;
}

/** An id of zeros means that there is none. */
function hasZeroId(traceparent: string): boolean {
  return traceparent.startsWith(ZEROS, 3) || traceparent.startsWith(ZEROS.slice(16), 36);
}

/** Returns a function that returns random hexadecimal digits; one call to the system serves many ids. */
function createIds(): (digits: number) => string {
  const bytes = Buffer.alloc(4_096);
  let pool = '';
  let at = 0;
  return (digits) => {
    if (at + digits > pool.length) {
      pool = randomFillSync(bytes).toString('hex');
      at = 0;
    }
    at += digits;
    return pool.slice(at - digits, at);
  };
}

function attributesText(attributes: SpanAttributes = {}): string {
  let text = '';
  for (const name in attributes) {
    const value = attributes[name];
    const typed =
      typeof value === 'string'
        ? `"stringValue":${quoted(value)}`
        : typeof value === 'boolean'
          ? `"boolValue":${value}`
          : Number.isInteger(value)
            ? `"intValue":"${value}"`
            : `"doubleValue":${value}`;
    text += `${text === '' ? '' : ','}{"key":${quoted(name)},"value":{${typed}}}`;
  }
  return text;
}

/** Most texts need no escape, and JSON.stringify takes twice as long to see that. */
function quoted(text: string): string {
  return NEEDS_NO_ESCAPE.test(text) ? `"${text}"` : JSON.stringify(text);
}

const NEEDS_NO_ESCAPE = /^[ !#-[\]-~]*$/;

function linkText(traceparent: string): string {
  return `{"traceId":"${traceparent.slice(3, 35)}","spanId":"${traceparent.slice(36, 52)}"}`;
}

/** Microseconds since 1970 fit a number, nanoseconds do not. */
function nanoText(epochMs: number): string {
  return `${Math.round(epochMs * 1_000)}000`;
}

/** Returns a function from `performance.now()` to milliseconds since 1970, which follows a wall clock that is set. */
function createEpoch(): (ms: number) => number {
  let offset = Date.now() - performance.now();
  let checkedAt = 0;
  return (ms) => {
    if (ms > checkedAt + CLOCK_LOOK_MS) {
      checkedAt = performance.now();
      const wallMs = Date.now();
      // Between the two, the process may have waited for a core.
      const isOff =
        offset > wallMs - checkedAt + CLOCK_DRIFT_MS || offset < wallMs - performance.now() - CLOCK_DRIFT_MS;
      if (isOff) offset = wallMs - checkedAt;
    }
    return ms + offset;
  };
}

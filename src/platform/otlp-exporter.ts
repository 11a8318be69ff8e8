import { setTimeout as sleep } from 'node:timers/promises';
import { Agent, request } from 'undici';
import { messageOf } from './errors.ts';
import type { Logger } from './logging.ts';
import type { TraceMetrics } from './trace-metrics.ts';

export interface ExporterOptions {
  /** The collector's address without the path of a signal (OTEL_EXPORTER_OTLP_ENDPOINT). */
  readonly endpoint: string;
  /** May hold secrets. */
  readonly headers: Readonly<Record<string, string>>;
  /** The attributes of the service, as OTLP's JSON. */
  readonly resource: string;
  readonly metrics: TraceMetrics;
  readonly logger: Logger;
  /** How long ended spans wait for others at most; default 1,000. */
  readonly exportEveryMs?: number;
}

export interface OtlpExporter {
  /** Takes an ended span, as OTLP's JSON. */
  add(span: string): void;
  /** Exports what was added, for at most `limitMs`, and stops. */
  close(limitMs: number): Promise<void>;
}

/** Spans that are not exported yet: about 4 MB, or 1 s of the highest rate. Further ones are dropped. */
const WAITING_SPANS_MAX = 8_192;
/** About 500 spans. */
const BATCH_BYTES = 256 * 1_024;
const END = Buffer.from(']}]}]}');
/** The most bytes of a character that is one code unit of a string. */
const CHARACTER_BYTES_MAX = 3;
/** How long a batch is tried again, as the specification's default for the whole export. */
const TRY_MS = 10_000;
const CALL_MS = 5_000;
const FIRST_PAUSE_MS = 500;
/** The statuses that the specification lets a client try again after. */
const LATER: ReadonlySet<number> = new Set([429, 502, 503, 504]);

/** Spans as the body of a call. */
interface Batch {
  readonly bytes: Buffer;
  length: number;
  spans: number;
}

/**
 * Sends spans to an OTLP collector over HTTP, one batch after the other, in the background. It tries for 10 s, then the
 * batch is lost. Counts what becomes of spans, and logs an outage once, and its end.
 */
export function createExporter(options: ExporterOptions): OtlpExporter {
  const { endpoint, headers, resource, metrics, logger, exportEveryMs = 1_000 } = options;
  const url = `${endpoint.replace(/\/+$/, '')}/v1/traces`;
  const agent = new Agent({ connections: 1, headersTimeout: CALL_MS, bodyTimeout: CALL_MS });
  const givingUp = new AbortController();
  const { signal } = givingUp;
  // Bytes, because thousands of texts that wait would be moved by every garbage collection.
  const start = Buffer.from(
    `{"resourceSpans":[{"resource":{"attributes":[${resource}]},"scopeSpans":[{"scope":{"name":"conax-provisioning"},"spans":[`,
  );
  const full: Batch[] = [];
  let filling: Batch | null = null;
  let waiting = 0;
  let exporting: Promise<void> | null = null;
  let timer: NodeJS.Timeout | undefined;
  let isAway = false;

  /** Exports everything so far. */
  function exportAll(): Promise<void> {
    clearTimeout(timer);
    timer = undefined;
    endBatch();
    return exportFull();
  }

  /** Exports full batches until none is left. The one that is being filled waits for more. */
  function exportFull(): Promise<void> {
    return (exporting ??= exportBatches().finally(() => (exporting = null)));
  }

  async function exportBatches(): Promise<void> {
    for (let batch = full.shift(); batch !== undefined; batch = full.shift()) {
      const problem = await deliver(batch.bytes.subarray(0, batch.length));
      waiting -= batch.spans;
      metrics.spans.inc({ result: problem === null ? 'exported' : 'failed' }, batch.spans);
      report(problem);
    }
  }

  function endBatch(): void {
    if (filling === null) return;
    filling.length += END.copy(filling.bytes, filling.length);
    full.push(filling);
    filling = null;
  }

  /** Returns a batch with space for this many bytes, and for its end. */
  function batchFor(bytes: number): Batch {
    if (filling !== null && filling.length + bytes + END.length > filling.bytes.length) endBatch();
    if (filling === null) {
      const size = Math.max(BATCH_BYTES, start.length + bytes + END.length);
      filling = { bytes: Buffer.allocUnsafeSlow(size), length: 0, spans: 0 };
      filling.length = start.copy(filling.bytes);
    }
    return filling;
  }

  /** Returns why the collector did not take the spans; null if it did. */
  async function deliver(body: Buffer): Promise<string | null> {
    const until = performance.now() + TRY_MS;
    for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs *= 2) {
      const { problem, mayRepeat } = await post(body);
      if (problem === null || !mayRepeat || signal.aborted || performance.now() + pauseMs > until) return problem;
      await sleep(pauseMs, undefined, { signal, ref: false }).catch(() => {});
    }
  }

  async function post(body: Buffer): Promise<{ problem: string | null; mayRepeat: boolean }> {
    try {
      const { statusCode, body: answer } = await request(url, {
        dispatcher: agent,
        method: 'POST',
        headers: { ...headers, 'content-type': 'application/json' },
        body,
        signal,
      });
      await answer.dump({ limit: 65_536 });
      return { problem: statusCode < 300 ? null : `HTTP ${statusCode}`, mayRepeat: LATER.has(statusCode) };
    } catch (error) {
      return { problem: messageOf(error), mayRepeat: true };
    }
  }

  function report(problem: string | null): void {
    const { origin: collector } = new URL(endpoint);
    if (problem === null && isAway) logger.info({ collector }, 'the collector takes traces again');
    if (problem !== null && !isAway) {
      logger.warn({ collector, problem }, 'the collector takes no traces: they are lost until it does');
    }
    isAway = problem !== null;
  }

  return {
    add(span) {
      if (signal.aborted || waiting >= WAITING_SPANS_MAX) return metrics.spans.inc({ result: 'dropped' });
      waiting += 1;
      const batch = batchFor((1 + span.length) * CHARACTER_BYTES_MAX);
      batch.length += batch.bytes.write(batch.spans === 0 ? span : `,${span}`, batch.length);
      batch.spans += 1;
      timer ??= setTimeout(() => void exportAll(), exportEveryMs).unref();
      if (full.length > 0) void exportFull();
    },
    async close(limitMs) {
      await Promise.race([exportAll(), sleep(limitMs, undefined, { ref: false })]);
      givingUp.abort();
      await exportAll();
      await agent.destroy();
    },
  };
}

import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A span as a collector gets it. */
export interface ReceivedSpan {
  readonly traceId: string;
  readonly spanId: string;
  /** Null for the first span of a trace. */
  readonly parentSpanId: string | null;
  readonly name: string;
  readonly kind: string;
  readonly startMs: number;
  readonly endMs: number;
  readonly attributes: Readonly<Record<string, string | number | boolean>>;
  readonly links: readonly string[];
  readonly error: string | null;
  /** The service.instance.id of the process that sent it. */
  readonly instance: string;
}

/** An OTLP collector that keeps what it gets as JSON. */
export interface Collector {
  readonly url: string;
  readonly spans: ReceivedSpan[];
  /** The bodies and headers of all calls. */
  readonly calls: {
    readonly path: string;
    readonly headers: Readonly<Record<string, unknown>>;
    readonly body: Buffer;
  }[];
  /** Resolves with what `find` gives as soon as it gives something; asked again whenever spans arrive. */
  until<T>(find: (spans: readonly ReceivedSpan[]) => T | undefined, what: string): Promise<T>;
  close(): Promise<void>;
}

interface Value {
  readonly stringValue?: string;
  readonly intValue?: number | string;
  readonly doubleValue?: number;
  readonly boolValue?: boolean;
}
interface Attribute {
  readonly key: string;
  readonly value: Value;
}
interface OtlpSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind: number;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes?: readonly Attribute[];
  readonly links?: readonly { readonly spanId: string }[];
  readonly status?: { readonly code?: number; readonly message?: string };
}
interface Traces {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly Attribute[] };
    readonly scopeSpans: readonly { readonly spans: readonly OtlpSpan[] }[];
  }[];
}

const KINDS = ['UNSPECIFIED', 'INTERNAL', 'SERVER', 'CLIENT', 'PRODUCER', 'CONSUMER'];
const DEADLINE_MS = 20_000;

/** Starts a collector that answers each call with the next of these statuses, and then with 200; 0: never. */
export async function startCollector(statuses: number[] = []): Promise<Collector> {
  const spans: ReceivedSpan[] = [];
  const calls: Collector['calls'] = [];
  const waiting = new Set<() => void>();
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks);
      calls.push({ path: request.url ?? '', headers: request.headers, body });
      const status = statuses.shift() ?? 200;
      if (status === 200 && request.headers['content-type'] === 'application/json') {
        spans.push(...spansOf(JSON.parse(body.toString()) as Traces));
      }
      if (status !== 0) response.writeHead(status, { 'content-type': 'application/json' }).end('{}');
      for (const look of waiting) look();
    });
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans,
    calls,
    until: (find, what) =>
      new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
          waiting.delete(look);
          reject(
            new Error(`Not seen within ${DEADLINE_MS} ms: ${what}; spans: ${spans.map(({ name }) => name).join(', ')}`),
          );
        }, DEADLINE_MS);
        const look = (): void => {
          const found = find(spans);
          if (found === undefined) return;
          waiting.delete(look);
          clearTimeout(timer);
          resolve(found);
        };
        waiting.add(look);
        look();
      }),
    close: () => closeServer(server),
  };
}

/** Ends a server with all its connections. */
export async function closeServer(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise<void>((resolve) => void server.close(() => resolve()));
}

function spansOf({ resourceSpans }: Traces): ReceivedSpan[] {
  return resourceSpans.flatMap(({ resource, scopeSpans }) => {
    const instance = String(attributesOf(resource.attributes)['service.instance.id']);
    return scopeSpans.flatMap(({ spans }) => spans.map((span) => received(span, instance)));
  });
}

function received(span: OtlpSpan, instance: string): ReceivedSpan {
  const { traceId, spanId, parentSpanId = '', name, kind, attributes = [], links = [], status } = span;
  return {
    traceId,
    spanId,
    parentSpanId: parentSpanId === '' ? null : parentSpanId,
    name,
    kind: KINDS[kind] ?? String(kind),
    startMs: Number(span.startTimeUnixNano) / 1e6,
    endMs: Number(span.endTimeUnixNano) / 1e6,
    attributes: attributesOf(attributes),
    links: links.map((link) => link.spanId),
    error: status?.code === 2 ? (status.message ?? '') : null,
    instance,
  };
}

function attributesOf(attributes: readonly Attribute[]): Record<string, string | number | boolean> {
  return Object.fromEntries(
    attributes.map(({ key, value: { stringValue, intValue, doubleValue, boolValue } }) => [
      key,
      stringValue ?? (intValue === undefined ? undefined : Number(intValue)) ?? doubleValue ?? boolValue ?? '',
    ]),
  );
}

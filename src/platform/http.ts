import type { Socket } from 'node:net';
import type { Registry } from '@prometheus-io/client';
import fastify, { type FastifyInstance } from 'fastify';
import type { Logger } from './logging.ts';

/** How one part of the service is doing. */
export interface PartState {
  readonly part: string;
  /** Whether the part does its work now. */
  readonly ready: boolean;
  /** What it waits for or is busy with, for people. */
  readonly detail: string;
  /** False for what is told and does not make the service unready; default: true. */
  readonly required?: boolean;
}

export interface HttpServer {
  readonly app: FastifyInstance;
  readonly url: string;
  close(): Promise<void>;
}

const BODY_BYTES_MAX = 1 << 20;
/** Headers and body have to be there within this time. */
const REQUEST_ARRIVES_MS = 15_000;
/** A socket on which nothing moves is closed after this: longer than any answer takes (WEB_API_IMMEDIATE_TIMEOUT_MS). */
const CONNECTION_SILENT_MS = 330_000;

/**
 * Serves `/health/live` (200 as long as the process answers), `/health/ready` (200 when every required part is ready,
 * else 503; each part's state in both cases) and `/metrics` (Prometheus text). Port 0 takes a free one.
 */
export async function startHttpServer(options: {
  host: string;
  port: number;
  registry: Registry;
  parts: () => Promise<readonly PartState[]>;
  logger: Logger;
  /** Adds what else is served, before the server listens. */
  register?: (app: FastifyInstance) => Promise<void>;
  /** Answers what Node cannot read as HTTP, before any route is known. */
  clientErrorHandler?: (error: NodeJS.ErrnoException, socket: Socket) => void;
}): Promise<HttpServer> {
  const { clientErrorHandler } = options;
  const app = fastify({
    // No log of fastify's own: it would have the URLs, and they may have tokens in their queries.
    logger: false,
    forceCloseConnections: true,
    bodyLimit: BODY_BYTES_MAX,
    requestTimeout: REQUEST_ARRIVES_MS,
    connectionTimeout: CONNECTION_SILENT_MS,
    ...(clientErrorHandler === undefined ? {} : { clientErrorHandler }),
  });
  await options.register?.(app);
  app.get('/health/live', () => ({ status: 'live' }));
  app.get('/health/ready', async (_request, reply) => {
    const parts = await options.parts();
    const ready = parts.every((part) => part.ready || part.required === false);
    const whole = parts.every((part) => part.ready);
    const status = whole ? 'ready' : ready ? 'degraded' : 'not ready';
    return reply.code(ready ? 200 : 503).send({ status, parts });
  });
  app.get('/metrics', async (_request, reply) =>
    reply.header('content-type', options.registry.contentType).send(await options.registry.metrics()),
  );
  const url = await app.listen({ host: options.host, port: options.port });
  options.logger.info({ url }, 'HTTP server listens');
  return { app, url, close: () => app.close() };
}

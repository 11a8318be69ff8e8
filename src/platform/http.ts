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
}): Promise<HttpServer> {
  const app = fastify({ logger: false, forceCloseConnections: true });
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

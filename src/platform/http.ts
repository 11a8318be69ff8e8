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
}

export interface HttpServer {
  readonly app: FastifyInstance;
  readonly url: string;
  close(): Promise<void>;
}

/**
 * Serves `/health/live` (200 as long as the process answers), `/health/ready` (200 when every part is ready, else 503;
 * each part's state in both cases) and `/metrics` (Prometheus text). Port 0 takes a free one.
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
    const ready = parts.every((part) => part.ready);
    return reply.code(ready ? 200 : 503).send({ status: ready ? 'ready' : 'not ready', parts });
  });
  app.get('/metrics', async (_request, reply) =>
    reply.header('content-type', options.registry.contentType).send(await options.registry.metrics()),
  );
  const url = await app.listen({ host: options.host, port: options.port });
  options.logger.info({ url }, 'HTTP server listens');
  return { app, url, close: () => app.close() };
}

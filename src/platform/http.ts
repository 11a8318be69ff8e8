import type { Registry } from '@prometheus-io/client';
import fastify, { type FastifyError, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import {
  type ConnectionLimits,
  type CountRefused,
  guardConnections,
  limitBodies,
  type RefusalOf,
} from './http-connections.ts';
import type { Logger } from './logging.ts';
import { OPEN_METRICS, openMetricsText } from './metrics.ts';

/** How one part of the service is doing. */
export interface PartState {
  readonly part: string;
  /** Whether the part does its work now. */
  readonly ready: boolean;
  /** What it waits for or is busy with, for people. */
  readonly detail: string;
  /** False if the part is only reported and does not make the service unready. Default: true. */
  readonly required?: boolean;
}

export interface HttpServer {
  readonly app: FastifyInstance;
  readonly url: string;
  /** Where health, metrics and documents are; the same as `url` unless they have an address of their own. */
  readonly managementUrl: string;
  close(): Promise<void>;
}

/** Answers requests that are no valid HTTP call, in the form that all errors have. */
export interface EdgeAnswers {
  readonly refusalOf: RefusalOf;
  readonly answerBadAddress: (error: FastifyError, request: FastifyRequest, reply: FastifyReply) => void;
}

interface Address {
  readonly host: string;
  readonly port: number;
}

const BODY_BYTES_MAX = 1 << 20;
/** Parsed JSON can take ten times as much, which is still far less than the memory of a container. */
const BODIES_BYTES_MAX = 64 << 20;
const CALL_ARRIVES_MS = 15_000;
const ANSWER_STALLS_MS = 15_000;
/** A silent socket is closed after this time, which is longer than any answer takes (WEB_API_IMMEDIATE_TIMEOUT_MS). */
const CONNECTION_SILENT_MS = 330_000;

/**
 * Serves `/health/live` (200 as long as the process answers), `/health/ready` (200 when every required part is ready,
 * else 503; each part's state in both cases) and `/metrics` (OpenMetrics or Prometheus text), with the other calls or at an address of
 * their own. Port 0 takes a free one.
 * @throws Error if an address is taken; nothing listens then.
 */
export async function startHttpServer(
  options: Address & {
    /** Where health, metrics and documents are served instead of with the calls. */
    management?: Address | undefined;
    registry: Registry;
    /** Counts what is refused or cut off. */
    count: CountRefused;
    parts: () => Promise<readonly PartState[]>;
    logger: Logger;
    edge: EdgeAnswers;
    limits: Pick<ConnectionLimits, 'connectionsMax'> & Partial<ConnectionLimits>;
    /** Adds the other routes before a server listens. Without an address of its own, `management` is `app`. */
    register: (app: FastifyInstance, management: FastifyInstance) => Promise<void>;
  },
): Promise<HttpServer> {
  const { logger, registry, count, parts, edge } = options;
  const limits = {
    callArrivesMs: CALL_ARRIVES_MS,
    answerStallsMs: ANSWER_STALLS_MS,
    bodiesBytesMax: BODIES_BYTES_MAX,
    ...options.limits,
  };
  const boundBodies = limitBodies(limits.bodiesBytesMax, count);
  const newServer = (): FastifyInstance => {
    const guard = guardConnections(limits, edge.refusalOf, count);
    const server = fastify({
      ...serverOptions(edge, limits),
      http: guard.http,
      clientErrorHandler: guard.onClientError,
    });
    guard.attach(server);
    boundBodies(server);
    return server;
  };
  const app = newServer();
  const management = options.management === undefined ? app : newServer();
  const close = async (): Promise<void> => {
    await Promise.all([app.close(), management.close()]);
  };
  try {
    await options.register(app, management);
    addHealth(management, registry, parts);
    // First, so that health answers as soon as calls do.
    const managementUrl = management === app ? undefined : await listen(management, options.management ?? options);
    const url = await listen(app, options);
    logger.info({ url, managementUrl }, 'HTTP server listens');
    return { app, url, managementUrl: managementUrl ?? url, close };
  } catch (error) {
    await close();
    throw error;
  }
}

function serverOptions({ answerBadAddress }: EdgeAnswers, { callArrivesMs }: ConnectionLimits) {
  return {
    // fastify must not log: its log would have the addresses, whose queries may have tokens.
    logger: false,
    forceCloseConnections: true,
    bodyLimit: BODY_BYTES_MAX,
    requestTimeout: callArrivesMs,
    connectionTimeout: CONNECTION_SILENT_MS,
    frameworkErrors: answerBadAddress,
    // The APIs answer SHUTTING_DOWN, in their envelope.
    return503OnClosing: false,
  } as const;
}

function addHealth(app: FastifyInstance, registry: Registry, partsOf: () => Promise<readonly PartState[]>): void {
  app.get('/health/live', () => ({ status: 'live' }));
  app.get('/health/ready', async (_request, reply) => {
    const parts = await partsOf();
    const ready = parts.every((part) => part.ready || part.required === false);
    const whole = parts.every((part) => part.ready);
    const status = whole ? 'ready' : ready ? 'degraded' : 'not ready';
    return reply.code(ready ? 200 : 503).send({ status, parts });
  });
  app.get('/metrics', async ({ headers }, reply) => {
    const text = await registry.metrics();
    // Every client that knows OpenMetrics prefers it.
    if (headers.accept?.includes('application/openmetrics-text') === true) {
      return reply.header('content-type', OPEN_METRICS).send(openMetricsText(text));
    }
    return reply.header('content-type', registry.contentType).send(text);
  });
}

function listen(app: FastifyInstance, { host, port }: Address): Promise<string> {
  return app.listen({ host, port });
}

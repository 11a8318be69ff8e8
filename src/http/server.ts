import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import { type Database } from '../platform/database.ts';
import { isDatabaseOutage } from '../platform/database-errors.ts';
import { messageOf } from '../platform/errors.ts';
import type { Logger } from '../platform/logging.ts';
import { type Tracing, wellFormedTraceparent } from '../platform/tracing.ts';
import { authenticate } from '../users/tokens.ts';
import { mayWrite, type User } from '../users/user.ts';
import { type Api, type Call, methodsAt } from './calls.ts';
import { WebApiError } from './envelope.ts';
import { answerErrors } from './error-answers.ts';
import { answerUnchanged } from './etag.ts';
import { startClearing } from './idempotency.ts';
import type { WebApiMetrics } from './metrics.ts';
import { documentationSchema, registerDocument, registerPages, registerPagesOf } from './openapi.ts';
import { problemOf, readInput } from './problems.ts';
import { refuseUnreadable } from './readable.ts';
import { sessionOf } from './session-cookie.ts';
import { invalidToken, tokenOf } from './tokens.ts';
import { traceCall } from './trace-call.ts';

/** The service's APIs, registered with its server. */
export interface RunningApis {
  /** Turns new calls away, waits for those under way, but no longer than the drain time, and stops the clearing. */
  stop(): Promise<void>;
}

declare module 'fastify' {
  // eslint-disable-next-line typescript/consistent-type-definitions -- fastify's interfaces are extended by declaring them
  interface FastifyRequest {
    /** Who calls; null if the call needs no token. */
    user: User | null;
    /** The token that the call was accepted with; null if it needs none. */
    token: string | null;
    /** The envelope's code, for the metrics. */
    answeredCode: string;
    /** W3C trace context for the requests that the call makes; null if there is none. */
    traceparent: string | null;
  }
  // eslint-disable-next-line typescript/consistent-type-definitions -- as above
  interface FastifyContextConfig {
    call?: Call;
  }
}

/** What the server needs of the others. */
export interface ServerParts {
  readonly db: Database;
  readonly metrics: WebApiMetrics;
  readonly logger: Logger;
  /** How long a stop waits for the calls under way (SHUTDOWN_TIMEOUT_MS). */
  readonly drainMs: number;
  /** Whether the service is still starting. */
  readonly starting: () => boolean;
  /** Default: nothing is traced. */
  readonly tracing?: Tracing | null;
}

/**
 * Adds APIs to the server: the calls of each under its path, and an envelope for every error of both servers;
 * `/openapi.json` to both, and its pages `/docs` to `management`, which may be the same server. Calls are turned away
 * while `starting`. Must be
 * called once, before the servers listen.
 */
export async function registerApis(
  app: FastifyInstance,
  parts: ServerParts,
  apis: readonly Api[],
  management: FastifyInstance = app,
): Promise<RunningApis> {
  const { db, metrics, logger } = parts;
  for (const [server, served] of new Map([
    [management, []],
    [app, apis],
  ] as const)) {
    refuseUnreadable(server);
    answerErrors(server, logger, methodsAt(server, served));
  }
  const underWay = watchUnderWay(app, metrics.waiting);
  measure(app, metrics);
  await registerDocument(app, Object.assign({}, ...apis.map(({ tags }) => tags)) as Record<string, string>);
  for (const api of apis) await app.register(async (scope) => addCalls(scope, api), { prefix: api.basePath });
  await (management === app ? registerPages(app) : registerPagesOf(app, management));
  const clearing = startClearing(db, (error) => {
    const level = isDatabaseOutage(error) ? 'debug' : 'error';
    logger[level]({ problem: messageOf(error) }, 'old Idempotency-Keys cannot be cleared; it is tried again');
  });
  return {
    async stop() {
      clearing.stop();
      await underWay.drain(parts.drainMs);
    },
  };

  function addCalls(scope: FastifyInstance, api: Api): void {
    scope.setValidatorCompiler<z.ZodType>(({ schema }) => (data) => {
      const read = readInput(schema, data);
      return read.success ? { value: read.data } : { error: problemOf(read.error) };
    });
    // The schemas are held against real answers by tests, not against each answer at run time.
    scope.setSerializerCompiler(() => (data) => JSON.stringify(data));
    scope.addHook('onRequest', async (_request, reply) => {
      reply.header('cache-control', 'no-store').header('x-content-type-options', 'nosniff');
      if (parts.starting()) {
        const description = 'the service is starting and waits for its database: repeat the call';
        throw new WebApiError('DATABASE_UNAVAILABLE', description, { 'retry-after': '2' });
      }
      if (!underWay.stopping()) return;
      throw new WebApiError('SHUTTING_DOWN', 'this instance is stopping: call again', {
        'retry-after': '1',
        connection: 'close',
      });
    });
    scope.addHook('preValidation', async (request, reply) => {
      const wanted = request.routeOptions.config.call;
      if (wanted) await identify(request, wanted, api.sessions);
      if (wanted && parts.tracing) traceCall(request, reply, wanted, parts.tracing);
      if (api.plainInputs) toPlainInput(request);
    });
    if (api.etags === true) answerUnchanged(scope);
    for (const one of api.calls) for (const path of one.paths) addCall(scope, one, api, path);
  }

  async function identify(request: FastifyRequest, { access }: Call, sessions: boolean): Promise<void> {
    if (access === 'anybody') return;
    const session = sessions ? sessionOf(request) : null;
    const { token, keepsAlive } = session ?? { token: tokenOf(request), keepsAlive: true };
    const user = await authenticate(db, token, keepsAlive);
    if (user === null) throw invalidToken();
    if (access === 'writer' && !mayWrite(user)) throw notPermitted(user, 'an operator or admin');
    if (access === 'admin' && user.role !== 'admin') throw notPermitted(user, 'an admin');
    const { traceparent } = request.headers;
    Object.assign(request, { user, token, traceparent: wellFormedTraceparent(traceparent) });
  }
}

function notPermitted({ username, role }: User, wanted: string): WebApiError {
  return new WebApiError('NOT_PERMITTED', `token is of ${username}, who has the role ${role}: log in as ${wanted}`);
}

/** Without the token, which was looked at; a POST without required parameters may come without a body. */
function toPlainInput(request: FastifyRequest): void {
  const { method, query, body } = request;
  if (method === 'GET') delete (query as Record<string, unknown>)['token'];
  else if (body === undefined || body === null) request.body = {};
  else if (typeof body === 'object') delete (body as Record<string, unknown>)['token'];
}

function addCall(scope: FastifyInstance, call: Call, api: Api, path: string): void {
  const part = call.method === 'GET' ? 'querystring' : 'body';
  scope.route({
    method: call.method,
    url: path,
    config: { call },
    ...(call.bodyBytesMax === undefined ? {} : { bodyLimit: call.bodyBytesMax }),
    schema: {
      [part]: call.input,
      ...(call.params === undefined ? {} : { params: call.params }),
      ...documentationSchema(call, api, path === call.paths[0]),
    },
    handler: (request, reply) => {
      const input = call.method === 'GET' ? request.query : request.body;
      if (call.method === 'POST' && Object.keys(request.query as object).length > 0) {
        const names = Object.keys(request.query as object).map((name) => name.slice(0, 60));
        throw new WebApiError(
          'PARAMETER_UNKNOWN',
          `${names.join(', ')}: in the query; a POST takes its parameters in the body`,
        );
      }
      return call.handle({ input, params: request.params, user: request.user, request, reply });
    },
  });
}

/** Counts each call by its name and the code of its envelope, and its time. */
function measure(app: FastifyInstance, { calls, refusals, callSeconds }: WebApiMetrics): void {
  app.decorateRequest('user', null);
  app.decorateRequest('token', null);
  app.decorateRequest('answeredCode', 'OK');
  app.decorateRequest('traceparent', null);
  app.addHook('onResponse', async (request, reply) => {
    const { url, config } = request.routeOptions;
    // Health, metrics and documents are not calls; an address that is not there was meant as one.
    if (config.call === undefined && url !== undefined) return;
    const route = config.call?.name ?? 'other';
    calls.inc({ route, code: request.answeredCode });
    if (request.answeredCode !== 'OK') refusals.inc({ code: request.answeredCode });
    callSeconds.observe({ route }, reply.elapsedTime / 1_000);
  });
}

interface UnderWay {
  stopping(): boolean;
  drain(limitMs: number): Promise<void>;
}

function watchUnderWay(app: FastifyInstance, gauge: WebApiMetrics['waiting']): UnderWay {
  const open = new Set<FastifyRequest>();
  let stopping = false;
  let onIdle: (() => void) | undefined;
  const ended = (request: FastifyRequest): void => {
    open.delete(request);
    gauge.set(open.size);
    if (open.size === 0) onIdle?.();
  };
  app.addHook('onRequest', async (request, reply) => {
    if (request.routeOptions.config.call === undefined) return;
    open.add(request);
    gauge.set(open.size);
    // Also for a caller that went away: the answer's end comes then too.
    reply.raw.once('close', () => ended(request));
  });
  return {
    stopping: () => stopping,
    async drain(limitMs) {
      stopping = true;
      if (open.size === 0) return;
      await new Promise<void>((resolve) => {
        const limit = setTimeout(resolve, limitMs);
        onIdle = () => {
          clearTimeout(limit);
          resolve();
        };
      });
    },
  };
}

import { type IncomingMessage, type ServerOptions, type ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { type Duplex, Transform } from 'node:stream';
import type { Registry } from '@prometheus-io/client';
import type { FastifyInstance } from 'fastify';
import { counter } from './metrics.ts';

const NO_CALLS = ['malformed', 'headers too large', 'late', 'expectation', 'tunnel'] as const;
/** Why something that came over a connection never became a call. */
export type NoCall = (typeof NO_CALLS)[number];

/** The answer to what never became a call; `body` is JSON. */
export interface Refusal {
  readonly status: number;
  readonly body: string;
}

const REFUSED_REASONS = [...NO_CALLS, 'answer not taken', 'connections', 'bodies'] as const;
/** Why a client was refused or cut off: the label `reason` of `conax_http_refused_total`, with _ for each blank. */
type RefusedReason = (typeof REFUSED_REASONS)[number];

/** Counts one that was refused or cut off. */
export type CountRefused = (reason: RefusedReason) => void;

export type RefusalOf = (why: NoCall, detail?: string) => Refusal;

export interface ConnectionLimits {
  /** Headers and body must arrive within this time from a call's first byte; a new connection must send one within it. */
  readonly callArrivesMs: number;
  /** A client that takes nothing of its answer for this time is cut off. */
  readonly answerStallsMs: number;
  /** Connections at once; further ones are closed at once, and idle ones are closed for new ones. */
  readonly connectionsMax: number;
  /** Bytes of the bodies of all calls under way, on all servers together. */
  readonly bodiesBytesMax: number;
}

/** A call whose body was refused, because the bodies of all calls under way reached their limit. */
export class BodiesFullError extends Error {
  override readonly name = 'BodiesFullError';
  readonly statusCode = 503;
}

export interface ConnectionGuard {
  /** Options of Node's server. */
  readonly http: ServerOptions;
  readonly onClientError: (error: NodeJS.ErrnoException, socket: Socket) => void;
  /** Must be called before the server listens. */
  attach(app: FastifyInstance): void;
}

/** How long bytes are still taken from a client that was refused. */
const LINGER_MS = 1_000;

/**
 * Bounds what a client can hold, and for how long, and answers with `refusalOf` what Node would otherwise answer itself
 * or not at all: broken HTTP, calls that do not arrive, expectations, tunnels.
 *
 * Node enforces its time limits only when it looks (every 30 s by default), and where the limit for headers is the longer
 * one it swaps the two, so that a body has 60 s: both limits are set to the same, and it looks often.
 */
export function guardConnections(limits: ConnectionLimits, refusalOf: RefusalOf, count: CountRefused): ConnectionGuard {
  const { callArrivesMs, answerStallsMs, connectionsMax } = limits;
  const lastCalls = new WeakMap<Duplex, { readonly request: IncomingMessage; readonly response: ServerResponse }>();
  /** The answers that each connection still owes, in the order in which they go out, and whether each is ready. */
  const owed = new WeakMap<Duplex, Map<ServerResponse, boolean>>();
  const refused = new WeakSet<Duplex>();

  function refuse(socket: Duplex, refusal: Refusal): void {
    if (socket.writable) socket.end(responseOf(refusal));
    // Closing over bytes that nobody read resets the connection, and the client would lose the answer. A client that
    // never closes its side must not keep the connection either.
    socket.resume();
    const timer = setTimeout(() => socket.destroy(), LINGER_MS).unref();
    socket.once('close', () => clearTimeout(timer));
  }

  /**
   * Sets how long a connection may be silent. The long time for the work holds until the answer that is next in order is
   * ready: only then is it the client that keeps us waiting. Node sets the keep-alive time once nothing is owed.
   */
  function limitSilence(socket: Socket, workMs: number): void {
    const [isReady] = owed.get(socket)?.values() ?? [];
    if (isReady !== undefined) socket.setTimeout(isReady ? answerStallsMs : workMs);
  }

  return {
    http: {
      headersTimeout: callArrivesMs,
      requestTimeout: callArrivesMs,
      connectionsCheckingInterval: Math.min(500, callArrivesMs),
      // Node's own answer has no body; `refuseUnreadable` asks for the header.
      requireHostHeader: false,
    },
    onClientError(error, socket) {
      if (error.code === 'ECONNRESET') return void socket.destroy();
      // The parser reports every further piece of the same connection.
      if (refused.has(socket)) return;
      refused.add(socket);
      const { request, response } = lastCalls.get(socket) ?? {};
      const why = whyOf(error);
      count(why);
      const refusal = refusalOf(why, error.code);
      if (request?.complete === true && response?.writableFinished === false) {
        // That call arrived whole, and what is broken came after it: this answer must not be taken for the call's.
        response.once('close', () => refuse(socket, refusal));
      } else if (request?.complete === false && response?.headersSent === true) socket.destroy();
      else refuse(socket, refusal);
    },
    attach(app) {
      const { server } = app;
      server.maxConnections = connectionsMax;
      server.on('drop', () => {
        count('connections');
        server.closeIdleConnections();
      });
      server.on('timeout', (socket: Socket) => {
        if ((owed.get(socket)?.size ?? 0) > 0) count('answer not taken');
        socket.destroy();
      });
      server.on('request', (request, response) => {
        const { socket } = request;
        lastCalls.set(socket, { request, response });
        const answers = owed.get(socket) ?? new Map<ServerResponse, boolean>();
        owed.set(socket, answers.set(response, false));
        response.once('close', () => {
          answers.delete(response);
          limitSilence(socket, server.timeout);
        });
      });
      server.on('checkExpectation', (_request, response) => {
        count('expectation');
        const { status, body } = refusalOf('expectation');
        const length = Buffer.byteLength(body);
        response.writeHead(status, { ...JSON_HEADERS, 'content-length': length, connection: 'close' }).end(body);
      });
      server.on('connect', (_request, socket) => {
        count('tunnel');
        refuse(socket, refusalOf('tunnel'));
      });
      app.addHook('onSend', async ({ raw: { socket } }, reply) => {
        owed.get(socket)?.set(reply.raw, true);
        limitSilence(socket, server.timeout);
      });
    },
  };
}

/**
 * Returns a function that bounds the bodies of a server's calls. All servers that it is called with share `bytesMax`. The
 * bytes of a body count from their arrival until the call's answer is closed. It must be called before routes are added.
 *
 * Beyond the limit, the largest body that still arrives is refused with BodiesFullError. So clients that fill the memory
 * slowly do not keep out the small bodies of others. What a call only declares (Content-Length) does not count. A body that
 * is alone is never refused.
 */
export function limitBodies(bytesMax: number, count: CountRefused): (app: FastifyInstance) => void {
  const held = new Map<Transform, number>();
  let heldBytes = 0;

  function hold(body: Transform, bytes: number): void {
    held.set(body, (held.get(body) ?? 0) + bytes);
    heldBytes += bytes;
    if (heldBytes <= bytesMax || held.size === 1) return;
    // This body is among them, so the sum is within the limit again.
    const arriving = [...held].filter(([one]) => !one.readableEnded);
    const [largest] = arriving.reduce((one, other) => (other[1] > one[1] ? other : one), [body, 0] as const);
    release(largest);
    count('bodies');
    largest.destroy(new BodiesFullError('the bodies of all calls under way have reached their limit'));
  }

  function release(body: Transform): void {
    heldBytes -= held.get(body) ?? 0;
    held.delete(body);
  }

  return (app) => {
    app.addHook('preParsing', async ({ headers }, reply, payload) => {
      if (headers['content-length'] === undefined && headers['transfer-encoding'] === undefined) return payload;
      const body = new Transform({
        transform(chunk: Buffer, _encoding, done) {
          hold(body, chunk.length);
          if (!body.destroyed) done(null, chunk);
        },
      });
      // Nobody listens if the route reads no body.
      body.on('error', () => {});
      reply.raw.once('close', () => {
        // The rest of a body that nobody reads must not stop the next call of the connection.
        payload.unpipe(body).resume();
        if (!body.readableEnded) body.destroy(new Error('the call has ended'));
        release(body);
      });
      return payload.pipe(body);
    });
    // Fastify would close the connection over bytes that still come, and the client would lose the answer.
    app.addHook('onError', async (_request, reply, error) => {
      if (error instanceof BodiesFullError) reply.removeHeader('connection');
    });
  };
}

const JSON_HEADERS = { 'content-type': 'application/json; charset=utf-8' } as const;

function responseOf({ status, body }: Refusal): string {
  const lines = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
    'Connection: close',
    `Content-Type: ${JSON_HEADERS['content-type']}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
  ];
  return `${lines.join('\r\n')}\r\n\r\n${body}`;
}

function whyOf({ code }: NodeJS.ErrnoException): NoCall {
  if (code === 'HPE_HEADER_OVERFLOW') return 'headers too large';
  return code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 'late' : 'malformed';
}

/** Creates the counter of those refused, once per registry, and returns what counts one. */
export function refusedCounter(registry: Registry): CountRefused {
  const refused = counter(registry, {
    name: 'conax_http_refused_total',
    help: 'Calls and connections that the HTTP servers refused or cut off, by reason (docs/web-api.md).',
    labels: { reason: REFUSED_REASONS.map(labelOf) },
  });
  return (reason) => refused.inc({ reason: labelOf(reason) });
}

function labelOf(reason: RefusedReason): string {
  return reason.replaceAll(' ', '_');
}

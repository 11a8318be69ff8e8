import { Pool } from 'undici';
import { type ClientTls, createConnector } from '../soap/connection.ts';
import { type Exchange, failed, type HttpCall, type HttpOutcome, startExchange } from './exchange.ts';

export interface Transport {
  /** Never rejects, settles within the time-out. */
  send(call: HttpCall): Promise<HttpOutcome>;
  /** Waits for what is under way, each within its time-out. Safe to call twice. */
  close(): Promise<void>;
}

export interface TransportOptions {
  readonly origin: string;
  readonly authorization: string | undefined;
  readonly tls: ClientTls;
  readonly timeoutMs: number;
  readonly maxConnections: number;
  /** Whether repeatable calls share connections, one after the other. */
  readonly keepAlive: boolean;
  /** Called when bytes came that belong to no request: before one was sent, or after its answer. */
  readonly onSurplus: () => void;
}

const answerBytesMax = 1 << 20;
const answerPiecesMax = 50_000;
const connectTimeoutMsMax = 3_000;

/**
 * HTTP towards the CAS. At most `maxConnections` exchanges at once, each with a connection of its own: a further one
 * waits here rather than inside the pool. Follows no redirect and repeats nothing.
 *
 * Nothing in HTTP/1.1 ties an answer to its request: on a kept connection a second answer to one call counts for the
 * next. So connections are kept only if the operator says so, and no longer once the CAS was seen to send too much.
 */
export function createTransport(options: TransportOptions): Transport {
  const { timeoutMs, maxConnections, authorization } = options;
  let keepAlive = options.keepAlive;
  const onSurplus = (): void => {
    keepAlive = false;
    options.onSurplus();
  };
  const poolOptions: Pool.Options = {
    connections: maxConnections,
    pipelining: 1,
    // The one deadline of the exchange rules; undici's own time-outs are coarse.
    headersTimeout: 0,
    bodyTimeout: 0,
    keepAliveTimeout: 4_000,
    keepAliveMaxTimeout: 30_000,
    connect: createConnector({
      tls: options.tls,
      connectTimeoutMs: Math.max(1, Math.min(connectTimeoutMsMax, Math.floor(timeoutMs / 2))),
      onSurplus,
    }),
  };
  const keptAlive = new Pool(options.origin, poolOptions);
  // What must not be repeated never travels on an idle connection, which the CAS may be closing this very moment.
  const fresh = new Pool(options.origin, poolOptions);
  /** Errors that ended an exchange; every other end of a connection that the CAS spoke on is surplus. */
  const ofExchanges = new WeakSet<Error>();
  keptAlive.on('disconnect', (_origin, _targets, error) => {
    if (!ofExchanges.has(error) && isAboutBytes(error)) onSurplus();
  });
  const waiting: (() => void)[] = [];
  let free = maxConnections;
  let closed: Promise<unknown> | undefined;

  function release(): void {
    const next = waiting.shift();
    if (next === undefined) free++;
    else next();
  }

  function send(call: HttpCall): Promise<HttpOutcome> {
    if (closed !== undefined) return Promise.resolve(failed(false, 'CAS_CLIENT_CLOSED', 'the service is stopping'));
    return new Promise((settle) => {
      let exchange: Exchange | undefined;
      const settleInTime = (outcome: HttpOutcome): void => {
        clearTimeout(timer);
        settle(outcome);
      };
      const start = (): void => {
        const keepConnection = keepAlive && call.repeatable;
        exchange = startExchange(keepConnection ? keptAlive : fresh, call, {
          authorization,
          answerBytesMax,
          answerPiecesMax,
          keepConnection,
          onError: (error) => ofExchanges.add(error),
          onSettled: settleInTime,
          onDone: release,
        });
      };
      const timer = setTimeout(() => {
        if (exchange !== undefined) {
          exchange.expire(timeoutMs);
          return;
        }
        waiting.splice(waiting.indexOf(start), 1);
        settle(
          failed(false, 'CAS_NO_FREE_CONNECTION', `all ${maxConnections} connections were busy for ${timeoutMs} ms`),
        );
      }, timeoutMs);
      if (free > 0) {
        free--;
        start();
      } else {
        waiting.push(start);
      }
    });
  }

  return {
    send,
    async close() {
      closed ??= Promise.all([keptAlive.close(), fresh.close()]);
      await closed;
    },
  };
}

/** Whether a connection ended because of what came on it: an answer that nobody asked for, or no HTTP. */
function isAboutBytes(error: Error & { readonly code?: string }): boolean {
  return error.message === 'bad response' || (error.code ?? '').startsWith('HPE_');
}

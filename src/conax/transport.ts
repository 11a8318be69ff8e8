import { Pool } from 'undici';
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
  readonly tls: { readonly cert?: string | Buffer; readonly key?: string | Buffer; readonly ca?: string | Buffer };
  readonly timeoutMs: number;
  readonly maxConnections: number;
}

const answerBytesMax = 1 << 20;
const connectTimeoutMsMax = 3_000;

/**
 * HTTP towards the CAS. At most `maxConnections` exchanges at once, each with a connection of its own: a further one
 * waits here rather than inside the pool. Follows no redirect and repeats nothing.
 */
export function createTransport(options: TransportOptions): Transport {
  const { timeoutMs, maxConnections, authorization } = options;
  const poolOptions: Pool.Options = {
    connections: maxConnections,
    pipelining: 1,
    allowH2: false,
    // The one deadline of the exchange rules; undici's own time-outs are coarse.
    headersTimeout: 0,
    bodyTimeout: 0,
    keepAliveTimeout: 4_000,
    keepAliveMaxTimeout: 30_000,
    connect: { ...options.tls, timeout: Math.max(1, Math.min(connectTimeoutMsMax, Math.floor(timeoutMs / 2))) },
  };
  const keptAlive = new Pool(options.origin, poolOptions);
  // What must not be repeated never travels on an idle connection, which the CAS may be closing this very moment.
  const fresh = new Pool(options.origin, poolOptions);
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
        const pool = call.repeatable ? keptAlive : fresh;
        exchange = startExchange(pool, call, {
          authorization,
          answerBytesMax,
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

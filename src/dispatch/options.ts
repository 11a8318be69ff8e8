import type { ConaxClient } from '../conax/client.types.ts';
import type { Database, Transaction } from '../platform/database.ts';
import type { PartState } from '../platform/http.ts';
import type { Logger } from '../platform/logging.ts';
import type { Tracing } from '../platform/tracing.ts';
import type { FinishingParts } from '../requests/finish.ts';
import type { BackOff } from './back-off.ts';
import type { BreakerSettings } from './breaker.ts';
import type { DispatchMetrics } from './metrics.ts';

export interface DispatcherOptions {
  /** A pool of at least four connections; best opened with `DISPATCH_PLANNER`. */
  readonly db: Database;
  /** For the connection that listens; null: work is found only by polling every `pollMs`. */
  readonly databaseUrl: string | null;
  readonly conax: ConaxClient;
  readonly finishing: Omit<FinishingParts, 'instance'>;
  /**
   * Opens a sealed PIN.
   * @throws if none of the keys fits: the request is left to another instance.
   */
  readonly unsealPin: (sealed: Buffer) => string;
  readonly logger: Logger;
  readonly metrics: DispatchMetrics;
  /** Shared by all instances. */
  readonly maxConcurrency: number;
  /** Shared by all instances. */
  readonly maxRequestsPerSecond: number;
  /** How many calls may follow each other without a pause, over all instances; default: a tenth of a second's. */
  readonly burst?: number;
  /** The part of the calls that bulk work has while other work is ready, 0-1 (R13). */
  readonly bulkShare: number;
  /** How long a cancellation waits before it is as urgent as a command that gives, in milliseconds (R13). */
  readonly cancelPatienceMs: number;
  /** The deadline of one SOAP call. */
  readonly callTimeoutMs: number;
  /** More than twice `callTimeoutMs`. */
  readonly leaseMs: number;
  readonly backOff: BackOff;
  readonly breaker: BreakerSettings;
  /** How long `stop` may take. */
  readonly drainMs: number;
  /** A UUID for the attempts and the shares; default: a new one. */
  readonly instance?: string;
  /** How often it looks for work that nobody announced, in milliseconds; default 200. */
  readonly pollMs?: number;
  /** Default: nothing is traced. */
  readonly tracing?: Tracing | null;
  /** Called after answers and their outcomes were written. */
  readonly onSettled?: () => void;
  /**
   * How often it renews its share and reads the provider's switch, in milliseconds; default 500, less for short calls.
   */
  readonly heartbeatMs?: number;
}

export interface DispatcherState {
  readonly part: 'dispatch';
  /** True while its share of the limits is in force, so the database answers; also while the provider is paused. */
  readonly ready: boolean;
  readonly detail: string;
  readonly mode: 'open' | 'paused' | 'breaker-open' | 'half-open';
  /** How long running calls have waited without any answer of the CAS; 0 while there are none. */
  readonly casSilentMs: number;
  /** Requests being carried out, claimed and not started, and answered and not yet written. */
  readonly underWay: number;
  readonly buffered: number;
  readonly unwritten: number;
  readonly slots: number;
}

export interface DispatchClock {
  /** Corrects back-offs and leases of work rows after the clock went back by `ms`. */
  shiftWork(tx: Transaction, ms: number): Promise<void>;
  /** Corrects the breaker and the shares after the clock went back by `ms`. Locks the provider's row. */
  shiftProvider(tx: Transaction, ms: number): Promise<void>;
  /** Restarts leases and shares with their whole length after the clock went forward. */
  extendLeases(tx: Transaction): Promise<void>;
}

export interface Dispatcher {
  readonly instance: string;
  state(): DispatcherState;
  /** Returns whether PINs wait that this instance cannot open. */
  pins(): PartState;
  /** Corrects what depends on the database's clock after a jump (clock-watch.ts). */
  readonly clock: DispatchClock;
  /**
   * Stops claiming, gives back requests that were not started, and writes the answers of running calls. Takes at most
   * about `drainMs`; the rest lapses with its lease. Safe to call twice.
   */
  stop(): Promise<void>;
}

import type { ConaxClient } from '../conax/client.types.ts';
import type { Database, Transaction } from '../platform/database.ts';
import type { PartState } from '../platform/http.ts';
import type { Logger } from '../platform/logging.ts';
import type { FinishingParts } from '../requests/finish.ts';
import type { BackOff } from './back-off.ts';
import type { BreakerSettings } from './breaker.ts';
import type { DispatchMetrics } from './metrics.ts';

export interface DispatcherOptions {
  /** A pool of at least four connections; best opened with `DISPATCH_PLANNER`. */
  readonly db: Database;
  /** For the connection that listens; null: work is found by looking every `pollMs` alone. */
  readonly databaseUrl: string | null;
  readonly conax: ConaxClient;
  readonly finishing: Omit<FinishingParts, 'instance'>;
  /** Opens a sealed PIN. @throws if none of the keys fits: the request is left to another instance. */
  readonly unsealPin: (sealed: Buffer) => string;
  readonly logger: Logger;
  readonly metrics: DispatchMetrics;
  /** Shared by all instances. */
  readonly maxConcurrency: number;
  /** Shared by all instances. */
  readonly maxRequestsPerSecond: number;
  /** Calls that may follow each other without a pause, all instances together; default: a tenth of a second's. */
  readonly burst?: number;
  /** The deadline of one SOAP call. */
  readonly callTimeoutMs: number;
  /** More than twice `callTimeoutMs`. */
  readonly leaseMs: number;
  readonly backOff: BackOff;
  readonly breaker: BreakerSettings;
  /** How long `stop` may take. */
  readonly drainMs: number;
  /** A UUID, for the attempts and the shares; default: a new one. */
  readonly instance?: string;
  /** How often it looks for work that nobody announced; default 200. */
  readonly pollMs?: number;
  /** Called after answers were written down, with the outcomes that follow from them. */
  readonly onSettled?: () => void;
  /** How often it renews its share and looks at the provider's switch; default 500, less for short calls. */
  readonly heartbeatMs?: number;
}

export interface DispatcherState {
  readonly part: 'dispatch';
  /** Its share of the limits is in force: the database answers. Also while the provider is paused. */
  readonly ready: boolean;
  readonly detail: string;
  readonly mode: 'open' | 'paused' | 'breaker-open' | 'half-open';
  /** How long calls under way have waited without the CAS answering any; 0 while there are none. */
  readonly casSilentMs: number;
  /** Requests being carried out, claimed and not begun, and answered and not written down yet. */
  readonly underWay: number;
  readonly buffered: number;
  readonly unwritten: number;
  readonly slots: number;
}

export interface DispatchClock {
  /** The clock went back by `ms`: back-offs and leases of work rows. */
  shiftWork(tx: Transaction, ms: number): Promise<void>;
  /** The clock went back by `ms`: the breaker and the shares. Locks the provider's row. */
  shiftProvider(tx: Transaction, ms: number): Promise<void>;
  /** The clock went forward: leases and shares last for their whole length again. */
  extendLeases(tx: Transaction): Promise<void>;
}

export interface Dispatcher {
  readonly instance: string;
  state(): DispatcherState;
  /** Whether PINs wait that this instance cannot open. */
  pins(): PartState;
  /** What to correct when the clock of the database jumps (clock-watch.ts). */
  readonly clock: DispatchClock;
  /**
   * Claims nothing more, gives back what was not begun, lets calls that are under way end and writes their answers
   * down. Takes at most about `drainMs`; what is not done then lapses with its lease. Safe to call twice.
   */
  stop(): Promise<void>;
}

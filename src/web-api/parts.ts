import type { Database } from '../platform/database.ts';
import type { Logger } from '../platform/logging.ts';
import type { Seal } from '../platform/seal.ts';
import type { FinalWatch } from '../requests/await-final.ts';
import type { InputPatterns } from './inputs.ts';
import type { WebApiMetrics } from './metrics.ts';

/** What the Web API needs of the others. */
export interface WebApiParts {
  /** A pool of its own, so that its callers take no connection from intake and dispatch. */
  readonly db: Database;
  readonly finalWatch: Pick<FinalWatch, 'awaitFinal'>;
  /** Seals PINs; null if no PIN_KEY is set. */
  readonly seal: Seal | null;
  /** 64 hexadecimal characters; undefined where it is not set. */
  readonly pinKey: string | undefined;
  readonly patterns: InputPatterns & { readonly service: RegExp };
  /** How long a token lives without a call (WEB_API_TOKEN_IDLE_MS). */
  readonly tokenIdleMs: number;
  /** How long process_immediately waits for the outcome (WEB_API_IMMEDIATE_TIMEOUT_MS). */
  readonly immediateTimeoutMs: number;
  /** How long a stop waits for the calls under way (SHUTDOWN_TIMEOUT_MS). */
  readonly drainMs: number;
  readonly metrics: WebApiMetrics;
  readonly logger: Logger;
}

import type { Database } from '../platform/database.ts';
import type { Logger } from '../platform/logging.ts';
import type { Seal } from '../platform/seal.ts';

/** What the installation's CA ids and PINs look like (A16). */
export interface InputPatterns {
  readonly smartcard: RegExp;
  readonly setTopBox: RegExp;
  readonly pin: RegExp;
}

/** What the calls of both APIs need of the others. */
export interface ApiParts {
  /** A pool of its own, so that its callers take no connection from intake and dispatch. */
  readonly db: Database;
  /** Seals PINs; null if no PIN_KEY is set. */
  readonly seal: Seal | null;
  /** 64 hexadecimal characters; undefined if it is not set. */
  readonly pinKey: string | undefined;
  readonly patterns: InputPatterns & { readonly service: RegExp };
  /** How long process_immediately waits for the outcome (WEB_API_IMMEDIATE_TIMEOUT_MS). */
  readonly immediateTimeoutMs: number;
  readonly logger: Logger;
}

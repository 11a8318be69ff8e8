import type { Command } from '../planning/command.ts';

/** EXPRESS goes before REGULAR among cards that are ready; neither ever reorders one card. */
export type Priority = 'REGULAR' | 'EXPRESS';

/** What made a request; the names that the Web API shows as `process_name`. */
export type ProcessName =
  | 'PROVISIONING_REQUEST_PROCESSING'
  | 'MAIL_BARK_MESSAGE_UTILITY'
  | 'MAIL_BARK_MESSAGE_RUN'
  | 'PAIRING_UTILITY'
  | 'CONAX_INFORMATION_UTILITY'
  | 'FINGERPRINTING_UTILITY'
  | 'FINGERPRINTING_RUN'
  | 'RESET_PIN'
  | 'MANUAL'
  | 'TRIGGER'
  | 'RESYNC'
  | 'REPLAY';

/**
 * A provisioning request to store and, when its turn comes, to send. What made it states only what it has: everything else
 * has a default.
 */
export interface NewRequest {
  readonly command: Command;
  /** Position among the requests of its event, call or run, from 1. */
  readonly sequenceNumber: number;
  readonly subscription: { readonly id: string | null; readonly number: string } | null;
  readonly process: { readonly name: ProcessName; readonly id: string | null };
  readonly createdBy: { readonly user: string | null; readonly unit: string | null };
  /** Default: REGULAR. */
  readonly priority?: Priority;
  /** Of a run, resync, reconcile or replay: goes after all other REGULAR work of other cards; default: false. */
  readonly bulk?: boolean;
  /** Not sent before this time, and blocks nobody until then; default, null or a time that has passed: due at once. */
  readonly scheduledAt?: Date | null;
  /** Default: no event made it. */
  readonly event?: CausingEvent;
  /** The user-defined fields of the Web API (`udf_string_1` and so on), as they are shown; default: none. */
  readonly userDefined?: Readonly<Record<string, string | number>> | null;
  /** Only for UPDATE_CA_PIN_TO_GIVEN_VALUE: the PIN, sealed; deleted when the request is final. */
  readonly sealedPin?: Buffer | null;
  /** Somebody waits for its final state and is notified (await-final.ts); default: nobody. */
  readonly awaited?: boolean;
}

/** The event that a request follows from. */
export interface CausingEvent {
  /** Its inbox row. */
  readonly inboxId: number;
  readonly eventId: string;
  readonly traceparent: string | null;
  /**
   * The CRM action that asks for the command, and so makes it once (R6); null for a command that only undoes a wrong one.
   * The caller counts the request into `crm_action.unfinished`.
   */
  readonly action: { readonly id: string; readonly number: string } | null;
}

/** What a request that was stored is known by. */
export interface StoredRequest {
  /** Grows with every request of a card; has no further meaning. */
  readonly number: number;
  /** 32 upper-case hexadecimal characters. */
  readonly id: string;
}

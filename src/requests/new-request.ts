import type { Command } from './command.ts';

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

/** A provisioning request that is to be stored and, when its turn comes, sent. */
export interface NewRequest {
  readonly command: Command;
  /** `commandKey(command)` where an event made it (R6), else null. */
  readonly commandKey: string | null;
  /** Position among the requests of its event, call or run, from 1. */
  readonly sequenceNumber: number;
  readonly subscription: { readonly id: string | null; readonly number: string } | null;
  readonly priority: Priority;
  /** Of a run, resync, reconcile or replay: goes behind all other REGULAR work of other cards, shown as REGULAR. */
  readonly bulk: boolean;
  /** Not sent before this time, and blocks nobody until then; null or a time that has passed: due at once. */
  readonly scheduledAt: Date | null;
  readonly process: { readonly name: ProcessName; readonly id: string | null };
  /** The CRM action behind it, where there is one. The caller counts it into `crm_action.unfinished`. */
  readonly action: { readonly id: string; readonly number: string } | null;
  /** The inbox row of the event that made it. */
  readonly inboxId: number | null;
  /** The eventId of the event that made it. */
  readonly causationEventId: string | null;
  readonly traceparent: string | null;
  /** The user-defined fields of the Web API (`udf_string_1` and so on), as they are to be shown. */
  readonly userDefined: Readonly<Record<string, string | number>> | null;
  readonly createdBy: { readonly user: string | null; readonly unit: string | null };
  /** Only for UPDATE_CA_PIN_TO_GIVEN_VALUE: the PIN, sealed; deleted when the request is final. */
  readonly sealedPin: Buffer | null;
  /** Somebody waits for its final state and is to be told of it (await-final.ts); default: nobody. */
  readonly awaited?: boolean;
}

/** What a request that was stored is known by. */
export interface StoredRequest {
  /** Grows with every request of a card; has no further meaning. */
  readonly number: number;
  /** 32 upper-case hexadecimal characters. */
  readonly id: string;
}

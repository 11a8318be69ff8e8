import type { Command } from '../planning/command.ts';

/** EXPRESS goes before REGULAR among ready cards; neither ever reorders one card. */
export const priorities = ['REGULAR', 'EXPRESS'] as const;
export type Priority = (typeof priorities)[number];

/** What made a request, as the Web API shows it in `process_name`. */
export const processNames = [
  'PROVISIONING_REQUEST_PROCESSING',
  'MAIL_BARK_MESSAGE_UTILITY',
  'MAIL_BARK_MESSAGE_RUN',
  'PAIRING_UTILITY',
  'CONAX_INFORMATION_UTILITY',
  'FINGERPRINTING_UTILITY',
  'FINGERPRINTING_RUN',
  'RESET_PIN',
  'MANUAL',
  'TRIGGER',
  'RESYNC',
  'REPLAY',
] as const;
export type ProcessName = (typeof processNames)[number];

/**
 * A provisioning request to store, and to send when its turn comes. Callers set only what they have; the rest has
 * defaults.
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
  /** For a run, resync, reconcile or replay, and for an action of a user in BULK_EXECUTED_BY: goes after all other work of other cards, but has BULK_SHARE of the calls (R13); default: false. */
  readonly bulk?: boolean;
  /**
   * The request is not sent before this time, and blocks nobody until then. By default, or if null or past, it is due
   * at once.
   */
  readonly scheduledAt?: Date | null;
  /**
   * A question that changes nothing (GET_ACTIVE_SUBSCRIPTIONS, GET_PAIRING_STATUS) and is asked at once: it does not wait
   * for the other requests of its card, and they do not wait for it. Default: false.
   */
  readonly outOfLane?: boolean;
  /** The event that made it; default: none. */
  readonly event?: CausingEvent;
  /** W3C trace context of the call that made it; default: that of the event, if any. */
  readonly traceparent?: string | null;
  /** The user-defined fields of the Web API (`udf_string_1` and so on), as shown; default: none. */
  readonly userDefined?: Readonly<Record<string, string | number>> | null;
  /** The sealed PIN, only for UPDATE_CA_PIN_TO_GIVEN_VALUE; deleted when the request is final. */
  readonly sealedPin?: Buffer | null;
  /** Whether a caller waits for its final state and is notified (await-final.ts); default: false. */
  readonly awaited?: boolean;
}

/** The event that made a request. */
export interface CausingEvent {
  /** Its inbox row. */
  readonly inboxId: number;
  readonly eventId: string;
  readonly traceparent: string | null;
  /**
   * The CRM action that asks for the command, which makes it only once (R6). Null for a command that only undoes a
   * wrong one. The caller counts the request into `crm_action.unfinished`.
   */
  readonly action: { readonly id: string; readonly number: string } | null;
}

/** The number and id of a stored request. */
export interface StoredRequest {
  /** Grows with every request of a card; it has no other meaning. */
  readonly number: number;
  /** 32 upper-case hexadecimal characters. */
  readonly id: string;
}

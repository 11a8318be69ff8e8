import type { Command } from '../planning/command.ts';

/** What the CAS said, or why nothing readable came back (domain: "Sending"). `code` is from the closed list in docs/errors.md or the CAS's own. */
export type ConaxAnswer =
  /** No Fault and StatusCode OK. */
  | {
      readonly kind: 'accepted';
      readonly referenceNumber: string | null;
      /** GET_ACTIVE_SUBSCRIPTIONS: service CA ids; null for other commands. */
      readonly activeServices: readonly string[] | null;
      /** Pairing status: every card and STB that the CAS holds together with the one asked about; null for other commands. */
      readonly pairing: { readonly smartcards: readonly string[]; readonly setTopBoxes: readonly string[] } | null;
    }
  /** The CAS refused it: final. `review`: a code that is not in the known list. */
  | { readonly kind: 'refused'; readonly code: string; readonly description: string; readonly review: boolean }
  /** The CAS asked for a later try (SYSTEM_ERROR): nothing was done. */
  | { readonly kind: 'try-later'; readonly code: string; readonly description: string }
  /** It left us, and no readable answer came: it may or may not have been done. */
  | { readonly kind: 'unknown'; readonly code: string; readonly description: string }
  /** It never reached the CAS: safe to repeat. */
  | { readonly kind: 'not-sent'; readonly code: string; readonly description: string }
  /** 401 or 403: safe to repeat after a person has fixed the credentials; pauses the provider. */
  | { readonly kind: 'not-authorised'; readonly code: string; readonly description: string }
  /** The command cannot be put into SOAP (control characters, …), or is declared as unsupported: final, never left us. */
  | { readonly kind: 'invalid'; readonly code: string; readonly description: string };

/** One SOAP call as it went, for the attempt row. Bodies have every secret masked. */
export interface ConaxExchange {
  readonly answer: ConaxAnswer;
  /** The SOAP operation and URL that were called; the command that was sent (a question differs from the request's own). */
  readonly command: Command['type'];
  readonly operation: string;
  readonly url: string;
  readonly requestBody: string | null;
  readonly responseBody: string | null;
  readonly httpStatus: number | null;
  /** Epoch milliseconds when the call started, and how long it took. */
  readonly startedAt: number;
  readonly durationMs: number;
}

export interface ConaxCall {
  readonly command: Command;
  /** Only for UPDATE_CA_PIN_TO_GIVEN_VALUE. */
  readonly pin?: string;
  /** Sequence number for the CAS where its operation has one: the request's number. */
  readonly requestNumber: number;
  /** W3C trace context, sent as the HTTP header `traceparent`; null or left out: none is sent. */
  readonly traceparent?: string | null;
}

/**
 * The CAS as the dispatcher sees it. `call` MUST NOT reject: every failure is an answer. It MUST settle within the
 * configured deadline (CONAX_TIMEOUT_MS) plus 100 ms, and MUST NOT repeat a call by itself.
 */
export interface ConaxClient {
  call(call: ConaxCall): Promise<ConaxExchange>;
  close(): Promise<void>;
}

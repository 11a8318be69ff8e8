import type { ActionEvent } from '../events/action-event.ts';
import type { Subscription } from '../events/crm.generated.ts';
import type { CommandType, EntitlementCommand, PairingCommand } from './command.ts';

/** Why a command was not sent (R11): the closed list, documented in docs/reasons.md. */
export const WITHHELD_REASONS = [
  'NO_CARD_FOR_SERVICE',
  'NO_SERVICE_CA_ID',
  'STILL_EFFECTIVE',
  'NOT_EFFECTIVE',
  'STILL_ENTITLED',
  'ALREADY_REQUESTED',
  'NOTHING_TO_PAIR',
  'ALREADY_PAIRED',
  'NOT_TRIGGERED',
  'INVALID_CA_ID',
  'SUPERSEDED',
] as const;
export type WithheldReason = (typeof WITHHELD_REASONS)[number];

/** A command that the matrix or its reader would expect and that is not sent, with the reason (R11). */
export interface Withheld {
  readonly type: CommandType;
  readonly reason: WithheldReason;
  /** The smart card CA id; null if none is concerned. */
  readonly smartcard: string | null;
  /** The service CA id as the CRM wrote it; null if none is concerned. */
  readonly serviceCaId: string | null;
  /** The ids that a person looks for in the CRM: the service, the installed item, the distributor, the guard. */
  readonly detail: string;
}

export type PlannedCommand = EntitlementCommand | PairingCommand;

/** The CA ids of cards and STBs that are paired together, as far as our own pairing requests show (R7). */
export interface Pairing {
  readonly smartcards: readonly string[];
  readonly setTopBoxes: readonly string[];
}

/** The known pairings of one subscription, by smart card CA id (R7, R8). */
export type KnownPairings = ReadonlyMap<string, Pairing>;

/** A command that an earlier event of the same action made (R6). */
export interface EarlierCommand {
  /** `commandKey` of the command. */
  readonly key: string;
  /** True if its request was REJECTED: a new event of the action may ask again. */
  readonly rejected: boolean;
}

export interface PlanningRules {
  /** Whether to send the ADDs that a card added by I: ADD_INSTALLED_ITEM lacks (R10, setting ENTITLE_ADDED_CARDS). */
  readonly entitleAddedCards: boolean;
  readonly smartcardPattern: RegExp;
  readonly setTopBoxPattern: RegExp;
  readonly servicePattern: RegExp;
}

/** Everything that planning one event depends on; planning does no I/O. */
export interface PlanningInput {
  readonly event: ActionEvent;
  /** The newest snapshot of a version lower than the event's; null if none is known (R1, R10). */
  readonly previous: Subscription | null;
  /** Set only for a late event: the newest applied snapshot, whose version is higher than the event's. */
  readonly newest: Subscription | null;
  /**
   * The newest snapshots of the other subscriptions that hold a card of this event's, previous or newest snapshot (R4).
   */
  readonly others: readonly Subscription[];
  /**
   * The known pairings of this subscription before the event, with pending requests folded in and departed cards
   * voided.
   */
  readonly knownPairings: KnownPairings;
  /** What earlier events of the same action made (R6). */
  readonly earlier: readonly EarlierCommand[];
  readonly rules: PlanningRules;
}

export interface Plan {
  /** In sending order: CANCEL, pairing, ADD (R5). */
  readonly commands: readonly PlannedCommand[];
  readonly withheld: readonly Withheld[];
  /** True if the action is not in the matrix (R12): nothing is planned, and an alert is due. */
  readonly unknownAction: boolean;
}

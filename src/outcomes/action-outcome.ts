import { type Command, comparableServiceCaId, smartcardsOf } from '../planning/command.ts';
import type { WithheldReason } from '../planning/types.ts';
import type { ActionOutcome, ActionRequest, Facet, Family, WithheldCommand } from './outcome.generated.ts';

/** One received event of the action, without duplicates. */
export interface FacetFact {
  readonly family: Family | null;
  /** The action type as the CRM wrote it. */
  readonly type: string;
  readonly disposition: 'PLANNED' | 'NOTHING_TO_DO' | 'STALE' | 'DEAD_LETTERED';
}

/** One final request of the action. */
export interface RequestFact {
  readonly number: number;
  readonly lifeCycleState: 'COMPLETED' | 'REJECTED';
  readonly errorCode: string | null;
  readonly command: Command;
  /** Equal for two equal commands (R6). */
  readonly commandKey: string | null;
}

export interface WithheldFact {
  readonly type: Command['type'];
  readonly reason: WithheldReason;
  readonly smartcard: string | null;
  readonly serviceCaId: string | null;
}

/** Everything known about one action: its facets in the order of arrival, its requests by number, all final. */
export interface ActionFacts {
  readonly facets: readonly FacetFact[];
  readonly requests: readonly RequestFact[];
  readonly withheld: readonly WithheldFact[];
}

export interface ComposedOutcome {
  readonly outcome: ActionOutcome;
  readonly facets: readonly Facet[];
  readonly requests: readonly ActionRequest[];
  readonly withheld: readonly WithheldCommand[];
}

/** Reasons that leave the customer without something that the action should bring (contract: "missing"). */
export const MISSING_REASONS: ReadonlySet<WithheldReason> = new Set([
  'NO_CARD_FOR_SERVICE',
  'INVALID_CA_ID',
  'STILL_EFFECTIVE',
  'NOT_TRIGGERED',
]);

/**
 * Composes the outcome of an action: the union over its facets (contract: CrmActionOutcome).
 *
 * Of several requests for one command the last decides. A NOT_TRIGGERED that a facet later sent is dropped. A
 * dead-lettered facet counts until a readable one of its family is there.
 */
export function composeActionOutcome(facts: ActionFacts): ComposedOutcome {
  const facets = facetsThatCount(facts.facets);
  const requests = lastOfEachCommand(facts.requests);
  const withheld = withheldThatCount(facts.withheld, requests);
  return {
    outcome: outcomeOf(facets, requests, withheld),
    facets: facets.map(({ family, type, disposition }) => ({ family: family ?? 'UNKNOWN', type, disposition })),
    requests: requests.map((request) => ({
      requestNumber: request.number,
      type: request.command.type,
      outcome: request.lifeCycleState,
      errorCode: request.errorCode,
      smartcard: smartcardsOf(request.command)[0] ?? null,
      serviceCaId: serviceOf(request.command),
    })),
    withheld: withheld.map(({ type, reason, smartcard, serviceCaId }) => ({ type, reason, smartcard, serviceCaId })),
  };
}

/** Returns the first outcome that fits (contract). */
function outcomeOf(
  facets: readonly FacetFact[],
  requests: readonly RequestFact[],
  withheld: readonly WithheldFact[],
): ActionOutcome {
  const deadLettered = facets.filter(({ disposition }) => disposition === 'DEAD_LETTERED').length;
  if (deadLettered > 0 && deadLettered === facets.length) return 'INVALID';
  if (facets.some(({ disposition }) => disposition === 'STALE')) return 'HELD';
  const completed = requests.some(({ lifeCycleState }) => lifeCycleState === 'COMPLETED');
  const lacking =
    deadLettered > 0 ||
    requests.some(({ lifeCycleState }) => lifeCycleState === 'REJECTED') ||
    withheld.some(({ reason }) => MISSING_REASONS.has(reason));
  if (completed) return lacking ? 'PARTLY_PROVISIONED' : 'PROVISIONED';
  return lacking ? 'FAILED' : 'NOTHING_TO_DO';
}

function facetsThatCount(facets: readonly FacetFact[]): FacetFact[] {
  const readable = new Set(facets.filter((facet) => facet.disposition !== 'DEAD_LETTERED').map(({ family }) => family));
  const counting = facets.filter((facet) => facet.disposition !== 'DEAD_LETTERED' || !readable.has(facet.family));
  // If the same facet was sent again, corrected or broken once more, the last one decides.
  return [...new Map(counting.map((facet) => [`${facet.family} ${facet.type}`, facet])).values()];
}

function lastOfEachCommand(requests: readonly RequestFact[]): RequestFact[] {
  const last = new Map(requests.map((request) => [request.commandKey ?? `#${request.number}`, request]));
  return [...last.values()].toSorted((a, b) => a.number - b.number);
}

function withheldThatCount(withheld: readonly WithheldFact[], requests: readonly RequestFact[]): WithheldFact[] {
  const sent = new Set(
    requests.flatMap(({ command }) =>
      smartcardsOf(command).map((card) => lack(command.type, card, serviceOf(command))),
    ),
  );
  const counting = withheld.filter(
    ({ type, reason, smartcard, serviceCaId }) =>
      reason !== 'NOT_TRIGGERED' || !sent.has(lack(type, smartcard, serviceCaId)),
  );
  // Two facets often withhold the same command for the same reason.
  const distinct = new Map(
    counting.map((item) => [`${item.reason} ${lack(item.type, item.smartcard, item.serviceCaId)}`, item]),
  );
  return [...distinct.values()];
}

function lack(type: Command['type'], smartcard: string | null, serviceCaId: string | null): string {
  return JSON.stringify([type, smartcard, serviceCaId === null ? null : comparableServiceCaId(serviceCaId)]);
}

function serviceOf(command: Command): string | null {
  return command.type === 'ADD_SUBSCRIPTIONS' || command.type === 'CANCEL_SUBSCRIPTIONS' ? command.service.caId : null;
}

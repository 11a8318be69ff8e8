import { comparableServiceCaId } from '../../planning/command.ts';
import { entitlementsOn } from '../../planning/reconcile.ts';
import { groupOf } from '../../planning/snapshot.ts';
import type { CasAnswer, Facts, RequestFact } from './facts.ts';

/** One service CA id on one card, as each side has it. */
export interface EntitlementLine {
  readonly card: string;
  readonly serviceCaId: string;
  readonly productCode: string | null;
  readonly distributor: string | null;
  readonly crm: 'entitled' | 'not entitled';
  readonly lastSent: 'ADD' | 'CANCEL' | 'none';
  readonly cas: 'active' | 'missing' | 'not asked' | 'no answer';
  /** The last command for it, which may be unfinished or refused. */
  readonly request: RequestFact | null;
}

/** Returns what the CRM entitles on the cards (R1, R2), what was last sent for it, and what the CAS has. */
export function entitlementLines({ cards, subscriptions, requests, cas }: Facts): EntitlementLine[] {
  return cards.flatMap((card) => {
    const crm = entitlementsOn(card, subscriptions);
    const answer = cas.find((one) => one.card === card);
    const active = new Map((answer?.services ?? []).map((caId) => [comparableServiceCaId(caId), caId]));
    const sent = new Map<string, RequestFact>();
    for (const request of requests) {
      const key = serviceKey(request);
      if (key !== null && request.cards.includes(card) && !sent.has(key)) sent.set(key, request);
    }
    return [...new Set([...crm.keys(), ...active.keys(), ...sent.keys()])]
      .toSorted((one, other) => Number(one) - Number(other) || (one < other ? -1 : 1))
      .map((key): EntitlementLine => {
        const [through] = crm.get(key) ?? [];
        const request = sent.get(key) ?? null;
        return {
          card,
          serviceCaId: active.get(key) ?? through?.serviceCaId ?? key,
          productCode: through?.service.productCode ?? null,
          distributor: through?.distributor ?? null,
          crm: through === undefined ? 'not entitled' : 'entitled',
          lastSent: request === null ? 'none' : request.type === 'ADD_SUBSCRIPTIONS' ? 'ADD' : 'CANCEL',
          cas: casState(answer, active.has(key)),
          request,
        };
      })
      .filter((line) => line.crm === 'entitled' || line.cas === 'active' || line.request?.state === 'PENDING');
  });
}

function casState(answer: CasAnswer | undefined, isActive: boolean): EntitlementLine['cas'] {
  if (answer === undefined) return 'not asked';
  if (answer.services === null) return 'no answer';
  return isActive ? 'active' : 'missing';
}

/** The service CA id that an ADD or a CANCEL is about, to compare with others (R4); null for other commands. */
export function serviceKey({ command }: RequestFact): string | null {
  return 'service' in command ? comparableServiceCaId(command.service.caId) : null;
}

/** A card with the set-top boxes of its distributor in a subscription that has it: its pairing group (R7). */
export interface GroupLine {
  readonly card: string;
  readonly subscription: string;
  readonly setTopBoxes: readonly string[];
}

export function groupLines({ cards, subscriptions }: Pick<Facts, 'cards' | 'subscriptions'>): GroupLine[] {
  return cards.flatMap((card) =>
    subscriptions
      .filter(({ installedItems }) => installedItems.some(({ kind, caId }) => kind === 'SMARTCARD' && caId === card))
      .map((subscription) => ({ card, subscription: subscription.number, setTopBoxes: groupOf(card, subscription) })),
  );
}

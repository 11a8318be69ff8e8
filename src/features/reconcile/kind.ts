import { z } from 'zod';
import type { Subscription } from '../../events/crm.generated.ts';
import { heldCard, holdingSnapshots } from '../../identifiers/holders.ts';
import { type Difference, differences, entitledOn } from '../../planning/reconcile.ts';
import type { Transaction } from '../../platform/database.ts';
import { comparableServiceCaId } from '../../planning/command.ts';
import { lockCards } from '../../requests/locks.ts';
import { cardSource } from '../runs/card-source.ts';
import { runKind, type RunTarget, type SettledTarget, type TargetPlan, type Verdict } from '../runs/kind.ts';
import { asked, differentResult, readResult } from './results.ts';

/** How often the CAS is asked again about a card whose entitlements changed meanwhile. */
const ASKED_AGAIN_MAX = 3;

/**
 * RECONCILE: asks the CAS for the active subscriptions of each selected card. It compares the answer with the newest
 * snapshots of all subscriptions that hold the card. Changes nothing.
 *
 * What the CRM entitles is stored with the question while the card is locked. Every command of an earlier event then
 * has a lower number, is sent first, and shows in the answer. When the answer arrives, a difference counts only if the
 * CRM still entitles the same. Also, nothing else may be on its way to the card. Otherwise the CAS is asked again, at
 * most three times; then the card is CHANGING.
 */
export const reconcileKind = runKind({
  name: 'RECONCILE',
  description: 'asks the CAS what is active on cards, and compares it with what the newest snapshots entitle',
  process: 'CONAX_INFORMATION_UTILITY',
  parameters: z.strictObject({}),
  source: cardSource,
  goodOutcomes: ['EQUAL'],
  chunk: 200,
  async planRequests(tx, _run, targets, { rules }) {
    const cards = targets.map(({ target }) => target);
    lockCards(tx, cards);
    const holders = await holdingSnapshots(tx, cards);
    return cards.map((card) =>
      rules.smartcardPattern.test(card)
        ? question(card, holders.get(card) ?? [])
        : unreadable(card, 'INVALID_CA_ID', `It does not fit ${rules.smartcardPattern.source}`),
    );
  },
  async settle(tx, _run, targets) {
    const answered = targets.map(readAnswer);
    const unlike = answered.filter((one) => 'found' in one && one.found.length > 0).map(({ target }) => target);
    const unsettled = await readUnsettled(tx, unlike);
    return answered.map((one) => verdict(one, unsettled));
  },
});

function question(card: string, holders: readonly Subscription[]): TargetPlan {
  const { smartcard, subscription } = heldCard(holders[0] ?? null, card);
  return {
    target: card,
    requests: [{ command: { type: 'GET_ACTIVE_SUBSCRIPTIONS', smartcard }, subscription }],
    result: { entitled: entitledOn(card, holders).map(({ serviceCaId }) => serviceCaId) },
  };
}

function unreadable(card: string, code: string | null, description: string | null) {
  return { target: card, requests: [] as const, outcome: 'NOT_READABLE', result: { code, description } };
}

/** The answer to the last question about a card. */
type Answered = Pick<RunTarget, 'target' | 'tries'> &
  (
    | { readonly code: string | null; readonly description: string | null }
    | { readonly entitled: readonly string[]; readonly found: readonly Difference[] }
  );

function readAnswer({ target, tries, result, requests }: SettledTarget): Answered {
  const last = requests.at(-1);
  const active = last?.answer?.activeServices;
  if (last?.state !== 'COMPLETED' || active === undefined) {
    return { target, tries, code: last?.errorCode ?? null, description: last?.errorDescription ?? null };
  }
  const { entitled } = readResult(asked, result, target);
  return { target, tries, entitled, found: differences(entitled, active) };
}

/** What may have changed meanwhile on cards with differences. */
interface Unsettled {
  /** What the CRM now entitles on them. */
  readonly entitled: ReadonlyMap<string, readonly string[]>;
  /** The cards that an ADD or a CANCEL is on its way to. */
  readonly underWay: ReadonlySet<string>;
}

async function readUnsettled(tx: Transaction, cards: readonly string[]): Promise<Unsettled> {
  if (cards.length === 0) return { entitled: new Map(), underWay: new Set() };
  const pending = await tx.query<{ card: string }>(FIND_UNDER_WAY, [cards]);
  const holders = await holdingSnapshots(tx, cards);
  return {
    entitled: new Map(
      cards.map((card) => [card, entitledOn(card, holders.get(card) ?? []).map(({ serviceCaId }) => serviceCaId)]),
    ),
    underWay: new Set(pending.map(({ card }) => card)),
  };
}

function verdict(answer: Answered, { entitled, underWay }: Unsettled): Verdict {
  const { target, tries } = answer;
  if (!('found' in answer)) {
    return unreadable(target, answer.code, answer.description);
  }
  if (answer.found.length === 0) return { target, outcome: 'EQUAL', result: {} };
  const result = differentResult(answer.found);
  if (sameServices(answer.entitled, entitled.get(target) ?? []) && !underWay.has(target)) {
    return { target, outcome: 'DIFFERENT', result };
  }
  return tries <= ASKED_AGAIN_MAX ? { target, again: true } : { target, outcome: 'CHANGING', result };
}

function sameServices(one: readonly string[], other: readonly string[]): boolean {
  const keys = new Set(one.map(comparableServiceCaId));
  return keys.size === other.length && other.every((caId) => keys.has(comparableServiceCaId(caId)));
}

/** Walks lane's primary key, and request's for each request in the lanes of these cards. */
const FIND_UNDER_WAY = /* sql */ `
select distinct l.card from lane l join request r on r.number = any (array[l.number])
 where l.card = any($1::text[]) and r.type in ('ADD_SUBSCRIPTIONS', 'CANCEL_SUBSCRIPTIONS')`;

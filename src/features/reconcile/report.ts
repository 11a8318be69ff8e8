import { type Difference, type Fix, planFixes } from '../../planning/reconcile.ts';
import type { PlanningRules, Withheld } from '../../planning/types.ts';
import type { Queryable } from '../../platform/database.ts';
import { holdingSnapshots } from '../../identifiers/holders.ts';
import { differencesOf, unreadable, wanted } from './results.ts';

/** Every outcome of a card in a RECONCILE run. */
export const reconcileOutcomes = ['EQUAL', 'DIFFERENT', 'CHANGING', 'NOT_READABLE'] as const;
export type ReconcileOutcome = (typeof reconcileOutcomes)[number];

/** The finding for one card. */
export interface CardFinding {
  readonly card: string;
  readonly outcome: ReconcileOutcome;
  /** The subscription used for the question, of those that hold the card; null if the card was listed. */
  readonly subscription: string | null;
  /** Only for a card that is DIFFERENT or CHANGING. */
  readonly differences: readonly Difference[];
  /** Why a card is NOT_READABLE: the CAS's code or our own. */
  readonly code: string | null;
  readonly description: string | null;
  /** The question that brought the answer; null if none was asked. */
  readonly requestNumber: number | null;
}

export interface FindingsPage {
  /** Only cards with these outcomes. */
  readonly outcomes: readonly ReconcileOutcome[];
  /** Continues after this card; '' starts at the first. */
  readonly after: string;
  readonly limit: number;
}

/** How many cards that are DIFFERENT have each difference. */
export interface DifferenceCount {
  readonly finding: Difference['finding'];
  readonly services: number;
  readonly cards: number;
}

/** Counts the differences on all cards of a RECONCILE run. */
export function countDifferences(db: Queryable, run: number): Promise<DifferenceCount[]> {
  return db.query<DifferenceCount & Record<string, unknown>>(COUNT_DIFFERENCES, [run]);
}

/** Reads a page of findings of a RECONCILE run, ordered by card. */
export async function findingsOf(db: Queryable, run: number, page: FindingsPage): Promise<CardFinding[]> {
  const rows = await db.query<{
    card: string;
    outcome: ReconcileOutcome;
    subscription: string | null;
    result: unknown;
    request: number | null;
  }>(FIND, [run, page.outcomes, page.after, page.limit]);
  return rows.map(({ result, request, ...row }) => ({
    ...row,
    ...(row.outcome === 'NOT_READABLE' ? unreadable.parse(result) : { code: null, description: null }),
    differences: row.outcome === 'DIFFERENT' || row.outcome === 'CHANGING' ? differencesOf(result) : [],
    requestNumber: request,
  }));
}

/** What a fix would send for one card now. */
export interface FixPreview {
  readonly card: string;
  readonly fixes: readonly Fix[];
  readonly withheld: readonly Withheld[];
}

/**
 * Previews what a fix of these DIFFERENT cards would send now, by the newest snapshots. Locks and stores nothing; the
 * fix itself plans each card again.
 */
export async function previewFixes(
  db: Queryable,
  run: number,
  page: Omit<FindingsPage, 'outcomes'> & { readonly only: Difference['finding'] | null },
  rules: PlanningRules,
): Promise<FixPreview[]> {
  const found = await findingsOf(db, run, { ...page, outcomes: ['DIFFERENT'] });
  const holders = await holdingSnapshots(
    db,
    found.map(({ card }) => card),
  );
  return found.map(({ card, differences }) => ({
    card,
    ...planFixes(card, wanted(differences, page.only), holders.get(card) ?? [], rules),
  }));
}

/** Walks run_target's primary key over the whole run. */
const COUNT_DIFFERENCES = /* sql */ `
select difference ->> 'finding' as finding, count(*)::int as services, count(distinct t.target)::int as cards
  from run_target t cross join lateral jsonb_array_elements(t.result -> 'differences') difference
 where t.run_id = $1::bigint and t.outcome = 'DIFFERENT'
 group by 1 order by 1`;

/** Walks run_target's primary key from the card on. */
const FIND = /* sql */ `
select target as card, outcome, subscription_number as subscription, result,
       requests[cardinality(requests)] as request
  from run_target
 where run_id = $1::bigint and outcome = any($2::text[]) and target > $3::text
 order by target limit $4::int`;

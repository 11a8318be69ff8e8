import { type Difference, type Fix, planFixes } from '../planning/reconcile.ts';
import type { PlanningRules, Withheld } from '../planning/types.ts';
import type { Queryable } from '../platform/database.ts';
import { holdingSnapshots } from '../identifiers/holders.ts';
import { differencesOf, unreadable, wanted } from './reconcile-results.ts';

/** Everything that a card of a RECONCILE run can be found to be, once it is done. */
export const reconcileOutcomes = ['EQUAL', 'DIFFERENT', 'CHANGING', 'NOT_READABLE'] as const;
export type ReconcileOutcome = (typeof reconcileOutcomes)[number];

/** What was found on one card. */
export interface CardFinding {
  readonly card: string;
  readonly outcome: ReconcileOutcome;
  /** The subscription that was asked for, of those that hold the card; null where the card was listed. */
  readonly subscription: string | null;
  /** Of a card that is DIFFERENT or CHANGING. */
  readonly differences: readonly Difference[];
  /** Why a card is NOT_READABLE: the CAS's code or our own. */
  readonly code: string | null;
  readonly description: string | null;
  /** The question whose answer it goes by; null where none was asked. */
  readonly requestNumber: number | null;
}

export interface FindingsPage {
  /** Only cards with these outcomes. */
  readonly outcomes: readonly ReconcileOutcome[];
  /** Goes on behind this card; '' begins. */
  readonly after: string;
  readonly limit: number;
}

/** How often each difference was found on cards that are DIFFERENT, and on how many. */
export interface DifferenceCount {
  readonly finding: Difference['finding'];
  readonly services: number;
  readonly cards: number;
}

/** Of all cards of a RECONCILE run. */
export function countDifferences(db: Queryable, run: number): Promise<DifferenceCount[]> {
  return db.query<DifferenceCount & Record<string, unknown>>(COUNT_DIFFERENCES, [run]);
}

/** The findings of a RECONCILE run, in the order of the cards. */
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

/** What a fix would send for one card if it were its turn now. */
export interface FixPreview {
  readonly card: string;
  readonly fixes: readonly Fix[];
  readonly withheld: readonly Withheld[];
}

/**
 * What a fix of these DIFFERENT cards would send now, by the newest snapshots. Locks nothing and stores nothing: the fix
 * itself plans each card anew.
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

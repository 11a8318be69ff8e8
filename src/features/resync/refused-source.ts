import type { Queryable, Transaction } from '../../platform/database.ts';
import { idRange } from '../../platform/id-range.ts';
import { REQUEST_TIMES } from '../../requests/list.ts';
import type { SubscriptionSelection } from '../runs/selection.ts';

/** How many refusals one step reads. */
const STEP = 2_000;
/** Refusals that an estimate reads; beyond this its number is the least. */
const ESTIMATED_MAX = 20_000;

/** Selects the known subscriptions of requests that were REJECTED with a code and submitted since a time. */
export type OfRefusals = { readonly refused_with: string; readonly refused_since: string };

export function isOfRefusals(selection: SubscriptionSelection): selection is OfRefusals {
  return selection.refused_with !== undefined;
}

/** Returns a number before which no request of the selection is. */
export async function firstRefusal(db: Queryable, { refused_since: since }: OfRefusals): Promise<number> {
  return (await idRange(db, REQUEST_TIMES, { from: new Date(since), to: null })).first;
}

/** Adds the subscriptions of the next refusals to a run. Returns the number of the last one; null after the last part. */
export async function collectRefused(
  tx: Transaction,
  runId: number,
  selection: OfRefusals,
  after: number,
): Promise<number | null> {
  const [page] = await tx.query<Page>(COLLECT, [...pageValues(selection, after), runId]);
  return page === undefined || page.looked < STEP ? null : page.last;
}

/** Returns the subscriptions in their order; not exact if there are more refusals than an estimate reads. */
export async function refusedSubscriptions(
  db: Queryable,
  selection: OfRefusals,
): Promise<{ readonly numbers: readonly string[]; readonly exact: boolean }> {
  const found = new Set<string>();
  let after = (await firstRefusal(db, selection)) - 1;
  for (let looked = 0; looked < ESTIMATED_MAX; looked += STEP) {
    const [page] = await db.query<Page & { numbers: string[] }>(LOOK, pageValues(selection, after));
    for (const number of page?.numbers ?? []) found.add(number);
    if (page?.last == null || page.looked < STEP) return { numbers: [...found].toSorted(), exact: true };
    after = page.last;
  }
  return { numbers: [...found].toSorted(), exact: false };
}

function pageValues({ refused_with: code, refused_since: since }: OfRefusals, after: number): unknown[] {
  return [after, STEP, code, since];
}

interface Page {
  /** The number of refusals read, and the last of them. */
  readonly looked: number;
  readonly last: number | null;
}

/** Walks request_final's primary key from the cursor, request's primary key, and subscription's primary key. */
const PAGE = /* sql */ `
page as materialized (
  select number from request_final where state = 'REJECTED' and number > $1::bigint order by number limit $2::int
), fitting as materialized (
  select distinct s.number from page
   cross join lateral (select * from request where number = page.number offset 0) r
   cross join lateral (select number from subscription where number = r.subscription_number offset 0) s
   where r.error_code = $3::text and r.submitted_at >= $4::timestamptz
)`;

const COLLECT = /* sql */ `
with ${PAGE}, added as (
  insert into run_target (run_id, target, subscription_number)
  select $5::bigint, number, number from fitting
  on conflict do nothing
)
select count(*)::int as looked, max(number) as last from page`;

const LOOK = /* sql */ `
with ${PAGE}
select count(*)::int as looked, max(number) as last, array(select number from fitting) as numbers from page`;

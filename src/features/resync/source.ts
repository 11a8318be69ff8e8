import { knownNumbers } from '../../identifiers/subscription.ts';
import { OperationError } from '../../http/operation-error.ts';
import type { Queryable } from '../../platform/database.ts';
import type { Begun, Estimate, Json, NewTarget, TargetSource } from '../runs/kind.ts';
import {
  filterValues,
  placeFits,
  stateFits,
  subscriptionSelection,
  type SubscriptionSelection,
} from '../runs/selection.ts';
import { addTargets } from '../runs/targets.ts';
import { collectRefused, firstRefusal, isOfRefusals, refusedSubscriptions } from './refused-source.ts';

/** How many subscriptions one collecting step reads. */
const STEP = 2_000;
/** Subscriptions that an estimate reads; beyond this it extrapolates. */
const ESTIMATED_MAX = 100_000;
const SAMPLE = 10;
/** How many unknown subscriptions an error names. */
const NAMED_MAX = 5;

/** Selects subscriptions: those of a list, which must all be known, by refusals, or by their newest snapshots. */
export const subscriptionSource: TargetSource<SubscriptionSelection> = {
  schema: subscriptionSelection,
  async begin(tx, runId, selection): Promise<Begun> {
    if (isOfRefusals(selection)) {
      // A version that does not know refusals would select everybody. It cannot read such a product, and so its step fails.
      return { kept: { ...selection, product: null }, cursor: (await firstRefusal(tx, selection)) - 1 };
    }
    if (selection.subscriptions === undefined) return { kept: selection as Json, cursor: '' };
    await refuseUnknown(tx, selection.subscriptions);
    await addTargets(tx, runId, selection.subscriptions.map(subscriptionTarget));
    return { kept: { subscriptions_listed: selection.subscriptions.length }, cursor: null };
  },
  async collect(tx, runId, kept, cursor) {
    const selection = kept as SubscriptionSelection;
    if (isOfRefusals(selection)) return await collectRefused(tx, runId, selection, cursor as number);
    const [page] = await tx.query<Page>(COLLECT, [runId, cursor, STEP, ...filterValues(selection)]);
    return page === undefined || page.looked < STEP ? null : page.last;
  },
  async estimate(db, selection): Promise<Estimate> {
    if (isOfRefusals(selection)) {
      const { numbers, exact } = await refusedSubscriptions(db, selection);
      return { targets: numbers.length, exact, sample: numbers.slice(0, SAMPLE).map(subscriptionTarget) };
    }
    if (selection.subscriptions === undefined) return await estimated(db, selection);
    await refuseUnknown(db, selection.subscriptions);
    const numbers = [...new Set(selection.subscriptions)];
    return { targets: numbers.length, exact: true, sample: numbers.slice(0, SAMPLE).map(subscriptionTarget) };
  },
};

function subscriptionTarget(number: string): NewTarget {
  return { target: number, card: null, subscription: number };
}

/**
 * Refuses a list with unknown subscriptions.
 * @throws OperationError naming the first unknown numbers with their positions in the list, from 1.
 */
async function refuseUnknown(db: Queryable, numbers: readonly string[]): Promise<void> {
  const known = await knownNumbers(db, numbers);
  const unknown = numbers.flatMap((number, index) => (known.has(number) ? [] : [{ number, place: index + 1 }]));
  if (unknown.length === 0) return;
  const named = unknown
    .slice(0, NAMED_MAX)
    .map(({ number, place }) => `no. ${place}: ${JSON.stringify(number.slice(0, 40))}`);
  const more = unknown.length > NAMED_MAX ? ` and ${unknown.length - NAMED_MAX} more` : '';
  throw new OperationError(
    'SUBSCRIPTION_NOT_FOUND',
    'selection.subscriptions',
    `${unknown.length} of ${numbers.length} are not known (${named.join(', ')}${more}); a subscription is known from its first event, or from an import, on`,
  );
}

async function estimated(db: Queryable, selection: SubscriptionSelection): Promise<Estimate> {
  const sample: NewTarget[] = [];
  let [targets, looked, cursor] = [0, 0, ''];
  while (looked < ESTIMATED_MAX) {
    const [page] = await db.query<Page & { fitting: number; first: string[] }>(LOOK, [
      SAMPLE,
      cursor,
      STEP,
      ...filterValues(selection),
    ]);
    if (page === undefined) break;
    targets += page.fitting;
    looked += page.looked;
    sample.push(...page.first.slice(0, SAMPLE - sample.length).map(subscriptionTarget));
    if (page.last === null || page.looked < STEP) return { targets, exact: true, sample };
    cursor = page.last;
  }
  const [all] = await db.query<{ count: number }>('select count(*)::int as count from subscription');
  return { targets: Math.round((targets * (all?.count ?? looked)) / Math.max(looked, 1)), exact: false, sample };
}

interface Page {
  /** The number of subscriptions read, and the last of them. */
  readonly looked: number;
  readonly last: string | null;
}

/** Walks subscription's primary key from the cursor. */
const PAGE = /* sql */ `
page as materialized (
  select number, snapshot from subscription where number > $2::text order by number limit $3::int
), fitting as materialized (
  select s.number from page s
   where ${stateFits(4)}
     and (not $5::boolean and $7::text is null or exists (
           select from jsonb_array_elements(s.snapshot -> 'installedItems') item
            where item ->> 'kind' = 'SMARTCARD' and ${placeFits(4, "item ->> 'distributor'")}))
)`;

const COLLECT = /* sql */ `
with ${PAGE}, added as (
  insert into run_target (run_id, target, subscription_number)
  select $1::bigint, number, number from fitting
  on conflict do nothing
)
select count(*)::int as looked, max(number) as last from page`;

const LOOK = /* sql */ `
with ${PAGE}
select count(*)::int as looked, max(number) as last, (select count(*) from fitting)::int as fitting,
       array(select number from fitting order by number limit $1::int) as first
  from page`;

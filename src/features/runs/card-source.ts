import type { Queryable, Transaction } from '../../platform/database.ts';
import { OperationError } from '../../http/operation-error.ts';
import type { Begun, Estimate, Json, KindContext, NewTarget, TargetSource } from './kind.ts';
import { cardSelection, type CardSelection, filterValues, placeFits, stateFits } from './selection.ts';
import { addTargets } from './targets.ts';

/** Rows of subscription_card that one collecting step reads; takes about 50 ms. */
const STEP = 2_000;
/** Rows that an estimate reads; beyond this it extrapolates. */
const ESTIMATED_MAX = 100_000;
const SAMPLE = 10;
/** How many malformed cards an error names. */
const NAMED_MAX = 5;

/**
 * Selects smart cards: those of a list, known or not, or those of the newest snapshots. A card in two subscriptions is
 * one target.
 */
export const cardSource: TargetSource<CardSelection> = {
  schema: cardSelection,
  async begin(tx, runId, selection, context): Promise<Begun> {
    if (selection.cards === undefined) return { kept: selection as Json, cursor: ['', ''] };
    refuseMalformed(selection.cards, context);
    await addTargets(tx, runId, selection.cards.map(cardTarget));
    return { kept: { cards_listed: selection.cards.length }, cursor: null };
  },
  async collect(tx: Transaction, runId: number, kept: Json, cursor: Json) {
    const [row] = await tx.query<Page>(COLLECT, [
      runId,
      ...(cursor as [string, string]),
      STEP,
      ...filterValues(kept as CardSelection),
    ]);
    return row === undefined || row.looked < STEP ? null : [row.card, row.subscription];
  },
  async estimate(db, selection, context) {
    if (selection.cards === undefined) return await estimateCards(db, selection);
    refuseMalformed(selection.cards, context);
    const cards = [...new Set(selection.cards)];
    return { targets: cards.length, exact: true, sample: cards.slice(0, SAMPLE).map(cardTarget) };
  },
};

function cardTarget(card: string): NewTarget {
  return { target: card, card, subscription: null };
}

/**
 * Refuses a list with malformed cards.
 * @throws OperationError naming the first malformed cards with their positions in the list, from 1.
 */
function refuseMalformed(cards: readonly string[], { rules }: KindContext): void {
  const malformed = cards.flatMap((card, index) =>
    rules.smartcardPattern.test(card) ? [] : [{ card, line: index + 1 }],
  );
  if (malformed.length === 0) return;
  const named = malformed
    .slice(0, NAMED_MAX)
    .map(({ card, line }) => `no. ${line}: ${JSON.stringify(card.slice(0, 40))}`);
  const more = malformed.length > NAMED_MAX ? ` and ${malformed.length - NAMED_MAX} more` : '';
  throw new OperationError(
    'CA_ID_INVALID',
    'selection.cards',
    `${malformed.length} of ${cards.length} are no smart card CA ids (${named.join(', ')}${more}); each has to fit ${rules.smartcardPattern.source}`,
  );
}

async function estimateCards(db: Queryable, selection: CardSelection): Promise<Estimate> {
  const sample: NewTarget[] = [];
  let [targets, looked, lastCard] = [0, 0, ''];
  let cursor: [string, string] = ['', ''];
  for (;;) {
    const [row] = await db.query<Page & { cards: string[]; subscriptions: string[] }>(LOOK, [
      null,
      ...cursor,
      STEP,
      ...filterValues(selection),
    ]);
    if (row === undefined || row.looked === 0) return { targets, exact: true, sample };
    // A card's rows are adjacent, so only a page boundary can show a card twice.
    targets += row.cards.length - (row.cards[0] !== undefined && row.cards[0] === lastCard ? 1 : 0);
    lastCard = row.cards.at(-1) ?? lastCard;
    looked += row.looked;
    for (const [index, card] of row.cards.entries()) {
      if (sample.length < SAMPLE) sample.push({ target: card, card, subscription: row.subscriptions[index] ?? null });
    }
    if (row.looked < STEP) return { targets, exact: true, sample };
    cursor = [row.card, row.subscription];
    if (looked >= ESTIMATED_MAX) break;
  }
  const [all] = await db.query<{ count: number }>(COUNT_ALL);
  return { targets: Math.round((targets * (all?.count ?? looked)) / looked), exact: false, sample };
}

interface Page {
  /** The number of rows read, and the last of them. */
  readonly looked: number;
  readonly card: string;
  readonly subscription: string;
}

/**
 * Walks subscription_card's primary key from the cursor, and subscription's once per row. A card in several places of
 * one snapshot (R1) is selected if one of them fits.
 */
const PAGE = /* sql */ `
page as materialized (
  select card, subscription_number from subscription_card
   where (card, subscription_number) > ($2::text, $3::text) order by card, subscription_number limit $4::int
), fitting as materialized (
  select distinct on (p.card) p.card, p.subscription_number
    from page p
    join subscription s on s.number = any (array[p.subscription_number])
   cross join lateral (select item ->> 'distributor' as distributor
                         from jsonb_array_elements(s.snapshot -> 'installedItems') item
                        where item ->> 'kind' = 'SMARTCARD' and item ->> 'caId' = p.card) place
   where ${stateFits(5)} and ${placeFits(5, 'place.distributor')}
   order by p.card, p.subscription_number
), seen as (
  select count(*)::int as looked, max(card) as card, max(subscription_number) filter (where last) as subscription
    from (select *, row_number() over (order by card desc, subscription_number desc) = 1 as last from page) as numbered
)`;

const COLLECT = /* sql */ `
with ${PAGE}, added as (
  insert into run_target (run_id, target, card, subscription_number)
  select $1::bigint, card, card, subscription_number from fitting
  on conflict do nothing
)
select looked, card, subscription from seen where looked > 0`;

const LOOK = /* sql */ `
with ${PAGE}
select looked, card, subscription, coalesce((select array_agg(f.card order by f.card) from fitting f), '{}') as cards,
       coalesce((select array_agg(f.subscription_number order by f.card) from fitting f), '{}') as subscriptions
  from seen where $1::bigint is null and looked > 0`;

const COUNT_ALL = /* sql */ `select count(*) as count from subscription_card`;

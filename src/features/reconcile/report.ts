import { z } from 'zod';
import { type Difference, planFixes } from '../../planning/reconcile.ts';
import type { PlanningRules } from '../../planning/types.ts';
import type { Queryable } from '../../platform/database.ts';
import { holdingSnapshots } from '../../identifiers/holders.ts';
import { different, differenceFindings, differencesOf, readResult, unreadable, wanted } from './results.ts';

/** Every outcome of a card in a RECONCILE run. */
export const reconcileOutcomes = ['EQUAL', 'DIFFERENT', 'CHANGING', 'NOT_READABLE'] as const;
export type ReconcileOutcome = (typeof reconcileOutcomes)[number];

/** How many cards that are DIFFERENT have each difference. */
export const differenceCount = z.strictObject({
  finding: z.enum(differenceFindings),
  services: z.int(),
  cards: z.int().describe('DIFFERENT cards that have such.'),
});

/** What a RECONCILE run found for one card. */
export const cardFinding = z.strictObject({
  smartcard_ca_id: z.string(),
  outcome: z.enum(reconcileOutcomes),
  subscription_number: z.string().nullable().describe('Null if the card was listed.'),
  differences: z
    .array(z.strictObject({ finding: z.enum(differenceFindings), service_ca_id: z.string() }))
    .describe('Of a card that is DIFFERENT or CHANGING.'),
  code: z.string().nullable().describe('Why the card is NOT_READABLE.'),
  description: z.string().nullable(),
  request_number: z.int().nullable().describe('The question that brought the answer.'),
});
export type CardFinding = z.output<typeof cardFinding>;

/** What a fix would send for one card now. */
export const cardFix = z.strictObject({
  smartcard_ca_id: z.string(),
  commands: z.array(
    z.strictObject({
      type: z.enum(['ADD_SUBSCRIPTIONS', 'CANCEL_SUBSCRIPTIONS']),
      service_ca_id: z.string(),
      sub_provisioning_distribution_id: z.string().nullable(),
      subscription_number: z.string().nullable(),
    }),
  ),
  withheld: z.array(
    z.strictObject({
      type: z.string(),
      reason: z.string(),
      service_ca_id: z.string().nullable(),
      detail: z.string(),
    }),
  ),
});
export type CardFix = z.output<typeof cardFix>;

export interface Page {
  /** Continues after this card; '' starts at the first. */
  readonly after: string;
  readonly limit: number;
}

/** Counts the differences on all cards of a RECONCILE run. */
export function countDifferences(db: Queryable, run: number): Promise<z.output<typeof differenceCount>[]> {
  return db.query(COUNT_DIFFERENCES, [run]);
}

/** Reads a page of findings of a RECONCILE run with one of these outcomes, ordered by card. */
export async function findingsOf(
  db: Queryable,
  run: number,
  { outcomes, after, limit }: Page & { readonly outcomes: readonly ReconcileOutcome[] },
): Promise<CardFinding[]> {
  const rows = await db.query<Omit<CardFinding, 'differences' | 'code' | 'description'> & { result: unknown }>(FIND, [
    run,
    outcomes,
    after,
    limit,
  ]);
  return rows.map(({ result, ...row }) => ({
    ...row,
    ...(row.outcome === 'NOT_READABLE'
      ? readResult(unreadable, result, row.smartcard_ca_id)
      : { code: null, description: null }),
    differences:
      row.outcome === 'DIFFERENT' || row.outcome === 'CHANGING'
        ? readResult(different, result, row.smartcard_ca_id).differences
        : [],
  }));
}

/**
 * Previews what a fix of these DIFFERENT cards would send now, by the newest snapshots. Locks and stores nothing; the
 * fix itself plans each card again.
 */
export async function previewFixes(
  db: Queryable,
  run: number,
  { only, ...page }: Page & { readonly only: Difference['finding'] | null },
  rules: PlanningRules,
): Promise<CardFix[]> {
  const found = await findingsOf(db, run, { ...page, outcomes: ['DIFFERENT'] });
  const cards = found.map(({ smartcard_ca_id: card }) => card);
  const holders = await holdingSnapshots(db, cards);
  return found.map(({ smartcard_ca_id: card, differences }) => {
    const fixable = wanted(differencesOf({ differences }, card), only);
    const { fixes, withheld } = planFixes(card, fixable, holders.get(card) ?? [], rules);
    return {
      smartcard_ca_id: card,
      commands: fixes.map(({ command: { type, service }, subscription }) => ({
        type,
        service_ca_id: service.caId,
        sub_provisioning_distribution_id: service.distributor,
        subscription_number: subscription?.number ?? null,
      })),
      withheld: withheld.map(({ type, reason, serviceCaId, detail }) => ({
        type,
        reason,
        service_ca_id: serviceCaId,
        detail,
      })),
    };
  });
}

/** Walks run_target's primary key over the whole run. */
const COUNT_DIFFERENCES = /* sql */ `
select difference ->> 'finding' as finding, count(*)::int as services, count(distinct t.target)::int as cards
  from run_target t cross join lateral jsonb_array_elements(t.result -> 'differences') difference
 where t.run_id = $1::bigint and t.outcome = 'DIFFERENT'
 group by 1 order by 1`;

/** Walks run_target's primary key from the card on. */
const FIND = /* sql */ `
select target as smartcard_ca_id, outcome, subscription_number, result,
       requests[cardinality(requests)] as request_number
  from run_target
 where run_id = $1::bigint and outcome = any($2::text[]) and target > $3::text
 order by target limit $4::int`;

import { z } from 'zod';
import type { PlanningRules } from '../planning/types.ts';
import type { Difference } from '../planning/reconcile.ts';
import type { Queryable } from '../platform/database.ts';
import { mustBeReconciled, reconcileRun } from '../features/reconcile/fix-source.ts';
import { countDifferences, findingsOf, previewFixes, reconcileOutcomes } from '../features/reconcile/report.ts';
import { differenceFindings } from '../features/reconcile/results.ts';
import { type Call, call } from '../http/calls.ts';
import { success, successSchema } from '../http/envelope.ts';
import { integer, text } from '../http/input-kinds.ts';
import type { OperationsParts } from './parts.ts';
import { identified } from './shapes.ts';

const PAGE_MAX = 1_000;

const page = {
  after: text(300).optional().describe('Goes on behind this card.'),
  number_of_results: integer(1, PAGE_MAX).optional().describe(`Default ${PAGE_MAX}.`),
};
const finding = z.enum(differenceFindings, `give one of ${differenceFindings.join(', ')}`);

const differencesView = z
  .strictObject({
    counts: z.array(
      z.strictObject({ finding, services: z.int(), cards: z.int().describe('DIFFERENT cards that have such.') }),
    ),
    cards: z.array(
      z.strictObject({
        smartcard_ca_id: z.string(),
        outcome: z.enum(reconcileOutcomes),
        subscription_number: z.string().nullable().describe('Null where the card was listed.'),
        differences: z.array(z.strictObject({ finding, service_ca_id: z.string() })),
        code: z.string().nullable().describe('Why the card is NOT_READABLE.'),
        description: z.string().nullable(),
        request_number: z.int().nullable().describe('The question whose answer it goes by.'),
      }),
    ),
  })
  .meta({ id: 'ReconcileDifferences', description: 'What differs between the CRM and the CAS.' });

const fixesView = z
  .strictObject({
    cards: z.array(
      z.strictObject({
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
      }),
    ),
  })
  .meta({ id: 'ReconcileFixes', description: 'What a fix would send now.' });

/** What reconcile runs found, in the operations API; they are started, stopped and mended as runs are (run-calls.ts). */
export function reconcileCalls({ db, rules }: Pick<OperationsParts, 'db' | 'rules'>): Call[] {
  const common = { method: 'GET', access: 'reader', tag: 'reconcile', params: identified } as const;
  return [
    call({
      ...common,
      name: 'showReconcileDifferences',
      paths: ['/runs/:id/differences'],
      summary: 'What a reconcile run found',
      description: 'Counts over all of it, and a page of the cards in the order of their CA ids.',
      input: z.strictObject({
        outcome: z
          .enum(reconcileOutcomes, `give one of ${reconcileOutcomes.join(', ')}`)
          .optional()
          .describe('Only those; without it all that are not EQUAL.'),
        ...page,
      }),
      output: successSchema(differencesView),
      async handle({ params: { id }, input }) {
        await reconcileRun(db, id);
        const { outcome, after = '', number_of_results: limit = PAGE_MAX } = input;
        const outcomes = reconcileOutcomes.filter((one) => (outcome === undefined ? one !== 'EQUAL' : one === outcome));
        return success({
          counts: await countDifferences(db, id),
          cards: await differingCards(db, id, { outcomes, after, limit }),
        });
      },
    }),
    call({
      ...common,
      name: 'showReconcileFixes',
      paths: ['/runs/:id/fixes'],
      summary: 'What would mend what a reconcile run found',
      description:
        'By the newest snapshots of now; nothing is sent. A run of the kind RECONCILE_FIX with the selection `{"run":…}` sends it, each card planned anew when its turn comes.',
      input: z.strictObject({ only: finding.optional().describe('Only what was found so.'), ...page }),
      output: successSchema(fixesView),
      async handle({ params: { id }, input }) {
        await mustBeReconciled(db, id);
        const { only = null, after = '', number_of_results: limit = PAGE_MAX } = input;
        return success({ cards: await fixedCards(db, id, { only, after, limit }, rules) });
      },
    }),
  ];
}

async function differingCards(
  db: Queryable,
  id: number,
  asked: Parameters<typeof findingsOf>[2],
): Promise<z.output<typeof differencesView>['cards']> {
  const cards = await findingsOf(db, id, asked);
  return cards.map(({ card, outcome, subscription, differences, code, description, requestNumber }) => ({
    smartcard_ca_id: card,
    outcome,
    subscription_number: subscription,
    differences: differences.map((one) => ({ finding: one.finding, service_ca_id: one.serviceCaId })),
    code,
    description,
    request_number: requestNumber,
  }));
}

async function fixedCards(
  db: Queryable,
  id: number,
  asked: { readonly only: Difference['finding'] | null; readonly after: string; readonly limit: number },
  rules: PlanningRules,
): Promise<z.output<typeof fixesView>['cards']> {
  const cards = await previewFixes(db, id, asked, rules);
  return cards.map(({ card, fixes, withheld }) => ({
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
  }));
}

import { z } from 'zod';
import { text } from '../../http/input-kinds.ts';
import { wholeNumber } from '../../operations/fields.ts';
import { type CommandLine, type Feature, operation, type OperationContext } from '../../operations/operation.ts';
import { type Column, table, visibleLine } from '../../platform/terminal-text.ts';
import { runId } from '../runs/runs.ts';
import { startCommand } from '../runs/start.ts';
import { progressText, showRun, shownRun } from '../runs/view.ts';
import { mustBeReconciled, reconcileRun } from './fix-source.ts';
import {
  cardFinding,
  type CardFinding,
  type CardFix,
  cardFix,
  countDifferences,
  differenceCount,
  findingsOf,
  previewFixes,
  reconcileOutcomes,
} from './report.ts';
import { differenceFindings } from './results.ts';

const PAGE_MAX = 1_000;
const page = {
  after: text(300).default('').describe('Continues after this card, the last one of the page before.'),
  limit: wholeNumber(1, PAGE_MAX, 'How many cards').default(PAGE_MAX),
};
const ofRun = { arguments: ['id'], options: { id: 'run' } };

/** Shows what would be sent, of the first cards, before it asks. */
const sending: CommandLine = {
  arguments: ['selection.run'],
  async ask({ db, rules }: OperationContext, input) {
    const { parameters, selection } = input as { parameters: { only?: null }; selection: { run: number } };
    const { run: id } = selection;
    await mustBeReconciled(db, id, 'selection.run');
    const cards = await previewFixes(db, id, { only: parameters.only ?? null, after: '', limit: PAGE_MAX }, rules);
    const more = cards.length < PAGE_MAX ? '' : `\nThere may be more: these are the first ${PAGE_MAX} cards`;
    const nothing = cards.length === 0 ? 'Nothing is selected: no run was started' : null;
    return { shown: `${fixesText(cards)}${more}`, question: 'Start a run that sends it?', nothing };
  },
};

const sendFixes = startCommand({
  name: 'reconcile fix',
  summary: 'Start a run that sends it, each card planned again when its turn comes',
  kind: 'RECONCILE_FIX',
  cli: sending,
});

const showFixes = operation({
  name: 'reconcile.fix',
  summary: 'Show what would fix what a reconcile run found',
  description:
    'By the snapshots of now; nothing is sent. A run of the kind RECONCILE_FIX sends it, and plans each card again when its turn comes.',
  role: 'viewer',
  route: 'GET /runs/{id}/fixes',
  input: z.strictObject({
    id: runId,
    only: z
      .enum(differenceFindings, `give one of ${differenceFindings.join(', ')}`)
      .optional()
      .describe('Only what was found so; by default everything.'),
    ...page,
  }),
  output: z
    .strictObject({ cards: z.array(cardFix) })
    .meta({ id: 'ReconcileFixes', description: 'What a fix would send now.' }),
  example: { id: 17, only: 'MISSING_IN_CAS' },
  cli: {
    ...ofRun,
    text: ({ cards }) => `${fixesText(cards)}\nNothing was sent: --send does it`,
    unless: { option: 'send', does: sendFixes },
  },
  async handle({ db, rules }, { id, only = null, ...asked }) {
    await mustBeReconciled(db, id, 'id');
    return { cards: await previewFixes(db, id, { only, ...asked }, rules) };
  },
});

/** `reconcile`: what the CAS has, compared with what the newest snapshots entitle. */
export const reconcile: Feature = {
  name: 'reconcile',
  summary: 'Compares the CAS with what the newest snapshots entitle, and fixes it on request (docs/reconcile.md).',
  operations: [
    showFixes,
    operation({
      name: 'reconcile.show',
      summary: 'Show what a reconcile run found',
      description: 'Counts over all of it, and a page of the cards in the order of their CA ids.',
      role: 'viewer',
      route: 'GET /runs/{id}/differences',
      input: z.strictObject({
        id: runId,
        outcome: z
          .enum(reconcileOutcomes, `give one of ${reconcileOutcomes.join(', ')}`)
          .optional()
          .describe('Only these; by default all that are not EQUAL.'),
        ...page,
      }),
      output: z
        .strictObject({ run: shownRun, counts: z.array(differenceCount), cards: z.array(cardFinding) })
        .meta({ id: 'ReconcileDifferences', description: 'What differs between the CRM and the CAS.' }),
      example: { id: 17, outcome: 'DIFFERENT' },
      cli: {
        ...ofRun,
        text: ({ run, counts, cards }) =>
          [
            progressText(run),
            ...counts.map((one) => `${one.services} ${one.finding} on ${one.cards} cards`),
            table(COLUMNS, cards, 200) || 'no such cards',
          ].join('\n'),
      },
      async handle({ db }, { id, outcome, ...asked }) {
        const run = await showRun(db, await reconcileRun(db, id, 'id'));
        const outcomes = reconcileOutcomes.filter((one) => (outcome === undefined ? one !== 'EQUAL' : one === outcome));
        const counts = await countDifferences(db, id);
        return { run, counts, cards: await findingsOf(db, id, { outcomes, ...asked }) };
      },
    }),
  ],
  commands: [
    startCommand({
      name: 'reconcile run',
      summary: 'Ask the CAS about every card of a selection, and report what differs',
      kind: 'RECONCILE',
    }),
  ],
};

/** `CANCEL_SUBSCRIPTIONS 00000000001 777 of S1`, what is withheld with its reason, and how much it is. */
function fixesText(all: readonly CardFix[]): string {
  const lines = all.flatMap(({ smartcard_ca_id: card, commands, withheld }) => [
    ...commands.map(
      ({ type, service_ca_id: service, subscription_number: subscription }) =>
        `${type} ${card} ${service}${subscription === null ? '' : ` of ${subscription}`}`,
    ),
    ...withheld.map(
      ({ type, reason, service_ca_id: service, detail }) =>
        `  withheld ${type} ${card} ${service ?? '-'}: ${reason}. ${detail}`,
    ),
  ]);
  const count = (of: (one: CardFix) => number): number => all.reduce((sum, one) => sum + of(one), 0);
  const [commands, cards] = [count((one) => one.commands.length), count((one) => Math.min(1, one.commands.length))];
  const withheld = count((one) => one.withheld.length);
  return [...lines.map(visibleLine), `${commands} commands for ${cards} cards, ${withheld} withheld`].join('\n');
}

const COLUMNS: readonly Column<CardFinding>[] = [
  ['card', ({ smartcard_ca_id: card }) => card],
  ['outcome', ({ outcome }) => outcome],
  [
    'differences',
    ({ differences, code, description }) =>
      differences.map(({ finding, service_ca_id: service }) => `${finding} ${service}`).join(', ') ||
      [code, description].filter((one) => one !== null).join(': '),
  ],
];

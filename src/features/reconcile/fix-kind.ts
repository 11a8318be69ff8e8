import { z } from 'zod';
import { holdingSnapshots } from '../../identifiers/holders.ts';
import { planFixes } from '../../planning/reconcile.ts';
import { lockCards } from '../../requests/locks.ts';
import { type NewTarget, runKind, type TargetPlan, withheldJson } from '../runs/kind.ts';
import { differenceFindings, differencesOf, wanted } from './results.ts';
import { differentCardsSource } from './fix-source.ts';

const fixParameters = z.strictObject({
  only: z
    .enum(differenceFindings, `give one of ${differenceFindings.join(', ')}, or leave it out for both`)
    .optional()
    .describe('Fixes only what was found so; by default everything.'),
});

/**
 * RECONCILE_FIX: fixes what a RECONCILE run found, card by card. It cancels what the CAS has too much, then adds what
 * the CAS lacks. Each card is locked and planned again when its turn comes, by the newest snapshots of all
 * subscriptions that hold it. It cancels nothing that one of them entitles, and adds nothing that none entitles (R4). A
 * difference that an event has since resolved is withheld, SUPERSEDED.
 */
export const reconcileFixKind = runKind({
  name: 'RECONCILE_FIX',
  description: 'fixes the differences that a reconcile run found',
  process: 'RESYNC',
  parameters: fixParameters,
  source: differentCardsSource,
  goodOutcomes: ['NOTHING_TO_MEND'],
  chunk: 100,
  async planRequests(tx, { parameters }, targets, { rules }) {
    const cards = targets.map(({ target }) => target);
    lockCards(tx, cards);
    const holders = await holdingSnapshots(tx, cards);
    return targets.map(({ target, data }): TargetPlan => {
      const { fixes, withheld } = planFixes(
        target,
        wanted(differencesOf(data, target), parameters.only ?? null),
        holders.get(target) ?? [],
        rules,
      );
      const result = { withheld: withheld.map(withheldJson) };
      const [first, ...more] = fixes;
      if (first === undefined) return { target, requests: [], outcome: 'NOTHING_TO_MEND', result };
      return { target, requests: [first, ...more], result };
    });
  },
  async preview(db, { only = null }, targets, { rules }) {
    const holders = await holdingSnapshots(
      db,
      targets.map(({ target }) => target),
    );
    const fixesOf = ({ target, data }: NewTarget) => {
      const differences = wanted(differencesOf(data, target), only);
      return planFixes(target, differences, holders.get(target) ?? [], rules).fixes.map(({ command }) => command);
    };
    return new Map(targets.map((one) => [one.target, fixesOf(one)]));
  },
});

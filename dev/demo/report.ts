import { styleText } from 'node:util';
import type { PlayedStep } from './play.ts';

const WIDTHS = { action: 34, outcome: 20, time: 9 };

/** One step as lines of the demo's table. */
export function stepLines({ step, outcome, lines, tookMs, differences }: PlayedStep): string[] {
  const actions = step.actions.length > 0 ? step.actions : ['-'];
  const right = differences.length === 0;
  const rows = [
    `  ${step.says}`,
    ...actions.map((action, index) =>
      index === 0
        ? `    ${action.padEnd(WIDTHS.action)} ${colour(outcome, right).padEnd(WIDTHS.outcome)} ${`${tookMs.toFixed(0)} ms`.padStart(WIDTHS.time)}`
        : `    ${action}`,
    ),
    ...lines.map((line) => styleText('dim', `        ${line}`)),
    ...differences.map((difference) => styleText('red', `        NOT AS EXPECTED: ${difference}`)),
  ];
  if (step.before) rows.splice(1, 0, styleText('yellow', `    (${step.before.says})`));
  return rows;
}

function colour(outcome: string, right: boolean): string {
  return styleText(right ? 'green' : 'red', outcome.padEnd(WIDTHS.outcome));
}

/** The CAS's entitlements of each card beside the CRM's. */
export function entitlementLines(
  rows: readonly { card: string; crm: readonly string[]; cas: readonly string[] }[],
): string[] {
  return [
    `  ${'smart card'.padEnd(14)} ${'the CRM says'.padEnd(24)} ${'the CAS says'.padEnd(24)}`,
    ...rows.map(({ card, crm, cas }) => {
      const equal = JSON.stringify(crm) === JSON.stringify(cas);
      return `  ${card.padEnd(14)} ${shown(crm).padEnd(24)} ${shown(cas).padEnd(24)} ${styleText(equal ? 'green' : 'red', equal ? 'equal' : 'DIFFERENT')}`;
    }),
  ];
}

function shown(entitlements: readonly string[]): string {
  return entitlements.length === 0 ? '-' : entitlements.join(' ');
}

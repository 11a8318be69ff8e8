import { Command } from 'commander';
import { type CardInformation, compareWithCrm } from '../features/utilities/information.ts';
import { callUtility, forWhom, type UtilityOptions, waiting } from './utility.ts';

/** `info`: what the CAS has on smart cards. */
export function infoCommand(): Command {
  const info = new Command('info').description(
    'asks the CAS for the active subscriptions of cards, and shows them beside what the CRM entitles',
  );
  return waiting(forWhom(info)).action((options: UtilityOptions) =>
    // The comparison is of what was answered: without waiting there is none.
    callUtility('information', {}, { ...options, wait: true }, {}, async ({ db }, { requests }) => {
      const cards = await compareWithCrm(db, requests);
      return { text: cards.map(cardText).join(''), json: { cards } };
    }),
  );
}

const FINDINGS = { BOTH: 'both', MISSING_IN_CAS: 'MISSING IN CAS', TOO_MUCH_IN_CAS: 'TOO MUCH IN CAS' } as const;

function cardText({ smartcard, subscriptions, services, changing }: CardInformation): string {
  const held = subscriptions.length === 0 ? 'held by no subscription that is known' : subscriptions.join(' ');
  const lines =
    services?.map(({ serviceCaId, finding, through }) => {
      const by = through.map(
        ({ subscriptionNumber, productCode, state }) => `${productCode} of ${subscriptionNumber} (${state})`,
      );
      return `  ${serviceCaId.padEnd(8)}  ${FINDINGS[finding].padEnd(15)}  ${by.join(', ')}`.trimEnd();
    }) ?? [];
  if (services === null) lines.push('  the CAS has not answered');
  else if (services.length === 0) lines.push('  nothing in the CAS, and nothing entitled');
  if (changing) lines.push('  requests of the card are on their way: what differs may be about to change');
  return `\nsmart card ${smartcard}  ${held}\n${lines.join('\n')}\n`;
}

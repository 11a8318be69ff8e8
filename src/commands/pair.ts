import { Command } from 'commander';
import { pairingsTold } from '../features/utilities/pairing-answers.ts';
import { callUtility, forWhom, given, sent, type UtilityOptions } from './utility.ts';

/** `pair`: smart cards and set-top boxes. */
export function pairCommand(): Command {
  const pair = new Command('pair').description('pairs smart cards with set-top boxes, and asks what is paired');
  sent(forWhom(pair.command('create'), true))
    .description("pairs the named cards and set-top boxes together, or each distributor's devices of a subscription")
    .action((options: UtilityOptions) => callUtility('createPairing', {}, options));
  sent(forWhom(pair.command('add').option('--to <ca id>', 'a smart card of the pairing that is added to'), true))
    .description('adds devices to the pairing of a card, or what the known pairings of a subscription lack')
    .action((options: UtilityOptions & { to?: string }) =>
      callUtility('addToPairing', given({ existing_smartcard_ca_id: options.to }), options, {
        existing_smartcard_ca_id: '--to',
      }),
    );
  sent(forWhom(pair.command('status'), true))
    .description('asks the CAS which devices are paired together, for each card and set-top box')
    .action((options: UtilityOptions) =>
      callUtility('pairingStatus', {}, options, {}, async (_, { requests }) => {
        const pairings = pairingsTold(requests);
        const text = pairings.flatMap(({ smartcard, setTopBox, answered, pairing }) => {
          if (!answered) return [];
          const device = smartcard === null ? `set-top box ${setTopBox}` : `smart card ${smartcard}`;
          const told =
            pairing === null
              ? 'in no pairing'
              : `paired: cards ${listed(pairing.smartcards)}; STBs ${listed(pairing.setTopBoxes)}`;
          return [`${device}  ${told}\n`];
        });
        return { text: text.join(''), json: { pairings } };
      }),
    );
  return pair;
}

function listed(caIds: readonly string[]): string {
  return caIds.join(' ') || 'none';
}

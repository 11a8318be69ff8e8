import { Command, Option } from 'commander';
import { createSeal } from '../platform/seal.ts';
import { changePinKey } from '../requests/pin-key.ts';
import { readSettings } from '../settings.ts';
import { withDatabase } from './database.ts';
import { UsageError } from './exit-codes.ts';
import { print } from './output.ts';
import { secretFrom } from './secret-input.ts';
import { callUtility, forWhom, sent, type UtilityOptions } from './utility.ts';

/** `pin`: the PINs of smart cards, and the key that seals them. */
export function pinCommand(): Command {
  const pin = new Command('pin').description('sets the PINs of smart cards');
  sent(forWhom(pin.command('reset')))
    .description('sets the PIN of cards, or of all cards of a subscription, to its default')
    .action((options: UtilityOptions) => callUtility('pinToDefault', {}, options));
  sent(forWhom(pin.command('set')))
    .description('sets the PIN of cards; it is asked for, or comes from a file or standard input, never as an argument')
    .addOption(
      new Option('--pin-file <path>', 'reads the PIN from a file, without its last line break').conflicts('pinStdin'),
    )
    .addOption(new Option('--pin-stdin', 'reads it from standard input, without its last line break'))
    .action(async (options: UtilityOptions & { pinFile?: string; pinStdin?: boolean }) => {
      const source = { file: options.pinFile, stdin: options.pinStdin };
      const given = await secretFrom('PIN', source, '--pin-file or --pin-stdin');
      await callUtility('pinToGiven', { pin: given }, options, { pin: 'the PIN' });
    });
  pin
    .command('change-key')
    .description('makes the first key of PIN_KEY the one that seals PINs; docs/utilities.md has the steps')
    .action(changeKey);
  return pin;
}

async function changeKey(): Promise<void> {
  const { PIN_KEY } = readSettings(['database', 'rules']);
  if (PIN_KEY === undefined) throw new UsageError('PIN_KEY is not set: set it, or PIN_KEY_FILE, to the new key');
  const change = await withDatabase((db) => changePinKey(db, createSeal(PIN_KEY)));
  if (typeof change === 'object') {
    throw new Error(
      `${change.unopenable} PINs wait that the former key sealed, and PIN_KEY lacks that key: give it in a second line ` +
        'to every instance, or let these requests end first.',
    );
  }
  await print(
    change === 'changed'
      ? 'PINs are sealed with the first key of PIN_KEY from now on\n'
      : 'PINs are sealed with the first key of PIN_KEY already\n',
  );
}

import { Command, Option } from 'commander';
import { secretFrom } from './secret-input.ts';
import { callUtility, forWhom, sent, type UtilityOptions } from './utility.ts';

/** `pin`: the PINs of smart cards. */
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
  return pin;
}

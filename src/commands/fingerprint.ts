import { Command } from 'commander';
import { numeral } from '../http/input-kinds.ts';
import { callUtility, forWhom, given, sent, type UtilityOptions } from './utility.ts';

interface FingerprintOptions extends UtilityOptions {
  readonly at?: string;
  readonly duration?: string;
  readonly x: string;
  readonly y: string;
  readonly height: string;
  readonly slot: string;
}

/** The options of a fingerprint's fields. */
export const FINGERPRINT_OPTIONS = {
  display_date_time: '--at',
  duration: '--duration',
  position_x: '--x',
  position_y: '--y',
  height: '--height',
  fingerprint_slot: '--slot',
} as const;

/** `fingerprint`: the card's number on screens. */
export function fingerprintCommand(): Command {
  const fingerprint = new Command('fingerprint')
    .description('shows a fingerprint on the screens of cards or of a subscription')
    .requiredOption('--x <position>', 'from the left, 0 to 10000')
    .requiredOption('--y <position>', 'from the top, 0 to 10000')
    .requiredOption('--height <height>', '1 to 10000')
    .requiredOption('--slot <number>', 'fingerprint slot, 0 to 255')
    .option('--at <date>', 'when it is shown, like 2030-11-28T15:05:20 (UTC); default now')
    .option('--duration <seconds>', 'how long it is shown, 1 to 3600; default 20');
  return sent(forWhom(fingerprint)).action((options: FingerprintOptions) =>
    callUtility(
      'fingerprint',
      given({
        display_date_time: options.at,
        duration: numeral(options.duration),
        position_x: numeral(options.x),
        position_y: numeral(options.y),
        height: numeral(options.height),
        fingerprint_slot: numeral(options.slot),
      }),
      options,
      FINGERPRINT_OPTIONS,
    ),
  );
}

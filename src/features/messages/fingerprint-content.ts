import type { z } from 'zod';
import type { Command, Device } from '../../planning/command.ts';
import { wholeNumber } from '../../operations/fields.ts';
import { DISPLAY_SECONDS, screenTime, screenTimeOf } from './message-content.ts';

/**
 * The fields of a fingerprint, for a schema that adds whom it is for. The units of position and height are the set-top
 * box's; their limits are ours, generous, and keep slips of the pen away.
 */
export const fingerprintFields = {
  display_date_time: screenTime('When it is shown').optional(),
  duration: wholeNumber(1, 3_600, 'Seconds for which it is shown, default 20').optional(),
  position_x: wholeNumber(0, 10_000, 'Where on the screen, from the left'),
  position_y: wholeNumber(0, 10_000, 'Where on the screen, from the top'),
  height: wholeNumber(1, 10_000, 'Its height'),
  fingerprint_slot: wholeNumber(0, 255, 'The fingerprint slot'),
};

/** The options of these fields on the command line. */
export const fingerprintOptions = {
  display_date_time: 'at',
  position_x: 'x',
  position_y: 'y',
  fingerprint_slot: 'slot',
} as const;

/** A fingerprint that was checked; it is JSON, and reads as itself. */
export type FingerprintContent = z.output<z.ZodObject<typeof fingerprintFields>>;

/**
 * The command that shows the fingerprint on a card's screen.
 * @param begin when it is shown if the fingerprint has no time: now, or when the request is due.
 */
export function fingerprintCommand(content: FingerprintContent, smartcard: Device, begin: Date): Command {
  return {
    type: 'DISPLAY_FINGERPRINT',
    smartcard,
    displayAt: screenTimeOf(content.display_date_time, begin),
    durationSeconds: content.duration ?? DISPLAY_SECONDS,
    x: content.position_x,
    y: content.position_y,
    height: content.height,
    slot: content.fingerprint_slot,
  };
}

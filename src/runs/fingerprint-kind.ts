import { z } from 'zod';
import { heldCards } from './card-holders.ts';
import { cardSource } from './card-source.ts';
import { dateText } from './date-text.ts';
import { runKind } from './kind.ts';
import { forEachCard } from './well-formed.ts';

const DURATION_MAX_S = 86_400;
const PIXELS_MAX = 9_999;
const SLOT_MAX = 255;

const whole = (what: string, min: number, max: number) =>
  z.int(`give a whole ${what}`).min(min, `give at least ${min}`).max(max, `give at most ${max}`);

export const fingerprintParameters = z.strictObject({
  display_at: dateText('when it is shown; left out: as soon as it arrives').optional(),
  duration_seconds: whole('number of seconds', 1, DURATION_MAX_S).default(20),
  x: whole('number', 0, PIXELS_MAX),
  y: whole('number', 0, PIXELS_MAX),
  height: whole('number', 1, PIXELS_MAX),
  slot: whole('number', 0, SLOT_MAX),
});

/** FINGERPRINT: the card's fingerprint on the screen of every card of a selection. */
export const fingerprintKind = runKind({
  name: 'FINGERPRINT',
  description: 'a fingerprint on the screen of every card of a selection',
  process: 'FINGERPRINTING_RUN',
  parameters: fingerprintParameters,
  source: cardSource,
  chunk: 200,
  async planRequests(tx, { parameters }, targets, context) {
    const { display_at: given, duration_seconds: durationSeconds, x, y, height, slot } = parameters;
    const displayAt = given === undefined ? Date.now() : Date.parse(given);
    const cards = await heldCards(tx, targets);
    return forEachCard(targets, cards, context, ({ smartcard, subscription }) => ({
      command: { type: 'DISPLAY_FINGERPRINT', smartcard, displayAt, durationSeconds, x, y, height, slot },
      subscription,
    }));
  },
});

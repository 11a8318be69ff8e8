import { z } from 'zod';
import { fingerprintCommand, fingerprintFields } from './fingerprint-content.ts';
import { cardSource } from '../runs/card-source.ts';
import { runKind } from '../runs/kind.ts';
import { forEachCard } from '../runs/well-formed.ts';

/** What to show, when and where. */
const fingerprintParameters = z.strictObject(fingerprintFields);

/** FINGERPRINT: the card's fingerprint on the screen of every card of a selection. */
export const fingerprintKind = runKind({
  name: 'FINGERPRINT',
  description: 'a fingerprint on the screen of every card of a selection',
  process: 'FINGERPRINTING_RUN',
  parameters: fingerprintParameters,
  source: cardSource,
  chunk: 50,
  async planRequests(tx, { parameters }, targets, context) {
    const now = new Date();
    return await forEachCard(tx, targets, context, ({ smartcard, subscription }) => ({
      command: fingerprintCommand(parameters, smartcard, now),
      subscription,
    }));
  },
});

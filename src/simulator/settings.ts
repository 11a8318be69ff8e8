import { z } from 'zod';

/** How the CAS behaves; PUT /simulator/settings changes what it names and leaves the rest. */
export interface Settings {
  /** `open`: every well-formed card, set-top box and service exists. `listed`: those of PUT /simulator/inventory. */
  inventory: 'open' | 'listed';
  /** What becomes of a card that is in another pairing: it is taken out of it, or the command is refused. */
  pairingConflict: 'take' | 'refuse';
  /** Milliseconds between the work and the answer. */
  latencyMs: number;
  /** Calls under way at once; beyond it the answer is HTTP 503. */
  maxConcurrency: number | null;
}

export const settingsSchema = z.strictObject({
  inventory: z.enum(['open', 'listed']).optional(),
  pairingConflict: z.enum(['take', 'refuse']).optional(),
  latencyMs: z.number().int().min(0).max(3_600_000).optional(),
  maxConcurrency: z.number().int().min(1).nullable().optional(),
});

export const inventorySchema = z.strictObject({
  smartcards: z.array(z.string()).default([]),
  setTopBoxes: z.array(z.string()).default([]),
  services: z.array(z.string()).default([]),
});

const cardSchema = z
  .strictObject({
    smartcard: z.string().min(1),
    entitlements: z.array(z.string().min(1)).default([]),
    ends: z.record(z.string(), z.iso.datetime({ offset: true })).optional(),
    pairing: z
      .strictObject({ smartcards: z.array(z.string().min(1)), setTopBoxes: z.array(z.string().min(1)) })
      .nullable()
      .default(null),
  })
  .superRefine(({ entitlements, ends = {} }, context) => {
    for (const caId of Object.keys(ends)) {
      if (entitlements.includes(caId)) continue;
      const message = `${caId} is not in entitlements; write it as it stands there`;
      context.addIssue({ code: 'custom', path: ['ends', caId], message });
    }
  });

/** What GET /simulator/cards gives, PUT /simulator/state takes; the bare list, too. */
export const stateSchema = z.preprocess(
  (body) => (typeof body === 'object' && body !== null && 'cards' in body ? body.cards : body),
  z.array(cardSchema),
);

/** The clock that ends products: the machine's clock plus the advance set by PUT /simulator/clock. */
export interface CasClock {
  aheadMs: number;
  /** Epoch ms. */
  readonly now: () => number;
}

/** A thousand years. */
const aheadMsMax = 31_556_952_000_000;
export const clockSchema = z.strictObject({ aheadMs: z.number().int().min(0).max(aheadMsMax) });

/** Makes a clock that shows the machine's time. */
export function createClock(): CasClock {
  const clock = { aheadMs: 0, now: () => Date.now() + clock.aheadMs };
  return clock;
}

export function defaultSettings(): Settings {
  return { inventory: 'open', pairingConflict: 'take', latencyMs: 0, maxConcurrency: null };
}

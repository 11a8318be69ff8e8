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

const cardSchema = z.strictObject({
  smartcard: z.string().min(1),
  entitlements: z.array(z.string().min(1)).default([]),
  pairing: z
    .strictObject({ smartcards: z.array(z.string().min(1)), setTopBoxes: z.array(z.string().min(1)) })
    .nullable()
    .default(null),
});

/** What GET /simulator/cards gives, PUT /simulator/state takes; the bare list, too. */
export const stateSchema = z.preprocess(
  (body) => (typeof body === 'object' && body !== null && 'cards' in body ? body.cards : body),
  z.array(cardSchema),
);

export function defaultSettings(): Settings {
  return { inventory: 'open', pairingConflict: 'take', latencyMs: 0, maxConcurrency: null };
}

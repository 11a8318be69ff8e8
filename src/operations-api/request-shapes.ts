import { z } from 'zod';
import { outcomeFields } from '../operations/outcome.ts';
import type { LeftOut } from '../features/utilities/targets.ts';

const leftOutShape = z
  .strictObject({
    smartcard_ca_id: z.string().nullable(),
    stb_ca_id: z.string().nullable(),
    reason: z.enum(['INVALID_CA_ID', 'NOTHING_TO_PAIR', 'ALREADY_PAIRED']).describe('docs/reasons.md'),
    detail: z.string(),
  })
  .meta({ id: 'LeftOut', description: 'Something that was asked for and is not sent, with the reason.' });

/** What a call of a utility made, and what became of it. */
export const utilityFields = {
  process_id: z.string().describe('`process_id` of all requests of the call.'),
  ...outcomeFields,
  left_out: z.array(leftOutShape),
};

export function leftOutView({ smartcard, setTopBox, reason, detail }: LeftOut): z.output<typeof leftOutShape> {
  return { smartcard_ca_id: smartcard, stb_ca_id: setTopBox, reason, detail };
}

import { z } from 'zod';
import type { Withheld } from '../../planning/types.ts';
import type { Queryable } from '../../platform/database.ts';
import type { StoredEvent } from './stored.ts';

/** A command that was not sent, or would not be. */
export const withheldCommand = z.strictObject({
  type: z.string(),
  reason: z.string().describe('docs/reasons.md'),
  smartcard_ca_id: z.string().nullable(),
  service_ca_id: z.string().nullable(),
  detail: z.string(),
});
type WithheldCommand = z.output<typeof withheldCommand>;

const madeRequest = z.strictObject({
  number: z.int(),
  type: z.string(),
  smartcard_ca_ids: z.array(z.string()),
  life_cycle_state: z.string(),
  error_code: z.string().nullable(),
});

/** What was made of a message, as operations show it. */
export const madeFields = {
  requests: z.array(madeRequest).describe('The requests that were made of it, in the order of sending.'),
  withheld: z.array(withheldCommand).describe('Commands that were not sent, and why.'),
};

/** Reads what was made of a message. */
export async function readMade(
  db: Queryable,
  { id, action_id: action, subscription_number: subscription }: StoredEvent,
): Promise<z.output<z.ZodObject<typeof madeFields>>> {
  const requests =
    action === null ? [] : await db.query<z.output<typeof madeRequest>>(REQUESTS, [action, subscription, id]);
  return { requests, withheld: await db.query<WithheldCommand>(WITHHELD, [id]) };
}

/** Returns a command that planning withheld as operations show it. */
export function showWithheld({ type, reason, smartcard, serviceCaId, detail }: Withheld): WithheldCommand {
  return { type, reason, smartcard_ca_id: smartcard, service_ca_id: serviceCaId, detail };
}

/** Walks request_action. */
const REQUESTS = /* sql */ `
select number, type, cards as smartcard_ca_ids, life_cycle_state, error_code
  from request where action_id = $1 and subscription_number = $2 and inbox_id = $3 order by number`;

/** Walks withheld's primary key. */
const WITHHELD = /* sql */ `
select type, reason, smartcard as smartcard_ca_id, service_ca_id, detail from withheld where inbox_id = $1 order by ordinal`;

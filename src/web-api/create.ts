import { formatDate } from '../http/dates.ts';
import { WebApiError } from '../http/envelope.ts';
import { type IdempotentCall, noLongerKept, once } from '../http/idempotency.ts';
import { sealPin } from '../http/seal-pin.ts';
import type { Transaction } from '../platform/database.ts';
import { findRequest, type ProvisioningRequest } from '../requests/find.ts';
import type { NewRequest } from '../requests/new-request.ts';
import { submitRequests } from '../requests/submit.ts';
import type { User } from '../users/user.ts';
import { commandOf, type CreateInput } from './commands.ts';
import type { WebApiParts } from './parts.ts';
import { UDF_DATES, UDF_FLOATS, UDF_STRINGS } from '../requests/shown.ts';

/**
 * Makes the provisioning request of a call in one transaction: stores the Idempotency-Key, resolves the identifiers
 * with the subscription locked, and stores the request in its cards' order. Dispatchers see it after the commit.
 * @throws WebApiError naming the parameter that is wrong.
 */
export async function createRequest(
  parts: Pick<WebApiParts, 'db' | 'seal' | 'patterns'>,
  input: CreateInput,
  { user, traceparent }: { readonly user: User; readonly traceparent: string | null },
  idempotent: IdempotentCall | null,
): Promise<ProvisioningRequest> {
  const immediate = input.body.process_immediately === true;
  const scheduledAt = input.body.scheduled_date ?? null;
  if (immediate && scheduledAt !== null && scheduledAt.getTime() > Date.now()) {
    throw new WebApiError(
      'SCHEDULED_AND_IMMEDIATE',
      `scheduled_date is ${formatDate(scheduledAt)} and process_immediately is true: keep one of them`,
    );
  }
  // Before the transaction, so that the clear PIN goes no further.
  const sealedPin =
    input.call === 'reset_pin_to_given_value' ? await sealPin(parts.db, parts.seal, input.body.pin) : null;
  const make = async (tx: Transaction): Promise<number> => {
    const { command, subscription } = await commandOf(tx, input, parts.patterns);
    const request: NewRequest = {
      command,
      sequenceNumber: 1,
      subscription: subscription === null ? null : { id: subscription.id, number: subscription.number },
      // EXPRESS changes only the order between cards.
      priority: immediate ? 'EXPRESS' : (input.body.priority ?? 'REGULAR'),
      scheduledAt,
      process: { name: 'MANUAL', id: null },
      userDefined: userDefinedOf(input.body),
      createdBy: { user: user.username, unit: user.unit },
      traceparent,
      sealedPin,
      awaited: immediate,
    };
    const [stored] = await submitRequests(tx, [request]);
    if (stored === undefined) throw new Error('A request was submitted and has no number');
    return stored.number;
  };
  return await once(parts.db, idempotent, make, read);
}

/** In the transaction: if the call waited for another connection, it could fail after its request was made. */
async function read(tx: Transaction, number: number): Promise<ProvisioningRequest> {
  const found = await findRequest(tx, { number });
  if (found === null) throw noLongerKept(number);
  return found;
}

/** Returns the user-defined fields as they are shown; null if there are none. */
function userDefinedOf(body: CreateInput['body']): Record<string, string | number> | null {
  const given: Record<string, string | number> = {};
  for (const name of [...UDF_STRINGS, ...UDF_FLOATS]) if (body[name] !== undefined) given[name] = body[name];
  for (const name of UDF_DATES) if (body[name] !== undefined) given[name] = formatDate(body[name]);
  return Object.keys(given).length === 0 ? null : given;
}

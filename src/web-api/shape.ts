import { z } from 'zod';
import { formatDate } from '../http/dates.ts';
import type { ProvisioningRequest } from '../requests/find.ts';
import { requestFields, requestView } from '../requests/shown.ts';

const date = () => z.string().meta({ description: 'UTC, whole seconds.', examples: ['2014-11-28T15:05:20'] });

/** A provisioning request as the Web API shows it; `fields_set` may leave out any of its fields. */
export const completeRequest = z
  .strictObject({
    id: z.string().regex(/^[0-9A-F]{32}$/),
    number: z.string().regex(/^\d+$/),
    ...requestFields(date),
  })
  .partial()
  .meta({ id: 'ProvisioningRequest', description: 'A provisioning request: one command for the CAS.' });

export type CompleteRequest = z.output<typeof completeRequest>;
export type RequestField = keyof CompleteRequest;

/** The names that `fields_set` may have. */
export const REQUEST_FIELDS = Object.keys(completeRequest.shape) as RequestField[];

/** Returns the complete view of a provisioning request, or only these of its fields. */
export function viewOf(request: ProvisioningRequest, fields: ReadonlySet<RequestField> | null): CompleteRequest {
  const complete = { id: request.id, number: String(request.number), ...requestView(request, formatDate) };
  if (fields === null) return complete;
  return Object.fromEntries(Object.entries(complete).filter(([name]) => fields.has(name as RequestField)));
}

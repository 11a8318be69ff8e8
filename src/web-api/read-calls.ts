import { z } from 'zod';
import { type Call, call } from '../http/calls.ts';
import { success, successSchema, WebApiError } from '../http/envelope.ts';
import { findRequest } from '../requests/find.ts';
import { listRequests } from '../requests/list.ts';
import { listQuery, PAGE, showQuery } from './inputs.ts';
import type { WebApiParts } from './parts.ts';
import { completeRequest, viewOf } from './shape.ts';

/** The calls that read: show and list. */
export function readCalls({ db }: Pick<WebApiParts, 'db'>): Call[] {
  return [
    call({
      name: 'showProvisioningRequest',
      method: 'GET',
      paths: ['/conax_web_services/provisioning_requests/show', '/conax_web_services/provisioning_request/show'],
      access: 'reader',
      tag: 'provisioning requests',
      summary: 'One provisioning request',
      description: 'By its id or its number, as `provisioning_request_identifier=number=123`.',
      input: showQuery,
      output: successSchema(completeRequest),
      async handle({ input }) {
        const identifier = input.provisioning_request_identifier;
        const found = await findRequest(db, identifier);
        if (found) return success(viewOf(found, input.fields_set));
        throw new WebApiError(
          'PROVISIONING_REQUEST_NOT_FOUND',
          `provisioning_request_identifier: no request has the ${Object.entries(identifier).join().replace(',', ' ')}; check it`,
        );
      },
    }),
    call({
      name: 'listProvisioningRequests',
      method: 'GET',
      paths: ['/conax_web_services/provisioning_requests/list', '/conax_web_services/provisioning_request/list'],
      access: 'reader',
      tag: 'provisioning requests',
      summary: 'Provisioning requests of a type, in a life cycle state, or with a reference number',
      description:
        'In the order of their numbers, a page at a time. Give `next_after` of a page as `after` to get the next one; it is null on the last.',
      input: listQuery,
      output: successSchema(
        z.strictObject({
          provisioning_requests: z.array(completeRequest),
          next_after: z.string().nullable().describe('`after` of the next page; null if this is the last.'),
        }),
      ),
      async handle({ input }) {
        const limit = input.number_of_results ?? PAGE.fallback;
        const { fields_set: fields } = input;
        // One more than requested shows whether there is another page.
        const found = await listRequests(db, {
          filter: {
            type: input.type,
            lifeCycleState: input.life_cycle_state,
            referenceNumber: input.reference_number,
          },
          limit: limit + 1,
          offset: input.offset ?? 0,
          after: input.after ?? null,
          bodies: fields === null || fields.has('request') || fields.has('response'),
        });
        const page = found.slice(0, limit);
        return success({
          provisioning_requests: page.map((request) => viewOf(request, fields)),
          next_after: found.length > limit ? String(page.at(-1)?.number) : null,
        });
      },
    }),
  ];
}

import { z } from 'zod';
import { smartcardsOf } from '../planning/command.ts';
import { type Column, table } from '../platform/terminal-text.ts';
import type { ProvisioningRequest } from '../requests/find.ts';
import { requestFields, requestView } from '../requests/shown.ts';
import { instant } from './fields.ts';

/** A provisioning request as operations show it. */
export const shownRequest = z
  .strictObject({
    number: z.int(),
    id: z.string().regex(/^[0-9A-F]{32}$/),
    ...requestFields(instant),
    subscription_number: z.string().nullable(),
    subscription_id: z.string().nullable(),
    smartcard_ca_ids: z.array(z.string()).describe('All smart cards that the command touches.'),
    attempts: z.int().describe('How often something was sent for it.'),
    answer: z
      .strictObject({
        active_services: z.array(z.string()).nullable().describe('Service CA ids.'),
        pairing: z
          .strictObject({ smartcard_ca_ids: z.array(z.string()), stb_ca_ids: z.array(z.string()) })
          .nullable()
          .describe('Null: the CAS has no pairing of the device, or was not asked.'),
      })
      .nullable()
      .describe('What the CAS answered to a question.'),
  })
  .meta({ id: 'OperationRequest', description: 'A provisioning request: one command for the CAS.' });
export type ShownRequest = z.output<typeof shownRequest>;

/** Returns a request as operations show it. */
export function showRequest(request: ProvisioningRequest): ShownRequest {
  const { activeServices, pairing = null } = request.answer ?? {};
  return {
    number: request.number,
    id: request.id,
    ...requestView(request, (at) => at.toISOString()),
    subscription_number: request.subscriptionNumber,
    subscription_id: request.subscriptionId,
    smartcard_ca_ids: smartcardsOf(request.command),
    attempts: request.attempts,
    answer: request.answer && {
      active_services: activeServices === undefined ? null : [...activeServices],
      pairing: pairing && { smartcard_ca_ids: [...pairing.smartcards], stb_ca_ids: [...pairing.setTopBoxes] },
    },
  };
}

/** Returns a table of requests, one a line, under a line of titles. */
export function requestTable(requests: readonly ShownRequest[]): string {
  return table(COLUMNS, requests);
}

const COLUMNS: readonly Column<ShownRequest>[] = [
  ['number', ({ number }) => number],
  ['state', ({ life_cycle_state: state }) => state],
  ['type', ({ type }) => type],
  ['cards', ({ smartcard_ca_ids: cards }) => cards.join(' ')],
  ['created', ({ log_information: { created_date: created } }) => created],
  ['final', ({ executed_date: final }) => final],
  ['process', ({ process_name: process }) => process],
  ['subscription', ({ subscription_number: subscription }) => subscription],
  ['reference', ({ reference_number: reference }) => reference],
  ['error', ({ error_code: error }) => error],
];

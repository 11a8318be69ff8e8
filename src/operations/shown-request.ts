import { z } from 'zod';
import { smartcardsOf } from '../planning/command.ts';
import { type Column, table } from '../platform/terminal-text.ts';
import { type ProvisioningRequest, type RequestProgress, urgencies } from '../requests/find.ts';
import { requestFields, requestView } from '../requests/shown.ts';
import { PHASES, type Phase } from '../requests/life-cycle.ts';
import { instant } from './fields.ts';

const phases = [...Object.keys(PHASES), 'PAUSED'] as (Phase | 'PAUSED')[];
/** How far a request is, as operations show it. */
export const progressFields = {
  phase: z.enum(phases).describe('docs/life-cycle.md; PAUSED: it would be sent, but sending to the CAS is paused.'),
  urgency: z
    .enum(urgencies)
    .nullable()
    .describe(
      'What goes first among ready requests: EXPRESS, GIVING, TAKING, BULK. A request that others wait for has their urgency. Null if it is final.',
    ),
  waits_for: z.int().nullable().describe('WAITING_BEHIND: the request that goes first on the card.'),
  next_try_date: instant().nullable().describe('Its date, or the end of its back-off.'),
  last_error: z.string().nullable().describe('Code and text of the last attempt of a PENDING request.'),
  attempts: z.int().describe('How often something was sent for it.'),
};

/** Returns how far a request is, with the fields of `progressFields`. */
export function showProgress(request: RequestProgress) {
  const { phase, urgency, behind, nextTryAt, lastCode, lastDescription, attempts } = request;
  return {
    phase,
    urgency,
    waits_for: behind,
    next_try_date: nextTryAt?.toISOString() ?? null,
    last_error: lastCode === null ? null : [lastCode, lastDescription].filter(Boolean).join(': '),
    attempts,
  };
}

/** Returns the phase with what it waits for: `WAITING_BEHIND 95`, `RETRYING, next 10:42:07` (UTC). */
export function phaseText({ phase, waits_for: first, next_try_date: next }: ReturnType<typeof showProgress>): string {
  if (first !== null) return `${phase} ${first}`;
  if (phase === 'RETRYING' && next !== null) return `${phase}, next ${next.slice(11, 19)}`;
  return phase === 'SCHEDULED' && next !== null ? `${phase} ${next}` : phase;
}

/** A provisioning request as operations show it. */
export const shownRequest = z
  .strictObject({
    number: z.int(),
    id: z.string().regex(/^[0-9A-F]{32}$/),
    ...requestFields(instant),
    subscription_number: z.string().nullable(),
    subscription_id: z.string().nullable(),
    smartcard_ca_ids: z.array(z.string()).describe('All smart cards that the command touches.'),
    ...progressFields,
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
    ...showProgress(request),
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
  ['phase', phaseText],
  ['urgency', ({ urgency }) => urgency],
  ['type', ({ type }) => type],
  ['cards', ({ smartcard_ca_ids: cards }) => cards.join(' ')],
  ['created', ({ log_information: { created_date: created } }) => created],
  ['final', ({ executed_date: final }) => final],
  ['process', ({ process_name: process }) => process],
  ['subscription', ({ subscription_number: subscription }) => subscription],
  ['reference', ({ reference_number: reference }) => reference],
  ['attempts', ({ attempts }) => attempts],
  ['error', ({ error_code: error, last_error: last }) => error ?? last],
];

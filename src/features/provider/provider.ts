import { z } from 'zod';
import { pauseProvider, providerHistory, providerStatus, resumeProvider } from '../../dispatch/provider.ts';
import { instant, limit, noInput, wholeNumber } from '../../operations/fields.ts';
import { type Feature, operation } from '../../operations/operation.ts';
import type { Queryable } from '../../platform/database.ts';
import { text } from '../../http/input-kinds.ts';

const fields = {
  paused: z.boolean(),
  paused_reason: z.string().nullable(),
  paused_by: z.string().nullable().describe('Who paused it.'),
  changed_date: instant().describe('When it was last paused or resumed.'),
  breaker: z.enum(['closed', 'open', 'half-open']),
  failures_in_a_row: z.int(),
  breaker_open_until: instant().nullable(),
  instances: z.array(
    z.strictObject({
      id: z.string(),
      slots: z.int().describe('Calls that it may have under way at once.'),
      requests_per_second: z.number(),
      started_date: instant(),
    }),
  ),
};
const status = z
  .strictObject(fields)
  .meta({ id: 'Provider', description: 'Whether the service may send to the CAS now.' });
const changed = z
  .strictObject({ changed: z.boolean().describe('False: it was so before, and nothing changed.'), ...fields })
  .meta({ id: 'ChangedProvider', description: 'Whether the service may send to the CAS after the call.' });
type Status = z.output<typeof status>;

/** `provider`: pauses and resumes sending to the CAS. */
export const provider: Feature = {
  name: 'provider',
  summary: 'Pauses and resumes sending to the CAS while the service runs.',
  operations: [
    operation({
      name: 'provider.status',
      summary: 'Show whether commands are sent to the CAS',
      description: 'Shows the switch, the breaker, and the instances with their shares of the limits.',
      role: 'viewer',
      route: 'GET /provider',
      input: noInput,
      output: status,
      example: {},
      cli: { text: statusText },
      handle: async ({ db }) => await read(db),
    }),
    operation({
      name: 'provider.history',
      summary: 'Show who paused and resumed sending, and why',
      description: 'The newest first. The id of an instance as its author: the service paused it itself.',
      role: 'viewer',
      route: 'GET /provider/history',
      input: z.strictObject({
        limit: limit(),
        before: wholeNumber(
          1,
          999_999_999_999_999,
          'Only changes before this id, the last one of the page before',
        ).optional(),
      }),
      output: z
        .strictObject({
          changes: z.array(
            z.strictObject({
              id: z.int(),
              date: instant(),
              change: z.enum(['PAUSED', 'RESUMED']),
              by_user: z.string(),
              by_unit: z.string().nullable(),
              reason: z.string().nullable().describe('Why it was paused.'),
            }),
          ),
        })
        .meta({ id: 'ProviderHistory', description: 'Who paused and resumed sending.' }),
      example: { limit: 10 },
      cli: { empty: 'Sending was never paused.' },
      async handle({ db }, { limit: most, before = null }) {
        const changes = await providerHistory(db, { before, limit: most });
        return {
          changes: changes.map(({ id, at, change, by, unit, reason }) => ({
            id,
            date: at.toISOString(),
            change,
            by_user: by,
            by_unit: unit,
            reason,
          })),
        };
      },
    }),
    operation({
      name: 'provider.pause',
      summary: 'Stop all sending to the CAS',
      description:
        'Applies to every instance. Requests stay PENDING and in order. If sending was paused before, the first reason stays.',
      role: 'admin',
      route: 'POST /provider/pause',
      input: z.strictObject({
        reason: text(200).trim().min(1, 'give the reason').describe('Why, for those who find it paused.'),
      }),
      output: changed,
      example: { reason: 'CAS upgrade until 14:00' },
      cli: {
        defaults: { reason: 'paused on the command line' },
        text: (output) => (output.changed ? 'paused' : 'it was paused before; the first reason stays'),
      },
      async handle({ db, by }, { reason }) {
        const isChanged = await pauseProvider(db, { reason, by: by.user, unit: by.unit });
        return { changed: isChanged, ...(await read(db)) };
      },
    }),
    operation({
      name: 'provider.resume',
      summary: 'Send to the CAS again',
      description: 'Closes the breaker as well.',
      role: 'admin',
      route: 'POST /provider/resume',
      input: noInput,
      output: changed,
      example: {},
      cli: { text: (output) => (output.changed ? 'resumed' : 'it was not paused') },
      async handle({ db, by }) {
        const isChanged = await resumeProvider(db, { by: by.user, unit: by.unit });
        return { changed: isChanged, ...(await read(db)) };
      },
    }),
  ],
};

async function read(db: Queryable): Promise<Status> {
  const found = await providerStatus(db);
  return {
    paused: found.paused,
    paused_reason: found.pausedReason,
    paused_by: found.pausedBy,
    changed_date: found.changedAt.toISOString(),
    breaker: found.breaker,
    failures_in_a_row: found.failuresInARow,
    breaker_open_until: found.breakerOpenUntil?.toISOString() ?? null,
    instances: found.instances.map(({ id, slots, requestsPerSecond, startedAt }) => ({
      id,
      slots,
      requests_per_second: requestsPerSecond,
      started_date: startedAt.toISOString(),
    })),
  };
}

function statusText(shown: Status): string {
  const sending = shown.paused
    ? `paused since ${shown.changed_date} by ${shown.paused_by}: ${shown.paused_reason}`
    : 'sending';
  const until = shown.breaker_open_until === null ? '' : ` until ${shown.breaker_open_until}`;
  const instances = shown.instances.map(
    ({ id, slots, requests_per_second: rate }) => `  ${id}: ${slots} calls at once, ${rate} a second`,
  );
  return [
    `provider   ${sending}`,
    `breaker    ${shown.breaker}${until}, ${shown.failures_in_a_row} failures in a row`,
    `instances  ${instances.length === 0 ? '0: no instance of the service sends now' : instances.length}`,
    ...instances,
  ].join('\n');
}

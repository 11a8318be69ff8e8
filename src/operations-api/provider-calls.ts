import { z } from 'zod';
import { pauseProvider, providerStatus, type ProviderStatus, resumeProvider } from '../dispatch/provider.ts';
import { type Call, call } from '../http/calls.ts';
import { formatDate } from '../http/dates.ts';
import { success, successSchema } from '../http/envelope.ts';
import { text } from '../http/input-kinds.ts';
import { actorOf } from './actor.ts';
import type { OperationsParts } from './parts.ts';
import { nothingAsked, shownDate } from './shapes.ts';

const providerView = z
  .strictObject({
    paused: z.boolean(),
    paused_reason: z.string().nullable(),
    paused_by: z.string().nullable().describe('Who paused it, or resumed it last.'),
    changed_date: shownDate(),
    breaker: z.enum(['closed', 'open', 'half-open']),
    failures_in_a_row: z.int(),
    breaker_open_until: shownDate().nullable(),
    instances: z.array(
      z.strictObject({
        id: z.string(),
        slots: z.int().describe('Calls that it may have under way at once.'),
        requests_per_second: z.number(),
        started_date: shownDate(),
      }),
    ),
  })
  .meta({ id: 'Provider', description: 'The CAS as the service may use it now.' });

const pauseInput = z.strictObject({
  reason: text(200).trim().min(1, 'say why').describe('Why, for those who find it paused.'),
});

/** `provider` in the operations API: sending to the CAS off and on. */
export function providerCalls({ db }: Pick<OperationsParts, 'db'>): Call[] {
  const common = { tag: 'provider', output: successSchema(providerView) };
  return [
    call({
      ...common,
      name: 'showProvider',
      method: 'GET',
      paths: ['/provider'],
      access: 'reader',
      summary: 'Whether commands are sent to the CAS',
      description: 'The switch, the breaker, and the instances with their shares of the limits.',
      input: nothingAsked,
      handle: async () => success(viewOf(await providerStatus(db))),
    }),
    call({
      ...common,
      name: 'pauseProvider',
      method: 'POST',
      paths: ['/provider/pause'],
      access: 'admin',
      summary: 'Send nothing more to the CAS',
      description:
        'On every instance; requests stay PENDING and in order. Where it was paused before, the first reason stays.',
      input: pauseInput,
      async handle(asked) {
        await pauseProvider(db, { reason: asked.input.reason, by: actorOf(asked).user });
        return success(viewOf(await providerStatus(db)));
      },
    }),
    call({
      ...common,
      name: 'resumeProvider',
      method: 'POST',
      paths: ['/provider/resume'],
      access: 'admin',
      summary: 'Send to the CAS again',
      description: 'With the breaker closed.',
      input: nothingAsked,
      async handle(asked) {
        await resumeProvider(db, { by: actorOf(asked).user });
        return success(viewOf(await providerStatus(db)));
      },
    }),
  ];
}

function viewOf(status: ProviderStatus): z.output<typeof providerView> {
  return {
    paused: status.paused,
    paused_reason: status.pausedReason,
    paused_by: status.pausedBy,
    changed_date: formatDate(status.changedAt),
    breaker: status.breaker,
    failures_in_a_row: status.failuresInARow,
    breaker_open_until: status.breakerOpenUntil === null ? null : formatDate(status.breakerOpenUntil),
    instances: status.instances.map(({ id, slots, requestsPerSecond, startedAt }) => ({
      id,
      slots,
      requests_per_second: requestsPerSecond,
      started_date: formatDate(startedAt),
    })),
  };
}

import { z } from 'zod';
import { refuse } from '../features/messages/content-kinds.ts';
import { wholeNumber } from '../operations/fields.ts';
import { DEFAULT_LIMITS, type StoredSelection } from '../features/replay/open-events.ts';
import type { PlanRow } from '../features/replay/plan-rows.ts';
import type { Replay } from '../features/replay/record.ts';
import { ACTION_NAME, SELECTABLE } from '../features/replay/select-events.ts';
import { formatDate } from '../http/dates.ts';
import { date, text } from '../http/input-kinds.ts';
import { shownDate } from './shapes.ts';

const OFFSET_MAX = Number.MAX_SAFE_INTEGER;
const why = text(1_000).trim().min(1, 'say why').describe('Why, for the record.');
const flag = z.boolean('give true or false').optional();

const selectionFields = {
  from_date: date
    .optional()
    .describe('Events received from then on; of a topic, messages with this time or a later one.'),
  to_date: date.optional().describe('Events received before; of a topic, messages with an earlier time.'),
  disposition: z.enum(SELECTABLE, 'give PLANNED, NOTHING_TO_DO or STALE').optional(),
  topic: text(249).min(1, 'name a topic').optional().describe('From this Kafka topic instead of the inbox.'),
  partition: wholeNumber(0, 1_000_000, 'One partition of the topic').optional(),
  from_offset: wholeNumber(0, OFFSET_MAX, 'From this offset of the partition on').optional(),
  to_offset: wholeNumber(0, OFFSET_MAX, 'Up to the message before this offset').optional(),
  subscription_number: text(500).trim().min(1, 'give a number').optional(),
  action_id: text(500).min(1, 'give an id').optional().describe("The CRM's id of an action."),
  action_type: z
    .string('give a text')
    .regex(ACTION_NAME, 'give S, V or I, a colon, a blank and the type: "V: ADD_SERVICE"')
    .optional()
    .describe('Of one action type, such as `V: ADD_SERVICE`.'),
  again: flag.describe('Send again also what was made then and is made now: for a CAS that lost it.'),
  reason: why,
};

/** The input of a plan. */
export const planInput = z.strictObject(selectionFields).superRefine(checkSource);

/** The input of a replay of events. */
export const runInput = z
  .strictObject({
    ...selectionFields,
    window: wholeNumber(
      1,
      100_000,
      'So many of its requests wait to be sent at a time, at most; default 500',
    ).optional(),
    requests_per_second: wholeNumber(1, 100_000, 'At most').optional(),
  })
  .superRefine(checkSource);

/** The input of a replay of outcomes. */
export const outcomesInput = z
  .strictObject({
    from_date: date.optional().describe('Outcomes that were stored from then on.'),
    to_date: date.optional().describe('Outcomes that were stored before.'),
    subscription_number: text(500).trim().min(1, 'give a number').optional(),
    request_number: wholeNumber(1, OFFSET_MAX, 'That of one provisioning request, and those of its action').optional(),
    topic: text(249)
      .min(1, 'name a topic')
      .optional()
      .describe('To this topic, which has to exist, instead of their own.'),
    latest: flag.describe('Of each action only its newest outcome.'),
    reason: why,
  })
  .superRefine((given, context) => {
    const { from_date: from, to_date: to, subscription_number: subscription, request_number: request } = given;
    if ([from, to, subscription, request].every((one) => one === undefined)) {
      const all = '{from_date}, {to_date}, {subscription_number} or {request_number}';
      refuse(context, 'PARAMETER_MISSING', `say which outcomes: give ${all}`);
    }
    if (subscription !== undefined && request !== undefined) {
      refuse(context, 'PARAMETER_INVALID', 'give one of {subscription_number} and {request_number}');
    }
  });

function checkSource(
  given: {
    readonly topic?: string | undefined;
    readonly partition?: number | undefined;
    readonly from_offset?: number | undefined;
    readonly to_offset?: number | undefined;
    readonly disposition?: string | undefined;
  },
  context: z.RefinementCtx,
): void {
  const offsets = given.from_offset !== undefined || given.to_offset !== undefined;
  if (given.topic === undefined && (offsets || given.partition !== undefined)) {
    refuse(context, 'PARAMETER_INVALID', '{partition}, {from_offset} and {to_offset} belong to {topic}: give it too');
  }
  if (offsets && given.partition === undefined) {
    refuse(context, 'PARAMETER_MISSING', '{from_offset} and {to_offset} need {partition}');
  }
  if (given.topic !== undefined && given.disposition !== undefined) {
    refuse(context, 'PARAMETER_INVALID', '{disposition} is for events of the inbox: leave it or {topic} out');
  }
}

/** What is asked for, as a hosted replay keeps it. */
export function hostedSelection(given: z.output<typeof runInput>): StoredSelection {
  const times = { from: given.from_date?.toISOString() ?? null, to: given.to_date?.toISOString() ?? null };
  const { topic } = given;
  return {
    source:
      topic === undefined
        ? { kind: 'inbox', ...times, disposition: given.disposition ?? null }
        : {
            kind: 'kafka',
            topic,
            partition: given.partition ?? null,
            fromOffset: given.from_offset ?? null,
            toOffset: given.to_offset ?? null,
            ...times,
          },
    subscription: given.subscription_number ?? null,
    action: given.action_id ?? null,
    type: given.action_type ?? null,
    ranges: null,
    fingerprint: null,
    again: given.again ?? false,
    limits: {
      window: given.window ?? DEFAULT_LIMITS.window,
      perSecond: given.requests_per_second ?? DEFAULT_LIMITS.perSecond,
    },
  };
}

/** A replay in an answer. */
export const replayView = z
  .strictObject({
    id: z.int(),
    kind: z.enum(['PLAN', 'EVENTS', 'OUTCOMES']),
    state: z
      .enum(['RUNNING', 'STOPPED', 'COMPLETED'])
      .describe('RUNNING also while it waits for an instance of the service.'),
    reason: z.string(),
    created_by_user: z.string(),
    created_by_unit: z.string().nullable(),
    started_date: shownDate(),
    ended_date: shownDate().nullable(),
    counts: z.record(z.string(), z.int()).describe('How far it came.'),
    stop_requested_by: z.string().nullable(),
    hosted: z.boolean().describe('The service works on it, rather than a command of somebody.'),
    failure: z
      .string()
      .nullable()
      .describe('Why the service gave it up; while it is RUNNING, the outage it waits out.'),
    selection: z.unknown().describe('What it takes, and how fast; `unreadable`: messages that could not be read.'),
    result: z.unknown().describe('Of a plan that is COMPLETED: its summary, by command and reason.'),
  })
  .meta({ id: 'Replay', description: 'Events planned or processed again, or outcomes published again.' });

/** A replay as an answer shows it. */
export function replayOf(one: Replay): z.output<typeof replayView> {
  return {
    id: one.id,
    kind: one.kind,
    state: one.state,
    reason: one.reason,
    created_by_user: one.createdBy.user,
    created_by_unit: one.createdBy.unit,
    started_date: formatDate(one.startedAt),
    ended_date: one.endedAt === null ? null : formatDate(one.endedAt),
    counts: { ...one.counts },
    stop_requested_by: one.stopRequestedBy,
    hosted: one.hosted,
    failure: one.failure,
    selection: one.selection,
    result: one.result,
  };
}

const rowFields = {
  version: z.int(),
  action: z.string(),
  action_id: z.string(),
  verdict: z.enum(['same', 'new', 'no longer', 'changed', 'withheld']),
  type: z.string().nullable(),
  smartcard_ca_id: z.string().nullable(),
  service_ca_id: z.string().nullable(),
  then_state: z.string().nullable().describe('What became of it then.'),
  reason: z.string().nullable().describe("Why today's rules make nothing."),
  effects: z.array(
    z.strictObject({
      kind: z.enum(['send', 'nothing']),
      type: z.string().nullable(),
      reason: z.string().nullable(),
      detail: z.string().nullable(),
    }),
  ),
};

/** A row of a plan in an answer. */
export const rowView = z
  .strictObject({ subscription_number: z.string(), ...rowFields })
  .meta({ id: 'ReplayPlanRow', description: 'One command of one past event: then, now, and what a run would do.' });

/** A row of a plan as an answer shows it. */
export function rowOf(row: PlanRow): z.output<typeof rowView> {
  return {
    subscription_number: row.subscription,
    version: row.version,
    action: row.action,
    action_id: row.actionId,
    verdict: row.verdict,
    type: row.type,
    smartcard_ca_id: row.smartcard,
    service_ca_id: row.serviceCaId,
    then_state: row.thenState,
    reason: row.reason,
    effects: row.effects.map((effect) =>
      effect.kind === 'send'
        ? { kind: 'send', type: effect.command.type, reason: null, detail: null }
        : { kind: 'nothing', type: null, reason: effect.reason, detail: effect.detail },
    ),
  };
}

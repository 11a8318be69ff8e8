import { resolve } from 'node:path';
import { z } from 'zod';
import { refuse, text } from '../../http/input-kinds.ts';
import { moment, wholeNumber } from '../../operations/fields.ts';
import { DEFAULT_LIMITS, type ReplayLimits, type StoredSelection } from './open-events.ts';
import type { OutcomeSelection } from './select-outcomes.ts';
import { ACTION_NAME, type EventSource, SELECTABLE } from './select-events.ts';

const NUMBER_MAX = Number.MAX_SAFE_INTEGER;
const topicName = text(249).min(1, 'name a topic').optional();
const subscriptionNumber = text(500).trim().min(1, 'give a number').optional();
const flag = (what: string) => z.boolean('give true or false').default(false).describe(what);
const reason = text(1_000).trim().min(1, 'give the reason').describe('Why, for the record.');

const selection = {
  from_date: moment('Events received from then on; of a topic, messages with this time or a later one').optional(),
  to_date: moment('Events received before; of a topic, messages with an earlier time').optional(),
  disposition: z
    .enum(SELECTABLE, `give one of ${SELECTABLE.join(', ')}`)
    .optional()
    .describe('Only events of the inbox with this disposition.'),
  topic: topicName.describe('From this Kafka topic instead of the inbox.'),
  partition: wholeNumber(0, 1_000_000, 'One partition of the topic').optional(),
  from_offset: wholeNumber(0, NUMBER_MAX, 'From this offset of the partition on').optional(),
  to_offset: wholeNumber(0, NUMBER_MAX, 'Up to the message before this offset').optional(),
  subscription_number: subscriptionNumber.describe('Only events of this subscription.'),
  action_id: text(500)
    .min(1, 'give an id')
    .optional()
    .describe("Only events of this CRM action, by the CRM's id of it."),
  action_type: z
    .string('give a text')
    .regex(ACTION_NAME, 'give S, V or I, a colon, a blank and the type: "V: ADD_SERVICE"')
    .optional()
    .describe('Only events of one action type, such as `V: ADD_SERVICE`.'),
  again: flag('Also sends again what was made then and is made now, for a CAS that lost it.'),
};
const file = text(4_096)
  .min(1, 'name a file')
  .optional()
  .describe('From this file instead of the inbox: one event as JSON on each line.');
const limits = {
  window: wholeNumber(
    1,
    100_000,
    `How many of its requests wait to be sent at a time; default ${DEFAULT_LIMITS.window}`,
  ).optional(),
  requests_per_second: wholeNumber(1, 100_000, 'How many requests a second at most').optional(),
};

export const ID_MAX = 999_999_999_999_999;
export const replayIdField = wholeNumber(1, ID_MAX, 'The number that `replay list` shows first');

/** The input of a plan. */
export const planInput = z.strictObject({ ...selection, reason }).superRefine(checkSource);
/** The input of a replay of events. */
export const runInput = z.strictObject({ ...selection, ...limits, reason }).superRefine(checkSource);
/** The inputs on the command line, which does the work itself and may read a file. */
export const localPlanInput = z.strictObject({ ...selection, file }).superRefine(checkSource);
export const localRunInput = z.strictObject({ ...selection, file, ...limits, reason }).superRefine(checkSource);
export const localResumeInput = z.strictObject({ id: replayIdField, ...limits });

/** The options of the command line that have other names than the fields. */
export const OPTION_NAMES = {
  from_date: 'from',
  to_date: 'to',
  subscription_number: 'subscription',
  action_id: 'action',
  action_type: 'type',
  requests_per_second: 'rate',
  request_number: 'request',
};

/** The input of a replay of outcomes. */
export const outcomesInput = z
  .strictObject({
    from_date: moment('Outcomes that were stored from then on').optional(),
    to_date: moment('Outcomes that were stored before').optional(),
    subscription_number: subscriptionNumber.describe('Outcomes of this subscription.'),
    request_number: wholeNumber(1, NUMBER_MAX, 'The outcome of one request, and those of its action').optional(),
    topic: topicName.describe('To this topic, which must exist, instead of their own.'),
    latest: flag('Only the newest outcome of each action.'),
    reason,
  })
  .superRefine((given, context) => {
    const { from_date: from, to_date: to, subscription_number: subscription, request_number: request } = given;
    if ([from, to, subscription, request].every((one) => one === undefined)) {
      const all = '{from_date}, {to_date}, {subscription_number} or {request_number}';
      refuse(context, 'PARAMETER_MISSING', `name the outcomes: give ${all}`);
    }
    if (subscription !== undefined && request !== undefined) {
      refuse(context, 'PARAMETER_INVALID', 'give one of {subscription_number} and {request_number}');
    }
  });

type GivenLimits = z.output<z.ZodObject<typeof limits>>;
type Given = z.output<z.ZodObject<typeof selection>> & GivenLimits & { readonly file?: string | undefined };

function checkSource(given: Given, context: z.RefinementCtx): void {
  const { topic, partition, from_offset: first, to_offset: end, disposition, from_date: from, to_date: to } = given;
  const offsets = first !== undefined || end !== undefined;
  if (topic !== undefined && given.file !== undefined) {
    refuse(context, 'PARAMETER_INVALID', 'give one of {topic} and {file}');
  }
  if (topic === undefined && (offsets || partition !== undefined)) {
    refuse(context, 'PARAMETER_INVALID', '{partition}, {from_offset} and {to_offset} belong to {topic}: give it too');
  }
  if (offsets && partition === undefined) {
    refuse(context, 'PARAMETER_MISSING', '{from_offset} and {to_offset} need {partition}');
  }
  if (topic !== undefined && disposition !== undefined) {
    refuse(context, 'PARAMETER_INVALID', '{disposition} is for events of the inbox: leave it or {topic} out');
  }
  if (given.file === undefined) return;
  if (disposition !== undefined) {
    refuse(context, 'PARAMETER_INVALID', '{disposition} is for events of the inbox: leave it or {file} out');
  }
  if (from !== undefined || to !== undefined) {
    refuse(context, 'PARAMETER_INVALID', '{from_date} and {to_date} are not for files: leave them out');
  }
}

/** Returns the selection of events as a replay stores it. */
export function selectionOf(given: Given): StoredSelection {
  return {
    source: sourceOf(given),
    subscription: given.subscription_number ?? null,
    action: given.action_id ?? null,
    type: given.action_type ?? null,
    ranges: null,
    fingerprint: null,
    again: given.again,
    limits: limitsOf(given, DEFAULT_LIMITS),
  };
}

function sourceOf(given: Given): EventSource {
  const times = { from: given.from_date?.toISOString() ?? null, to: given.to_date?.toISOString() ?? null };
  if (given.file !== undefined) return { kind: 'file', path: resolve(given.file) };
  if (given.topic === undefined) return { kind: 'inbox', ...times, disposition: given.disposition ?? null };
  return {
    kind: 'kafka',
    topic: given.topic,
    partition: given.partition ?? null,
    fromOffset: given.from_offset ?? null,
    toOffset: given.to_offset ?? null,
    ...times,
  };
}

/** Returns the limits that are given, and of the others those of `otherwise`. */
export function limitsOf(given: GivenLimits, otherwise: ReplayLimits): ReplayLimits {
  return {
    window: given.window ?? otherwise.window,
    perSecond: given.requests_per_second ?? otherwise.perSecond,
  };
}

/** Returns the selection of a replay of outcomes. */
export function outcomesOf(given: z.output<typeof outcomesInput>): OutcomeSelection {
  return {
    from: given.from_date?.toISOString() ?? null,
    to: given.to_date?.toISOString() ?? null,
    subscription: given.subscription_number ?? null,
    request: given.request_number ?? null,
    latest: given.latest,
  };
}

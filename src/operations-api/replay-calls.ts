import { z } from 'zod';
import { OperationError } from '../operations/operation-error.ts';
import type { Queryable } from '../platform/database.ts';
import { discardDeadLetter } from '../intake/release-dead-letter.ts';
import { plan } from '../planning/plan.ts';
import { isDifference, planEvents } from '../replay/plan-events.ts';
import type { PlanRow } from '../replay/plan-rows.ts';
import { askToStop, findReplay, listReplays, type Replay } from '../replay/record.ts';
import { inboxPages } from '../replay/select-events.ts';
import { deadLetters, storedEvent, type StoredEvent } from '../replay/stored-events.ts';
import { type Call, call } from '../web-api/calls.ts';
import { formatDate } from '../web-api/dates.ts';
import { success, successSchema } from '../web-api/envelope.ts';
import { integer, text } from '../web-api/input-kinds.ts';
import { actorOf } from './actor.ts';
import type { OperationsParts } from './parts.ts';
import { nothingAsked, shownDate } from './shapes.ts';

const PAGE_MAX = 1_000;
const NUMBER_MAX = 999_999_999_999_999;

const identified = z.strictObject({ id: integer(1, NUMBER_MAX) });

const replayView = z
  .strictObject({
    id: z.int(),
    kind: z.enum(['EVENTS', 'OUTCOMES']),
    state: z.enum(['RUNNING', 'STOPPED', 'COMPLETED']),
    reason: z.string(),
    created_by_user: z.string(),
    created_by_unit: z.string().nullable(),
    started_date: shownDate(),
    ended_date: shownDate().nullable(),
    counts: z.record(z.string(), z.int()),
    stop_requested_by: z.string().nullable(),
  })
  .meta({ id: 'Replay', description: 'Events processed again, or outcomes published again.' });

const deadLetterView = z
  .strictObject({
    id: z.int(),
    received_date: shownDate(),
    topic: z.string(),
    partition: z.int(),
    offset: z.int(),
    reason: z.string(),
    detail: z.string(),
    subscription_number: z.string().nullable(),
    event_id: z.string().nullable(),
    resolution: z.string().nullable().describe('What a person decided.'),
  })
  .meta({ id: 'DeadLetter', description: 'A message of the CRM that could not be processed.' });

const planView = z
  .strictObject({
    events: z.int(),
    differing: z.boolean(),
    rows: z.array(
      z.strictObject({
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
      }),
    ),
  })
  .meta({ id: 'ReplayPlan', description: 'What a replay of one subscription would come to now.' });

/** Replays and dead letters in the operations API. Replays themselves are begun on the command line (docs/replay.md). */
export function replayCalls({ db, rules }: Pick<OperationsParts, 'db' | 'rules'>): Call[] {
  return [
    call({
      name: 'listReplays',
      method: 'GET',
      paths: ['/replays'],
      access: 'reader',
      tag: 'replay',
      summary: 'The replays, the newest first',
      description: 'Who let what be processed or published again, why, and how far it came.',
      input: z.strictObject({ number_of_results: integer(1, PAGE_MAX).optional().describe('Default 20.') }),
      output: successSchema(z.strictObject({ replays: z.array(replayView) })),
      handle: async ({ input }) =>
        success({ replays: (await listReplays(db, input.number_of_results ?? 20)).map(replayOf) }),
    }),
    call({
      name: 'showReplay',
      method: 'GET',
      paths: ['/replays/:id'],
      params: identified,
      access: 'reader',
      tag: 'replay',
      summary: 'One replay',
      description: 'How far it came. Its requests have the process name REPLAY and its id.',
      input: z.strictObject({}),
      output: successSchema(replayView),
      handle: async ({ params }) => success(replayOf(await replay(db, params.id))),
    }),
    call({
      name: 'stopReplay',
      method: 'POST',
      paths: ['/replays/:id/stop'],
      params: identified,
      access: 'writer',
      tag: 'replay',
      summary: 'Stop a replay',
      description: 'Behind the subscription in hand; requests that it made are sent all the same. It can be resumed.',
      input: nothingAsked,
      output: successSchema(replayView),
      async handle(asked) {
        const { id } = await replay(db, asked.params.id);
        await askToStop(db, id, actorOf(asked).user);
        return success(replayOf(await replay(db, id)));
      },
    }),
    call({
      name: 'planReplay',
      method: 'GET',
      paths: ['/replay_plan'],
      access: 'reader',
      tag: 'replay',
      summary: "What today's rules make of a subscription's past events",
      description: 'Against what was made then, and what a run would send for it now. It changes nothing.',
      input: z.strictObject({
        subscription_number: text(500).trim().min(1, 'give a number').describe('Whose events.'),
        all: z.enum(['true', 'false']).optional().describe('Also what is the same, or withheld as then.'),
      }),
      output: successSchema(planView),
      async handle({ input }) {
        const selection = { source: INBOX, subscription: input.subscription_number, action: null, type: null };
        const rows: PlanRow[] = [];
        const options = { plan, rules, stalePolicy: 'plan', again: false } as const;
        const summary = await planEvents(db, inboxPages(db, selection, null), options, {
          row: (row) => void (input.all === 'true' || isDifference(row) ? rows.push(row) : null),
          progress: () => {},
        });
        return success({ events: summary.events, differing: summary.differing > 0, rows: rows.map(rowOf) });
      },
    }),
    call({
      name: 'listDeadLetters',
      method: 'GET',
      paths: ['/dead_letters'],
      access: 'reader',
      tag: 'replay',
      summary: 'Messages of the CRM that could not be processed',
      description: 'Those that nobody has decided about, the oldest first.',
      input: z.strictObject({
        after: integer(0, NUMBER_MAX).optional().describe('Goes on behind this one.'),
        number_of_results: integer(1, PAGE_MAX).optional().describe('Default 100.'),
      }),
      output: successSchema(z.strictObject({ dead_letters: z.array(deadLetterView) })),
      async handle({ input: { after = 0, number_of_results: limit = 100 } }) {
        return success({ dead_letters: (await deadLetters(db, { all: false, after, limit })).map(letterOf) });
      },
    }),
    call({
      name: 'discardDeadLetter',
      method: 'POST',
      paths: ['/dead_letters/:id/discard'],
      params: identified,
      access: 'writer',
      tag: 'replay',
      summary: 'Give up a dead letter',
      description: 'Nothing will become of it, and the trail says who decided so and why.',
      input: z.strictObject({ reason: text(1_000).trim().min(1, 'say why').describe('Why, for the trail.') }),
      output: successSchema(deadLetterView),
      async handle(asked) {
        const { id } = asked.params;
        const found = await storedEvent(db, id);
        if (found?.disposition !== 'DEAD_LETTERED' || found.resolvedAt !== null) {
          throw new OperationError(
            'DEAD_LETTER_NOT_FOUND',
            'id',
            `there is no dead letter ${id} that waits for a decision`,
          );
        }
        await discardDeadLetter(db, id, `discarded by ${actorOf(asked).user}: ${asked.input.reason}`);
        return success(letterOf((await storedEvent(db, id)) ?? found));
      },
    }),
  ];
}

const INBOX = { kind: 'inbox', from: null, to: null, disposition: null } as const;

async function replay(db: Queryable, id: number): Promise<Replay> {
  const found = await findReplay(db, id);
  if (!found) throw new OperationError('REPLAY_NOT_FOUND', 'id', `there is no replay ${id}`);
  return found;
}

function replayOf(one: Replay): z.output<typeof replayView> {
  return {
    id: one.id,
    kind: one.kind,
    state: one.state,
    reason: one.reason,
    created_by_user: one.createdBy.user,
    created_by_unit: one.createdBy.unit,
    started_date: formatDate(one.startedAt),
    ended_date: one.endedAt === null ? null : formatDate(one.endedAt),
    counts: one.counts,
    stop_requested_by: one.stopRequestedBy,
  };
}

function letterOf(letter: StoredEvent): z.output<typeof deadLetterView> {
  return {
    id: letter.id,
    received_date: formatDate(letter.receivedAt),
    topic: letter.topic,
    partition: letter.partition,
    offset: letter.offset,
    reason: letter.reason ?? '',
    detail: letter.detail ?? '',
    subscription_number: letter.subscriptionNumber,
    event_id: letter.eventId,
    resolution: letter.resolution,
  };
}

function rowOf(row: PlanRow): z.output<typeof planView>['rows'][number] {
  return {
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

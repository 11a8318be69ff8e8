import { z } from 'zod';
import { OperationError } from '../http/operation-error.ts';
import { plan } from '../planning/plan.ts';
import type { Queryable, Transaction } from '../platform/database.ts';
import { planRowsAfter } from '../features/replay/hosted-plan.ts';
import { outcomeSelection } from '../features/replay/outcomes.ts';
import { isDifference, planEvents } from '../features/replay/plan-events.ts';
import type { PlanRow } from '../features/replay/plan-rows.ts';
import {
  askToStop,
  createReplay,
  findReplay,
  listReplays,
  type Replay,
  type ReplayKind,
  ReplayTakenError,
  resumeReplay,
} from '../features/replay/record.ts';
import { inboxPages } from '../features/replay/select-events.ts';
import { type Asked, type Call, call } from '../http/calls.ts';
import { success, successSchema } from '../http/envelope.ts';
import { createIdempotencyHasher, idempotentCall, once } from '../http/idempotency.ts';
import { integer, text } from '../http/input-kinds.ts';
import { actorOf } from './actor.ts';
import type { OperationsParts } from './parts.ts';
import {
  hostedSelection,
  outcomesInput,
  planInput,
  replayOf,
  replayView,
  rowOf,
  rowView,
  runInput,
} from './replay-shapes.ts';
import { ID_MAX, identified, nothingAsked } from './shapes.ts';

const PAGE_MAX = 1_000;

const INBOX = { kind: 'inbox', from: null, to: null, disposition: null } as const;

const BEGUN = 'Answers at once; an instance of the service works on it, and `GET /replays/{id}` tells how far it is.';

/** Plans and replays in the operations API: the service works on them (docs/replay.md). */
export function replayCalls({ db, rules, stalePolicy, pinKey, ownTopics }: OperationsParts): Call[] {
  const common = { tag: 'replay', output: successSchema(replayView) };
  const hasher = createIdempotencyHasher(pinKey);
  return [
    call({
      ...common,
      name: 'createReplayPlan',
      method: 'POST',
      paths: ['/replays/plan'],
      access: 'writer',
      summary: 'Plan a replay',
      description: `What today's rules make of past events, against what was made then, and what a run would send now. It changes nothing. ${BEGUN}`,
      input: planInput,
      takesIdempotencyKey: true,
      handle: async (asked) => success(await begun('PLAN', asked, hostedSelection(asked.input))),
    }),
    call({
      ...common,
      name: 'createReplay',
      method: 'POST',
      paths: ['/replays'],
      access: 'writer',
      summary: 'Process past events again',
      description: `Mends what today's rules make otherwise than was made then, behind all other work; a second one like it finds nothing left to do. ${BEGUN}`,
      input: runInput,
      takesIdempotencyKey: true,
      handle: async (asked) => success(await begun('EVENTS', asked, hostedSelection(asked.input))),
    }),
    call({
      ...common,
      name: 'createOutcomeReplay',
      method: 'POST',
      paths: ['/replays/outcomes'],
      access: 'writer',
      summary: 'Publish outcomes again',
      description: `With the same ce_id and in each key's order. ${BEGUN}`,
      input: outcomesInput,
      takesIdempotencyKey: true,
      async handle(asked) {
        const { from_date: from, to_date: to, topic = null, latest = false, ...given } = asked.input;
        if (topic !== null && ownTopics.includes(topic)) {
          const remedy = 'the service itself reads or writes it: leave it out for their own topics, or name another';
          throw new OperationError('PARAMETER_INVALID', 'topic', remedy);
        }
        const selection = {
          from: from?.toISOString() ?? null,
          to: to?.toISOString() ?? null,
          subscription: given.subscription_number ?? null,
          request: given.request_number ?? null,
          latest,
        };
        return success(await begun('OUTCOMES', asked, await outcomeSelection(db, selection, topic)));
      },
    }),
    call({
      ...common,
      name: 'listReplays',
      method: 'GET',
      paths: ['/replays'],
      access: 'reader',
      summary: 'Plans and replays, the newest first',
      description: 'Who let what be planned, processed or published again, why, and how far it came.',
      input: z.strictObject({ number_of_results: integer(1, PAGE_MAX).optional().describe('Default 20.') }),
      output: successSchema(z.strictObject({ replays: z.array(replayView) })),
      handle: async ({ input }) =>
        success({ replays: (await listReplays(db, input.number_of_results ?? 20)).map(replayOf) }),
    }),
    call({
      ...common,
      name: 'showReplay',
      method: 'GET',
      paths: ['/replays/:id'],
      params: identified,
      access: 'reader',
      summary: 'One plan or replay',
      description: 'How far it came. Requests of a replay have the process name REPLAY and its id.',
      input: z.strictObject({}),
      handle: async ({ params }) => success(replayOf(await existing(db, params.id))),
    }),
    call({
      ...common,
      name: 'listReplayPlanRows',
      method: 'GET',
      paths: ['/replays/:id/plan_rows'],
      params: identified,
      access: 'reader',
      summary: 'What a plan found to differ',
      description: 'In the order of the subscriptions; the first 100,000 are kept.',
      input: z.strictObject({
        after: integer(0, ID_MAX).optional().describe('Goes on behind this row.'),
        number_of_results: integer(1, PAGE_MAX).optional().describe('Default 100.'),
      }),
      output: successSchema(
        z.strictObject({
          rows: z.array(rowView),
          last: z.int().nullable().describe('What the next page goes on behind; null: there is none.'),
        }),
      ),
      async handle({ params, input: { after = 0, number_of_results: limit = 100 } }) {
        const { id } = await existing(db, params.id);
        const rows = await planRowsAfter(db, id, after, limit);
        const last = rows.length < limit ? null : (rows.at(-1)?.position ?? null);
        return success({ rows: rows.map(({ content }) => rowOf(content)), last });
      },
    }),
    call({
      ...common,
      name: 'stopReplay',
      method: 'POST',
      paths: ['/replays/:id/stop'],
      params: identified,
      access: 'writer',
      summary: 'Stop a plan or a replay',
      description: 'Behind the subscription in hand; requests that it made are sent all the same. It can be resumed.',
      input: nothingAsked,
      async handle(asked) {
        const { id } = await existing(db, asked.params.id);
        await askToStop(db, id, actorOf(asked).user);
        return success(replayOf(await existing(db, id)));
      },
    }),
    call({
      ...common,
      name: 'resumeReplay',
      method: 'POST',
      paths: ['/replays/:id/resume'],
      params: identified,
      access: 'writer',
      summary: 'Go on with a replay',
      description: 'Where it ended, and without repeating anything; a plan begins anew. The service works on it.',
      input: nothingAsked,
      async handle(asked) {
        const found = await existing(db, asked.params.id);
        if (isOfFile(found)) {
          throw new OperationError(
            'REPLAY_NOT_RESUMABLE',
            'id',
            `replay ${found.id} takes a file, which the service may not have: resume it on the command line`,
          );
        }
        try {
          return success(replayOf(await resumeReplay(db, found.id, null)));
        } catch (error) {
          if (error instanceof ReplayTakenError) throw new OperationError('REPLAY_NOT_RESUMABLE', 'id', error.message);
          throw error;
        }
      },
    }),
    call({
      ...common,
      name: 'planReplay',
      method: 'GET',
      paths: ['/replay_plan'],
      access: 'reader',
      summary: "What today's rules make of a subscription's past events",
      description: 'Against what was made then, and what a run would send for it now. It changes nothing.',
      input: z.strictObject({
        subscription_number: text(500).trim().min(1, 'give a number').describe('Whose events.'),
        all: z.enum(['true', 'false']).optional().describe('Also what is the same, or withheld as then.'),
      }),
      output: successSchema(
        z
          .strictObject({ events: z.int(), differing: z.boolean(), rows: z.array(rowView) })
          .meta({ id: 'ReplayPlan', description: 'What a replay of one subscription would come to now.' }),
      ),
      async handle({ input }) {
        const selection = { source: INBOX, subscription: input.subscription_number, action: null, type: null };
        const rows: PlanRow[] = [];
        const options = { plan, rules, stalePolicy, again: false };
        const summary = await planEvents(db, inboxPages(db, selection, null), options, {
          row: (row) => void (input.all === 'true' || isDifference(row) ? rows.push(row) : null),
          progress: () => {},
        });
        return success({ events: summary.events, differing: summary.differing > 0, rows: rows.map(rowOf) });
      },
    }),
  ];

  async function begun(
    kind: ReplayKind,
    asked: Asked<{ readonly reason: string }>,
    selection: object,
  ): Promise<z.output<typeof replayView>> {
    const made = { kind, selection, reason: asked.input.reason, by: actorOf(asked) };
    const idempotent = idempotentCall(hasher, `replay ${kind}`, asked);
    const create = async (tx: Transaction): Promise<number> => (await createReplay(tx, made, null)).id;
    const id = await once(db, idempotent, create, (_tx, number) => number);
    return replayOf(await existing(db, id));
  }
}

async function existing(db: Queryable, id: number): Promise<Replay> {
  const found = await findReplay(db, id);
  if (!found) throw new OperationError('REPLAY_NOT_FOUND', 'id', `there is no replay ${id}`);
  return found;
}

function isOfFile({ selection }: Replay): boolean {
  const { source } = selection as { readonly source?: { readonly kind: string } };
  return source?.kind === 'file';
}

import { z } from 'zod';
import { text } from '../../http/input-kinds.ts';
import { OperationError } from '../../http/operation-error.ts';
import { wholeNumber } from '../../operations/fields.ts';
import { type Feature, operation, type OperationContext } from '../../operations/operation.ts';
import { plan } from '../../planning/plan.ts';
import type { Queryable } from '../../platform/database.ts';
import { type Column, table } from '../../platform/terminal-text.ts';
import { planRowsAfter } from './hosted-plan.ts';
import { ID_MAX, outcomesInput, outcomesOf, planInput, replayIdField, runInput, selectionOf } from './inputs.ts';
import { outcomeSelection } from './outcomes.ts';
import { isDifference, planEvents } from './plan-events.ts';
import type { PlanRow } from './plan-rows.ts';
import {
  askToStop,
  createReplay,
  findReplay,
  listReplays,
  type Replay,
  type ReplayKind,
  ReplayTakenError,
  resumeReplay,
} from './record.ts';
import { inboxPages } from './select-events.ts';
import {
  countsText,
  replayText,
  rowText,
  type ShownReplay,
  shownReplay,
  shownRow,
  showReplay,
  showRow,
} from './view.ts';

const PAGE_MAX = 1_000;
const INBOX = { kind: 'inbox', from: null, to: null, disposition: null } as const;
const STARTED = 'Answers at once; an instance of the service works on it, and `GET /replays/{id}` shows how far it is.';

const identified = z.strictObject({ id: replayIdField });

/** A replay that the service works on. On the command line, a command does the work itself (src/commands/replay.ts). */
const hosted = {
  role: 'operator',
  output: shownReplay,
  takesIdempotencyKey: true,
  hasCommand: false,
} as const;

/** `replay`: what was processed or published is processed or published again (docs/replay.md). */
export const replay: Feature = {
  name: 'replay',
  summary: 'Processes CRM events again, and publishes outcomes again (docs/replay.md).',
  operations: [
    operation({
      ...hosted,
      name: 'replay.plan',
      summary: 'Plan a replay',
      description: `Compares what today's rules make of past events with what was made then, and shows what a run would send now. It changes nothing. ${STARTED}`,
      route: 'POST /replays/plan',
      input: planInput,
      example: { subscription_number: 'S0000000329', reason: 'a rule was wrong' },
      handle: (context, given) => start(context, 'PLAN', selectionOf(given), given.reason),
    }),
    operation({
      ...hosted,
      name: 'replay.run',
      summary: 'Process past events again',
      description: `Corrects what today's rules would make differently, after all other work. A second one like it finds nothing left to do. ${STARTED}`,
      route: 'POST /replays',
      input: runInput,
      example: { from_date: '2026-11-01', reason: 'a rule was wrong' },
      handle: (context, given) => start(context, 'EVENTS', selectionOf(given), given.reason),
    }),
    operation({
      ...hosted,
      name: 'replay.outcomes',
      summary: 'Publish outcomes again',
      description: `With the same ce_id, and in the order of each key. ${STARTED}`,
      route: 'POST /replays/outcomes',
      input: outcomesInput,
      example: { subscription_number: 'S0000000329', reason: 'the consumer was restored' },
      async handle(context, given) {
        const topic = usableTopic(given.topic, context.ownTopics);
        return start(context, 'OUTCOMES', await outcomeSelection(context.db, outcomesOf(given), topic), given.reason);
      },
    }),
    operation({
      name: 'replay.list',
      summary: 'List plans and replays',
      description: 'Shows the newest first: what was replayed, by whom and why, and how far it came.',
      role: 'viewer',
      route: 'GET /replays',
      input: z.strictObject({ limit: wholeNumber(1, PAGE_MAX, 'How many').default(20) }),
      output: z
        .strictObject({ replays: z.array(shownReplay) })
        .meta({ id: 'Replays', description: 'Plans and replays.' }),
      example: {},
      cli: { text: ({ replays }) => table(COLUMNS, replays) },
      handle: async ({ db }, { limit }) => ({ replays: (await listReplays(db, limit)).map(showReplay) }),
    }),
    operation({
      name: 'replay.show',
      summary: 'Show one plan or replay',
      description: 'How far it came. Requests of a replay have the process name REPLAY and its id.',
      role: 'viewer',
      route: 'GET /replays/{id}',
      input: identified,
      output: shownReplay,
      example: { id: 17 },
      cli: { arguments: ['id'], text: replayText },
      handle: async ({ db }, given) => showReplay(await existingReplay(db, given.id)),
    }),
    operation({
      name: 'replay.plan-rows',
      summary: 'List what a plan of the service found to differ',
      description: 'In the order of the subscriptions; the first 100,000 are kept.',
      role: 'viewer',
      route: 'GET /replays/{id}/plan_rows',
      input: z.strictObject({
        id: replayIdField,
        after: wholeNumber(0, ID_MAX, 'Starts after this row, `last` of the page before').default(0),
        limit: wholeNumber(1, PAGE_MAX, 'How many').default(100),
      }),
      output: z
        .strictObject({
          rows: z.array(shownRow),
          last: z.int().nullable().describe('`after` of the next page; null if this is the last.'),
        })
        .meta({ id: 'ReplayPlanRows', description: 'A page of a plan.' }),
      example: { id: 17 },
      cli: { arguments: ['id'], text: ({ rows }) => rows.map(rowText).join('\n') },
      async handle({ db }, { id: planId, after, limit }) {
        await existingReplay(db, planId);
        const rows = await planRowsAfter(db, planId, after, limit);
        const last = rows.length < limit ? null : (rows.at(-1)?.position ?? null);
        return { rows: rows.map(({ content }) => showRow(content)), last };
      },
    }),
    operation({
      name: 'replay.stop',
      summary: 'Stop a plan or a replay',
      description: 'After the subscription under way; requests that it made are still sent. It can be resumed.',
      role: 'operator',
      route: 'POST /replays/{id}/stop',
      input: identified,
      output: shownReplay,
      example: { id: 17 },
      cli: { arguments: ['id'], text: stoppedText },
      async handle({ db, by }, given) {
        await existingReplay(db, given.id);
        await askToStop(db, given.id, by.user);
        return showReplay(await existingReplay(db, given.id));
      },
    }),
    operation({
      name: 'replay.resume',
      summary: 'Go on with a replay',
      description:
        'It continues at the first event that is not done, and repeats nothing; a plan starts again. The service works on it.',
      role: 'operator',
      route: 'POST /replays/{id}/resume',
      input: identified,
      output: shownReplay,
      example: { id: 17 },
      hasCommand: false,
      handle: async ({ db }, given) => resume(db, await existingReplay(db, given.id)),
    }),
    operation({
      name: 'replay.preview',
      summary: "Show what today's rules make of a subscription's past events",
      description: 'Compared with what was made then, and what a run would send for it now. It changes nothing.',
      role: 'viewer',
      route: 'GET /replay_plan',
      input: z.strictObject({
        subscription_number: text(500).trim().min(1, 'give a number').describe('Whose events.'),
        all: z.boolean('give true or false').default(false).describe('Also what is the same, or withheld as then.'),
      }),
      output: z
        .strictObject({ events: z.int(), differing: z.boolean(), rows: z.array(shownRow) })
        .meta({ id: 'ReplayPlan', description: 'What a replay of one subscription would do now.' }),
      example: { subscription_number: 'S0000000329' },
      hasCommand: false,
      async handle({ db, rules, stalePolicy }, { subscription_number: subscription, all }) {
        const pages = inboxPages(db, { source: INBOX, subscription, action: null, type: null }, null);
        const rows: PlanRow[] = [];
        const summary = await planEvents(
          db,
          pages,
          { plan, rules, stalePolicy, again: false },
          {
            row: (row) => void (all || isDifference(row) ? rows.push(row) : null),
            progress: () => {},
          },
        );
        return { events: summary.events, differing: summary.differing > 0, rows: rows.map(showRow) };
      },
    }),
  ],
};

async function start(
  { db, by, once }: OperationContext,
  kind: ReplayKind,
  selection: object,
  reason: string,
): Promise<ShownReplay> {
  const made = { kind, selection, reason, by };
  const number = await once(
    async (tx) => (await createReplay(tx, made, null)).id,
    (_tx, found) => found,
  );
  return showReplay(await existingReplay(db, number));
}

async function resume(db: Queryable, found: Replay): Promise<ShownReplay> {
  const { source } = found.selection as { readonly source?: { readonly kind: string } };
  if (source?.kind === 'file') {
    const problem = `replay ${found.id} takes a file, which the service may not have: resume it on the command line`;
    throw new OperationError('REPLAY_NOT_RESUMABLE', null, problem);
  }
  try {
    return showReplay(await resumeReplay(db, found.id, null));
  } catch (error) {
    if (error instanceof ReplayTakenError) throw new OperationError('REPLAY_NOT_RESUMABLE', null, error.message);
    throw error;
  }
}

/**
 * Returns the topic that outcomes are published to again; null: their own.
 * @throws OperationError if the service itself reads or writes it.
 */
export function usableTopic(topic: string | undefined, ownTopics: readonly string[]): string | null {
  if (topic === undefined || !ownTopics.includes(topic)) return topic ?? null;
  const remedy = 'the service itself reads or writes it: leave it out for their own topics, or name another';
  throw new OperationError('PARAMETER_INVALID', 'topic', remedy);
}

/** Reads a replay. @throws OperationError if there is none. */
export async function existingReplay(db: Queryable, replayId: number): Promise<Replay> {
  const found = await findReplay(db, replayId);
  if (found) return found;
  throw new OperationError('REPLAY_NOT_FOUND', null, `there is no replay ${replayId}: "replay list" shows them`);
}

function stoppedText({ id: stopped, state, stop_requested_by: stopper }: ShownReplay): string {
  if (state === 'RUNNING') return `replay ${stopped} is asked to stop`;
  return stopper === null ? `replay ${stopped} is not under way` : `replay ${stopped} is ${state}`;
}

const COLUMNS: readonly Column<ShownReplay>[] = [
  ['id', (one) => one.id],
  ['kind', ({ kind }) => kind],
  ['state', ({ state }) => state],
  ['started', ({ started_date: started }) => started],
  ['by', ({ created_by_user: user }) => user],
  ['done', ({ counts }) => countsText(counts)],
  ['reason', ({ reason }) => reason],
];

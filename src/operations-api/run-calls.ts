import { z } from 'zod';
import { OperationError } from '../http/operation-error.ts';
import { recordOutcomes } from '../outcomes/record.ts';
import type { Queryable } from '../platform/database.ts';
import { resumeRun, stopRun } from '../features/runs/control.ts';
import type { AnyKind } from '../features/runs/kind.ts';
import { RUN_KINDS, kindOf } from '../features/runs/kinds.ts';
import { runStates } from '../features/runs/life-cycle.ts';
import { listTargets } from '../features/runs/list-targets.ts';
import { createRun, findRun, listRuns, type RunRow, runChanges } from '../features/runs/store.ts';
import { type RunView, runView, runViews } from '../features/runs/view.ts';
import { type Call, call } from '../http/calls.ts';
import { formatDate } from '../http/dates.ts';
import { success, successSchema } from '../http/envelope.ts';
import { createIdempotencyHasher, idempotentCall, once } from '../http/idempotency.ts';
import { integer, text } from '../http/input-kinds.ts';
import { actorOf } from './actor.ts';
import type { OperationsParts } from './parts.ts';
import { ID_MAX, identified, nothingAsked, shownDate } from './shapes.ts';

/** A list of 200,000 cards. */
const BODY_BYTES_MAX = 4 * 1024 * 1024;
const PAGE_MAX = 1_000;

/** Something of each kind, told apart by `kind`. */
export function eachKind<S extends z.ZodRawShape>(more: S) {
  const [first, ...others] = [...RUN_KINDS.values()].map((kind: AnyKind) =>
    z
      .strictObject({
        kind: z.literal(kind.name),
        parameters: kind.parameters,
        selection: kind.source.schema,
        ...more,
      })
      .describe(`${kind.description}.`),
  );
  if (first === undefined) throw new Error('There is no kind of run');
  return z.discriminatedUnion('kind', [first, ...others], `give one of ${[...RUN_KINDS.keys()].join(', ')} as kind`);
}

const newRun = eachKind({
  hold: z
    .boolean('give true or false')
    .optional()
    .describe('Collect and count the targets, and wait for `resume`; default false.'),
});
const estimated = eachKind({});

const counts = z.strictObject({
  targets: z.int(),
  waiting: z.int().describe('Nothing was sent for them yet.'),
  pending: z.int().describe('With requests that are not final.'),
  outcomes: z.record(z.string(), z.int()).describe('COMPLETED, error codes, or what the kind says: targets.'),
});

const runFields = {
  id: z.int(),
  kind: z.string(),
  state: z.enum(runStates as [string, ...string[]]),
  parameters: z.unknown(),
  selection: z.unknown().describe('Of a list its length is kept.'),
  counts,
  failure: z.string().nullable().describe('What went wrong with its last step.'),
  schedule_id: z.int().nullable(),
  created_by_user: z.string(),
  created_by_unit: z.string().nullable(),
  created_date: shownDate(),
  prepared_date: shownDate().nullable(),
  started_date: shownDate().nullable(),
  ended_date: shownDate().nullable(),
};
const run = z.strictObject(runFields).meta({ id: 'Run', description: 'A run, and how far it is.' });

const change = z.strictObject({
  event: z.string(),
  state: z.string(),
  detail: z.string().nullable(),
  user: z.string().nullable().describe('Null: the service itself.'),
  unit: z.string().nullable(),
  date: shownDate(),
});

const target = z
  .strictObject({
    target: z.string(),
    card: z.string().nullable(),
    subscription_number: z.string().nullable(),
    outcome: z.string().describe('WAITING, PENDING, COMPLETED, an error code, or what the kind says.'),
    request_numbers: z.array(z.int()),
    result: z.unknown(),
  })
  .meta({ id: 'RunTarget', description: 'A card or a subscription of a run.' });

/** Runs in the operations API. */
export function runCalls(parts: OperationsParts): Call[] {
  const { db, rules } = parts;
  const context = { rules };
  const hasher = createIdempotencyHasher(parts.pinKey);
  const common = { tag: 'runs', output: successSchema(run) };
  const one = async (id: number): Promise<RunView> => await runView(db, await existing(db, id));
  return [
    call({
      ...common,
      name: 'estimateRun',
      method: 'POST',
      paths: ['/runs/estimate'],
      access: 'reader',
      summary: 'How many targets a run would have',
      description: 'Counts them, exactly where they are not too many, and shows ten. Nothing is kept or sent.',
      input: estimated,
      bodyBytesMax: BODY_BYTES_MAX,
      output: successSchema(
        z
          .strictObject({
            targets: z.int(),
            exact: z.boolean().describe('False: extrapolated from a part.'),
            sample: z.array(z.strictObject({ target: z.string(), subscription_number: z.string().nullable() })),
          })
          .meta({ id: 'RunEstimate', description: 'What a selection comes to.' }),
      ),
      async handle({ input }) {
        const { source } = kindOf(input.kind);
        const { targets, exact, sample } = await source.estimate(db, input.selection, context);
        const shown = sample.map((each) => ({ target: each.target, subscription_number: each.subscription }));
        return success({ targets, exact, sample: shown });
      },
    }),
    call({
      ...common,
      name: 'createRun',
      method: 'POST',
      paths: ['/runs'],
      access: 'writer',
      summary: 'Start a run',
      description:
        'It begins at once, or with `hold` once it is resumed. A caller who does not know whether a call arrived repeats it with the same Idempotency-Key.',
      input: newRun,
      bodyBytesMax: BODY_BYTES_MAX,
      takesIdempotencyKey: true,
      async handle(asked) {
        const { kind, parameters, selection, hold = false } = asked.input;
        const made = { kind: kindOf(kind), parameters, selection, hold, by: actorOf(asked) };
        const idempotent = idempotentCall(hasher, 'createRun', asked);
        const id = await once(
          db,
          idempotent,
          (tx) => createRun(tx, made, context),
          (_tx, number) => number,
        );
        return success(await one(id));
      },
    }),
    call({
      ...common,
      name: 'listRuns',
      method: 'GET',
      paths: ['/runs'],
      access: 'reader',
      summary: 'The newest runs',
      description: 'The newest first, with their counts by outcome.',
      input: z.strictObject({
        number_of_results: integer(1, 200).optional().describe('Default 50.'),
        before: integer(1, ID_MAX).optional().describe('Goes on behind this run.'),
      }),
      output: successSchema(
        z.strictObject({ runs: z.array(run) }).meta({ id: 'Runs', description: 'A page of runs.' }),
      ),
      async handle({ input }) {
        const page = { limit: input.number_of_results ?? 50, after: input.before ?? null };
        return success({ runs: await runViews(db, await listRuns(db, page)) });
      },
    }),
    call({
      ...common,
      name: 'showRun',
      method: 'GET',
      paths: ['/runs/:id'],
      access: 'reader',
      summary: 'One run',
      description: 'How far it is, and who did what to it.',
      input: nothingAsked,
      params: identified,
      output: successSchema(
        z
          .strictObject({ ...runFields, changes: z.array(change) })
          .meta({ id: 'RunWithChanges', description: 'A run and its history.' }),
      ),
      async handle({ params: { id } }) {
        const view = await one(id);
        const changes = (await runChanges(db, id)).map(({ at, ...rest }) => ({ ...rest, date: formatDate(at) }));
        return success({ ...view, changes });
      },
    }),
    call({
      ...common,
      name: 'stopRun',
      method: 'POST',
      paths: ['/runs/:id/stop'],
      access: 'writer',
      summary: 'Stop a run',
      description:
        'At once nothing more is sent; what nobody has begun to send is withdrawn, and what is being sent ends.',
      input: nothingAsked,
      params: identified,
      async handle(asked) {
        await stopRun(db, asked.params.id, actorOf(asked), recordOutcomes);
        return success(await one(asked.params.id));
      },
    }),
    call({
      ...common,
      name: 'resumeRun',
      method: 'POST',
      paths: ['/runs/:id/resume'],
      access: 'writer',
      summary: 'Start or resume a run',
      description: 'Starts one that was held, or goes on with one that was stopped or failed.',
      input: nothingAsked,
      params: identified,
      async handle(asked) {
        await resumeRun(db, asked.params.id, actorOf(asked));
        return success(await one(asked.params.id));
      },
    }),
    call({
      ...common,
      name: 'listRunTargets',
      method: 'GET',
      paths: ['/runs/:id/targets'],
      access: 'reader',
      summary: "A run's cards or subscriptions",
      description: 'In the order of their names, with outcomes and requests.',
      params: identified,
      input: z.strictObject({
        outcome: text(60).optional().describe('Only those: WAITING, PENDING, COMPLETED, or another code.'),
        after: text(300).optional().describe('Goes on behind this target.'),
        number_of_results: integer(1, PAGE_MAX).optional().describe(`Default ${PAGE_MAX}.`),
      }),
      output: successSchema(
        z.strictObject({ targets: z.array(target) }).meta({ id: 'RunTargets', description: 'A page of targets.' }),
      ),
      async handle({ input, params: { id } }) {
        await existing(db, id);
        const { outcome = null, after = '', number_of_results: limit = PAGE_MAX } = input;
        return success({ targets: await listTargets(db, id, { outcome, after, limit }) });
      },
    }),
  ];
}

async function existing(db: Queryable, id: number): Promise<RunRow> {
  const found = await findRun(db, id);
  if (found !== null) return found;
  throw new OperationError('RUN_NOT_FOUND', 'id', `there is no run ${id}`);
}

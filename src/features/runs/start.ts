import { z } from 'zod';
import { OperationError } from '../../http/operation-error.ts';
import {
  type CommandLine,
  type Follow,
  type FurtherCommand,
  operation,
  type Question,
} from '../../operations/operation.ts';
import type { Queryable } from '../../platform/database.ts';
import { visibleLine } from '../../platform/terminal-text.ts';
import type { RunCounts } from './counts.ts';
import type { AnyKind, Estimate } from './kind.ts';
import { kindOf, RUN_KINDS } from './kinds.ts';
import { commandFields, showCommand } from './shown-command.ts';
import { createRun, findRun, type RunRow } from './store.ts';
import { progressText, showRun, type ShownRun, shownRun } from './view.ts';

/** A list of 200,000 cards. */
const BODY_BYTES_MAX = 4 * 1024 * 1024;

/** Something of each kind, distinguished by `kind`. */
function eachKind<S extends z.ZodRawShape>(more: S) {
  const [first, ...others] = [...RUN_KINDS.values()].map((kind: AnyKind) =>
    z
      .strictObject({
        kind: z.literal(kind.name).describe('The kind of the run.'),
        parameters: kind.parameters.describe('What it does: an object that depends on the kind.'),
        selection: kind.source.schema.describe('For whom: an object that depends on the kind.'),
        ...more,
      })
      .describe(`${kind.description}.`),
  );
  if (first === undefined) throw new Error('There is no kind of run');
  return z.discriminatedUnion('kind', [first, ...others], `give one of ${[...RUN_KINDS.keys()].join(', ')} as kind`);
}

const estimate = z
  .strictObject({
    targets: z.int(),
    exact: z.boolean().describe('False: extrapolated from a part.'),
    sample: z.array(
      z.strictObject({
        target: z.string(),
        subscription_number: z.string().nullable(),
        commands: z
          .array(z.strictObject(commandFields))
          .nullable()
          .describe('What would be sent for it now, in this order; null: it is the same for each target.'),
      }),
    ),
  })
  .meta({ id: 'RunEstimate', description: 'What a selection comes to.' });

const EXAMPLE = {
  kind: 'MESSAGE',
  parameters: { type: 'BARK', message: 'The match starts at 20:00.' },
  selection: { product: { code: 'SPORT' } },
};

export const estimateRun = operation({
  name: 'runs.estimate',
  summary: 'Count the targets that a run would have',
  description:
    'Counts them, exactly if they are not too many, and shows ten, with the commands of a resync or a fix. Nothing is stored or sent.',
  role: 'viewer',
  route: 'POST /runs/estimate',
  input: eachKind({}),
  output: estimate,
  example: EXAMPLE,
  bodyBytesMax: BODY_BYTES_MAX,
  async handle({ db, rules }, { kind: name, parameters, selection }) {
    const kind = kindOf(name);
    const { targets, exact, sample } = await kind.source.estimate(db, selection, { rules });
    const commands = await kind.preview?.(db, parameters, sample, { rules });
    const shown = sample.map(({ target, subscription }) => ({
      target,
      subscription_number: subscription,
      commands: commands === undefined ? null : (commands.get(target) ?? []).map(showCommand),
    }));
    return { targets, exact, sample: shown };
  },
});

/** Shows how far a run is until it ends. Fails unless every target has a good outcome. */
export const followRun: Omit<Follow<typeof shownRun>, 'onlyIfAsked'> = {
  again: async ({ db }, { id }) => await showRun(db, await existingRun(db, id)),
  isOver: ({ state }) => state !== 'PREPARING' && state !== 'RUNNING',
  progress: (run, first, ms) => `${progressText(run)}${rateText(first.counts, run, ms)}`,
  left: ({ id }) => `Run ${id} continues; \`runs stop ${id}\` stops it`,
  failure: endFailure,
};

const startCli = {
  async ask({ db, rules }, { kind, selection }) {
    return questionOf(kind, await kindOf(kind).source.estimate(db, selection as never, { rules }));
  },
  follow: { ...followRun, onlyIfAsked: false },
  text: ({ id, state }) =>
    state === 'PREPARING' || state === 'RUNNING'
      ? `run ${id} is created; \`runs show ${id}\` shows how far it is`
      : `run ${id} is ${state}`,
} satisfies CommandLine<ReturnType<typeof eachKind>, typeof shownRun>;

export const startRun = operation({
  name: 'runs.start',
  summary: 'Start a run',
  description:
    'It starts at once, or with `hold` when it is resumed. If you do not know whether a call arrived, repeat it with the same Idempotency-Key.',
  role: 'operator',
  route: 'POST /runs',
  input: eachKind({
    hold: z
      .boolean('give true or false')
      .optional()
      .describe('Collect and count the targets, and wait until the run is resumed.'),
  }),
  output: shownRun,
  example: EXAMPLE,
  takesIdempotencyKey: true,
  bodyBytesMax: BODY_BYTES_MAX,
  cli: startCli,
  async handle({ db, rules, by, once }, { kind, parameters, selection, hold = false }) {
    const run = { kind: kindOf(kind), parameters, selection, hold, by };
    const id = await once(
      (tx) => createRun(tx, run, { rules }),
      (_tx, number) => number,
    );
    return await showRun(db, await existingRun(db, id));
  },
});

/** A command that starts runs of one kind. */
export function startCommand(
  command: Pick<FurtherCommand, 'name' | 'summary'> & { readonly kind: string; readonly cli?: CommandLine },
): FurtherCommand {
  const { name, summary, kind, cli = {} } = command;
  return {
    name,
    summary,
    description: `Starts a run of the kind ${kind}: asks before, and follows it to its end.`,
    operation: startRun,
    fixed: { kind },
    cli: {
      ...(startCli as CommandLine),
      ...cli,
      options: {
        parameters: '',
        selection: '',
        cards: 'card',
        subscriptions: 'subscription',
        subscription_states: 'state',
        ...cli.options,
      },
      files: { 'selection.cards': 'cards', 'selection.subscriptions': 'subscriptions' },
    },
  };
}

/** @throws OperationError if there is no such run. */
export async function existingRun(db: Queryable, id: number): Promise<RunRow> {
  const found = await findRun(db, id);
  if (found !== null) return found;
  throw new OperationError('RUN_NOT_FOUND', 'id', `there is no run ${id}: \`runs list\` has them`);
}

function questionOf(kind: string, { targets, exact, sample }: Estimate): Question {
  const shown = sample.map(({ target, subscription }) =>
    subscription === null ? target : `${target} of ${subscription}`,
  );
  const more = targets > sample.length ? ', …' : '';
  const listed = shown.length > 0 ? `: ${shown.join(', ')}${more}` : '';
  return {
    shown: visibleLine(`${exact ? '' : 'about '}${targets.toLocaleString('en')} targets${listed}`),
    question: `Start ${kindOf(kind).description}?`,
    nothing: targets === 0 ? 'Nothing is selected: no run was started' : null,
  };
}

function rateText(first: RunCounts, { state, counts }: ShownRun, ms: number): string {
  const doneOf = ({ targets, waiting, pending }: RunCounts): number => targets - waiting - pending;
  const rate = (doneOf(counts) - doneOf(first)) / (ms / 1_000);
  return state !== 'RUNNING' || ms < 2_000 || rate <= 0 ? '' : `; ${Math.round(rate).toLocaleString('en')}/s`;
}

function endFailure({ id, kind, state, counts: { targets, outcomes } }: ShownRun): string | null {
  if (state === 'READY') return null;
  if (state !== 'COMPLETED') return `Run ${id} is ${state}; \`runs resume ${id}\` continues it`;
  const good = ['COMPLETED', ...(kindOf(kind).goodOutcomes ?? [])];
  const others = good.reduce((left, outcome) => left - (outcomes[outcome] ?? 0), targets);
  if (others === 0) return null;
  return `${others} of ${targets} are not ${good.join(' or ')}; \`runs cards ${id} --outcome CODE\` lists them`;
}

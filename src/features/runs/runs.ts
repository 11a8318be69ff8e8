import { z } from 'zod';
import { text } from '../../http/input-kinds.ts';
import { instant, limit, wholeNumber } from '../../operations/fields.ts';
import { type Feature, operation } from '../../operations/operation.ts';
import { recordOutcomes } from '../../outcomes/record.ts';
import type { Queryable } from '../../platform/database.ts';
import { type Column, table } from '../../platform/terminal-text.ts';
import { fingerprintOptions } from '../messages/fingerprint-content.ts';
import { messageOptions } from '../messages/message-content.ts';
import { resumeRun, stopRun } from './control.ts';
import { listTargets, shownTarget, type ShownTarget } from './list-targets.ts';
import { RUN_KINDS } from './kinds.ts';
import { estimateRun, existingRun, followRun, startCommand, startRun } from './start.ts';
import { listRuns, runChanges } from './store.ts';
import { progressText, runFields, showRun, type ShownRun, shownRun } from './view.ts';

export const runId = wholeNumber(1, 999_999_999_999_999, 'The number of the run');
const numbered = z.strictObject({ id: runId });

const runWithChanges = z
  .strictObject({
    ...runFields,
    changes: z.array(
      z.strictObject({
        event: z.string(),
        state: z.string(),
        detail: z.string().nullable(),
        user: z.string().nullable().describe('Null: the service itself.'),
        unit: z.string().nullable(),
        date: instant(),
      }),
    ),
  })
  .meta({ id: 'RunWithChanges', description: 'A run and its history.' });
type RunWithChanges = z.output<typeof runWithChanges>;

const ofRun = { arguments: ['id'], options: { id: 'run' } };

const showOperation = operation({
  name: 'runs.show',
  summary: 'Show one run',
  description: 'Shows how far it is, and who did what to it.',
  role: 'viewer',
  route: 'GET /runs/{id}',
  input: numbered,
  output: runWithChanges,
  example: { id: 17 },
  cli: {
    ...ofRun,
    text: showText,
    follow: {
      ...followRun,
      onlyIfAsked: true,
      again: ({ db }, { id }) => withChanges(db, id),
    },
  },
  handle: ({ db }, { id }) => withChanges(db, id),
});

async function withChanges(db: Queryable, id: number): Promise<RunWithChanges> {
  const run = await showRun(db, await existingRun(db, id));
  const changes = await runChanges(db, id);
  return { ...run, changes: changes.map(({ at, ...change }) => ({ ...change, date: at.toISOString() })) };
}

/** `runs`: the same for many cards or subscriptions. */
export const runs: Feature = {
  name: 'runs',
  summary: 'Does the same for many cards or subscriptions, and stops and resumes it (docs/runs.md).',
  operations: [
    startRun,
    estimateRun,
    operation({
      name: 'runs.list',
      summary: 'List runs',
      description: 'The newest first, with their counts by outcome.',
      role: 'viewer',
      route: 'GET /runs',
      input: z.strictObject({
        kind: z
          .enum([...RUN_KINDS.keys()], `give one of ${[...RUN_KINDS.keys()].join(', ')}`)
          .optional()
          .describe('Only runs of this kind.'),
        limit: limit(),
        before: runId.optional().describe('Continues after this run, the last one of the page before.'),
      }),
      output: z.strictObject({ runs: z.array(shownRun) }).meta({ id: 'Runs', description: 'A page of runs.' }),
      example: { limit: 10 },
      cli: { empty: 'There are no such runs.', text: (output) => table(COLUMNS, output.runs, 300) },
      async handle({ db }, { kind = null, limit: most, before = null }) {
        const listed = [];
        for (const run of await listRuns(db, { limit: most, after: before, kind })) listed.push(await showRun(db, run));
        return { runs: listed };
      },
    }),
    showOperation,
    operation({
      name: 'runs.stop',
      summary: 'Stop a run',
      description: 'From then on it sends nothing. What is not being sent yet is withdrawn; what is being sent ends.',
      role: 'operator',
      route: 'POST /runs/{id}/stop',
      input: numbered,
      output: z
        .strictObject({ ...runFields, withdrawn: z.int().describe('Requests that this call withdrew.') })
        .meta({ id: 'StoppedRun', description: 'A run that was stopped.' }),
      example: { id: 17 },
      cli: {
        ...ofRun,
        text: ({ id, state, withdrawn }) =>
          `run ${id} is ${state}; ${withdrawn} requests that nobody had begun to send were withdrawn`,
      },
      async handle({ db, by }, { id }) {
        const withdrawn = await stopRun(db, id, by, recordOutcomes);
        return { ...(await showRun(db, await existingRun(db, id))), withdrawn };
      },
    }),
    operation({
      name: 'runs.resume',
      summary: 'Start or resume a run',
      description: 'Starts one that was held, or continues one that was stopped or failed.',
      role: 'operator',
      route: 'POST /runs/{id}/resume',
      input: numbered,
      output: shownRun,
      example: { id: 17 },
      cli: { ...ofRun, text: ({ id, state }) => `run ${id} is ${state}` },
      async handle({ db, by }, { id }) {
        await resumeRun(db, id, by);
        return await showRun(db, await existingRun(db, id));
      },
    }),
    operation({
      name: 'runs.cards',
      summary: 'List the cards or subscriptions of a run',
      description: 'In the order of their names, with outcomes and requests.',
      role: 'viewer',
      route: 'GET /runs/{id}/targets',
      input: numbered.extend({
        outcome: text(60).optional().describe('Only these: WAITING, PENDING, COMPLETED, or another code.'),
        after: text(300).default('').describe('Continues after this target, the last one of the page before.'),
        limit: wholeNumber(1, 1_000, 'How many').default(1_000),
      }),
      output: z
        .strictObject({ targets: z.array(shownTarget) })
        .meta({ id: 'RunTargets', description: 'A page of targets.' }),
      example: { id: 17, outcome: 'OUTCOME_UNKNOWN' },
      cli: {
        ...ofRun,
        empty: 'The run has no such targets.',
        text: ({ targets }) => table(TARGET_COLUMNS, targets),
      },
      async handle({ db }, { id, outcome = null, ...page }) {
        await existingRun(db, id);
        return { targets: await listTargets(db, id, { outcome, ...page }) };
      },
    }),
  ],
  commands: [
    startCommand({
      name: 'runs message',
      summary: 'Show a mail, bark or repeating bark on every card of a selection',
      kind: 'MESSAGE',
      cli: { options: messageOptions },
    }),
    startCommand({
      name: 'runs fingerprint',
      summary: 'Show the fingerprint on every card of a selection',
      kind: 'FINGERPRINT',
      cli: { options: fingerprintOptions },
    }),
    startCommand({
      name: 'runs queue',
      summary: 'Send every message that waits in the communication queue',
      kind: 'QUEUE',
    }),
  ],
};

const COLUMNS: readonly Column<ShownRun>[] = [
  ['created', ({ created_date: created }) => created],
  ['kind', ({ kind }) => kind],
  ['by', ({ created_by_user: user }) => user],
  ['run', progressText],
];

const TARGET_COLUMNS: readonly Column<ShownTarget>[] = [
  ['target', ({ target }) => target],
  ['outcome', ({ outcome }) => outcome],
  ['subscription', ({ subscription_number: subscription }) => subscription],
  ['requests', ({ request_numbers: numbers }) => numbers.join(',')],
];

function showText(run: RunWithChanges): string {
  return [
    progressText(run),
    `kind        ${run.kind}`,
    `parameters  ${JSON.stringify(run.parameters)}`,
    `selection   ${JSON.stringify(run.selection)}`,
    ...run.changes.map(
      ({ date, event, user, detail }) =>
        `${date}  ${event}${user === null ? '' : ` by ${user}`}${detail === null ? '' : `: ${detail}`}`,
    ),
  ].join('\n');
}

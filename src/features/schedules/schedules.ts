import { z } from 'zod';
import { readInput } from '../../http/problems.ts';
import { because, text } from '../../http/input-kinds.ts';
import { instant, limit, noInput, wholeNumber } from '../../operations/fields.ts';
import { type Feature, operation, type OperationContext } from '../../operations/operation.ts';
import { type Column, table } from '../../platform/terminal-text.ts';
import { kindOf, RUN_KINDS } from '../runs/kinds.ts';
import { runInput } from '../runs/store.ts';
import { cronProblem, nextTimes } from './cron.ts';
import { addSchedule, enableSchedule, listSchedules, removeSchedule, type Schedule, scheduleHistory } from './store.ts';

const schedule = z
  .strictObject({
    name: z.string(),
    kind: z.string(),
    parameters: z.unknown(),
    selection: z.unknown(),
    cron: z.string(),
    time_zone: z.string(),
    enabled: z.boolean(),
    next_date: instant().nullable().describe('Null while it is disabled.'),
    last_run_id: z.int().nullable(),
    created_by_user: z.string(),
    created_by_unit: z.string().nullable(),
    created_date: instant(),
    updated_by_user: z.string(),
    updated_date: instant(),
  })
  .meta({ id: 'Schedule', description: 'Runs that start by the clock.' });
type ScheduleView = z.output<typeof schedule>;

const schedulesShown = z
  .strictObject({ schedules: z.array(schedule) })
  .meta({ id: 'Schedules', description: 'All schedules.' });

const start = z
  .strictObject({
    due_date: instant(),
    outcome: z.enum(['STARTED', 'SKIPPED', 'REFUSED']),
    run_id: z.int().nullable(),
    run_state: z.string().nullable().describe("The run's present state."),
    detail: z.string().nullable().describe('Why no run was started.'),
  })
  .meta({ id: 'ScheduleStart', description: 'What happened at one due time.' });
const history = z
  .strictObject({ starts: z.array(start) })
  .meta({ id: 'ScheduleHistory', description: 'Due times, and whether each started a run.' });

const kindNames = [...RUN_KINDS.keys()];
const json = (what: string) =>
  z
    .record(z.string(), z.unknown(), 'give a JSON object')
    .default({})
    .describe(`${what}, in the form of \`POST /runs\`.`);

const clock = {
  cron: text(100).describe('Minute, hour, day of the month, month, day of the week: `0 8 * * MON-FRI`.'),
  time_zone: text(60).default('UTC').describe('On whose clocks; an IANA name such as `Asia/Nicosia`.'),
};

function checkClock({ cron, time_zone }: { cron: string; time_zone: string }, context: z.RefinementCtx): void {
  const wrong = cronProblem(cron, time_zone);
  if (wrong === null) return;
  const params = because('PARAMETER_INVALID', true);
  context.addIssue({ code: 'custom', message: `{${wrong.field}}: ${wrong.problem}`, params });
}

/** Parameters and selection are checked by the schemas of the kind. */
const newSchedule = z
  .strictObject({
    name: text(100)
      .regex(/^[\p{L}\p{N}][\p{L}\p{N} ._-]*$/u, 'give letters, digits, blanks, dots, dashes and underscores')
      .describe('The name of the schedule; no two have the same.'),
    kind: z.enum(kindNames, `give one of ${kindNames.join(', ')}`).describe('The kind of its runs.'),
    ...clock,
    parameters: json("The run's parameters"),
    selection: json("The run's selection"),
  })
  .superRefine(checkClock)
  .superRefine(({ kind, parameters, selection }, context) => {
    const read = readInput(runInput(kindOf(kind)), { parameters, selection });
    if (!read.success) context.issues.push(...(read.error.issues as z.core.$ZodRawIssue[]));
  });

const named = z.strictObject({ name: text(100).describe('The name of the schedule.') });

/** `schedules`: runs that start by the clock. */
export const schedules: Feature = {
  name: 'schedules',
  summary: 'Starts runs by the clock, each on one of all instances.',
  operations: [
    operation({
      name: 'schedules.add',
      summary: 'Start a run at every time that a cron expression names',
      description: 'While the run before is under way, a time is skipped. One run makes up for all missed times.',
      role: 'operator',
      route: 'POST /schedules',
      input: newSchedule,
      output: schedule,
      example: { name: 'evening messages', kind: 'QUEUE', cron: '0 18 * * *', time_zone: 'Asia/Nicosia' },
      cli: { arguments: ['name'], text: lineOf },
      async handle({ db, by, rules }, { kind, ...input }) {
        return viewOf(await addSchedule(db, { ...input, kind: kindOf(kind), by }, { rules }));
      },
    }),
    operation({
      name: 'schedules.list',
      summary: 'List all schedules',
      description: 'Sorted by name.',
      role: 'viewer',
      route: 'GET /schedules',
      input: noInput,
      output: schedulesShown,
      example: {},
      cli: { text: (output) => table(COLUMNS, output.schedules) },
      handle: async ({ db }) => ({ schedules: (await listSchedules(db)).map(viewOf) }),
    }),
    operation({
      name: 'schedules.times',
      summary: 'Show the next times that a cron expression names',
      description: 'From now on, on the clocks of a time zone. Nothing is stored.',
      role: 'viewer',
      route: 'GET /schedule_times',
      input: z.strictObject({ ...clock, limit: wholeNumber(1, 20, 'How many').default(5) }).superRefine(checkClock),
      output: z
        .strictObject({ dates: z.array(instant()) })
        .meta({ id: 'ScheduleTimes', description: 'The next times of a cron expression.' }),
      example: { cron: '0 18 * * *', time_zone: 'Asia/Nicosia' },
      cli: { arguments: ['cron'], text: ({ dates }) => dates.join('\n') },
      handle: async (_context, { cron, time_zone: zone, limit: most }) => ({
        dates: nextTimes(cron, zone, new Date(), most).map((date) => date.toISOString()),
      }),
    }),
    operation({
      name: 'schedules.enable',
      summary: 'Start runs again',
      description: 'From the next time on; times that have passed are not made up for.',
      role: 'operator',
      route: 'POST /schedules/{name}/enable',
      input: named,
      output: schedule,
      example: { name: 'evening messages' },
      cli: { arguments: ['name'], text: lineOf },
      handle: (context, { name }) => enable(context, name, true),
    }),
    operation({
      name: 'schedules.disable',
      summary: 'Start no more runs',
      description: 'Until the schedule is enabled again.',
      role: 'operator',
      route: 'POST /schedules/{name}/disable',
      input: named,
      output: schedule,
      example: { name: 'evening messages' },
      cli: { arguments: ['name'], text: lineOf },
      handle: (context, { name }) => enable(context, name, false),
    }),
    operation({
      name: 'schedules.remove',
      summary: 'Remove a schedule',
      description: 'Removes its history too; its runs stay.',
      role: 'operator',
      route: 'POST /schedules/{name}/remove',
      input: named,
      output: z
        .strictObject({ name: z.string() })
        .meta({ id: 'RemovedSchedule', description: 'The schedule that was removed.' }),
      example: { name: 'evening messages' },
      cli: { arguments: ['name'], text: ({ name }) => `schedule ${name} is removed` },
      async handle({ db }, { name }) {
        await removeSchedule(db, name);
        return { name };
      },
    }),
    operation({
      name: 'schedules.history',
      summary: 'Show what happened at the last due times',
      description: 'The newest first.',
      role: 'viewer',
      route: 'GET /schedules/{name}/history',
      input: named.extend({ limit: limit() }),
      output: history,
      example: { name: 'evening messages' },
      cli: {
        arguments: ['name'],
        empty: 'The schedule was not due yet.',
        text: (output) => table(START_COLUMNS, output.starts, 200),
      },
      async handle({ db }, { name, limit: most }) {
        const starts = await scheduleHistory(db, name, most);
        return {
          starts: starts.map(({ dueAt, outcome, runId, runState, detail }) => ({
            due_date: dueAt.toISOString(),
            outcome,
            run_id: runId,
            run_state: runState,
            detail,
          })),
        };
      },
    }),
  ],
};

async function enable({ db, by }: OperationContext, name: string, enabled: boolean): Promise<ScheduleView> {
  return viewOf(await enableSchedule(db, name, enabled, by));
}

function viewOf(one: Schedule): ScheduleView {
  return {
    name: one.name,
    kind: one.kind,
    parameters: one.parameters,
    selection: one.selection,
    cron: one.cron,
    time_zone: one.timeZone,
    enabled: one.enabled,
    next_date: one.nextAt?.toISOString() ?? null,
    last_run_id: one.lastRunId,
    created_by_user: one.createdByUser,
    created_by_unit: one.createdByUnit,
    created_date: one.createdAt.toISOString(),
    updated_by_user: one.updatedByUser,
    updated_date: one.updatedAt.toISOString(),
  };
}

function lineOf({ name, kind, cron, time_zone: zone, next_date: next }: ScheduleView): string {
  return `${name}  ${kind}  ${cron} ${zone}  ${next === null ? 'disabled' : `next ${next}`}`;
}

const COLUMNS: readonly Column<ScheduleView>[] = [
  ['name', ({ name }) => name],
  ['kind', ({ kind }) => kind],
  ['cron', ({ cron }) => cron],
  ['time zone', ({ time_zone: zone }) => zone],
  ['next', ({ next_date: next }) => next ?? 'disabled'],
];

const START_COLUMNS: readonly Column<z.output<typeof start>>[] = [
  ['due', ({ due_date: due }) => due],
  ['outcome', ({ outcome }) => outcome],
  ['run', ({ run_id: run }) => run],
  ['state', ({ run_state: state }) => state],
  ['detail', ({ detail }) => detail],
];

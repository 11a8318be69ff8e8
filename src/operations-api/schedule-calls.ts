import { z } from 'zod';
import { kindOf } from '../runs/kinds.ts';
import {
  addSchedule,
  enableSchedule,
  listSchedules,
  removeSchedule,
  type Schedule,
  scheduleFields,
  scheduleHistory,
  scheduleInput,
} from '../runs/schedules.ts';
import { type Call, call } from '../http/calls.ts';
import { formatDate } from '../http/dates.ts';
import { success, successSchema } from '../http/envelope.ts';
import { integer, text } from '../http/input-kinds.ts';
import { problemOf } from '../http/problems.ts';
import { actorOf } from './actor.ts';
import type { OperationsParts } from './parts.ts';
import { eachKind } from './run-calls.ts';
import { nothingAsked, shownDate } from './shapes.ts';

const schedule = z
  .strictObject({
    name: z.string(),
    kind: z.string(),
    parameters: z.unknown(),
    selection: z.unknown(),
    cron: z.string(),
    time_zone: z.string(),
    enabled: z.boolean(),
    next_date: shownDate().nullable(),
    last_run_id: z.int().nullable(),
    created_by_user: z.string(),
    created_by_unit: z.string().nullable(),
    created_date: shownDate(),
    updated_by_user: z.string(),
    updated_date: shownDate(),
  })
  .meta({ id: 'Schedule', description: 'Runs that start by the clock.' });

const start = z
  .strictObject({
    due_date: shownDate(),
    outcome: z.enum(['STARTED', 'SKIPPED', 'REFUSED']),
    run_id: z.int().nullable(),
    run_state: z.string().nullable(),
    detail: z.string().nullable().describe('Why no run was started.'),
  })
  .meta({ id: 'ScheduleStart', description: 'What became of one due time.' });

const named = z.strictObject({ name: text(100) });

/** Schedules in the operations API. */
export function scheduleCalls({ db, rules }: Pick<OperationsParts, 'db' | 'rules'>): Call[] {
  const common = { tag: 'schedules', output: successSchema(schedule) };
  const switched = (enabled: boolean) =>
    call({
      ...common,
      name: enabled ? 'enableSchedule' : 'disableSchedule',
      method: 'POST',
      paths: [`/schedules/:name/${enabled ? 'enable' : 'disable'}`],
      access: 'writer',
      summary: enabled ? 'Start runs again' : 'Start no more runs',
      description: enabled ? 'From the next time on; nothing is made up for.' : 'Until it is enabled again.',
      input: nothingAsked,
      params: named,
      async handle(asked) {
        return success(viewOf(await enableSchedule(db, asked.params.name, enabled, actorOf(asked))));
      },
    });
  return [
    call({
      ...common,
      name: 'addSchedule',
      method: 'POST',
      paths: ['/schedules'],
      access: 'writer',
      summary: 'Start runs by the clock',
      description: 'One instance starts each; while the run before is under way a time is skipped.',
      input: eachKind(scheduleFields),
      async handle(asked) {
        const { kind, parameters, selection, ...rest } = asked.input;
        const read = z.safeParse(scheduleInput, rest, { reportInput: true });
        if (!read.success) throw problemOf(read.error);
        const added = { ...read.data, kind: kindOf(kind), parameters, selection, by: actorOf(asked) };
        return success(viewOf(await addSchedule(db, added, { rules })));
      },
    }),
    call({
      ...common,
      name: 'listSchedules',
      method: 'GET',
      paths: ['/schedules'],
      access: 'reader',
      summary: 'All schedules',
      description: 'By name.',
      input: nothingAsked,
      output: successSchema(
        z.strictObject({ schedules: z.array(schedule) }).meta({ id: 'Schedules', description: 'All schedules.' }),
      ),
      handle: async () => success({ schedules: (await listSchedules(db)).map(viewOf) }),
    }),
    switched(true),
    switched(false),
    call({
      ...common,
      name: 'removeSchedule',
      method: 'POST',
      paths: ['/schedules/:name/remove'],
      access: 'writer',
      summary: 'Remove a schedule',
      description: 'With its history; its runs stay.',
      input: nothingAsked,
      params: named,
      output: successSchema(z.strictObject({}).meta({ id: 'Removed', description: 'It is gone.' })),
      async handle({ params }) {
        await removeSchedule(db, params.name);
        return success({});
      },
    }),
    call({
      ...common,
      name: 'scheduleHistory',
      method: 'GET',
      paths: ['/schedules/:name/history'],
      access: 'reader',
      summary: 'What became of the last due times',
      description: 'The newest first.',
      input: z.strictObject({ number_of_results: integer(1, 1_000).optional().describe('Default 50.') }),
      params: named,
      output: successSchema(
        z.strictObject({ starts: z.array(start) }).meta({ id: 'ScheduleHistory', description: 'Due times.' }),
      ),
      async handle({ input, params }) {
        const starts = await scheduleHistory(db, params.name, input.number_of_results ?? 50);
        return success({
          starts: starts.map(({ dueAt, outcome, runId, runState, detail }) => ({
            due_date: formatDate(dueAt),
            outcome,
            run_id: runId,
            run_state: runState,
            detail,
          })),
        });
      },
    }),
  ];
}

function viewOf(one: Schedule): z.output<typeof schedule> {
  return {
    name: one.name,
    kind: one.kind,
    parameters: one.parameters,
    selection: one.selection,
    cron: one.cron,
    time_zone: one.timeZone,
    enabled: one.enabled,
    next_date: one.nextAt === null ? null : formatDate(one.nextAt),
    last_run_id: one.lastRunId,
    created_by_user: one.createdByUser,
    created_by_unit: one.createdByUnit,
    created_date: formatDate(one.createdAt),
    updated_by_user: one.updatedByUser,
    updated_date: formatDate(one.updatedAt),
  };
}

import { Command } from 'commander';
import { localUser } from '../operations/actor.ts';
import { RUN_KINDS } from '../runs/kinds.ts';
import { runInput } from '../runs/store.ts';
import {
  addSchedule,
  enableSchedule,
  givenKind,
  listSchedules,
  removeSchedule,
  type Schedule,
  scheduleHistory,
  scheduleInput,
  type ScheduleStart,
} from '../runs/schedules.ts';
import type { Column } from '../platform/terminal-text.ts';
import { withDatabase } from './database.ts';
import { UsageError } from './exit-codes.ts';
import { inputOf, operated, type OptionNames } from './operation.ts';
import { print, printList } from './output.ts';
import { kindContext } from './run-start.ts';

const OPTIONS: OptionNames = {
  cron: '--cron',
  time_zone: '--time-zone',
  kind: '--kind',
  parameters: '--parameters',
  selection: '--selection',
};

/** `schedules`: runs that start by the clock. */
export function schedulesCommand(): Command {
  const schedules = new Command('schedules').description('runs that start by the clock, on one of all instances');
  schedules
    .command('add')
    .description('starts a run of a kind at every time that a cron expression names')
    .argument('<name>', 'what it is known by')
    .requiredOption('--kind <kind>', `one of ${[...RUN_KINDS.keys()].join(', ')}`)
    .requiredOption(
      '--cron <expression>',
      "minute, hour, day of the month, month, day of the week, such as '0 8 * * MON-FRI'",
    )
    .option('--time-zone <zone>', 'on whose clocks, such as Asia/Nicosia', 'UTC')
    .option('--parameters <json>', "the run's parameters, as the operations API takes them", '{}')
    .option('--selection <json>', "the run's selection, as the operations API takes it", '{}')
    .option('--by <name>', 'who adds it', localUser())
    .action(async (name: string, given: AddArguments) => {
      const input = inputOf(scheduleInput, { name, cron: given.cron, time_zone: given.timeZone }, OPTIONS);
      const added = await operated(OPTIONS, async () => {
        const kind = givenKind(given.kind);
        const [parameters, selection] = [
          jsonOf('--parameters', given.parameters),
          jsonOf('--selection', given.selection),
        ];
        const read = inputOf(runInput(kind), { parameters, selection }, OPTIONS);
        const by = { user: given.by, unit: null };
        return await withDatabase((db) => addSchedule(db, { ...input, ...read, kind, by }, kindContext()));
      });
      await print(lineOf(added));
    });
  schedules
    .command('list')
    .description('all of them, by name')
    .option('--json', 'print JSON, one a line')
    .action(async (options: { json?: boolean }) => {
      const json = options.json ? 'lines' : null;
      await printList(await withDatabase(listSchedules), {
        columns: COLUMNS,
        nothing: 'There are no schedules.',
        json,
      });
    });
  for (const [command, enabled] of [
    ['enable', true],
    ['disable', false],
  ] as const) {
    schedules
      .command(command)
      .description(enabled ? 'starts runs again, from the next time on' : 'starts no more runs until it is enabled')
      .argument('<name>')
      .option('--by <name>', 'who does it', localUser())
      .action(async (name: string, { by }: { by: string }) => {
        const changed = await operated(OPTIONS, () =>
          withDatabase((db) => enableSchedule(db, name, enabled, { user: by, unit: null })),
        );
        await print(lineOf(changed));
      });
  }
  schedules
    .command('remove')
    .description('removes it and its history; its runs stay')
    .argument('<name>')
    .action(async (name: string) => {
      await operated(OPTIONS, () => withDatabase((db) => removeSchedule(db, name)));
      await print(`schedule ${name} is removed`);
    });
  schedules
    .command('history')
    .description('what became of its last due times, the newest first')
    .argument('<name>')
    .option('--limit <n>', 'how many, at most 1,000', '20')
    .option('--json', 'print JSON, one a line')
    .action(async (name: string, options: { limit: string; json?: boolean }) => {
      const limit = Number(options.limit);
      if (!/^\d+$/.test(options.limit) || limit < 1 || limit > 1_000) {
        throw new UsageError(`--limit is ${JSON.stringify(options.limit)}: give a whole number from 1 to 1000`);
      }
      const starts = await operated(OPTIONS, () => withDatabase((db) => scheduleHistory(db, name, limit)));
      const nothing = `Schedule ${name} was not due yet.`;
      await printList(starts, { columns: START_COLUMNS, nothing, json: options.json ? 'lines' : null, widest: 200 });
    });
  return schedules;
}

interface AddArguments {
  readonly kind: string;
  readonly cron: string;
  readonly timeZone: string;
  readonly parameters: string;
  readonly selection: string;
  readonly by: string;
}

function jsonOf(option: string, text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new UsageError(`${option} is ${JSON.stringify(text.slice(0, 60))}: give JSON`);
  }
}

function lineOf({ name, kind, cron, timeZone, nextAt }: Schedule): string {
  return `${name}  ${kind}  ${cron} ${timeZone}  ${nextAt === null ? 'disabled' : `next ${nextAt.toISOString()}`}`;
}

const COLUMNS: readonly Column<Schedule>[] = [
  ['name', ({ name }) => name],
  ['kind', ({ kind }) => kind],
  ['cron', ({ cron }) => cron],
  ['time zone', ({ timeZone }) => timeZone],
  ['next', ({ nextAt }) => nextAt ?? 'disabled'],
];

const START_COLUMNS: readonly Column<ScheduleStart>[] = [
  ['due', ({ dueAt }) => dueAt],
  ['outcome', ({ outcome }) => outcome],
  ['run', ({ runId }) => runId],
  ['state', ({ runState }) => runState],
  ['detail', ({ detail }) => detail],
];

import { Command } from 'commander';
import { localUser } from '../operations/actor.ts';
import {
  askToStop,
  findReplay,
  listReplays,
  type Replay,
  ReplayNotFoundError,
  resumeReplay,
} from '../features/replay/record.ts';
import type { Column } from '../platform/terminal-text.ts';
import { withDatabase } from './database.ts';
import { NotFoundError } from './exit-codes.ts';
import { textOf, wholeNumberOf } from './options.ts';
import { print, printJson, printList } from './output.ts';
import { type Limits, planCommand, resumeEvents, runCommand, withLimits } from './replay-events.ts';
import { outcomesCommand, resumeOutcomes } from './replay-outcomes.ts';

/** `replay`: what was processed or published is processed or published again (docs/replay.md). */
export function replayCommand(): Command {
  const replay = new Command('replay').description(
    'processes CRM events again, and publishes outcomes again (docs/replay.md)',
  );
  for (const command of [planCommand, runCommand, outcomesCommand]) replay.addCommand(command());
  replay
    .command('list')
    .description('the replays, the newest first')
    .option('--limit <n>', 'how many, at most 1000', '20')
    .option('--json', 'print JSON')
    .action(async ({ limit, json }: { limit: string; json?: boolean }) => {
      const replays = await withDatabase((db) => listReplays(db, wholeNumberOf('--limit', limit, 1, 1_000)));
      await printList(replays, { columns: COLUMNS, nothing: 'There are no replays.', json: json ? 'array' : null });
    });
  replay
    .command('show')
    .description('one replay: what it takes, who asked for it and why, how far it came')
    .argument('<id>', 'the number that `replay list` shows first')
    .option('--json', 'print JSON')
    .action(async (id: string, { json }: { json?: boolean }) => {
      const found = await replayOf(id);
      await (json ? printJson(found) : print(textOfReplay(found)));
    });
  replay
    .command('stop')
    .description('stops a replay behind what it has in hand; requests that it made are sent all the same')
    .argument('<id>', 'the number that `replay list` shows first')
    .option('--by <name>', 'who stops it', localUser())
    .action(async (id: string, { by }: { by: string }) => {
      const { id: number } = await replayOf(id);
      const asked = await withDatabase((db) => askToStop(db, number, textOf('--by', by)));
      await print(asked ? `replay ${id} is asked to stop` : `replay ${id} is not under way`);
    });
  withLimits(replay.command('resume'))
    .description('goes on with a replay that was stopped, or whose process died, where it ended')
    .argument('<id>', 'the number that `replay list` shows first')
    .option('--json', 'print JSON')
    .action(async (id: string, { json = false, ...limits }: Limits & { json?: boolean }) => {
      const found = await replayOf(id);
      if (found.kind === 'OUTCOMES') await resumeOutcomes(found.id, json);
      else if (found.kind === 'EVENTS') await withDatabase((db) => resumeEvents(db, found, limits, json));
      else {
        const { state } = await withDatabase((db) => resumeReplay(db, found.id, null));
        await (json ? printJson({ replay: found.id, state }, 'line') : print(`plan ${id} begins anew in the service`));
      }
    });
  return replay;
}

async function replayOf(text: string): Promise<Replay> {
  const id = wholeNumberOf('The id', text, 1, Number.MAX_SAFE_INTEGER);
  const found = await withDatabase((db) => findReplay(db, id));
  if (!found) throw new NotFoundError(new ReplayNotFoundError(id).message);
  return found;
}

const COLUMNS: readonly Column<Replay>[] = [
  ['id', ({ id }) => id],
  ['kind', ({ kind }) => kind],
  ['state', ({ state }) => state],
  ['started', ({ startedAt }) => startedAt],
  ['by', ({ createdBy }) => createdBy.user],
  ['done', ({ counts }) => countsText(counts)],
  ['reason', ({ reason }) => reason],
];

function countsText(counts: Replay['counts']): string {
  return Object.entries(counts)
    .map(([name, count]) => `${count} ${name}`)
    .join(', ');
}

function textOfReplay(replay: Replay): string {
  const { createdBy, startedAt, endedAt } = replay;
  return [
    `replay     ${replay.id}`,
    `kind       ${replay.kind}`,
    `state      ${replay.state}${replay.stopRequestedBy === null ? '' : `, ${replay.stopRequestedBy} asked to stop it`}`,
    `reason     ${replay.reason}`,
    `author     ${createdBy.user}${createdBy.unit === null ? '' : ` (${createdBy.unit})`}`,
    `started    ${startedAt.toISOString()}`,
    `ended      ${endedAt?.toISOString() ?? '-'}`,
    `selection  ${JSON.stringify(replay.selection)}`,
    `done       ${countsText(replay.counts) || '-'}`,
    `by         ${replay.hosted ? 'the service' : 'a command'}`,
    ...(replay.failure === null ? [] : [`failure    ${replay.failure}`]),
  ].join('\n');
}

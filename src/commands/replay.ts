import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import { kafkaOf, registryOf } from '../connections.ts';
import { audited } from '../features/audit/record.ts';
import { type Publishing, topicExists, withDestination } from '../features/replay/destination.ts';
import {
  limitsOf,
  localPlanInput,
  localResumeInput,
  localRunInput,
  OPTION_NAMES,
  outcomesInput,
  outcomesOf,
  selectionOf,
} from '../features/replay/inputs.ts';
import {
  DEFAULT_LIMITS,
  type OpenedEvents,
  type OpenOptions,
  pinnedTo,
  type ReplayLimits,
  type StoredSelection,
  withEvents,
} from '../features/replay/open-events.ts';
import { outcomeSelection, replayOutcomes, type StoredOutcomeSelection } from '../features/replay/outcomes.ts';
import { isDifference, planEvents } from '../features/replay/plan-events.ts';
import type { PlanRow } from '../features/replay/plan-rows.ts';
import { createReplay, endReplay, pinSelection, type Replay, resumeReplay } from '../features/replay/record.ts';
import { existingReplay, usableTopic } from '../features/replay/replay.ts';
import { runEvents } from '../features/replay/run-events.ts';
import { countsText, rowText, showReplay, showRow, summaryText } from '../features/replay/view.ts';
import { type Actor, localUser } from '../operations/actor.ts';
import type { OperationContext } from '../operations/operation.ts';
import { plan } from '../planning/plan.ts';
import { createLogger } from '../platform/logging.ts';
import { readSettings } from '../settings.ts';
import { onInput } from './feature-command.ts';
import { UsageError } from './exit-codes.ts';
import { withContext } from './operation-context.ts';
import { print, printJson } from './output.ts';
import { type ProgressLine, progressLine } from './progress.ts';
import { tellingWhy } from './sending-teller.ts';
import { untilToldToStop } from './signals.ts';

const CLI = { options: OPTION_NAMES };

/**
 * Adds the commands of `replay` that do the work in their own process, so that they need no service and may read a
 * file: `plan`, `run`, `outcomes` and `resume`.
 */
export function addReplayWork(replay: Command): void {
  const plans = json(replay.command('plan'), 'print JSON: a row a line, the summary last')
    .description("shows what today's rules make of past events, compared with what was made; changes nothing")
    .option('--all', 'all rows, also those that are the same or withheld as then');
  onInput(plans, localPlanInput, CLI, async (given) => {
    const options = plans.opts<{ all?: boolean; json?: boolean }>();
    await onEvents(localUser(), selectionOf(given), async (context, events, progress) => {
      const summary = await planned(context, events, given.again, progress, async (row) => {
        if (options.all !== true && !isDifference(row)) return;
        const shown = showRow(row);
        await (options.json ? printJson({ kind: 'row', ...shown }, 'line') : print(rowText(shown)));
      });
      const { unreadable } = events.pinned;
      if (options.json) await printJson({ kind: 'summary', ...summary, unreadable }, 'line');
      else await print(summaryText(summary, unreadable));
    });
  });

  const runs = json(replay.command('run'))
    .description("corrects what today's rules would make differently of past events")
    .option('--by <name>', 'who does it', localUser())
    .option('--yes', 'do it; without it the summary of the plan is shown, and nothing is sent');
  onInput(runs, localRunInput, CLI, async (given) => {
    const options = runs.opts<{ by: string; yes?: boolean; json?: boolean }>();
    const selection = selectionOf(given);
    await onEvents(options.by, selection, async (context, events, progress) => {
      if (options.yes !== true) {
        const summary = await planned(context, events, given.again, progress, () => {});
        await print(summaryText(summary, events.pinned.unreadable));
        return print('Nothing was sent: add --yes to do it');
      }
      const owner = randomUUID();
      const made = { ...selection, ...events.pinned };
      const asked = { kind: 'EVENTS', selection: made, reason: given.reason, by: context.by } as const;
      await recorded(context, 'replay.run', given, async () =>
        processAgain(context, await createReplay(context.db, asked, owner), { owner, events, progress }, options),
      );
    });
  });

  const outcomes = json(replay.command('outcomes'))
    .description('publishes outcomes again, with the same ce_id and in the same order for each key')
    .option('--by <name>', 'who does it', localUser());
  onInput(outcomes, outcomesInput, CLI, async (given) => {
    const options = outcomes.opts<{ by: string; json?: boolean }>();
    readSettings(['database', 'kafka']);
    await withContext(actor(options.by), 0, async (context) => {
      const topic = usableTopic(given.topic, context.ownTopics);
      if (topic !== null && !(await topicExists(publishing().kafka, topic))) {
        throw new UsageError(`--topic is ${JSON.stringify(topic)}: there is no such topic; create it first`);
      }
      const selection = await outcomeSelection(context.db, outcomesOf(given), topic);
      const asked = { kind: 'OUTCOMES', selection, reason: given.reason, by: context.by } as const;
      const owner = randomUUID();
      await recorded(context, 'replay.outcomes', given, async () =>
        publishAgain(context, await createReplay(context.db, asked, owner), owner, options),
      );
    });
  });

  const resumes = json(replay.command('resume')).description(
    'continues a replay that was stopped or whose process died, at the first event that is not done',
  );
  onInput(resumes, localResumeInput, { ...CLI, arguments: ['id'] }, async (given) => {
    const options = resumes.opts<{ json?: boolean }>();
    const found = await withContext(actor(localUser()), 0, ({ db }) => existingReplay(db, given.id));
    const owner = randomUUID();
    if (found.kind === 'EVENTS') {
      const stored = found.selection as StoredSelection;
      await onEvents(localUser(), stored, async (context, events, progress) => {
        const limits = limitsOf(given, stored.limits ?? DEFAULT_LIMITS);
        const pinned = { ...pinnedTo(found.id, stored, events), limits };
        await recorded(context, 'replay.resume', given, async () => {
          const replayed = await resumeReplay(context.db, found.id, owner);
          await pinSelection(context.db, found.id, owner, pinned);
          return processAgain(context, { ...replayed, selection: pinned }, { owner, events, progress }, options);
        });
      });
    } else if (found.kind === 'OUTCOMES') {
      readSettings(['database', 'kafka']);
      await withContext(actor(localUser()), 0, (context) =>
        recorded(context, 'replay.resume', given, async () =>
          publishAgain(context, await resumeReplay(context.db, found.id, owner), owner, options),
        ),
      );
    } else {
      const shown = await withContext(actor(localUser()), 0, (context) =>
        recorded(context, 'replay.resume', given, () => resumeReplay(context.db, found.id, null)),
      );
      await (options.json ? printJson(showReplay(shown)) : print(`plan ${found.id} starts again in the service`));
    }
  });
}

/** Does the work of a call in this process, and records it as the call would be. */
function recorded<T>({ db, by }: OperationContext, operation: string, input: object, work: () => Promise<T>) {
  return audited(db, { source: 'cli', operation, by, input }, work);
}

interface Printing {
  readonly json?: boolean;
}

function json(command: Command, text = 'print JSON: the same data as the HTTP call'): Command {
  return command.option('--json', text);
}

function actor(user: string): Actor {
  const name = user.trim();
  if (name !== '' && name.length <= 200) return { user: name, unit: null };
  throw new UsageError('--by must be a text of 1 to 200 characters');
}

/** Opens the events of a selection, with all settings read before. */
async function onEvents(
  by: string,
  selection: StoredSelection,
  work: (context: OperationContext, events: OpenedEvents, progress: ProgressLine) => Promise<void>,
): Promise<void> {
  const { source, ranges } = selection;
  readSettings(['database', 'rules', ...(source.kind === 'kafka' ? (['kafka'] as const) : [])]);
  if (source.kind === 'file' && !existsSync(source.path)) {
    throw new UsageError(`--file is ${JSON.stringify(source.path)}: there is no such file`);
  }
  const progress = progressLine();
  await withContext(actor(by), 0, async (context) => {
    const options: OpenOptions = {
      db: context.db,
      ranges,
      onRead: (events) => progress.show(`${events} events read`),
      reading: () => ({ kafka: publishing().kafka, findWriterSchema: context.findWriterSchema }),
    };
    await withEvents(selection, options, (events) => work(context, events, progress));
  });
}

async function planned(
  { db, rules, stalePolicy }: OperationContext,
  events: OpenedEvents,
  again: boolean,
  progress: ProgressLine,
  row: (row: PlanRow) => Promise<void> | void,
): ReturnType<typeof planEvents> {
  const all = events.events === null ? '' : ` of about ${events.events}`;
  const show = (done: number, subscriptions: number): void =>
    progress.show(`${done}${all} events, ${subscriptions} subscriptions`);
  try {
    return await planEvents(db, events.pages(null), { plan, rules, stalePolicy, again }, { row, progress: show });
  } finally {
    progress.end();
  }
}

/** Processes the events of a replay again, until the end or until a signal stops the command. */
async function processAgain(
  { db, rules, stalePolicy, facetWaitMs }: OperationContext,
  replay: Replay,
  {
    owner,
    events,
    progress,
  }: { readonly owner: string; readonly events: OpenedEvents; readonly progress: ProgressLine },
  options: Printing,
): Promise<Replay> {
  const { again, limits = DEFAULT_LIMITS } = replay.selection as { again: boolean; limits?: ReplayLimits };
  const running = {
    ...limits,
    plan,
    rules,
    stalePolicy,
    facetWaitMs,
    again,
    owner,
    signal: toldToStop(),
    onProgress: (counts: Readonly<Record<string, number>>) =>
      progress.show(`replay ${replay.id}: ${countsText(counts)}`),
  };
  try {
    await tellingWhy(db, true, () => runEvents(db, replay, events.pages(replay.cursor), running));
  } catch (error) {
    // What is done stays done; a person resumes it.
    await endReplay(db, replay.id, owner, 'STOPPED').catch(() => {});
    throw error;
  } finally {
    progress.end();
  }
  const ended = await existingReplay(db, replay.id);
  await printEnd(ended, options, `replay ${replay.id} is ${ended.state}: ${countsText(ended.counts)}`);
  return ended;
}

/** Publishes the outcomes of a replay again, until the end or until a signal stops the command. */
async function publishAgain(
  { db }: OperationContext,
  replay: Replay,
  owner: string,
  options: Printing,
): Promise<Replay> {
  const { topic } = replay.selection as StoredOutcomeSelection;
  const progress = progressLine();
  const onProgress = (outcomes: number): void => progress.show(`replay ${replay.id}: ${outcomes} outcomes`);
  await withDestination(topic, publishing, (destination) =>
    replayOutcomes(db, replay, { owner, destination, signal: toldToStop(), onProgress }),
  ).finally(() => progress.end());
  const ended = await existingReplay(db, replay.id);
  const published = ended.counts['outcomes'] ?? 0;
  const where = topic === null ? 'go out again' : `are in ${topic}`;
  await printEnd(ended, options, `replay ${replay.id}: ${published} outcomes ${where}`);
  return ended;
}

async function printEnd(ended: Replay, { json: asJson }: Printing, text: string): Promise<void> {
  if (asJson) return printJson(showReplay(ended));
  await print(text);
  if (ended.state === 'STOPPED') await print(`continue with "replay resume ${ended.id}"`);
}

function toldToStop(): AbortSignal {
  const stop = new AbortController();
  void untilToldToStop().then(() => stop.abort());
  return stop.signal;
}

function publishing(): Publishing {
  const settings = readSettings(['kafka']);
  return { ...settings, kafka: kafkaOf(settings, createLogger('silent')), registry: registryOf(settings) };
}

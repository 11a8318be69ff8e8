import { randomUUID } from 'node:crypto';
import { Command } from 'commander';
import { kafkaOf, registryOf } from '../connections.ts';
import type { FindWriterSchema } from '../events/decode.ts';
import { localUser } from '../operations/actor.ts';
import { plan } from '../planning/plan.ts';
import type { Database } from '../platform/database.ts';
import { createLogger } from '../platform/logging.ts';
import {
  DEFAULT_LIMITS,
  type OpenedEvents,
  type OpenOptions,
  pinnedTo,
  type ReplayLimits,
  type StoredSelection,
  withEvents,
} from '../features/replay/open-events.ts';
import { isDifference, planEvents } from '../features/replay/plan-events.ts';
import type { PlanRow } from '../features/replay/plan-rows.ts';
import {
  createReplay,
  endReplay,
  findReplay,
  pinSelection,
  type Replay,
  type ReplayState,
  resumeReplay,
} from '../features/replay/record.ts';
import { runEvents } from '../features/replay/run-events.ts';
import { planningRulesOf, readSettings } from '../settings.ts';
import { withDatabase } from './database.ts';
import { textOf, wholeNumberOf } from './options.ts';
import { print, printJson } from './output.ts';
import { type ProgressLine, progressLine } from './progress.ts';
import { type SelectionArguments, selectionOf, withSelection } from './replay-selection.ts';
import { planRowText, summaryText } from './replay-text.ts';
import { tellingWhy } from './sending-teller.ts';
import { untilToldToStop } from './signals.ts';

interface PlanArguments extends SelectionArguments {
  readonly again?: boolean;
  readonly all?: boolean;
  readonly json?: boolean;
}

interface RunArguments extends PlanArguments, Limits {
  readonly reason: string;
  readonly by: string;
  readonly yes?: boolean;
}

/** How fast a run goes. */
export interface Limits {
  readonly window?: string;
  readonly rate?: string;
}

/** `replay plan`: what a replay would come to; it changes nothing. */
export function planCommand(): Command {
  return withSelection(
    new Command('plan').description(
      "tells what today's rules make of past events, against what was made; changes nothing",
    ),
  )
    .option('--again', 'send again also what was made then and is made now: for a CAS that lost it')
    .option('--all', 'all rows, also those that are the same or withheld as then')
    .option('--json', 'print JSON: a row a line, the summary last')
    .action(async (options: PlanArguments) => {
      readAll(options);
      const selection = selectionOf(options);
      const progress = progressLine();
      await withDatabase((db) =>
        withEvents(selection, opening(db, null, progress), async (events) => {
          const summary = await planned(db, events, options, progress);
          const { unreadable } = events.pinned;
          if (options.json) await printJson({ kind: 'summary', ...summary, unreadable }, 'line');
          else await print(summaryText(summary, unreadable));
        }),
      );
    });
}

/** `replay run`: past events processed again. */
export function runCommand(): Command {
  return withLimits(
    withSelection(
      new Command('run').description("mends what today's rules make of past events otherwise than was made then"),
    ),
  )
    .option('--again', 'send again also what was made then and is made now: for a CAS that lost it')
    .requiredOption('--reason <text>', 'why, for the record')
    .option('--by <name>', 'who does it', localUser())
    .option('--yes', 'do it; without it the summary of the plan is shown, and nothing is sent')
    .option('--json', 'print JSON')
    .action(async (options: RunArguments) => {
      readAll(options);
      const selection = selectionOf(options);
      const reason = textOf('--reason', options.reason);
      const by = { user: textOf('--by', options.by, 200), unit: null };
      const limits = limitsOf(options, DEFAULT_LIMITS);
      const progress = progressLine();
      await withDatabase((db) =>
        withEvents(selection, opening(db, null, progress), async (events) => {
          if (!options.yes) {
            const summary = await planned(db, events, { ...options, json: false }, progress, () => {});
            await print(summaryText(summary, events.pinned.unreadable));
            return print('Nothing was sent: add --yes to do it');
          }
          const owner = randomUUID();
          const stored = { ...selection, ...events.pinned, again: options.again ?? false, limits };
          const replay = await createReplay(db, { kind: 'EVENTS', selection: stored, reason, by }, owner);
          return work(db, replay, owner, events, limits, progress, options.json ?? false);
        }),
      );
    });
}

/** The options that say how fast a run goes. */
export function withLimits(command: Command): Command {
  return command
    .option('--window <n>', 'at most so many requests of the replay wait to be sent at a time; default 500')
    .option('--rate <n>', 'at most so many requests a second');
}

/** Goes on with a replay of events. */
export async function resumeEvents(db: Database, found: Replay, options: Limits, json: boolean): Promise<void> {
  const stored = found.selection as StoredSelection;
  const limits = limitsOf(options, stored.limits ?? DEFAULT_LIMITS);
  const progress = progressLine();
  await withEvents(stored, opening(db, stored.ranges, progress), async (events) => {
    const selection = { ...pinnedTo(found.id, stored, events), limits };
    const owner = randomUUID();
    const replay = await resumeReplay(db, found.id, owner);
    await pinSelection(db, found.id, owner, selection);
    await work(db, replay, owner, events, limits, progress, json);
  });
}

async function planned(
  db: Database,
  events: OpenedEvents,
  options: PlanArguments,
  progress: ProgressLine,
  onRow?: (row: PlanRow) => void,
): ReturnType<typeof planEvents> {
  const { all = false, json = false, again = false } = options;
  try {
    return await planEvents(
      db,
      events.pages(null),
      { ...evaluation(), again },
      {
        row: async (row) => {
          if (onRow) return onRow(row);
          if (!all && !isDifference(row)) return;
          await (json ? printJson({ kind: 'row', ...row }, 'line') : print(planRowText(row)));
        },
        progress: (done, subscriptions) =>
          progress.show(
            `${done}${events.events === null ? '' : ` of about ${events.events}`} events, ${subscriptions} subscriptions`,
          ),
      },
    );
  } finally {
    progress.end();
  }
}

async function work(
  db: Database,
  replay: Replay,
  owner: string,
  events: OpenedEvents,
  limits: ReplayLimits,
  progress: ProgressLine,
  json: boolean,
): Promise<void> {
  const stop = new AbortController();
  void untilToldToStop().then(() => stop.abort());
  const { again } = replay.selection as StoredSelection;
  const { ACTION_FACET_WAIT_MS: facetWaitMs } = readSettings(['rules']);
  let ended: ReplayState;
  try {
    const pages = events.pages(replay.cursor);
    const options = {
      ...evaluation(),
      ...limits,
      again,
      owner,
      facetWaitMs,
      signal: stop.signal,
      onProgress: (counts: Readonly<Record<string, number>>) =>
        progress.show(`replay ${replay.id}: ${countsText(counts)}`),
    };
    ended = await tellingWhy(db, true, () => runEvents(db, replay, pages, options));
  } catch (error) {
    // What is done is done; whoever looks into it resumes it.
    await endReplay(db, replay.id, owner, 'STOPPED').catch(() => {});
    throw error;
  } finally {
    progress.end();
  }
  const counts = (await findReplay(db, replay.id))?.counts ?? {};
  if (json)
    return printJson({ replay: replay.id, state: ended, ...counts, unreadable: events.pinned.unreadable }, 'line');
  await print(`replay ${replay.id} is ${ended}: ${countsText(counts)}`);
  if (ended === 'STOPPED') await print(`go on with "replay resume ${replay.id}"`);
}

function evaluation() {
  const settings = readSettings(['rules']);
  return { plan, rules: planningRulesOf(settings), stalePolicy: settings.STALE_POLICY };
}

/** Before anything is opened, so that one message has every mistake in the settings. */
function readAll({ topic }: SelectionArguments): void {
  readSettings(['database', 'rules', ...(topic === undefined ? [] : (['kafka'] as const))]);
}

function limitsOf({ window, rate }: Limits, otherwise: ReplayLimits): ReplayLimits {
  return {
    window: window === undefined ? otherwise.window : wholeNumberOf('--window', window, 1, 100_000),
    perSecond: rate === undefined ? otherwise.perSecond : wholeNumberOf('--rate', rate, 1, 100_000),
  };
}

function opening(db: Database, ranges: StoredSelection['ranges'], progress: ProgressLine): OpenOptions {
  return {
    db,
    ranges,
    onRead: (events) => progress.show(`${events} events read`),
    reading: () => {
      const settings = readSettings(['kafka']);
      const registry = registryOf(settings);
      const findWriterSchema = (id: number): ReturnType<FindWriterSchema> => registry.findWriterSchema(id);
      return { kafka: kafkaOf(settings, createLogger('silent')), findWriterSchema };
    },
  };
}

function countsText(counts: Readonly<Record<string, number>>): string {
  return Object.entries(counts)
    .map(([name, count]) => `${count} ${name}`)
    .join(', ');
}

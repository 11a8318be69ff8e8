import { randomUUID } from 'node:crypto';
import { Command } from 'commander';
import { kafkaOf, registryOf } from '../connections.ts';
import { localUser } from '../operations/actor.ts';
import type { Database } from '../platform/database.ts';
import { createLogger } from '../platform/logging.ts';
import { ownTopics, type Publishing, topicExists, withDestination } from '../features/replay/destination.ts';
import { outcomeSelection, replayOutcomes, type StoredOutcomeSelection } from '../features/replay/outcomes.ts';
import { createReplay, type Replay, resumeReplay } from '../features/replay/record.ts';
import { readSettings } from '../settings.ts';
import { withDatabase } from './database.ts';
import { UsageError } from './exit-codes.ts';
import { textOf, timeOf, wholeNumberOf } from './options.ts';
import { print, printJson } from './output.ts';
import { progressLine } from './progress.ts';
import { untilToldToStop } from './signals.ts';

interface OutcomeArguments {
  readonly from?: string;
  readonly to?: string;
  readonly subscription?: string;
  readonly request?: string;
  readonly topic?: string;
  readonly latest?: boolean;
  readonly reason: string;
  readonly by: string;
  readonly json?: boolean;
}

/** `replay outcomes`: outcomes to Kafka once more. */
export function outcomesCommand(): Command {
  return new Command('outcomes')
    .description('publishes outcomes again, with the same ce_id and in the same order for each key')
    .option('--from <time>', 'those that were stored from this time on')
    .option('--to <time>', 'those that were stored before this time')
    .option('--subscription <number>', 'those of one subscription')
    .option('--request <number>', 'that of one provisioning request, and those of its action')
    .option('--topic <name>', 'to this topic, which has to exist, instead of those that they came from')
    .option('--latest', 'of each action only its newest outcome')
    .requiredOption('--reason <text>', 'why, for the record')
    .option('--by <name>', 'who does it', localUser())
    .option('--json', 'print the replay as JSON')
    .action(async (options: OutcomeArguments) => {
      const { from, to, subscription, request, topic = null } = options;
      if ([from, to, subscription, request].every((one) => one === undefined)) {
        throw new UsageError('Say which outcomes: give --from, --to, --subscription or --request');
      }
      if (subscription !== undefined && request !== undefined) {
        throw new UsageError('Give one of --subscription and --request');
      }
      const selection = {
        from: from === undefined ? null : timeOf('--from', from),
        to: to === undefined ? null : timeOf('--to', to),
        subscription: subscription ?? null,
        request: request === undefined ? null : wholeNumberOf('--request', request, 1, Number.MAX_SAFE_INTEGER),
        latest: options.latest ?? false,
      };
      const by = { user: textOf('--by', options.by, 200), unit: null };
      const reason = textOf('--reason', options.reason);
      await work(options.json ?? false, async (db, owner) => {
        if (topic !== null) await assertUsable(topic);
        const stored = await outcomeSelection(db, selection, topic);
        return createReplay(db, { kind: 'OUTCOMES', selection: stored, reason, by }, owner);
      });
    });
}

/** Goes on with a replay of outcomes. */
export function resumeOutcomes(id: number, json: boolean): Promise<void> {
  return work(json, (db, owner) => resumeReplay(db, id, owner));
}

async function work(json: boolean, begin: (db: Database, owner: string) => Promise<Replay>): Promise<void> {
  // All mistakes in the settings in one message, before anything is touched.
  readSettings(['database', 'kafka']);
  const owner = randomUUID();
  const stop = new AbortController();
  void untilToldToStop().then(() => stop.abort());
  const progress = progressLine();
  await withDatabase(async (db) => {
    const replay = await begin(db, owner);
    const { topic } = replay.selection as StoredOutcomeSelection;
    let published = replay.counts['outcomes'] ?? 0;
    const ended = await withDestination(topic, publishing, (destination) =>
      replayOutcomes(db, replay, {
        owner,
        destination,
        signal: stop.signal,
        onProgress: (outcomes) => {
          published = outcomes;
          progress.show(`replay ${replay.id}: ${outcomes} outcomes`);
        },
      }),
    ).finally(() => progress.end());
    if (json) await printJson({ replay: replay.id, state: ended, outcomes: published }, 'line');
    else if (ended === 'STOPPED')
      await print(`replay ${replay.id} is stopped: go on with "replay resume ${replay.id}"`);
    else
      await print(`replay ${replay.id}: ${published} outcomes ${topic === null ? 'go out again' : `are in ${topic}`}`);
  });
}

async function assertUsable(topic: string): Promise<void> {
  const settings = readSettings(['kafka']);
  if (ownTopics(settings).includes(topic)) {
    throw new UsageError(
      `--topic is ${JSON.stringify(topic)}, which the service itself reads or writes: leave it out, or name another`,
    );
  }
  if (await topicExists(kafkaOf(settings, createLogger('silent')), topic)) return;
  throw new UsageError(`--topic is ${JSON.stringify(topic)}: there is no such topic; create it first`);
}

function publishing(): Publishing {
  const settings = readSettings(['kafka']);
  return { ...settings, kafka: kafkaOf(settings, createLogger('silent')), registry: registryOf(settings) };
}

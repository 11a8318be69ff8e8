import { setTimeout as sleep } from 'node:timers/promises';
import type { Producer } from 'kafkajs';
import type { Encoder } from '../outcomes/encode.ts';
import { outboxBacklog } from '../outcomes/outbox.ts';
import { publish } from '../outcomes/publish.ts';
import type { Database, Transaction } from '../platform/database.ts';
import { faultPoint } from '../platform/fault-points.ts';
import { idRange } from './id-range.ts';
import { advanceReplay, endReplay, interruptedBy, type Replay, type ReplayState } from './record.ts';
import {
  newestOf,
  type OutboxRange,
  type OutcomeSelection,
  outcomesBehind,
  type PublishedOutcome,
} from './select-outcomes.ts';

/** What a replay of outcomes keeps in `replay.selection`: where its rows lie is found out once, so that it has an end. */
export type StoredOutcomeSelection = OutcomeSelection & OutboxRange & { readonly topic: string | null };

/** Where outcomes are published again: the topics that they came from, or one other topic for all of them. */
export type Destination =
  | { readonly kind: 'outbox' }
  | { readonly kind: 'topic'; readonly producer: Producer; readonly encoder: Encoder };

export interface OutcomeReplayOptions {
  readonly owner: string;
  readonly destination: Destination;
  /** The replay ends behind the page in hand, to be resumed. */
  readonly signal: AbortSignal;
  /** Called after every page with the number of outcomes so far. */
  readonly onProgress: (outcomes: number) => void;
}

const PAGE = 200;
/** Live outcomes come first: nothing is added while more than so many messages wait in the outbox. */
const BACKLOG_MAX = 400;
const BACKLOG_LOOK_MS = 50;

/** The selection as it is stored: whatever is published from now on is no part of it. */
export async function outcomeSelection(
  db: Database,
  selection: OutcomeSelection,
  topic: string | null,
): Promise<StoredOutcomeSelection> {
  const range = { from: dateOf(selection.from), to: dateOf(selection.to) };
  return { ...selection, ...(await idRange(db, 'outbox', range)), topic };
}

/**
 * Publishes the outcomes of a selection again, with their `ce_id`, in the order in which they went out first. To the
 * topics that they came from they go through the outbox, so that one relay keeps each key's order among them and the live
 * ones; to another topic they go directly, so that a topic that is not there stops nothing but this.
 * @returns how it ended; RUNNING where another instance of the service goes on.
 * @throws ReplayTakenError; an outage: what was stored or acknowledged stays done, and the replay can be resumed.
 */
export async function replayOutcomes(
  db: Database,
  replay: Replay,
  options: OutcomeReplayOptions,
): Promise<ReplayState> {
  const { owner, destination, signal, onProgress } = options;
  const selection = replay.selection as StoredOutcomeSelection;
  let behind = Number(replay.cursor ?? 0);
  let outcomes = replay.counts['outcomes'] ?? 0;
  for (;;) {
    if (destination.kind === 'outbox' && (await untilOutboxIsLow()) === 'stop') return end(interruptedBy(signal));
    const page = destination.kind === 'outbox' ? await throughOutbox() : await directly(destination);
    if (page.read === 0) return end('COMPLETED');
    behind = page.last;
    outcomes += page.published;
    onProgress(outcomes);
    if (page.stop || signal.aborted) return end(interruptedBy(signal));
  }

  async function end(state: ReplayState): Promise<ReplayState> {
    await endReplay(db, replay.id, owner, state);
    return state;
  }

  function throughOutbox(): Promise<Page> {
    return db.transaction(async (tx) => {
      const read = await outcomesBehind(tx, selection, selection, behind, PAGE);
      const again = selection.latest ? await newestOf(tx, read) : read;
      await copy(tx, replay.id, again);
      const page = await advance(tx, read, again.length);
      faultPoint('replay: before commit');
      return page;
    });
  }

  async function directly({ producer, encoder }: Destination & { kind: 'topic' }): Promise<Page> {
    const read = await outcomesBehind(db, selection, selection, behind, PAGE);
    const { refused } = await publish(producer, await encoder.encode(read));
    const [first] = refused;
    if (first) throw new Error(`The broker refused outcome ${first.message.stored.event_id}: ${first.reason}`);
    return advance(db, read, read.length);
  }

  async function advance(
    tx: Transaction | Database,
    read: readonly PublishedOutcome[],
    published: number,
  ): Promise<Page> {
    const last = read.at(-1)?.id ?? behind;
    const counts = { outcomes: outcomes + published };
    const stop = await advanceReplay(tx, replay.id, owner, { cursor: String(last), counts });
    return { read: read.length, published, last, stop };
  }

  async function untilOutboxIsLow(): Promise<'stop' | 'low'> {
    while ((await outboxBacklog(db)).messages > BACKLOG_MAX) {
      if (signal.aborted || (await advanceReplay(db, replay.id, owner, null))) return 'stop';
      await sleep(BACKLOG_LOOK_MS);
    }
    return signal.aborted ? 'stop' : 'low';
  }
}

interface Page {
  readonly read: number;
  readonly published: number;
  readonly last: number;
  readonly stop: boolean;
}

/** Stores the rows once more, in their order. Walks the primary key. */
async function copy(tx: Transaction, replayId: number, outcomes: readonly PublishedOutcome[]): Promise<void> {
  if (outcomes.length === 0) return;
  await tx.query(
    `insert into outbox (kind, event_id, message_key, record, headers, request_number, action_id, replay_id)
     select kind, event_id, message_key, record, headers, request_number, action_id, $2
     from outbox where id = any($1::bigint[]) order by id`,
    [outcomes.map(({ id }) => id), replayId],
  );
}

function dateOf(time: string | null): Date | null {
  return time === null ? null : new Date(time);
}

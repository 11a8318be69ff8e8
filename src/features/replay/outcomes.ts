import { setTimeout as sleep } from 'node:timers/promises';
import type { Producer } from 'kafkajs';
import type { Encoder } from '../../outcomes/encode.ts';
import { countUnpublished, OUTBOX } from '../../outcomes/outbox.ts';
import { publish } from '../../outcomes/publish.ts';
import type { Database, Transaction } from '../../platform/database.ts';
import { faultPoint } from '../../platform/fault-points.ts';
import { idRange } from '../../platform/id-range.ts';
import { advanceReplay, endReplay, interruptedBy, type Replay, type ReplayState } from './record.ts';
import {
  newestOf,
  type OutboxRange,
  type OutcomeSelection,
  outcomesAfter,
  type PublishedOutcome,
} from './select-outcomes.ts';

/**
 * What a replay of outcomes stores in `replay.selection`. The range of rows is fixed at the start, so that the replay
 * ends.
 */
export type StoredOutcomeSelection = OutcomeSelection & OutboxRange & { readonly topic: string | null };

/** Where outcomes are published again: their original topics (through the outbox), or one other topic. */
export type Destination =
  | { readonly kind: 'outbox' }
  | { readonly kind: 'topic'; readonly producer: Producer; readonly encoder: Encoder };

export interface OutcomeReplayOptions {
  readonly owner: string;
  readonly destination: Destination;
  /** When aborted, the replay ends after the current page and can be resumed. */
  readonly signal: AbortSignal;
  /** Called after every page with the number of outcomes published so far. */
  readonly onProgress: (outcomes: number) => void;
}

const PAGE = 200;
/** Live outcomes go first: the replay adds nothing while more messages than this wait in the outbox. */
const BACKLOG_MAX = 400;
const BACKLOG_LOOK_MS = 50;

/** Returns the selection as it is stored. Outcomes published from now on are not part of it. */
export async function outcomeSelection(
  db: Database,
  selection: OutcomeSelection,
  topic: string | null,
): Promise<StoredOutcomeSelection> {
  const range = { from: dateOf(selection.from), to: dateOf(selection.to) };
  return { ...selection, ...(await idRange(db, OUTBOX, range)), topic };
}

/**
 * Publishes the outcomes of a selection again, with the same `ce_id`, in their original order.
 *
 * To their original topics they go through the outbox. So one relay keeps the order of each key among replayed and live
 * outcomes. To another topic they go directly, so that a missing topic stops only this replay.
 * @returns how it ended; RUNNING if another instance of the service continues.
 * @throws ReplayTakenError; errors of an outage: what was stored or acknowledged stays done, and the replay can be
 * resumed.
 */
export async function replayOutcomes(
  db: Database,
  replay: Replay,
  options: OutcomeReplayOptions,
): Promise<ReplayState> {
  const { owner, destination, signal, onProgress } = options;
  const selection = replay.selection as StoredOutcomeSelection;
  let after = Number(replay.cursor ?? 0);
  let outcomes = replay.counts['outcomes'] ?? 0;
  for (;;) {
    if (destination.kind === 'outbox' && (await untilOutboxIsLow()) === 'stop') return end(interruptedBy(signal));
    const page = destination.kind === 'outbox' ? await throughOutbox() : await directly(destination);
    if (page.read === 0) return end('COMPLETED');
    after = page.last;
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
      const read = await outcomesAfter(tx, selection, selection, after, PAGE);
      const again = selection.latest ? await newestOf(tx, read) : read;
      await copy(tx, replay.id, again);
      const page = await advance(tx, read, again.length);
      faultPoint('replay: before commit');
      return page;
    });
  }

  async function directly({ producer, encoder }: Destination & { kind: 'topic' }): Promise<Page> {
    const read = await outcomesAfter(db, selection, selection, after, PAGE);
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
    const last = read.at(-1)?.id ?? after;
    const counts = { outcomes: outcomes + published };
    const stop = await advanceReplay(tx, replay.id, owner, { cursor: String(last), counts });
    return { read: read.length, published, last, stop };
  }

  async function untilOutboxIsLow(): Promise<'stop' | 'low'> {
    while ((await countUnpublished(db, BACKLOG_MAX + 1)) > BACKLOG_MAX) {
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

/** Copies the rows in their order. Walks the primary key. */
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

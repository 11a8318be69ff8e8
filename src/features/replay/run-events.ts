import { setTimeout as sleep } from 'node:timers/promises';
import { controlEvent } from '../../events/decode.ts';
import { createExperiment } from '../../intake/experiment.ts';
import { type Source, trialOf } from '../../intake/trial.ts';
import type { Database, Transaction } from '../../platform/database.ts';
import { faultPoint } from '../../platform/fault-points.ts';
import { lockCards, lockSubscriptions } from '../../requests/locks.ts';
import { evaluate, type Evaluated, evaluateGroup, type EvaluateOptions, type Group } from './evaluate.ts';
import { cardsOf, readCurrent, readEvents, readHistory } from './history.ts';
import { planRows } from './plan-rows.ts';
import { createSummary } from './plan-events.ts';
import { advanceReplay, endReplay, interruptedBy, type Replay, type ReplayState } from './record.ts';
import type { GroupPage } from './select-events.ts';
import { submitCorrections } from './submit-corrections.ts';

export interface RunOptions extends EvaluateOptions {
  readonly owner: string;
  readonly facetWaitMs: number;
  /** The maximum number of the replay's requests that wait to be sent. */
  readonly window: number;
  /** The maximum average number of requests made per second; null: limited only by `window`. */
  readonly perSecond: number | null;
  /** When aborted, the replay ends after the current subscription and can be resumed (see HANDED_BACK). */
  readonly signal: AbortSignal;
  readonly onProgress: (counts: Readonly<Record<string, number>>) => void;
}

/** How often to check whether more requests may be made. */
const LOOK_MS = 50;

/**
 * Processes selected events again. It corrects every command that today's rules would make differently, and processes
 * events that were never received as intake would.
 *
 * The order stays safe (P7): each subscription is decided under the locks that intake takes, by the newest snapshots.
 * So an old event never undoes a newer one, and live events of the same subscription go before or after. Subscriptions
 * without a difference are not locked.
 *
 * One transaction stores the requests and how far the replay came, so a replay that was stopped or died repeats
 * nothing.
 * @returns how it ended; RUNNING if another instance of the service continues.
 * @throws ReplayTakenError; errors of an outage: the replay can be resumed.
 */
export async function runEvents(
  db: Database,
  replay: Replay,
  pages: AsyncIterable<GroupPage>,
  options: RunOptions,
): Promise<ReplayState> {
  const { owner, signal } = options;
  let counts: Record<string, number> = { ...NO_COUNTS, ...replay.counts };
  const throttle = createThrottle(db, options, await waitingBefore(), () => advanceReplay(db, replay.id, owner, null));
  let last = await lastRequest();
  for await (const groups of pages) {
    const looked = await db.transaction(async (tx) => {
      await tx.query('set transaction isolation level repeatable read, read only');
      return evaluate(tx, groups, options);
    });
    for (const [index, evaluated] of looked.entries()) {
      const group = groups[index];
      if (!group) continue;
      if (hasWork(evaluated)) {
        if (await throttle.isStopped()) return end(interruptedBy(signal));
        await receive(evaluated);
        const done = await db.transaction((tx) => correctGroup(tx, group, evaluated));
        faultPoint('replay: after commit');
        counts = done.counts;
        // Requests of newly received events are not in `done`.
        const requests = evaluated.unknown.length === 0 ? done.requests : await requestsAfter(last);
        throttle.sent(requests);
        last = Math.max(last, ...requests);
        options.onProgress(counts);
        if (done.stop || signal.aborted) return end(interruptedBy(signal));
      } else counts = add(counts, evaluated, 0);
    }
    const stop = await advanceReplay(db, replay.id, owner, { cursor: groups.at(-1)?.cursor ?? '', counts });
    options.onProgress(counts);
    if (stop || signal.aborted) return end(interruptedBy(signal));
  }
  return end('COMPLETED');

  async function end(state: ReplayState): Promise<ReplayState> {
    await endReplay(db, replay.id, owner, state);
    return state;
  }

  /** Returns the replay's requests from before an interruption that still wait. Walks request_process. */
  async function waitingBefore(): Promise<number[]> {
    const rows = await db.query<{ number: number }>(
      `select number from request join work using (number) where process_name = 'REPLAY' and process_id = $1`,
      [String(replay.id)],
    );
    return rows.map((row) => row.number);
  }

  /** Returns the number of the replay's newest request; 0 if there is none. Walks request_process. */
  async function lastRequest(): Promise<number> {
    const [row] = await db.query<{ last: number | null }>(
      `select max(number) as last from request where process_name = 'REPLAY' and process_id = $1`,
      [String(replay.id)],
    );
    return row?.last ?? 0;
  }

  /** Returns the numbers of the replay's requests after `number`. Walks request_process. */
  async function requestsAfter(number: number): Promise<number[]> {
    const rows = await db.query<{ number: number }>(
      `select number from request where process_name = 'REPLAY' and process_id = $1 and number > $2 order by number`,
      [String(replay.id), number],
    );
    return rows.map((row) => row.number);
  }

  /** Processes events that the inbox lacks as if they came from Kafka, once per eventId. */
  async function receive({ unknown }: Evaluated): Promise<void> {
    const source: Source<Evaluated['unknown'][number]> = {
      topic: 'replay',
      partition: 0,
      offsetOf: (message) => unknown.indexOf(message),
      incoming: ({ message }) => message,
      read: (messages) => Promise.resolve([...messages]),
    };
    const steps = trialOf(source, {
      ...options,
      database: db,
      decoder: { control: controlEvent },
      consumerGroup: null,
      origin: { process: { name: 'REPLAY', id: String(replay.id) }, bulk: true, createdBy: replay.createdBy },
      onApplied: () => Promise.resolve(true),
      onFailure: () => {},
    });
    await createExperiment(Infinity).process('replay', unknown, steps);
  }

  /** Decides again under the locks, since live events may have come after the first look. */
  async function correctGroup(
    tx: Transaction,
    group: Group,
    looked: Evaluated,
  ): Promise<{ counts: Record<string, number>; requests: readonly number[]; stop: boolean }> {
    const { number } = group;
    lockSubscriptions(tx, [number]);
    const own = await readEvents(tx, [number]);
    lockCards(tx, cardsOf(own, await readCurrent(tx, [number])));
    const history = await readHistory(tx, [number], own);
    const known = { ...group, messages: group.messages.filter((message) => !looked.unknown.includes(message)) };
    const evaluated = evaluateGroup(known, history, options);
    const requests = await submitCorrections(tx, replay, evaluated.rows);
    const after = add(counts, { ...evaluated, received: looked.received, events: looked.events }, requests.length);
    const stop = await advanceReplay(tx, replay.id, owner, { cursor: group.cursor, counts: after });
    faultPoint('replay: before commit');
    return { counts: after, requests, stop };
  }
}

const NO_COUNTS = { events: 0, subscriptions: 0, differing: 0, received: 0, requests: 0, unsent: 0 };

function hasWork({ rows, unknown }: Evaluated): boolean {
  return unknown.length > 0 || rows.some(({ effects }) => effects.length > 0);
}

function add(counts: Readonly<Record<string, number>>, evaluated: Evaluated, requests: number): Record<string, number> {
  const summary = createSummary();
  summary.add(evaluated.events, planRows(evaluated));
  const { events, subscriptions, differing, unsent } = summary.whole();
  const received = evaluated.received.length;
  const ofReceived = sum(evaluated.received.map(({ plan }) => plan?.commands.length ?? 0));
  const made = { requests: requests + ofReceived, unsent: sum(Object.values(unsent)) };
  const news = { events, subscriptions, differing, received, ...made };
  return Object.fromEntries(Object.entries(news).map(([name, count]) => [name, (counts[name] ?? 0) + count]));
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/** Limits how many requests wait, including those from before, and how many are made per second. */
function createThrottle(
  db: Database,
  { window, perSecond, signal }: RunOptions,
  before: readonly number[],
  alive: () => Promise<boolean>,
) {
  let waiting = before;
  const beganAt = performance.now();
  let made = 0;
  return {
    sent(numbers: readonly number[]): void {
      made += numbers.length;
      waiting = [...waiting, ...numbers];
    },
    /** Waits until another subscription may be processed; returns true if somebody asked to stop. */
    async isStopped(): Promise<boolean> {
      for (;;) {
        if (signal.aborted) return true;
        if (waiting.length >= window) waiting = await unfinished(db, waiting);
        const early = perSecond === null ? 0 : (made / perSecond) * 1_000 - (performance.now() - beganAt);
        if (waiting.length < window && early <= 0) return false;
        if (await alive()) return true;
        await sleep(Math.min(Math.max(early, LOOK_MS), 1_000), undefined, { signal }).catch(() => {});
      }
    },
  };
}

/** Returns the requests that are not final yet. Walks work's primary key. */
async function unfinished(db: Database, numbers: readonly number[]): Promise<number[]> {
  const rows = await db.query<{ number: number }>('select number from work where number = any($1::bigint[])', [
    numbers,
  ]);
  return rows.map(({ number }) => number);
}

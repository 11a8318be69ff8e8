import { createBatcher } from '../platform/batcher.ts';
import type { Queryable } from '../platform/database.ts';
import { messageOf } from '../platform/errors.ts';
import { type Listener, listen } from '../platform/listen.ts';
import type { Logger } from '../platform/logging.ts';
import { FINAL_CHANNEL, type FinalState, readFinalNotice } from './announce-final.ts';

/** Waits for requests to become final, whichever instance finishes them. */
export interface FinalWatch {
  /**
   * Resolves with the states of the final ones, once all are final or after `timeoutMs`. A missing number is still
   * pending, does not exist, or could not be read during an outage. Never rejects.
   *
   * A request submitted with `awaited` is announced when it becomes final. Any other request is marked here.
   */
  awaitFinal(numbers: readonly number[], timeoutMs: number): Promise<ReadonlyMap<number, FinalState>>;
  /** Returns the number of calls that wait now. */
  waiting(): number;
  /** Ends all waits with the known states and closes the connection. Safe to call twice. */
  stop(): Promise<void>;
}

export interface FinalWatchOptions {
  /** For the connection that listens; it is opened at the first wait. */
  readonly databaseUrl: string;
  readonly db: Queryable;
  readonly logger: Logger;
  /** How often to query for missed notifications during a wait, in milliseconds; default 1,000. */
  readonly lookEveryMs?: number;
}

/** How many numbers one statement looks up. */
const MAX_NUMBERS = 1_000;

/** Creates a watch with one listening connection and one query at a time, however many wait. */
export function createFinalWatch(options: FinalWatchOptions): FinalWatch {
  const { databaseUrl, db, logger, lookEveryMs = 1_000 } = options;
  const waiters = new Map<number, Set<Waiter>>();
  const everybody = new Set<Waiter>();
  let listener: Listener | null = null;
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;

  const looking = createBatcher<number, void>(async (numbers) => {
    for (const { number, state } of await look(db, numbers)) ended(number, state);
    return numbers.map(() => undefined);
  }, MAX_NUMBERS);

  function ended(number: number, state: FinalState): void {
    const notified = waiters.get(number);
    waiters.delete(number);
    for (const waiter of notified ?? []) {
      waiter.left.delete(number);
      waiter.found.set(number, state);
      if (waiter.left.size === 0) waiter.done();
    }
  }

  async function lookFor(numbers: Iterable<number>): Promise<void> {
    try {
      await Promise.all([...numbers].map((number) => looking.add(number)));
    } catch (error) {
      logger.debug({ problem: messageOf(error) }, 'cannot look for final requests; trying again');
    }
  }

  /**
   * Looks for missed notifications: those from before listening started, or while the connection was broken unnoticed.
   */
  function lookNow(): void {
    clearTimeout(timer);
    if (stopped || waiters.size === 0) return;
    void lookFor(waiters.keys()).then(lookLater);
  }
  function lookLater(): void {
    clearTimeout(timer);
    if (!stopped && waiters.size > 0) timer = setTimeout(lookNow, lookEveryMs);
  }

  function startListening(): void {
    listener ??= listen({
      databaseUrl,
      applicationName: 'conax-provisioning final states',
      channel: FINAL_CHANNEL,
      onMessage: (message) => {
        const notice = readFinalNotice(message);
        if (notice) ended(notice.number, notice.state);
      },
      onListening: lookNow,
      logger,
    });
  }

  return {
    async awaitFinal(numbers, timeoutMs) {
      const found = new Map<number, FinalState>();
      if (stopped || numbers.length === 0) return found;
      startListening();
      const left = new Set(numbers);
      let waiter: Waiter | undefined;
      await new Promise<void>((resolve) => {
        const limit = setTimeout(resolve, timeoutMs);
        const done = (): void => {
          clearTimeout(limit);
          resolve();
        };
        waiter = { left, found, done };
        everybody.add(waiter);
        for (const number of left) waiters.set(number, (waiters.get(number) ?? new Set()).add(waiter));
        void lookFor(numbers).then(lookLater);
      });
      if (waiter) forget(waiter);
      return found;
    },
    waiting: () => everybody.size,
    async stop() {
      stopped = true;
      clearTimeout(timer);
      for (const waiter of everybody) waiter.done();
      await listener?.stop();
    },
  };

  function forget(waiter: Waiter): void {
    everybody.delete(waiter);
    for (const number of waiter.left) {
      const others = waiters.get(number);
      others?.delete(waiter);
      if (others?.size === 0) waiters.delete(number);
    }
  }
}

interface Waiter {
  /** The numbers not yet known to be final. */
  readonly left: Set<number>;
  readonly found: Map<number, FinalState>;
  readonly done: () => void;
}

interface Final {
  readonly number: number;
  readonly state: FinalState;
}

/**
 * Marks the pending requests, so that their end is announced, and returns the final ones. This takes two statements:
 * one that waited for a finishing transaction would still use a snapshot from before it.
 */
async function look(db: Queryable, numbers: readonly number[]): Promise<Final[]> {
  await db.query(MARK, [numbers]);
  return await db.query<Final & Record<string, unknown>>(FIND_FINAL, [numbers]);
}

/**
 * Walks work's primary key. Locks rows in the order of the numbers, as everywhere, and only those not yet marked, since
 * a claim skips locked rows.
 */
const MARK = /* sql */ `
with pending as (
  select number from work where number = any($1::bigint[]) and not awaited order by number for update
)
update work w set awaited = true from pending where w.number = any (array[pending.number])`;

/** Walks request's primary key. */
const FIND_FINAL = /* sql */ `
select number, life_cycle_state as state from request
 where number = any($1::bigint[]) and life_cycle_state <> 'PENDING'`;

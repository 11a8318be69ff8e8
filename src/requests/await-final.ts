import { createBatcher } from '../platform/batcher.ts';
import type { Queryable } from '../platform/database.ts';
import { messageOf } from '../platform/errors.ts';
import { type Listener, listen } from '../platform/listen.ts';
import type { Logger } from '../platform/logging.ts';
import { FINAL_CHANNEL, type FinalState, readTold } from './tell-final.ts';

/** Waits for requests to become final, whichever instance finishes them. */
export interface FinalWatch {
  /**
   * Resolves once all of them are final, or after `timeoutMs`, with the states of those that are; a number that is
   * missing is pending still, or does not exist, or the database is away. Never rejects.
   *
   * A request that is submitted with `awaited` is told of from its submission on; another one is marked here.
   */
  awaitFinal(numbers: readonly number[], timeoutMs: number): Promise<ReadonlyMap<number, FinalState>>;
  /** Calls that wait now. */
  waiting(): number;
  /** Lets all who wait go with what is known, and closes the connection. Safe to call twice. */
  stop(): Promise<void>;
}

export interface FinalWatchOptions {
  /** For the connection that listens; it is opened when somebody waits for the first time. */
  readonly databaseUrl: string;
  readonly db: Queryable;
  readonly logger: Logger;
  /** How often it looks, while somebody waits, for what was not heard; default 1,000. */
  readonly lookEveryMs?: number;
}

/** Numbers that are looked for in one statement. */
const MAX_NUMBERS = 1_000;

/** One connection listens and one statement at a time looks, however many wait. */
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
    const told = waiters.get(number);
    waiters.delete(number);
    for (const waiter of told ?? []) {
      waiter.left.delete(number);
      waiter.found.set(number, state);
      if (waiter.left.size === 0) waiter.done();
    }
  }

  async function lookFor(numbers: Iterable<number>): Promise<void> {
    try {
      await Promise.all([...numbers].map((number) => looking.add(number)));
    } catch (error) {
      logger.debug({ problem: messageOf(error) }, 'cannot look for final requests; it is tried again');
    }
  }

  /** What was not heard: said before the listening began, or while the connection was broken without its end showing. */
  function lookNow(): void {
    clearTimeout(timer);
    if (stopped || waiters.size === 0) return;
    void lookFor(waiters.keys()).then(lookLater);
  }
  function lookLater(): void {
    clearTimeout(timer);
    if (!stopped && waiters.size > 0) timer = setTimeout(lookNow, lookEveryMs);
  }

  function begin(): void {
    listener ??= listen({
      databaseUrl,
      applicationName: 'conax-provisioning final states',
      channel: FINAL_CHANNEL,
      onMessage: (message) => {
        const told = readTold(message);
        if (told) ended(told.number, told.state);
      },
      onListening: lookNow,
      logger,
    });
  }

  return {
    async awaitFinal(numbers, timeoutMs) {
      const found = new Map<number, FinalState>();
      if (stopped || numbers.length === 0) return found;
      begin();
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
  /** Those of its numbers that are not known to be final. */
  readonly left: Set<number>;
  readonly found: Map<number, FinalState>;
  readonly done: () => void;
}

interface Final {
  readonly number: number;
  readonly state: FinalState;
}

/**
 * Marks the pending ones, so that whoever finishes them says so, and gives those that are final. Two statements: one
 * that waited for a finishing transaction would look with a snapshot from before that.
 */
async function look(db: Queryable, numbers: readonly number[]): Promise<Final[]> {
  await db.query(MARK, [numbers]);
  return await db.query<Final & Record<string, unknown>>(FIND_FINAL, [numbers]);
}

/**
 * Walks work's primary key; locks in the order of the numbers, as everybody does, and only what is not marked yet: a
 * claim passes over a row that somebody else has locked.
 */
const MARK = /* sql */ `
with pending as (
  select number from work where number = any($1::bigint[]) and not awaited order by number for update
)
update work w set awaited = true from pending where w.number = pending.number`;

/** Walks request's primary key. */
const FIND_FINAL = /* sql */ `
select number, life_cycle_state as state from request
 where number = any($1::bigint[]) and life_cycle_state <> 'PENDING'`;

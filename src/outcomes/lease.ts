import { CLOCK_IS_TRUSTED } from '../platform/clock-watch.ts';
import type { Queryable, Transaction } from '../platform/database.ts';

export interface LeaseOptions {
  readonly db: Queryable;
  readonly name: string;
  /** A unique name of this holder. */
  readonly owner: string;
  /** How long others wait for a holder that died. */
  readonly durationMs: number;
  /**
   * True if two holders for a moment do no harm. Then the lease is taken by the database's clock alone, even if it may
   * have jumped and no service watches it. Default: false.
   */
  readonly overlapDoesNoHarm?: boolean;
}

/** A lease that at most one owner holds at a time, by the database's clock. */
export interface KeptLease {
  /** Returns whether the owner holds it for at least half its duration; takes it if it is free. */
  hold(): Promise<boolean>;
  /** Releases it if held, so that another owner need not wait, and stops renewing it. */
  giveBack(): Promise<void>;
}

/**
 * Keeps a lease. A timer renews it during the holder's work, however long that takes, three times as often as needed.
 */
export function keepLease(options: LeaseOptions): KeptLease {
  const { db, name, owner, durationMs, overlapDoesNoHarm = false } = options;
  /** The end by our clock, counted from before the request: never later than by the database's clock. */
  let until = 0;
  let asking: Promise<boolean> | null = null;

  const leftMs = (): number => until - performance.now();
  const ask = (): Promise<boolean> => (asking ??= holdOnce().finally(() => (asking = null)));
  async function holdOnce(): Promise<boolean> {
    const sentAt = performance.now();
    const rows = await db.query(HOLD, [name, owner, durationMs, overlapDoesNoHarm]);
    until = rows.length > 0 ? sentAt + durationMs : 0;
    return rows.length > 0;
  }
  const renewal = setInterval(() => {
    // After a failure the next timer asks again, or the holder, who sees the failure.
    if (leftMs() > 0) ask().catch(() => {});
  }, durationMs / 3);

  return {
    hold: () => (leftMs() > durationMs / 2 ? Promise.resolve(true) : ask()),
    async giveBack() {
      clearInterval(renewal);
      await asking?.catch(() => {});
      if (leftMs() > 0) await db.query(GIVE_BACK, [name, owner]);
      until = 0;
    },
  };
}

/**
 * Restarts this lease with its whole length after the database's clock jumped. Otherwise it would last longer by the
 * jump, or seem to have ended.
 */
export async function restartLease(tx: Transaction, name: string, durationMs: number): Promise<void> {
  await tx.query(RESTART, [name, durationMs]);
}

const RESTART = /* sql */ `
update lease set expires_at = now() + $2::float8 * interval '1 millisecond' where name = $1`;

/** The first caller gets an expired lease. If two holders would do harm, this needs a trusted clock. */
const HOLD = /* sql */ `
insert into lease as l (name, owner, expires_at) values ($1, $2, now() + $3::float8 * interval '1 millisecond')
on conflict (name) do update set owner = excluded.owner, expires_at = excluded.expires_at
  where l.owner = excluded.owner or (l.expires_at < now() and ($4::boolean or ${CLOCK_IS_TRUSTED}))
returning name`;

const GIVE_BACK = /* sql */ `delete from lease where name = $1 and owner = $2`;

import { CLOCK_IS_TRUSTED } from '../platform/clock-watch.ts';
import type { Queryable, Transaction } from '../platform/database.ts';

export interface LeaseOptions {
  readonly db: Queryable;
  readonly name: string;
  /** Names this holder; nobody else uses it. */
  readonly owner: string;
  /** How long the others wait for a holder that died. */
  readonly durationMs: number;
  /**
   * Two holders for a moment do no harm, as when the clock of the database jumps: it is taken by what the clock shows, also
   * where no service watches the clock. Default: false.
   */
  readonly overlapDoesNoHarm?: boolean;
}

/** A lease that at most one owner has at a time, by the database's clock. */
export interface KeptLease {
  /** Whether the owner has it, for at least half its duration; takes it where nobody has. */
  hold(): Promise<boolean>;
  /** Gives it back where it is held, so that another owner need not wait for its end, and takes it no more. */
  giveBack(): Promise<void>;
}

/** Once taken it is renewed beside the holder's work, however long that takes, by a timer; three times as often as needed. */
export function keepLease(options: LeaseOptions): KeptLease {
  const { db, name, owner, durationMs, overlapDoesNoHarm = false } = options;
  /** By our clock, from before the lease was asked for: never later than by the database's. */
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
    // What fails here is asked again by the next time, or by the holder, who sees the failure.
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
 * Lets this lease last for its whole length from now, after the clock of the database jumped: it would last for as long as
 * the clock went back, or seem to have ended.
 */
export async function restartLease(tx: Transaction, name: string, durationMs: number): Promise<void> {
  await tx.query(RESTART, [name, durationMs]);
}

const RESTART = /* sql */ `
update lease set expires_at = now() + $2::float8 * interval '1 millisecond' where name = $1`;

/**
 * The first to ask gets an expired lease, but not by a clock that is not trusted if two holders would do harm.
 */
const HOLD = /* sql */ `
insert into lease as l (name, owner, expires_at) values ($1, $2, now() + $3::float8 * interval '1 millisecond')
on conflict (name) do update set owner = excluded.owner, expires_at = excluded.expires_at
  where l.owner = excluded.owner or (l.expires_at < now() and ($4::boolean or ${CLOCK_IS_TRUSTED}))
returning name`;

const GIVE_BACK = /* sql */ `delete from lease where name = $1 and owner = $2`;

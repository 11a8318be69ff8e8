import type { Queryable } from '../platform/database.ts';

/**
 * Takes or renews a lease for its owner, by the database's clock. Gives whether the owner has it now.
 * An expired lease goes to whoever asks first; no two owners have it at once by that clock.
 */
export async function holdLease(db: Queryable, name: string, owner: string, durationMs: number): Promise<boolean> {
  const rows = await db.query(
    `insert into lease as l (name, owner, expires_at) values ($1, $2, now() + $3::float8 * interval '1 millisecond')
     on conflict (name) do update set owner = excluded.owner, expires_at = excluded.expires_at
       where l.owner = excluded.owner or l.expires_at < now()
     returning name`,
    [name, owner, durationMs],
  );
  return rows.length > 0;
}

/** Gives a lease back, so that another instance need not wait for its end. */
export async function giveBackLease(db: Queryable, name: string, owner: string): Promise<void> {
  await db.query('delete from lease where name = $1 and owner = $2', [name, owner]);
}

import { createHash, randomBytes } from 'node:crypto';
import { CLOCK_STEP_MAX_MS } from '../platform/clock-watch.ts';
import { type Database, type Queryable, type Transaction } from '../platform/database.ts';
import { isReadOnlyRefusal } from '../platform/database-errors.ts';
import type { User } from './user.ts';

/** How many tokens a user may have. A further one ends the one that was unused for longest. */
const TOKENS_MAX = 100;
/** How many dead tokens each login clears. */
const CLEARED_MAX = 1_000;

/**
 * A new token for the user: 128 random bits as 32 upper-case hex characters, of which only the SHA-256 is stored.
 * Null if the user was disabled, or the password reset, since the password was checked.
 */
export function issueToken(
  db: Database,
  { username, passwordHash, tokenIdleMs }: { username: string; passwordHash: string; tokenIdleMs: number },
): Promise<string | null> {
  const token = randomBytes(16).toString('hex').toUpperCase();
  return db.transaction(async (tx) => {
    const issued = await tx.query(ISSUE, [hashOf(token), username, passwordHash, tokenIdleMs]);
    if (issued.length === 0) return null;
    await tx.query(CLEAR_DEAD, [CLEARED_MAX]);
    await tx.query(CLEAR_SURPLUS, [username, TOKENS_MAX]);
    return token;
  });
}

/**
 * The user whose token it is, null if it never was one, was released, stood unused for too long, or its user was
 * disabled or given another password. Its use is written down when a minute (of a short life: a tenth) has passed since
 * the last one that was; so it ends up to that much earlier than its idle time after its last use, and never later.
 * @param keepsAlive false: this is no use of the token.
 */
export async function authenticate(db: Queryable, token: string, keepsAlive = true): Promise<User | null> {
  if (!isTokenShaped(token)) return null;
  if (!keepsAlive) return (await db.query<User>(FIND_USER, [hashOf(token)]))[0] ?? null;
  const [row] = await db.query<User>(AUTHENTICATE, [hashOf(token)]).catch((error: unknown) => {
    // A standby still knows whose token it is, but cannot record its use.
    if (isReadOnlyRefusal(error)) return db.query<User>(FIND_USER, [hashOf(token)]);
    throw error;
  });
  return row ?? null;
}

/** When a token ends if it is not used, and how long it lives after each use; null if it has ended. */
export async function tokenLife(
  db: Queryable,
  token: string,
): Promise<{ readonly idleMs: number; readonly expiresAt: Date } | null> {
  const [row] = await db.query<{ idleMs: number; expiresAt: Date }>(LIFE, [hashOf(token)]);
  return row ?? null;
}

/** Ends the token. @returns whether it was alive. */
export async function release(db: Queryable, token: string): Promise<boolean> {
  if (!isTokenShaped(token)) return false;
  const released = await db.query<{ alive: boolean }>(
    'delete from web_user_token where token_hash = $1 returning expires_at > now() as alive',
    [hashOf(token)],
  );
  return released[0]?.alive === true;
}

/** Ends all tokens of a user whose row the transaction has changed. */
export async function releaseAll(tx: Transaction, username: string): Promise<void> {
  await tx.query('delete from web_user_token where username = $1', [username]);
}

/**
 * Takes the lives of all tokens back by `ms` after the clock of the database went back: none lasts longer than its idle
 * time. One that was used since the jump was found is left alone.
 */
export async function shiftTokens(tx: Transaction, ms: number): Promise<void> {
  await tx.query(SHIFT, [ms, CLOCK_STEP_MAX_MS]);
}

/** Walks web_user_token_expires. */
const SHIFT = /* sql */ `
with locked as (
  select token_hash from web_user_token
   where expires_at > now() and used_at not between now() - $2::float8 * interval '1 millisecond' and now()
   order by token_hash for update
)
update web_user_token t
   set used_at = used_at - $1::float8 * interval '1 millisecond',
       expires_at = expires_at - $1::float8 * interval '1 millisecond'
  from locked where t.token_hash = locked.token_hash`;

/** The share lock excludes a change of the user: either the change sees this token, or we see the change. */
const ISSUE = /* sql */ `
with who as (
  select username from web_user where username = $2 and password_hash = $3 and not disabled for share
)
insert into web_user_token (token_hash, username, idle_ms, expires_at)
select $1, username, $4::int, now() + $4::int * interval '1 millisecond' from who
returning username`;

/** Walks web_user_token_expires. Rows that another login clears are left to it: nobody waits. */
const CLEAR_DEAD = /* sql */ `
delete from web_user_token where token_hash = any(array(
  select token_hash from web_user_token where expires_at <= now() order by expires_at limit $1 for update skip locked))`;

/** Walks web_user_token_username. */
const CLEAR_SURPLUS = /* sql */ `
delete from web_user_token where token_hash = any(array(
  select token_hash from web_user_token where username = $1
  order by used_at desc offset $2 for update skip locked))`;

/** Walks the primary keys of web_user_token and web_user. */
const FIND_USER = /* sql */ `
select username, role, organisation, unit from web_user_token t join web_user u using (username)
 where t.token_hash = $1 and t.expires_at > now() and not u.disabled`;

/** Walks web_user_token's primary key. */
const LIFE = /* sql */ `
select idle_ms as "idleMs", expires_at as "expiresAt" from web_user_token where token_hash = $1 and expires_at > now()`;

/** Walks the primary keys of web_user_token and web_user. */
const AUTHENTICATE = /* sql */ `
with live as (
  select t.token_hash, t.idle_ms, u.username, u.role, u.organisation, u.unit
  from web_user_token t join web_user u using (username)
  where t.token_hash = $1 and t.expires_at > now() and not u.disabled
), extended as (
  update web_user_token t
  set used_at = now(), expires_at = now() + t.idle_ms * interval '1 millisecond'
  from live
  where t.token_hash = live.token_hash
    and t.used_at < now() - least(60000, live.idle_ms / 10)::float8 * interval '1 millisecond'
)
select username, role, organisation, unit from live`;

function isTokenShaped(token: string): boolean {
  return /^[0-9a-f]{32}$/i.test(token);
}

/** A token is random through and through: it needs neither salt nor a slow hash. */
function hashOf(token: string): Buffer {
  return createHash('sha256').update(token.toUpperCase()).digest();
}

import type { Database, Transaction } from '../platform/database.ts';
import { hashPassword } from './passwords.ts';
import { releaseAll } from './tokens.ts';
import type { User } from './user.ts';

/** A user as `users list` shows it. */
export interface ListedUser extends User {
  readonly disabled: boolean;
  readonly createdAt: Date;
  readonly changedAt: Date;
  /** Who made the last change. */
  readonly changedBy: string;
  /** Tokens that are alive. */
  readonly tokens: number;
}

/** Adds a user, and writes down who did. @returns false if there is one of that name, also a disabled one. */
export async function addUser(
  db: Database,
  user: User & { readonly password: string; readonly by: string },
): Promise<boolean> {
  const passwordHash = await hashPassword(user.password);
  return db.transaction(async (tx) => {
    const added = await tx.query(
      `insert into web_user (username, organisation, unit, role, password_hash) values ($1, $2, $3, $4, $5)
       on conflict (username) do nothing returning username`,
      [user.username, user.organisation, user.unit, user.role, passwordHash],
    );
    if (added.length === 0) return false;
    await record(tx, user.username, 'ADDED', user.by);
    return true;
  });
}

/** What became of a change: NOT_FOUND there is no such user, UNCHANGED it was so before. */
export type ChangeResult = 'CHANGED' | 'UNCHANGED' | 'NOT_FOUND';

/** Disables a user, which ends all of its tokens at once, or enables it again. */
export function setDisabled(
  db: Database,
  { username, disabled, by }: { username: string; disabled: boolean; by: string },
): Promise<ChangeResult> {
  return db.transaction(async (tx) => {
    const [row] = await tx.query<{ disabled: boolean }>(
      'select disabled from web_user where username = $1 for no key update',
      [username],
    );
    if (!row) return 'NOT_FOUND';
    if (row.disabled === disabled) return 'UNCHANGED';
    await tx.query('update web_user set disabled = $2 where username = $1', [username, disabled]);
    await releaseAll(tx, username);
    await record(tx, username, disabled ? 'DISABLED' : 'ENABLED', by);
    return 'CHANGED';
  });
}

/** Changes a user's password, which ends all of its tokens at once. @returns false if there is no such user. */
export async function resetPassword(
  db: Database,
  { username, password, by }: { username: string; password: string; by: string },
): Promise<boolean> {
  const passwordHash = await hashPassword(password);
  return db.transaction(async (tx) => {
    const changed = await tx.query('update web_user set password_hash = $2 where username = $1 returning username', [
      username,
      passwordHash,
    ]);
    if (changed.length === 0) return false;
    await releaseAll(tx, username);
    await record(tx, username, 'PASSWORD_RESET', by);
    return true;
  });
}

/** All users by name. Walks web_user, and per user web_user_change_username and web_user_token_username. */
export function listUsers(db: Database): Promise<ListedUser[]> {
  return db.query<ListedUser>(
    `select u.username, u.role, u.organisation, u.unit, u.disabled, u.created_at as "createdAt",
       c.changed_at as "changedAt", c.changed_by as "changedBy",
       (select count(*) from web_user_token t where t.username = u.username and t.expires_at > now()) as tokens
     from web_user u, lateral (
       select changed_at, changed_by from web_user_change where username = u.username order by id desc limit 1
     ) c
     order by u.username`,
  );
}

async function record(tx: Transaction, username: string, change: string, by: string): Promise<void> {
  await tx.query('insert into web_user_change (username, change, changed_by) values ($1, $2, $3)', [
    username,
    change,
    by,
  ]);
}

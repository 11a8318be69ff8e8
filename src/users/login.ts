import type { Database } from '../platform/database.ts';
import { countLogin, type LoginSubject, uncountLogin } from './login-limit.ts';
import { HashingBusyError, isPassword } from './passwords.ts';
import { issueToken } from './tokens.ts';
import { type User, usernameOf } from './user.ts';

/** What somebody gives to log in. */
export interface Credentials {
  readonly username: string;
  readonly password: string;
  readonly organisation: string;
  /** Where the call comes from, for the rate limit: an IP address. */
  readonly source: string;
  /** How long the token lives without being used (WEB_API_TOKEN_IDLE_MS). Default: an hour. */
  readonly tokenIdleMs?: number;
}

/** How a login ended. */
export type LoginResult =
  | {
      /** 32 upper-case hex characters; it is stored nowhere. */
      readonly token: string;
      readonly user: User;
    }
  | {
      /**
       * WRONG_CREDENTIALS does not reveal whether the user is unknown or disabled, or the password or the organisation
       * is wrong. TOO_MANY_ATTEMPTS: the password was not looked at.
       */
      readonly refused: 'WRONG_CREDENTIALS' | 'TOO_MANY_ATTEMPTS';
      readonly retryAfterSeconds?: number;
    };

const TOKEN_IDLE_MS = 3_600_000;

/**
 * Returns a token if the password and the organisation are those of a user that is not disabled. Failed logins
 * are limited by user name and by source, all instances together. A refusal for wrong credentials takes the same time
 * whatever is wrong.
 */
export async function login(db: Database, credentials: Credentials): Promise<LoginResult> {
  const { password, organisation, source, tokenIdleMs = TOKEN_IDLE_MS } = credentials;
  const username = usernameOf(credentials.username);
  // The source first: one that is refused must not use up what a user name has left.
  const subjects: LoginSubject[] = [
    { kind: 'source', value: source },
    { kind: 'username', value: username ?? credentials.username },
  ];
  for (const subject of subjects) {
    const wait = await countLogin(db, subject);
    if (wait !== null) return { refused: 'TOO_MANY_ATTEMPTS', retryAfterSeconds: wait };
  }
  const found = username === null ? null : await findUser(db, username);
  let right: boolean;
  try {
    right = await isPassword(password, found?.passwordHash ?? null);
  } catch (error) {
    if (!(error instanceof HashingBusyError)) throw error;
    await uncount(db, subjects);
    return { refused: 'TOO_MANY_ATTEMPTS', retryAfterSeconds: 1 };
  }
  if (!right || found === null || found.organisation !== organisation) return { refused: 'WRONG_CREDENTIALS' };
  const token = await issueToken(db, { username: found.username, passwordHash: found.passwordHash, tokenIdleMs });
  if (token === null) return { refused: 'WRONG_CREDENTIALS' };
  await uncount(db, subjects);
  const { passwordHash: _, ...user } = found;
  return { token, user };
}

async function uncount(db: Database, subjects: readonly LoginSubject[]): Promise<void> {
  for (const subject of subjects) await uncountLogin(db, subject);
}

/** Walks web_user's primary key. */
async function findUser(db: Database, username: string): Promise<(User & { passwordHash: string }) | null> {
  const [row] = await db.query<User & { passwordHash: string }>(
    `select username, role, organisation, unit, password_hash as "passwordHash" from web_user
     where username = $1 and not disabled`,
    [username],
  );
  return row ?? null;
}

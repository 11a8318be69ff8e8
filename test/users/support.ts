import { type Database, openDatabase } from '../../src/platform/database.ts';
import { addUser } from '../../src/users/changes.ts';
import { type Credentials, login, type LoginResult } from '../../src/users/login.ts';
import { createTestDatabase } from '../support/database.ts';

export const PASSWORD = 'correct horse battery';

export interface TestUsers {
  readonly url: string;
  readonly db: Database;
  add(username: string): Promise<void>;
  /** A login of the user with everything right, but for what is given; each from a source of its own. */
  login(username: string, more?: Partial<Credentials>): Promise<LoginResult>;
  /** The token of a login that has to go through. */
  token(username: string, more?: Partial<Credentials>): Promise<string>;
  close(): Promise<void>;
}

export async function openTestUsers(): Promise<TestUsers> {
  const database = await createTestDatabase();
  const db = openDatabase({ url: database.url, maxConnections: 8, applicationName: 'test' });
  let sources = 0;
  const logIn: TestUsers['login'] = (username, more) => {
    sources += 1;
    const source = `10.${Math.floor(sources / 250)}.0.${sources % 250}`;
    return login(db, { username, password: PASSWORD, organisation: 'Nordic', source, ...more });
  };
  return {
    url: database.url,
    db,
    login: logIn,
    add: async (username) => {
      const user = { username, role: 'operator' as const, organisation: 'Nordic', unit: 'Care' };
      await addUser(db, { ...user, password: PASSWORD, by: 'root' });
    },
    token: async (username, more) => {
      const result = await logIn(username, more);
      if ('refused' in result) throw new Error(`${username} was refused: ${result.refused}`);
      return result.token;
    },
    close: async () => {
      await db.close();
      await database.drop();
    },
  };
}

import { userInfo } from 'node:os';

/** Who asks for an operation: noted with everything that it makes or changes. */
export interface Actor {
  /** A user of the APIs; on the command line `--by`, or the operating system's user. */
  readonly user: string;
  readonly unit: string | null;
}

/**
 * Returns the name of the operating system's user, for commands that are run without `--by`. A user id without a name,
 * which is usual in containers, is returned as `uid 54321`.
 */
export function localUser(lookUp: () => { readonly username: string } = userInfo): string {
  try {
    return lookUp().username;
  } catch {
    return `uid ${process.getuid?.() ?? 'unknown'}`;
  }
}

import { userInfo } from 'node:os';

/** Who asks for an operation: noted with everything that it makes or changes. */
export interface Actor {
  /** A user of the APIs, or on the command line the operating system's user or whoever `--by` names. */
  readonly user: string;
  readonly unit: string | null;
}

/** Who sits at the command line, where nobody is named. */
export function localUser(): string {
  return userInfo().username;
}

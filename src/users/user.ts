/** What a user may do: a viewer reads, an operator makes requests too, an admin all of it. */
export type Role = 'viewer' | 'operator' | 'admin';

export const ROLES: readonly Role[] = ['viewer', 'operator', 'admin'];

/** A user of the Web API, as requests remember who made them. */
export interface User {
  /** In lower case. */
  readonly username: string;
  readonly role: Role;
  readonly organisation: string;
  /** The organisational unit, null if none was given. */
  readonly unit: string | null;
}

/** Whether the user may make provisioning requests and change what is there. */
export function mayWrite(user: User): boolean {
  return user.role === 'operator' || user.role === 'admin';
}

/** The name as it is stored and compared: in lower case. Null if no user can have it. */
export function usernameOf(given: string): string | null {
  return /^[a-z0-9][a-z0-9._@-]{0,63}$/i.test(given) ? given.toLowerCase() : null;
}

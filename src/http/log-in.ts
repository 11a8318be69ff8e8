import { z } from 'zod';
import type { LoginResult } from '../users/login.ts';
import { WebApiError } from './envelope.ts';
import { text } from './input-kinds.ts';

/** The body of every login. */
export const loginBody = z.strictObject(
  {
    username: text(200).min(1, 'give the user name'),
    password: z
      .string('give the password')
      .max(1_000, 'a password has at most 1000 characters')
      .meta({ format: 'password' }),
    organisation: text(200).min(1, 'give the organisation'),
  },
  'send a JSON object with username, password and organisation',
);

/** Returns what a refused login is answered with. */
export function loginRefusal({ refused, retryAfterSeconds = 1 }: Extract<LoginResult, { refused: string }>) {
  if (refused === 'WRONG_CREDENTIALS') {
    return new WebApiError(refused, 'username, password and organisation do not fit together: check them');
  }
  const seconds = Math.max(1, Math.ceil(retryAfterSeconds));
  return new WebApiError(refused, `username or address: try again in ${seconds} s`, { 'retry-after': String(seconds) });
}

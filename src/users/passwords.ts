import { randomInt } from 'node:crypto';
import { hash, verify } from '@node-rs/argon2';

/** The library's enum has no value at run time. */
const ARGON2ID = 2;

/** OWASP's least for argon2id: 19 MiB, two passes, one lane; some 30 ms of one core. */
const HASHING = { algorithm: ARGON2ID, memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const;

/** How many passwords one process hashes at once: each takes 38 MiB, and the rest of the service needs cores too. */
const HASHING_MAX = 2;
/** How many more may wait for their turn, about a second. Further callers are asked to try again. */
const WAITING_MAX = 60;

const PASSWORD_CHARS_MIN = 12;
const PASSWORD_CHARS_MAX = 256;

/** More passwords are being checked than this process takes on: nothing was looked at. */
export class HashingBusyError extends Error {
  override readonly name = 'HashingBusyError';
  constructor() {
    super('Too many passwords are being checked at once: try again in a second');
  }
}

/** What is wrong with a new password and the remedy, never the password itself; null if it will do. */
export function passwordProblem(password: string): string | null {
  const { length } = password;
  if (length >= PASSWORD_CHARS_MIN && length <= PASSWORD_CHARS_MAX) return null;
  return `The password has ${length} characters: give one of ${PASSWORD_CHARS_MIN} to ${PASSWORD_CHARS_MAX}`;
}

/** A random password of 24 letters and digits that cannot be mistaken for one another: 137 bits. */
export function generatePassword(): string {
  const characters = 'abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789';
  return Array.from({ length: 24 }, () => characters[randomInt(characters.length)]).join('');
}

/** The password's argon2id hash, with parameters and a salt of its own. @throws HashingBusyError */
export function hashPassword(password: string): Promise<string> {
  return inTurn(() => hash(password.normalize('NFC'), HASHING));
}

/**
 * Whether the password belongs to the hash. Without a hash (there is no such user) it takes as long and is false, so
 * that nobody learns from the time which users there are. @throws HashingBusyError
 */
export function isPassword(password: string, passwordHash: string | null): Promise<boolean> {
  if (password.length > PASSWORD_CHARS_MAX) return Promise.resolve(false);
  return inTurn(async () => {
    const belongs = await verify(passwordHash ?? NOBODYS_HASH, password.normalize('NFC'));
    return belongs && passwordHash !== null;
  });
}

/** Of a random password that was thrown away, with the parameters above. */
const NOBODYS_HASH =
  '$argon2id$v=19$m=19456,t=2,p=1$uSRJtiedoJalB1ZDfVwYfA$MWCka5AWEZyC05ZDSobHd63FNP0k39wq2sEEpna+rac';

let hashing = 0;
const waiting: (() => void)[] = [];

/** Bounds both the hashing that goes on at once and what waits for it. */
async function inTurn<T>(work: () => Promise<T>): Promise<T> {
  if (hashing >= HASHING_MAX) {
    if (waiting.length >= WAITING_MAX) throw new HashingBusyError();
    // The turn is handed over: `hashing` stays as it is.
    await new Promise<void>((resolve) => waiting.push(resolve));
  } else hashing += 1;
  try {
    return await work();
  } finally {
    const next = waiting.shift();
    if (next) next();
    else hashing -= 1;
  }
}

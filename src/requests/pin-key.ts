import type { Database, Queryable } from '../platform/database.ts';
import { UnfitDatabaseError } from '../platform/fitness.ts';
import type { Seal } from '../platform/seal.ts';

/**
 * One key seals the PINs of a database. The database identifies it by a keyed check value, which does not reveal the
 * key, and every instance and command needs that key.
 *
 * A key can be changed without a moment in which one instance cannot open what another seals. First every instance gets
 * both keys. Then `pin change-key` makes the new one seal. The former one is removed when no PIN needs it any more.
 */

const REMEDY = 'set it to the same key everywhere, or see "Changing the key" in docs/utilities.md';

/**
 * Seals a PIN with the key that the database names; the first call stores the name of this process's first key.
 * @throws UnfitDatabaseError if this process does not have that key.
 */
export async function sealWithNamedKey(db: Queryable, seal: Seal, pin: string): Promise<Buffer> {
  const keyCheck = await namedKey(db, seal);
  if (!seal.checks.includes(keyCheck)) throw new UnfitDatabaseError(OTHER_KEY);
  return seal.seal(pin, keyCheck);
}

/**
 * Returns why this process must not handle PINs of the database, with the remedy; null if it may. `seal` is null
 * without PIN_KEY.
 */
export async function pinKeyProblem(db: Queryable, seal: Seal | null): Promise<string | null> {
  if (seal !== null) return seal.checks.includes(await namedKey(db, seal)) ? null : OTHER_KEY;
  const named = await db.query(FIND);
  return named.length === 0 ? null : `PIN_KEY is not set, and other instances on this database have one: ${REMEDY}.`;
}

const OTHER_KEY = `PIN_KEY is another key than the one that seals the PINs of this database: ${REMEDY}.`;

/** The result of `changePinKey`. */
export type KeyChange = 'changed' | 'unchanged' | { readonly unopenable: number };

/**
 * Makes our first key the one that seals. Refuses if PINs wait that none of our keys may open, and returns their
 * number.
 */
export async function changePinKey(db: Database, seal: Seal): Promise<KeyChange> {
  const [first = ''] = seal.checks;
  return await db.transaction(async (tx) => {
    const former = await namedKey(tx, seal);
    if (former === first) return 'unchanged';
    const [waiting] = await tx.query<{ pins: number }>('select count(*) as pins from request_pin');
    if (!seal.checks.includes(former) && waiting !== undefined && waiting.pins > 0) return { unopenable: waiting.pins };
    await tx.query('update pin_key set key_check = $1', [first]);
    return 'changed';
  });
}

/** Returns the check value of the key that seals: the stored one, or from now on that of our first key. */
async function namedKey(db: Queryable, seal: Seal): Promise<string> {
  const found = await db.query<{ keyCheck: string }>(FIND);
  const [named = { keyCheck: '' }] =
    found.length > 0 ? found : await db.query<{ keyCheck: string }>(NAME, [seal.checks[0]]);
  return named.keyCheck;
}

const FIND = `select key_check as "keyCheck" from pin_key`;

/** Two simultaneous first calls both get the earlier value. */
const NAME = /* sql */ `
insert into pin_key (key_check) values ($1)
on conflict (only_row) do update set key_check = pin_key.key_check
returning key_check as "keyCheck"`;

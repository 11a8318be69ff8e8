import { createHash, createHmac, hkdfSync } from 'node:crypto';
import type { Database, Transaction } from '../platform/database.ts';
import type { Asked } from './calls.ts';
import { WebApiError } from './envelope.ts';
import { OperationError } from './operation-error.ts';

/** How long a key is kept: a client that got no answer has asked again long before. */
export const IDEMPOTENCY_HOURS = 24;
/** Rows that one statement deletes. */
const CLEAR_MAX = 500;
const CLEAR_EVERY_MS = 60_000;

/** What is stored of a POST that may be sent again under the same key. */
export interface StoredCall {
  readonly username: string;
  readonly call: string;
  readonly keyHash: Buffer;
  readonly bodyHash: Buffer;
}

/** A POST that may be sent again under the same key. */
export interface IdempotentCall extends StoredCall {
  /** Called when the caller gets what an earlier call made. */
  readonly onRepeated: () => void;
}

/** Turns what a call has sent into what may be stored of it. */
export type IdempotencyHasher = (
  given: { readonly username: string; readonly call: string; readonly key: string },
  body: Readonly<Record<string, unknown>>,
) => StoredCall;

/**
 * `pinKeysHex` is PIN_KEY: the key that seals, followed by those that only open.
 *
 * A PIN has 10,000 values, so a plain hash of a body with one gives it away, and so does a plain hash of the key: some
 * clients derive the key from the body. What comes with a PIN is therefore hashed with a key derived from PIN_KEY,
 * which does not lie in the database. Everything else is hashed without it, so that setting or changing PIN_KEY makes
 * only a repeated PIN call a new one, which has the same effect.
 */
export function createIdempotencyHasher(pinKeysHex: string | undefined): IdempotencyHasher {
  const secret =
    pinKeysHex === undefined
      ? null
      : Buffer.from(
          hkdfSync(
            'sha256',
            Buffer.from(pinKeysHex.trim().slice(0, 64), 'hex'),
            '',
            'conax-provisioning idempotency',
            32,
          ),
        );
  return ({ username, call, key }, given) => {
    // The next login gives another token, and the request stays the same.
    const body = Object.fromEntries(Object.entries(given).filter(([name]) => name !== 'token'));
    const hash = (text: string): Buffer => {
      if (!('pin' in body)) return createHash('sha256').update(text).digest();
      if (secret === null) throw new WebApiError('PIN_KEY_MISSING', 'pin cannot be taken: PIN_KEY_FILE is not set');
      return createHmac('sha256', secret).update(text).digest();
    };
    return {
      username,
      call,
      keyHash: hash(JSON.stringify(['key', username, call, key])),
      bodyHash: hash(JSON.stringify(['body', username, call, key, inOrder(body)])),
    };
  };
}

/**
 * Returns a call under the Idempotency-Key of its header; null if it has none. The answer to a repeated call has this
 * header.
 * @param name what the call is stored under.
 * @throws WebApiError if the key cannot be used.
 */
export function idempotentCall(
  hasher: IdempotencyHasher,
  name: string,
  { user, input, request, reply }: Asked<object>,
): IdempotentCall | null {
  const key = idempotencyKeyOf(request.headers['idempotency-key']);
  if (key === null) return null;
  if (user === null) throw new Error(`${name} was called without a user`);
  return {
    ...hasher({ username: user.username, call: name, key }, { ...input }),
    onRepeated: () => void reply.header('idempotent-replayed', 'true'),
  };
}

function idempotencyKeyOf(header: string | string[] | undefined): string | null {
  if (header === undefined) return null;
  if (typeof header === 'string' && /^[!-~]{1,200}$/.test(header)) return header;
  throw new WebApiError(
    'IDEMPOTENCY_KEY_INVALID',
    'Idempotency-Key is empty, longer than 200 characters, there twice, or has blanks or other characters than visible ASCII: give a UUID for example',
  );
}

/**
 * Makes something in one transaction, once for each call, and returns what `read` finds of it: `make` returns the number of
 * what it made (a request, a run, a replay), which the same call reads again instead of making another. The same call under
 * way elsewhere is waited for. Without an idempotent call it always makes something.
 * @throws WebApiError if the key came with another body.
 */
export async function once<T>(
  db: Database,
  call: IdempotentCall | null,
  make: (tx: Transaction) => Promise<number>,
  read: (tx: Transaction, number: number) => Promise<T> | T,
): Promise<T> {
  const { found, isRepeated } = await db.transaction(async (tx) => {
    const earlier = call === null ? null : await findEarlier(tx, call);
    if (earlier !== null) return { found: await read(tx, earlier), isRepeated: true };
    const number = await make(tx);
    if (call !== null) await tx.query(REMEMBER, [call.username, call.call, call.keyHash, number]);
    return { found: await read(tx, number), isRepeated: false };
  });
  if (isRepeated) call?.onRepeated();
  return found;
}

/** The error for a call whose request was removed since. */
export function noLongerKept(number: number): OperationError {
  return new OperationError(
    'PROVISIONING_REQUEST_NOT_FOUND',
    null,
    `request ${number}, which this call made, is no longer kept: use a new Idempotency-Key`,
  );
}

/** The number of what the same call made earlier; null if this is the first, which is noted with that. */
async function findEarlier(tx: Transaction, call: IdempotentCall): Promise<number | null> {
  const values = [call.username, call.call, call.keyHash, call.bodyHash];
  const noted = await tx.query(NOTE, values);
  if (noted.length > 0) return null;
  // A statement of its own: it sees what the insert has waited for.
  const [earlier] = await tx.query<{ same: boolean; number: number }>(FIND, values);
  if (!earlier) return await findEarlier(tx, call);
  if (earlier.same) return earlier.number;
  throw new WebApiError(
    'IDEMPOTENCY_KEY_REUSED',
    `Idempotency-Key was used for another body of this call within ${IDEMPOTENCY_HOURS} hours (it made number ${earlier.number}): use a new key for a new call`,
  );
}

/** Deletes keys older than a day, in small batches; gives their number. Several instances may do it at once. */
export async function clearIdempotencyKeys(db: Pick<Database, 'query'>): Promise<number> {
  let cleared = 0;
  for (;;) {
    const rows = await db.query(CLEAR, [IDEMPOTENCY_HOURS, CLEAR_MAX]);
    cleared += rows.length;
    if (rows.length < CLEAR_MAX) return cleared;
  }
}

/** Clears old keys every minute until `stop`. */
export function startClearing(db: Database, onError: (error: unknown) => void): { stop(): void } {
  const timer = setInterval(() => void clearIdempotencyKeys(db).catch(onError), CLEAR_EVERY_MS);
  timer.unref();
  return { stop: () => clearInterval(timer) };
}

/** The same body in another order of its members is the same body. */
function inOrder(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inOrder);
  if (value === null || typeof value !== 'object' || value instanceof Date) return value;
  return Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, member]) => [name, inOrder(member)]);
}

// Walk web_api_idempotency's primary key, the last one web_api_idempotency_age.
const NOTE = /* sql */ `
insert into web_api_idempotency (username, call, key_hash, body_hash) values ($1, $2, $3, $4)
on conflict do nothing returning 1 as noted`;
const FIND = /* sql */ `
select body_hash = $4 as same, request_number as number from web_api_idempotency
 where username = $1 and call = $2 and key_hash = $3`;
const REMEMBER = /* sql */ `
update web_api_idempotency set request_number = $4 where username = $1 and call = $2 and key_hash = $3`;
const CLEAR = /* sql */ `
delete from web_api_idempotency w using (
  select username, call, key_hash from web_api_idempotency
   where created_at < now() - $1::int * interval '1 hour' order by created_at limit $2 for update skip locked) old
 where w.username = any (array[old.username]) and w.call = any (array[old.call]) and w.key_hash = any (array[old.key_hash])
returning 1 as cleared`;

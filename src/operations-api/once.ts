import type { Database, Transaction } from '../platform/database.ts';
import type { Asked } from '../http/calls.ts';
import { findEarlier, type IdempotencyHasher, idempotentCall, rememberRequest } from '../http/idempotency.ts';
import { actorOf } from './actor.ts';

/**
 * Makes a run or a replay in one transaction, and gives its id; or finds the one that the same call made under the same
 * Idempotency-Key, and says so in the answer's header.
 * @throws WebApiError where the key cannot be used, or came with another body.
 */
export async function once(
  db: Database,
  hasher: IdempotencyHasher,
  call: string,
  asked: Asked<object>,
  make: (tx: Transaction) => Promise<number>,
): Promise<number> {
  const caller = { username: actorOf(asked).user, call };
  const idempotent = idempotentCall(hasher, caller, asked.request.headers['idempotency-key'], { ...asked.input });
  const { id, earlier } = await db.transaction(async (tx) => {
    const found = idempotent === null ? null : await findEarlier(tx, idempotent);
    if (found !== null) return { id: found, earlier: true };
    const made = await make(tx);
    if (idempotent !== null) await rememberRequest(tx, idempotent, made);
    return { id: made, earlier: false };
  });
  if (earlier) asked.reply.header('idempotent-replayed', 'true');
  return id;
}

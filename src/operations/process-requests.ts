import type { Database } from '../platform/database.ts';
import { type Hastened, hastenRequests } from '../requests/hasten.ts';
import type { Actor } from './actor.ts';
import { OperationError } from '../http/operation-error.ts';

/**
 * The processing run on demand: lets one pending request, or those of a card that are due, be sent now (hasten.ts). Gives
 * the numbers of those that were meant, none where a card has none.
 * @throws OperationError where there is no such request, or it is final.
 */
export async function processRequests(db: Database, which: Hastened, by: Actor): Promise<readonly number[]> {
  const result = await db.transaction((tx) => hastenRequests(tx, which, by));
  if (result.hastened) return result.numbers;
  const name = 'number' in which ? `request ${which.number}` : `card ${which.card}`;
  if (result.reason === 'NOT_FOUND') {
    throw new OperationError('PROVISIONING_REQUEST_NOT_FOUND', 'number', `there is no provisioning ${name}; check it`);
  }
  throw new OperationError('REQUEST_IS_FINAL', 'number', `${name} is ${result.state}, which is final: make a new one`);
}

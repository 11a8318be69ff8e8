import type { Queryable } from '../platform/database.ts';
import { UnfitDatabaseError } from '../platform/fitness.ts';
import type { Seal } from '../platform/seal.ts';
import { sealWithNamedKey } from '../requests/pin-key.ts';
import { OperationError } from './operation-error.ts';

/**
 * Seals a PIN that a caller gave, with the key that the database names.
 * @throws OperationError PIN_KEY_MISSING if PIN_KEY is not set (`seal` is null), or is another key.
 */
export async function sealPin(db: Queryable, seal: Seal | null, pin: string): Promise<Buffer> {
  if (seal === null) {
    throw new OperationError('PIN_KEY_MISSING', 'pin', 'it cannot be taken: the operator has to set PIN_KEY_FILE');
  }
  return await sealWithNamedKey(db, seal, pin).catch((error: unknown) => {
    if (!(error instanceof UnfitDatabaseError)) throw error;
    throw new OperationError('PIN_KEY_MISSING', 'pin', `it cannot be taken: ${error.message}`);
  });
}

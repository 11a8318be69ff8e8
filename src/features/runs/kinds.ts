import { fingerprintKind } from '../messages/fingerprint-kind.ts';
import type { AnyKind } from './kind.ts';
import { messageKind } from '../messages/message-kind.ts';
import { queueKind } from '../queue/kind.ts';
import { reconcileFixKind } from '../reconcile/fix-kind.ts';
import { reconcileKind } from '../reconcile/kind.ts';
import { resyncKind } from '../resync/kind.ts';

/** Every kind of run, by name. The engine itself knows none of them. */
export const RUN_KINDS: ReadonlyMap<string, AnyKind> = new Map(
  [messageKind, fingerprintKind, queueKind, resyncKind, reconcileKind, reconcileFixKind].map((kind) => [
    kind.name,
    kind,
  ]),
);

/**
 * Returns the kind of this name.
 * @throws Error for a kind that this version does not have, because another version made the run.
 */
export function kindOf(name: string, kinds = RUN_KINDS): AnyKind {
  const kind = kinds.get(name);
  if (kind) return kind;
  throw new Error(`There is no kind of run ${JSON.stringify(name)}: it is one of ${[...kinds.keys()].join(', ')}`);
}

import { fingerprintKind } from './fingerprint-kind.ts';
import type { AnyKind } from './kind.ts';
import { messageKind } from './message-kind.ts';
import { queueKind } from './queue-kind.ts';
import { reconcileFixKind } from './reconcile-fix-kind.ts';
import { reconcileKind } from './reconcile-kind.ts';
import { resyncKind } from './resync-kind.ts';

/** Every kind of run, by its name. The engine knows none of them by itself. */
export const RUN_KINDS: ReadonlyMap<string, AnyKind> = new Map(
  [messageKind, fingerprintKind, queueKind, resyncKind, reconcileKind, reconcileFixKind].map((kind) => [
    kind.name,
    kind,
  ]),
);

/** @throws Error for a kind that this version does not have: the run was made by another one. */
export function kindOf(name: string, kinds = RUN_KINDS): AnyKind {
  const kind = kinds.get(name);
  if (kind) return kind;
  throw new Error(`There is no kind of run ${JSON.stringify(name)}: it is one of ${[...kinds.keys()].join(', ')}`);
}

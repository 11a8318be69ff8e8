import type { ClaimedRequest } from '../requests/claim.ts';
import type { Permission } from './carry-out.ts';
import type { ShareKeeper } from './share-keeper.ts';

/** The requests that have begun and need one more SOAP call: they go before those that have not begun. */
export interface Permissions {
  ask(request: ClaimedRequest): Promise<Permission>;
  /** Answers those that can be answered now. */
  serve(): void;
  waiting(): number;
  /** Halts all of them. */
  stop(): void;
}

export interface PermissionsOptions {
  readonly share: ShareKeeper;
  readonly leftMs: (request: ClaimedRequest) => number;
  readonly callMs: number;
  /** Whether sending was switched off for this request. */
  readonly halted: (request: ClaimedRequest) => boolean;
  /** `serve` should be called again in so many milliseconds. */
  readonly onWait: (ms: number) => void;
}

export function createPermissions({ share, leftMs, callMs, halted, onWait }: PermissionsOptions): Permissions {
  let waiting: { readonly request: ClaimedRequest; readonly answer: (permission: Permission) => void }[] = [];
  let stopped = false;

  const decide = (request: ClaimedRequest): Permission | null => {
    const left = leftMs(request);
    if (left === 0) return 'lost';
    if (stopped || left < callMs || halted(request)) return 'halt';
    return share.tryCall() ? 'go' : null;
  };
  return {
    ask: (request) => new Promise((answer) => waiting.push({ request, answer })),
    serve() {
      const still: typeof waiting = [];
      for (const one of waiting) {
        const permission = decide(one.request);
        if (permission === null) still.push(one);
        else one.answer(permission);
      }
      waiting = still;
      if (waiting.length > 0) onWait(share.waitMs());
    },
    waiting: () => waiting.length,
    stop() {
      stopped = true;
      this.serve();
    },
  };
}

import type { ClaimedRequest } from '../requests/claim.ts';
import type { Permission } from './carry-out.ts';
import type { ShareKeeper } from './share-keeper.ts';

/**
 * The permits for one more SOAP call of requests already being carried out. These go before requests not yet started.
 */
export interface CallPermits {
  ask(request: ClaimedRequest): Promise<Permission>;
  /** Answers those requests that can be answered now. */
  serve(): void;
  waiting(): number;
  /** Answers `halt` to all of them. */
  stop(): void;
}

export interface CallPermitsOptions {
  readonly share: ShareKeeper;
  readonly leftMs: (request: ClaimedRequest) => number;
  readonly callMs: number;
  /** Returns whether sending was switched off for this request. */
  readonly halted: (request: ClaimedRequest) => boolean;
  /** Called with the milliseconds after which `serve` should be called again. */
  readonly onWait: (ms: number) => void;
}

export function createCallPermits({ share, leftMs, callMs, halted, onWait }: CallPermitsOptions): CallPermits {
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

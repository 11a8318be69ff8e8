import type { NewRequest } from './new-request.ts';

/**
 * The classes in which ready requests are claimed, the lowest first. A request that more urgent ones wait for gets
 * their class (raise-predecessors.ts), so along one card's lane the classes never fall.
 */
export const CLASS = { EXPRESS: 0, REGULAR: 1, BULK: 2 } as const;

/** Returns `work.rank` of a request that was never claimed; its first claim clears the lowest bit. */
export function rankOf(request: Pick<NewRequest, 'priority' | 'bulk'>): number {
  if (request.priority === 'EXPRESS') return CLASS.EXPRESS * 2 + 1;
  return (request.bulk ? CLASS.BULK : CLASS.REGULAR) * 2 + 1;
}

/** The channel (LISTEN) where dispatchers hear that something may be claimed or that the provider was switched. */
export const DISPATCH_CHANNEL = 'conax_dispatch';

/** The message after requests were submitted: EXPRESS ones among them, REGULAR ones, or only bulk work. */
export type WakeMessage = 'express' | 'work' | 'bulk';

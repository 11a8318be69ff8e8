import type { NewRequest } from './new-request.ts';

/**
 * The classes in which ready requests are claimed, the lowest first. A request that others wait for takes their class
 * where it is lower (see raise.ts), so along one card's lane the classes never fall.
 */
export const CLASS = { EXPRESS: 0, REGULAR: 1, BULK: 2 } as const;

/** `work.rank` of a request that was never claimed; its first claim clears the lowest bit. */
export function rankOf(request: Pick<NewRequest, 'priority' | 'bulk'>): number {
  if (request.priority === 'EXPRESS') return CLASS.EXPRESS * 2 + 1;
  return (request.bulk ? CLASS.BULK : CLASS.REGULAR) * 2 + 1;
}

/** Where dispatchers hear (LISTEN) that something may be claimed or that the provider was switched. */
export const DISPATCH_CHANNEL = 'conax_dispatch';

/** What is said there when requests were submitted: EXPRESS ones among them, REGULAR ones, or bulk work alone. */
export type WakeWord = 'express' | 'work' | 'bulk';

import type { NewRequest } from './new-request.ts';

/**
 * The classes in which ready requests are claimed, the lowest first (R13). A command that gives something to a customer
 * goes before one that takes something away. A request that more urgent ones wait for gets their class
 * (raise-predecessors.ts), so along one card's lane the classes never fall.
 */
export const CLASS = { EXPRESS: 0, GIVING: 1, TAKING: 2, BULK: 3 } as const;

/** The names of the classes, by their numbers: in metrics and in the messages to dispatchers. */
export const classNames = ['express', 'giving', 'taking', 'bulk'] as const;
export type ClassName = (typeof classNames)[number];

const numbers = Object.values(CLASS);
/** `work.rank` of requests that were claimed before, by class: retries, and leases that ran out. */
export const CLAIMED_RANKS: readonly number[] = numbers.map((one) => one * 2);
/** `work.rank` of requests that were never claimed, by class. */
export const NEW_RANKS: readonly number[] = numbers.map((one) => one * 2 + 1);
/** Every `work.rank`, in the order of the claim. */
export const RANKS: readonly number[] = numbers.flatMap((one) => [one * 2, one * 2 + 1]);

/** Returns `work.rank` of a request that was never claimed; its first claim clears the lowest bit. */
export function rankOf(request: Pick<NewRequest, 'priority' | 'bulk' | 'command' | 'awaited'>): number {
  return classOf(request) * 2 + 1;
}

/** Returns the class in which a request starts. A caller that waits for a cancellation must not wait for all ADDs. */
function classOf({
  priority,
  bulk,
  command,
  awaited,
}: Pick<NewRequest, 'priority' | 'bulk' | 'command' | 'awaited'>): number {
  if (priority === 'EXPRESS') return CLASS.EXPRESS;
  if (bulk === true) return CLASS.BULK;
  return command.type === 'CANCEL_SUBSCRIPTIONS' && awaited !== true ? CLASS.TAKING : CLASS.GIVING;
}

/** The channel (LISTEN) where dispatchers hear that something may be claimed or that the provider was switched. */
export const DISPATCH_CHANNEL = 'conax_dispatch';
/** The message that claimed requests got a more urgent class. Their holders must read it. */
export const RAISED = 'raised';

/** Returns the message to dispatchers after these requests were submitted: the most urgent class among them. */
export function wakeMessageOf(requests: readonly Parameters<typeof rankOf>[0][]): ClassName {
  return classNames[Math.min(CLASS.BULK, ...requests.map(classOf))] ?? 'bulk';
}

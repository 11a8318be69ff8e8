import type { Actor } from '../operations/actor.ts';
import type { Asked } from '../http/calls.ts';

/** Who makes a call that needs a token. */
export function actorOf({ user }: Pick<Asked<unknown>, 'user'>): Actor {
  if (user === null) throw new Error('A call of the operations API was answered without a user');
  return { user: user.username, unit: user.unit };
}

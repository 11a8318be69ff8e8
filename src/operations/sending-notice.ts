import { providerStatus } from '../dispatch/provider.ts';
import type { Queryable } from '../platform/database.ts';

/** Why nothing is sent to the CAS now, for those who wait for it. */
export interface SendingNotice {
  readonly reason: 'PAUSED' | 'NO_INSTANCE' | 'CAS_AWAY';
  /** Nothing will change while one waits: a person has to resume sending. */
  readonly paused: boolean;
  readonly text: string;
}

/** Null if commands are sent. */
export async function sendingNotice(db: Queryable): Promise<SendingNotice | null> {
  const { paused, changedAt, pausedBy, pausedReason, breaker, breakerOpenUntil, instances } = await providerStatus(db);
  if (paused) {
    const text = `sending is paused since ${changedAt.toISOString()} by ${pausedBy}: ${pausedReason}; requests stay PENDING until it is resumed ("provider resume")`;
    return { reason: 'PAUSED', paused: true, text };
  }
  if (instances.length === 0)
    return { reason: 'NO_INSTANCE', paused: false, text: 'no instance of the service sends now: start it' };
  if (breaker !== 'open') return null;
  const text = `the CAS does not answer: it is tried again at ${breakerOpenUntil?.toISOString()}`;
  return { reason: 'CAS_AWAY', paused: false, text };
}

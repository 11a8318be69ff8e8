import type { Queryable } from '../../platform/database.ts';

/** A late event that waits for a person. */
export interface HeldEvent {
  readonly id: number;
  readonly receivedAt: Date;
  readonly subscriptionNumber: string;
  readonly version: number;
  readonly family: string;
  readonly type: string;
  readonly actionId: string;
  readonly eventId: string;
}

/** The held events, the oldest first, at most 1,000. */
export function heldEvents(db: Queryable): Promise<HeldEvent[]> {
  return db.query<HeldEvent>(SELECT_HELD);
}

/** Walks inbox_held. */
const SELECT_HELD = /* sql */ `
select id, received_at as "receivedAt", subscription_number as "subscriptionNumber", subscription_version as version,
  family, writer_type as type, action_id as "actionId", event_id as "eventId"
from inbox where disposition = 'STALE' order by id limit 1000`;

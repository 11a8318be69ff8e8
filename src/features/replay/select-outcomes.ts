import type { OutboxMessage } from '../../outcomes/outbox.ts';
import type { Queryable, Transaction } from '../../platform/database.ts';

/** Which outcomes to publish again. Times are when they were stored, ISO 8601; null: no limit. */
export interface OutcomeSelection {
  readonly from: string | null;
  readonly to: string | null;
  readonly subscription: string | null;
  /** The number of one request: its outcome and those of its action. */
  readonly request: number | null;
  /** Only the newest outcome of each action, instead of all that were published. */
  readonly latest: boolean;
}

/** Where the selected rows of the outbox lie. */
export interface OutboxRange {
  readonly first: number;
  readonly last: number;
}

/** A row of the outbox to publish again. */
export type PublishedOutcome = OutboxMessage & {
  readonly request_number: number | null;
  readonly action_id: string | null;
};

/**
 * Reads the next selected outcomes after a row, in the order in which they were first published. It skips outcomes not
 * published yet, since they will be, and those that the broker refused, since it would refuse them again.
 *
 * A time range walks the primary key within `range`; a subscription and a request walk outbox_request and
 * outbox_action.
 */
export function outcomesAfter(
  db: Queryable,
  selection: OutcomeSelection,
  range: OutboxRange,
  after: number,
  limit: number,
): Promise<PublishedOutcome[]> {
  const { from, to, subscription, request, latest } = selection;
  const parameters = [Math.max(after, range.first - 1), range.last, from, to, limit];
  const named =
    subscription !== null
      ? `and o.id in (
           select id from outbox where request_number in (select number from request where subscription_number = $6)
           union all
           select x.id from outbox x join crm_action a on a.id = x.action_id
            where a.subscription_number = $6 and x.kind = 'ACTION_OUTCOME' and x.record ->> 'subscriptionNumber' = $6)`
      : request !== null
        ? `and o.id in (
           select id from outbox where request_number = $6
           union all
           select x.id from outbox x join request r on r.action_id = x.action_id
            where r.number = $6 and x.kind = 'ACTION_OUTCOME'
              and x.record ->> 'subscriptionNumber' = r.subscription_number)`
        : '';
  return db.query<PublishedOutcome>(
    `select o.id, o.kind, o.event_id, o.message_key, o.record, o.body, o.headers, o.request_number, o.action_id
     from outbox o
     where o.id > $1 and o.id <= $2 and o.kind <> 'DEAD_LETTER' and o.published_at is not null and o.replay_id is null
       and ($3::timestamptz is null or o.created_at >= $3::timestamptz)
       and ($4::timestamptz is null or o.created_at < $4::timestamptz)
       ${named} ${latest ? NEWEST : ''}
     order by o.id limit $5`,
    named === '' ? parameters : [...parameters, subscription ?? request],
  );
}

/** Walks outbox_action. */
const NEWEST = /* sql */ `
and (o.kind = 'REQUEST_OUTCOME' or not exists (
  select from outbox newer
   where newer.action_id = o.action_id and newer.kind = 'ACTION_OUTCOME' and newer.replay_id is null
     and newer.id > o.id and newer.message_key = o.message_key))`;

/**
 * Returns those outcomes that are still the newest of their action. Locks the actions, so that no newer outcome is
 * stored before the transaction ends. Walks crm_action's primary key, then outbox_action.
 */
export async function newestOf(tx: Transaction, outcomes: readonly PublishedOutcome[]): Promise<PublishedOutcome[]> {
  const ids = outcomes.map(({ id }) => id);
  await tx.query(
    `select from crm_action where (subscription_number, id) in (
       select record ->> 'subscriptionNumber', action_id from outbox where id = any($1::bigint[]) and kind = 'ACTION_OUTCOME')
     order by subscription_number, id for share`,
    [ids],
  );
  const rows = await tx.query<{ id: number }>(`select o.id from outbox o where o.id = any($1::bigint[]) ${NEWEST}`, [
    ids,
  ]);
  const newest = new Set(rows.map(({ id }) => id));
  return outcomes.filter(({ id }) => newest.has(id));
}

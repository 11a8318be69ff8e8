import {
  actionIsOpen,
  type ActionOfRow,
  archiveLine,
  archiveLines,
  countRows,
  removeEmptyActions,
  type RetentionKind,
  type Walked,
} from './rows.ts';

/**
 * Final provisioning requests with their attempts, what operators did to them, and their rows in the lists, and the actions that are left with
 * nothing. A request goes by the time at which it became final, and stays while its run is not COMPLETED: the run may not
 * have looked at it yet. What the requests established about pairings lies in
 * subscription_card and stays (R7).
 */
export const requests: RetentionKind = {
  walk: (db, { after, before, limit }) => db.query<Walked>(WALK, [after, limit, before]),
  count: (db, keys) => countRows(db, COUNT, keys),
  lines: (db, keys) => archiveLines(db, LINES, keys),
  async remove(tx, keys) {
    const attempts = await tx.query(REMOVE_ATTEMPTS, [keys]);
    const operators = await tx.query(REMOVE_OPERATORS, [keys]);
    const gone = await tx.query<ActionOfRow & { requests: number; listed: number }>(REMOVE_REQUESTS, [keys]);
    const rows = {
      request: gone.reduce((sum, row) => sum + row.requests, 0),
      attempt: attempts.length,
      operator_action: operators.length,
      request_final: gone.reduce((sum, row) => sum + row.listed, 0),
      crm_action: await removeEmptyActions(tx, gone),
    };
    return { rows, more: false };
  },
};

/** Numbers are drawn in the transaction that submits, so that the requests after a young one are nearly all young, too. */
const WALK = /* sql */ `
select w.number as key, w.submitted_at < $3::timestamptz as aged,
  w.life_cycle_state <> 'PENDING' and w.executed_at < $3::timestamptz and not ${actionIsOpen('w')}
    and not exists (select from run u where u.state <> 'COMPLETED'
                       and u.id = case when w.process_id ~ '^\\d{1,18}$' then w.process_id::bigint end) as goes
  from (select number, life_cycle_state, submitted_at, executed_at, subscription_number, action_id, process_id
          from request where number > $1::bigint order by number limit $2::int) w
 order by w.number`;

// The others walk the primary keys and operator_action_request.
const COUNT = /* sql */ `
select (select count(*) from request where number = any($1::bigint[])) as request,
  (select count(*) from attempt where request_number = any($1::bigint[])) as attempt,
  (select count(*) from operator_action where request_number = any($1::bigint[])) as operator_action,
  (select count(*) from request r
    cross join lateral (select from request_final where state = r.life_cycle_state and number = r.number offset 0) f
    where r.number = any($1::bigint[])) as request_final`;

/** An action's row comes with each of its rows that go: whether it goes itself shows only then. */
const LINES = /* sql */ `
select ${archiveLine('crm_action', 'a')} as line from crm_action a
  join (select distinct * from (select subscription_number, action_id from request where number = any($1::bigint[]) offset 0) gone) gone
    on a.subscription_number = any (array[gone.subscription_number]) and a.id = any (array[gone.action_id])
union all
select ${archiveLine('request', 'r')} from request r where r.number = any($1::bigint[])
union all
select ${archiveLine('request_final', 'f')}
  from request r join request_final f on f.state = any (array[r.life_cycle_state]) and f.number = any (array[r.number])
 where r.number = any($1::bigint[])
union all
select ${archiveLine('attempt', 't')} from attempt t where t.request_number = any($1::bigint[])
union all
select ${archiveLine('operator_action', 'o')} from operator_action o where o.request_number = any($1::bigint[])`;

const REMOVE_ATTEMPTS = /* sql */ `delete from attempt where request_number = any($1::bigint[]) returning 1 as gone`;

const REMOVE_OPERATORS = /* sql */ `
delete from operator_action where request_number = any($1::bigint[]) returning 1 as gone`;

const REMOVE_REQUESTS = /* sql */ `
with gone as (
  delete from request where number = any($1::bigint[]) and life_cycle_state <> 'PENDING'
  returning number, life_cycle_state, subscription_number, action_id
), unlisted as (
  delete from request_final f using gone g
   where f.state = any (array[g.life_cycle_state]) and f.number = any (array[g.number])
  returning f.number
)
select g.subscription_number, g.action_id, count(*) as requests, count(u.number) as listed
  from gone g left join unlisted u on u.number = g.number group by 1, 2`;

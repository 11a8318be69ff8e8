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
 * Inbox rows with the commands that were withheld for them, and the actions that are left with nothing. An event goes by
 * the time at which it was received, and stays, however old, while
 * - it is held for a person (STALE),
 * - its action is not finished, or
 * - planning may need its snapshot: of those received before the time the two highest versions of a subscription stay.
 *   An event that is younger than the time has a version at least as high as all of those, so the newest snapshot lower
 *   than its own (R1, R10) is among what stays; the second version is for a facet that shares the highest one.
 */
export const events: RetentionKind = {
  walk: (db, { after, before, limit }) => db.query<Walked>(WALK, [after, limit, before]),
  count: (db, keys) => countRows(db, COUNT, keys),
  lines: (db, keys) => archiveLines(db, LINES, keys),
  async remove(tx, keys) {
    const withheld = await tx.query(REMOVE_WITHHELD, [keys]);
    const gone = await tx.query<ActionOfRow>(REMOVE_EVENTS, [keys]);
    const actions = await removeEmptyActions(tx, gone);
    return { rows: { inbox: gone.length, withheld: withheld.length, crm_action: actions }, more: false };
  },
};

/** The rows whose snapshots readHistory looks at (src/intake/read-facts.ts): those of inbox_version. */
const WITH_SNAPSHOT = `('PLANNED', 'NOTHING_TO_DO', 'STALE')`;

/** Walks inbox_version for each row, from the highest version down to the second that is old enough. */
const WALK = /* sql */ `
select w.id as key, w.received_at < $3::timestamptz as aged,
  w.received_at < $3::timestamptz and w.disposition <> 'STALE' and not ${actionIsOpen('w')}
  and (w.disposition not in ${WITH_SNAPSHOT}
       or coalesce(w.subscription_version < (
            select distinct i.subscription_version from inbox i
             where i.subscription_number = w.subscription_number and i.disposition in ${WITH_SNAPSHOT}
               and i.received_at < $3::timestamptz
             order by i.subscription_version desc offset 1 limit 1), false)) as goes
  from (select id, disposition, received_at, subscription_number, subscription_version, action_id
          from inbox where id > $1::bigint order by id limit $2::int) w
 order by w.id`;

// The others walk the primary keys.
const COUNT = /* sql */ `
select (select count(*) from inbox where id = any($1::bigint[])) as inbox,
  (select count(*) from withheld where inbox_id = any($1::bigint[])) as withheld`;

/** An action's row comes with each of its rows that go: whether it goes itself shows only then. */
const LINES = /* sql */ `
select ${archiveLine('crm_action', 'a')} as line from crm_action a
  join (select distinct * from (select subscription_number, action_id from inbox where id = any($1::bigint[]) offset 0) gone) gone
    on a.subscription_number = any (array[gone.subscription_number]) and a.id = any (array[gone.action_id])
union all
select ${archiveLine('inbox', 'i')} from inbox i where i.id = any($1::bigint[])
union all
select ${archiveLine('withheld', 'h')} from withheld h where h.inbox_id = any($1::bigint[])`;

const REMOVE_WITHHELD = /* sql */ `delete from withheld where inbox_id = any($1::bigint[]) returning 1 as gone`;

const REMOVE_EVENTS = /* sql */ `
delete from inbox where id = any($1::bigint[]) and disposition <> 'STALE'
returning subscription_number, action_id`;

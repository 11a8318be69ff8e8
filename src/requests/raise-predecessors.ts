import type { Transaction } from '../platform/database.ts';
import { DISPATCH_CHANNEL, RAISED } from './request-class.ts';

/**
 * Raises every request that these wait for to at least their class, across cards and to the end of the chain. Otherwise
 * an EXPRESS request after another one of its card would wait for the whole backlog of that one's class, and so for the
 * other classes (R13). The order of a card does not change.
 *
 * Along a lane the classes never fall. So the walk looks at one predecessor per card and stops at the first that needs
 * no raise. Each request is raised at most three times in its life, however many wait for it.
 *
 * Cards further up the chain are not locked. So a scheduled request may come due there meanwhile, ahead of one raised
 * here. Its activation locks the request after it, whose row this statement writes. So the second transaction sees the
 * result of the first. Here that means walking on from the raised rows, where the walk itself would stop.
 *
 * A raised request may be claimed and not yet started. So its holder hears of it.
 */
export async function raisePredecessors(tx: Transaction, numbers: readonly number[]): Promise<void> {
  let last = numbers;
  let claimed = false;
  while (last.length > 0) {
    const raised = await tx.query<{ number: number; claimed: boolean }>(RAISE, [last]);
    claimed ||= raised.some((row) => row.claimed);
    last = raised.map(({ number }) => number);
  }
  if (claimed) tx.send(TELL_HOLDERS);
}

/** Walks lane's primary key backwards, one row per card and step, and work's primary key. */
const RAISE = /* sql */ `
with recursive behind (card, number, class) as (
  select own.card, w.number, w.rank >> 1
    from work w cross join unnest(w.cards) own (card)
   where w.number = any($1::bigint[]) and w.waits >= 0
  union
  select own.card, ahead.number, behind.class
    from behind
   cross join lateral (select l.number from lane l
                        where l.card = behind.card and l.number < behind.number
                        order by l.number desc limit 1) as next
    join work ahead on ahead.number = any (array[next.number]) and ahead.rank >> 1 > behind.class
   cross join unnest(ahead.cards) own (card)
), target as (
  select number, min(class) as class from behind group by number
), locked as (
  select w.number, t.class from work w join target t on w.number = any (array[t.number])
   where w.rank >> 1 > t.class
   order by t.number for update of w
)
update work w
   set rank = (locked.class << 1) | (w.rank & 1)
  from locked where w.number = any (array[locked.number])
returning w.number, w.token is not null as claimed`;

const TELL_HOLDERS = /* sql */ `select pg_notify('${DISPATCH_CHANNEL}', '${RAISED}')`;

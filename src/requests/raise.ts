import type { Transaction } from '../platform/database.ts';

/**
 * Gives every request that these wait for, across cards and to the end of the chain, at least their class: an EXPRESS
 * request behind a REGULAR one of its card would otherwise wait for the whole REGULAR backlog, and a REGULAR one for
 * the whole bulk work. The order of a card stays as it is.
 *
 * Along a lane the classes never fall, so the walk looks at one predecessor per card and stops at the first that needs
 * no raise: each request is raised at most twice in its life, however many wait behind it. Cards further up the chain
 * are not locked, so a scheduled request may come due there meanwhile, ahead of one that is raised here. Its activation
 * locks the row behind it, which this statement writes: whoever is second sees what the first one did, here by walking
 * on from the rows that were raised, which the walk itself would stop at.
 */
export async function raisePredecessors(tx: Transaction, numbers: readonly number[]): Promise<void> {
  let last = numbers;
  while (last.length > 0) {
    const raised = await tx.query<{ number: number }>(RAISE, [last]);
    last = raised.map(({ number }) => number);
  }
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
    join work ahead on ahead.number = next.number and ahead.rank >> 1 > behind.class
   cross join unnest(ahead.cards) own (card)
), target as (
  select number, min(class) as class from behind group by number
), locked as (
  select w.number, t.class from work w join target t on t.number = w.number
   where w.rank >> 1 > t.class
   order by w.number for update of w
)
update work w
   set rank = (locked.class << 1) | (w.rank & 1)
  from locked where w.number = locked.number
returning w.number`;

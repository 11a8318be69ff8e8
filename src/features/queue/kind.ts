import { z } from 'zod';
import { type MessageContent, messageCommand } from '../messages/message-content.ts';
import type { Queryable, Transaction } from '../../platform/database.ts';
import {
  type Json,
  type NewTarget,
  outcomeOf,
  runKind,
  type RunTarget,
  type TargetPlan,
  type TargetSource,
  type Verdict,
} from '../runs/kind.ts';
import { addTargets } from '../runs/targets.ts';
import { forEachCard } from '../runs/well-formed.ts';

/** How many entries one collecting step takes. */
const STEP = 200;
const SAMPLE = 10;

/** Selects the waiting entries, the oldest first, each for its card or for the cards that its subscription has now. */
const queueSource: TargetSource<Record<string, never>> = {
  schema: z.strictObject({}),
  begin: () => Promise.resolve({ kept: {}, cursor: 'entries' }),
  async collect(tx, runId, _kept, cursor) {
    const taken = await tx.query<Entry>(TAKE, [runId, STEP]);
    const targets = await targetsOf(tx, taken);
    await addTargets(tx, runId, targets);
    await tx.query(WRITE_CARDS, [
      taken.map(({ number }) => number),
      taken.map(({ number }) => targets.filter(({ data }) => numberOf(data ?? null) === number).length),
    ]);
    return taken.length < STEP ? null : cursor;
  },
  async estimate(db) {
    const waiting = await db.query<Entry>(LOOK);
    const targets = await targetsOf(db, waiting);
    return { targets: targets.length, exact: true, sample: targets.slice(0, SAMPLE) };
  },
};

interface Entry {
  readonly number: number;
  readonly card: string | null;
  readonly subscription: string | null;
}

/** Names the targets so that they sort in the order of their entries. */
async function targetsOf(db: Queryable, entries: readonly Entry[]): Promise<NewTarget[]> {
  const rows = await db.query<Entry & { card: string }>(CARDS, [
    entries.map(({ number }) => number),
    entries.map(({ card }) => card),
    entries.map(({ subscription }) => subscription),
  ]);
  return rows.map(({ number, card, subscription }) => ({
    target: `${String(number).padStart(15, '0')} ${card}`,
    card,
    subscription,
    data: { queue_number: number },
  }));
}

function numberOf(data: Json | null): number {
  return (data as { queue_number: number }).queue_number;
}

/** QUEUE: sends the messages of the communication queue. It has no parameters and no selection. */
export const queueKind = runKind({
  name: 'QUEUE',
  description: 'every message that waits in the communication queue',
  process: 'MAIL_BARK_MESSAGE_RUN',
  parameters: z.strictObject({}),
  source: queueSource,
  chunk: 50,
  async planRequests(tx, _run, targets, context) {
    const now = new Date();
    const messages = new Map(
      (await tx.query<{ number: number; message: MessageContent }>(LOCK_MESSAGES, [numbersOf(targets)])).map(
        ({ number, message }) => [number, message],
      ),
    );
    const wanted = targets.filter(({ data }) => messages.has(numberOf(data)));
    const sent = await forEachCard(tx, wanted, context, ({ smartcard, subscription }, { data }) => ({
      command: messageCommand(messages.get(numberOf(data)) as MessageContent, smartcard, now, String(numberOf(data))),
      subscription,
    }));
    const removed = targets
      .filter(({ data }) => !messages.has(numberOf(data)))
      .map(({ target }): TargetPlan => ({ target, requests: [], outcome: 'REMOVED' }));
    const data = new Map(targets.map((one) => [one.target, one.data]));
    const plans = [...sent, ...removed];
    await count(
      tx,
      plans.flatMap((plan) =>
        'outcome' in plan ? [{ data: data.get(plan.target) ?? null, ...plan, requests: [] }] : [],
      ),
    );
    return plans;
  },
  async settle(tx, _run, targets) {
    const verdicts = targets.map((target): Verdict & { outcome: string } => ({
      target: target.target,
      outcome: outcomeOf(target.requests),
    }));
    await count(
      tx,
      targets.map(({ data, requests }) => ({ data, outcome: outcomeOf(requests), requests })),
    );
    return verdicts;
  },
});

function numbersOf(targets: readonly RunTarget[]): number[] {
  return [...new Set(targets.map(({ data }) => numberOf(data)))];
}

interface Done {
  readonly data: Json | null;
  readonly outcome: string;
  readonly requests: readonly { readonly number: number }[];
}

/** Counts finished cards into their entries. After its last card an entry is COMPLETED or REJECTED. */
async function count(tx: Transaction, done: readonly Done[]): Promise<void> {
  if (done.length === 0) return;
  await tx.query(COUNT, [
    done.map(({ data }) => numberOf(data)),
    done.map(({ outcome }) => outcome !== 'COMPLETED'),
    done.map(({ requests }) => `{${requests.map(({ number }) => number).join(',')}}`),
  ]);
}

/** Walks communication_queue_free from its start. Skips entries that another run is taking. */
const TAKE = /* sql */ `
update communication_queue q set run_id = $1
 where q.number = any (array(select number from communication_queue where state = 'PENDING' and run_id is null
                              order by number limit $2 for update skip locked))
returning q.number, q.card, q.subscription_number as subscription`;

const LOOK = /* sql */ `
select number, card, subscription_number as subscription
  from communication_queue where state = 'PENDING' and run_id is null order by number`;

/** Walks subscription_card_subscription. */
const CARDS = /* sql */ `
select e.number, coalesce(e.card, c.card) as card, e.subscription
  from unnest($1::bigint[], $2::text[], $3::text[]) e (number, card, subscription)
  left join lateral (
    select card from subscription_card where subscription_number = e.subscription offset 0) c on e.card is null
 where coalesce(e.card, c.card) is not null
 order by e.number, 2`;

/** An entry whose subscription has no card is REJECTED at once. */
const WRITE_CARDS = /* sql */ `
update communication_queue q
   set cards = n.cards, cards_left = n.cards, state = case when n.cards = 0 then 'REJECTED' else q.state end,
       detail = case when n.cards = 0 then 'Its subscription has no smart card.' end, updated_at = now()
  from unnest($1::bigint[], $2::int[]) n (number, cards)
 where q.number = any (array[n.number])`;

/** Removed entries are no longer PENDING. The locks make a removal wait until the requests are made. */
const LOCK_MESSAGES = /* sql */ `
select number, message from communication_queue
 where number = any ($1::bigint[]) and state = 'PENDING' order by number for update`;

const COUNT = /* sql */ `
with done as (
  select number, count(*)::int as cards, (count(*) filter (where rejected))::int as rejected
    from unnest($1::bigint[], $2::boolean[]) d (number, rejected) group by number
), numbers as (
  select d.number, array_agg(own.number order by own.number) as requests
    from unnest($1::bigint[], $3::text[]) d (number, requests) cross join unnest(d.requests::bigint[]) own (number)
   group by d.number
), locked as (
  select q.number from communication_queue q join done on q.number = any (array[done.number])
   order by done.number for update of q
)
update communication_queue q
   set cards_left = q.cards_left - done.cards, cards_rejected = q.cards_rejected + done.rejected,
       request_numbers = q.request_numbers || coalesce(numbers.requests, '{}'), updated_at = now(),
       state = case when q.state <> 'PENDING' or q.cards_left > done.cards then q.state
                    when q.cards_rejected + done.rejected > 0 then 'REJECTED' else 'COMPLETED' end,
       detail = case when q.state = 'PENDING' and q.cards_left = done.cards and q.cards_rejected + done.rejected > 0
                     then (q.cards_rejected + done.rejected) || ' of ' || q.cards || ' cards did not get it.'
                     else q.detail end
  from locked join done on done.number = locked.number left join numbers on numbers.number = locked.number
 where q.number = any (array[locked.number])`;

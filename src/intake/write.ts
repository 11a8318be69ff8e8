import type { NewOutboxMessage } from '../outcomes/outbox.ts';
import { addToOutbox } from '../outcomes/outbox.ts';
import { type DueAction, dueActionColumns } from '../outcomes/actions.ts';
import { recordDueActions } from '../outcomes/record.ts';
import { writeCardChanges } from '../pairings/store.ts';
import type { Transaction } from '../platform/database.ts';
import { jsonColumn, jsonTexts } from '../platform/json-column.ts';
import type { NewRequest, StoredRequest } from '../requests/new-request.ts';
import { submitRequests } from '../requests/submit.ts';
import { deadLetter } from './dead-letter.ts';
import type { Decision, Folded } from './fold.ts';
import { traceparentOf } from './message.ts';
import type { SubscriptionFold } from './subscription-fold.ts';

/** A decision and the id of its inbox row. */
export interface StoredDecision extends Decision {
  readonly inboxId: number;
}

/** In whose name events are processed; by default the CRM's. */
export interface Origin {
  readonly process: NewRequest['process'];
  /** True: the requests go after all other work. */
  readonly bulk: boolean;
  readonly createdBy: NewRequest['createdBy'];
}

export interface WriteOptions {
  readonly facetWaitMs: number;
  readonly origin?: Origin | undefined;
  /** CRM users whose actions are bulk work (R13); default: none. */
  readonly bulkExecutedBy?: ReadonlySet<string> | undefined;
}

/** Writes what follows from decisions with inbox rows; returns the number of outbox rows. */
export async function writeConsequences(
  tx: Transaction,
  { subscriptions }: Pick<Folded, 'subscriptions'>,
  decisions: readonly StoredDecision[],
  options: WriteOptions,
): Promise<number> {
  const changed = [...subscriptions.values()].filter((subscription) => subscription.changed);
  writeSnapshots(tx, changed);
  const { requests, positions } = newRequests(decisions, options);
  const cards = changed.map((subscription) => ({ ...subscription.cardChanges(), number: subscription.number }));
  // Read before this chunk's requests get their numbers.
  const [lastNumber, stored] = await Promise.all([
    cards.some(({ joined }) => joined.length > 0) ? readLastRequestNumber(tx) : 0,
    submitRequests(tx, requests),
  ]);
  writeCardChanges(tx, cards, joinedNumbers(stored, positions, lastNumber));
  writeWithheld(tx, decisions);
  const deadLetters = decisions.flatMap((decision): NewOutboxMessage[] =>
    decision.cause !== null && decision.disposition === 'DEAD_LETTERED'
      ? [deadLetter(decision.message, decision.cause)]
      : [],
  );
  addToOutbox(tx, deadLetters);
  const due = await writeActions(tx, decisions, options.facetWaitMs);
  await recordDueActions(tx, due);
  return deadLetters.length + due.length;
}

/** Returns the requests of all events in sending order, each with the position of its event. */
function newRequests(
  decisions: readonly StoredDecision[],
  { origin, bulkExecutedBy }: WriteOptions,
): { requests: NewRequest[]; positions: number[] } {
  const positions: number[] = [];
  const requests = decisions.flatMap(({ event, plan, message, inboxId }, position) => {
    if (event === null || plan === null) return [];
    return plan.commands.map((command, index): NewRequest => {
      positions.push(position);
      return {
        command,
        sequenceNumber: index + 1,
        subscription: { id: event.subscription.id, number: event.subscription.number },
        bulk: origin?.bulk ?? bulkExecutedBy?.has(event.action.executedBy ?? '') ?? false,
        process: origin?.process ?? { name: 'TRIGGER', id: null },
        event: {
          inboxId,
          eventId: event.eventId,
          traceparent: traceparentOf(message),
          action: { id: event.action.id, number: event.action.number },
        },
        createdBy: origin?.createdBy ?? { user: event.action.executedBy, unit: null },
      };
    });
  });
  return { requests, positions };
}

/**
 * Returns the first request number that belongs to the stay of a card that the event at a position brought. It is
 * higher than those of all events before it, and not higher than its own.
 */
function joinedNumbers(
  stored: readonly StoredRequest[],
  positions: readonly number[],
  lastRequestNumber: number,
): (position: number) => number {
  return (position) => {
    const firstOwn = positions.findIndex((other) => other >= position);
    const before = firstOwn === -1 ? stored.length : firstOwn;
    return (stored[before - 1]?.number ?? lastRequestNumber) + 1;
  };
}

/** Walks subscription's primary key. */
function writeSnapshots(tx: Transaction, subscriptions: readonly SubscriptionFold[]): void {
  const snapshots = subscriptions.flatMap(({ current }) => (current === null ? [] : [current.snapshot]));
  if (snapshots.length === 0) return;
  tx.send(
    `insert into subscription (number, crm_id, version, snapshot)
     select * from unnest($1::text[], $2::text[], $3::bigint[], ${jsonColumn('$4')})
     on conflict (number) do update set crm_id = excluded.crm_id, version = excluded.version,
       snapshot = excluded.snapshot, updated_at = now()`,
    [
      snapshots.map(({ number }) => number),
      snapshots.map(({ id }) => id),
      snapshots.map(({ version }) => version),
      jsonTexts(snapshots.map((snapshot) => JSON.stringify(snapshot))),
    ],
  );
}

/** Returns a number that no request of a locked card exceeds yet. */
async function readLastRequestNumber(tx: Transaction): Promise<number> {
  const [row] = await tx.query<{ number: number }>(
    'select case when is_called then last_value else last_value - 1 end as number from request_number',
  );
  return row?.number ?? 0;
}

function writeWithheld(tx: Transaction, decisions: readonly StoredDecision[]): void {
  const rows = decisions.flatMap(({ event, plan, inboxId }) =>
    event === null || plan === null
      ? []
      : plan.withheld.map((withheld, index) => ({ ...withheld, event, inboxId, index })),
  );
  for (let start = 0; start < rows.length; start += WITHHELD_PIECE) {
    const piece = rows.slice(start, start + WITHHELD_PIECE);
    tx.send(
      `insert into withheld (inbox_id, ordinal, subscription_number, action_id, type, reason, smartcard, service_ca_id, detail)
       select * from unnest($1::bigint[], $2::int[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[])`,
      [
        piece.map(({ inboxId }) => inboxId),
        piece.map(({ index }) => index + 1),
        piece.map(({ event }) => event.subscription.number),
        piece.map(({ event }) => event.action.id),
        piece.map(({ type }) => type),
        piece.map(({ reason }) => reason),
        piece.map(({ smartcard }) => smartcard),
        piece.map(({ serviceCaId }) => serviceCaId),
        piece.map(({ detail }) => detail),
      ],
    );
  }
}

/** How many withheld commands one statement stores. */
const WITHHELD_PIECE = 5_000;

/**
 * Counts the facets and requests into their actions, and sets when each outcome is due. Returns the actions due now, with
 * one more outcome counted: the caller must write it. An outcome is due as soon as nothing is unfinished, if the number
 * of facets is not named or all are there. Otherwise it is due `facetWaitMs` after the first facet. Locks the actions in
 * the order of their keys. Walks the primary key and inbox_action.
 */
async function writeActions(
  tx: Transaction,
  decisions: readonly StoredDecision[],
  facetWaitMs: number,
): Promise<DueAction[]> {
  const actions = new Map<
    string,
    { subscriptionNumber: string; actionId: string; number: string; facets: number | null; requests: number }
  >();
  for (const { event, plan, disposition } of decisions) {
    if (event === null || disposition === 'DUPLICATE') continue;
    const { action, subscription } = event;
    const key = JSON.stringify([subscription.number, action.id]);
    const known = actions.get(key);
    actions.set(key, {
      subscriptionNumber: subscription.number,
      actionId: action.id,
      number: action.number,
      facets: Math.max(known?.facets ?? 0, action.facets ?? 0) || null,
      requests: (known?.requests ?? 0) + (plan?.commands.length ?? 0),
    });
  }
  const rows = [...actions.values()];
  if (rows.length === 0) return [];
  const values = [
    rows.map(({ subscriptionNumber }) => subscriptionNumber),
    rows.map(({ actionId }) => actionId),
    rows.map(({ number }) => number),
    rows.map(({ facets }) => facets),
    rows.map(({ requests }) => requests),
    facetWaitMs,
  ];
  // An action with a new request is not due: nobody needs to wait for the answer.
  if (rows.every(({ requests }) => requests > 0)) {
    tx.send(WRITE_ACTIONS, values);
    return [];
  }
  const written = await tx.query<DueAction & { due: boolean }>(WRITE_ACTIONS, values);
  return written.filter(({ due }) => due);
}

/**
 * The subscriptions are locked, so nobody else changes what an action expects meanwhile. An action that waits for no
 * facet is due whatever the clock does until its requests are final. `revision` 1: it is due now if nothing of the
 * action was unfinished before. One write counts the facet and its outcome.
 */
const WRITE_ACTIONS = /* sql */ `
with action as (
  select k.*, greatest(a.facets_expected, k.facets) as expected, coalesce(a.received_at, now()) as received_at
  from unnest($1::text[], $2::text[], $3::text[], $4::int[], $5::int[])
    as k (subscription_number, id, number, facets, requests)
  left join lateral (
    select facets_expected, received_at from crm_action
     where subscription_number = k.subscription_number and id = k.id offset 0) a on true
), timed as (
  select action.*,
    case when expected is null or expected <= 1 or expected <= (
           select count(distinct i.family) from inbox i
           where i.action_id = action.id and i.subscription_number = action.subscription_number
             and i.disposition <> 'DUPLICATE'
         ) then '-infinity' else least(received_at, now()) + $6::float8 * interval '1 millisecond' end as due_at
  from action
), settled as (
  select timed.*, requests = 0 and due_at <= now() as is_due from timed
)
insert into crm_action as a (subscription_number, id, number, facets_expected, unfinished, revision, outcome_due_at)
select subscription_number, id, number, expected, requests, is_due::int, case when is_due then null else due_at end
from settled order by subscription_number, id
on conflict (subscription_number, id) do update set facets_expected = excluded.facets_expected,
  unfinished = a.unfinished + excluded.unfinished,
  revision = a.revision + case when a.unfinished = 0 then excluded.revision else 0 end,
  outcome_due_at = case when excluded.revision = 0 then excluded.outcome_due_at when a.unfinished > 0 then '-infinity' end
returning ${dueActionColumns('a')}, a.unfinished = 0 and a.outcome_due_at is null as due`;

import type { PlannedCommand } from '../../planning/types.ts';
import type { Transaction } from '../../platform/database.ts';
import { jsonColumn, jsonTexts } from '../../platform/json-column.ts';
import type { NewRequest } from '../../requests/new-request.ts';
import { submitRequests } from '../../requests/submit.ts';
import type { RowWithEffects, Sent } from './effects.ts';
import type { Replay } from './record.ts';

interface Correction {
  readonly row: RowWithEffects;
  readonly sent: Sent;
}

/** The order of R5, within one subscription. */
const RANK: Readonly<Record<PlannedCommand['type'], number>> = {
  CANCEL_SUBSCRIPTIONS: 0,
  CREATE_PAIRING: 1,
  ADD_TO_EXISTING_PAIRING: 1,
  ADD_SUBSCRIPTIONS: 2,
};

/**
 * Stores the requests that correct the differences of one subscription. They go after all other work. Also stores what
 * was done about each difference.
 *
 * A command that an event should have made belongs to its action. So it is not made twice (R6), and the CRM gets an
 * outcome. A command that undoes a wrong one belongs to no action.
 * @returns the requests' numbers.
 */
export async function submitCorrections(
  tx: Transaction,
  replay: Replay,
  rows: readonly RowWithEffects[],
): Promise<number[]> {
  const corrections = rows
    .flatMap((row) => row.effects.flatMap((sent): Correction[] => (sent.kind === 'send' ? [{ row, sent }] : [])))
    .toSorted((one, other) => RANK[one.sent.command.type] - RANK[other.sent.command.type]);
  const stored = await submitRequests(
    tx,
    corrections.map((one, index) => requestOf(replay, one, index + 1)),
  );
  const numbers = stored.map(({ number }) => number);
  await writeItems(tx, replay.id, rows, new Map(corrections.map(({ sent }, index) => [sent, numbers[index] ?? null])));
  await countIntoActions(tx, corrections.filter(isOfAction));
  return numbers;
}

function requestOf(replay: Replay, correction: Correction, sequenceNumber: number): NewRequest {
  const { past } = correction.row;
  const { event } = past;
  const { command, subscription } = correction.sent;
  const action = isOfAction(correction) ? { id: event.action.id, number: event.action.number } : null;
  return {
    command,
    sequenceNumber,
    subscription,
    bulk: true,
    process: { name: 'REPLAY', id: String(replay.id) },
    event: { inboxId: past.id, eventId: event.eventId, traceparent: null, action },
    createdBy: replay.createdBy,
  };
}

/** Returns whether today's rules make the command for the event and its own subscription. */
function isOfAction({ row, sent }: Correction): boolean {
  const { now, past } = row;
  return now !== null && now.type === sent.command.type && sent.subscription.number === past.event.subscription.number;
}

/**
 * Counts the requests into their actions, so that a further outcome follows once all are final. Locks the actions in
 * the order of their keys. Walks the primary key.
 */
async function countIntoActions(tx: Transaction, corrections: readonly Correction[]): Promise<void> {
  if (corrections.length === 0) return;
  const keys = corrections.map(({ row }) => row.past.event);
  await tx.query(
    `with more as (
       select subscription_number, id, count(*)::int as requests
       from unnest($1::text[], $2::text[]) as k (subscription_number, id) group by 1, 2
     ), locked as (
       select subscription_number, id, requests from crm_action join more using (subscription_number, id)
       order by subscription_number, id for update of crm_action
     )
     update crm_action a set unfinished = a.unfinished + l.requests, outcome_due_at = coalesce(a.outcome_due_at, '-infinity')
     from locked l where a.subscription_number = l.subscription_number and a.id = l.id`,
    [keys.map(({ subscription }) => subscription.number), keys.map(({ action }) => action.id)],
  );
}

async function writeItems(
  tx: Transaction,
  replayId: number,
  rows: readonly RowWithEffects[],
  numbers: ReadonlyMap<Sent, number | null>,
): Promise<void> {
  const items = rows.flatMap((row) => row.effects.map((effect) => ({ row, effect })));
  if (items.length === 0) return;
  await tx.query(
    `insert into replay_item (replay_id, subscription_number, inbox_id, verdict, command, request_number, reason, detail)
     select $1, * from unnest($2::text[], $3::bigint[], $4::text[], ${jsonColumn('$5')}, $6::bigint[], $7::text[], $8::text[])`,
    [
      replayId,
      items.map(({ row }) => row.past.event.subscription.number),
      items.map(({ row }) => row.past.id),
      items.map(({ row }) => row.verdict),
      jsonTexts(
        items.map(({ row, effect }) => JSON.stringify(effect.kind === 'send' ? effect.command : (row.now ?? row.made))),
      ),
      items.map(({ effect }) => (effect.kind === 'send' ? (numbers.get(effect) ?? null) : null)),
      items.map(({ effect }) => (effect.kind === 'send' ? null : effect.reason)),
      items.map(({ effect }) => (effect.kind === 'send' ? null : effect.detail)),
    ],
  );
}

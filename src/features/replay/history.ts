import type { ActionEvent } from '../../events/action-event.ts';
import { newestSnapshots } from '../../identifiers/subscription.ts';
import type { Current } from '../../intake/facts.ts';
import type { PendingPairing, Stays } from '../../pairings/stays.ts';
import { readPendingPairings, readStays } from '../../pairings/store.ts';
import { eventCards, snapshotCards } from '../../planning/snapshot.ts';
import type { PlannedCommand, WithheldReason } from '../../planning/types.ts';
import type { Transaction } from '../../platform/database.ts';
import { comparableServiceCaId } from '../../planning/command.ts';

/** An event of the inbox. Times are microseconds since 1970; they show which events one transaction processed. */
export interface PastEvent {
  readonly id: number;
  readonly disposition: 'PLANNED' | 'NOTHING_TO_DO' | 'STALE';
  /** What a person decided at `resolvedAt`: to release or to discard it. */
  readonly resolution: string | null;
  readonly receivedAt: number;
  readonly resolvedAt: number | null;
  readonly event: ActionEvent;
}

/** A request that changes a card's entitlements or pairing. */
export interface PastRequest {
  readonly number: number;
  readonly subscription: string;
  readonly inboxId: number | null;
  readonly actionId: string | null;
  readonly command: PlannedCommand;
  /** Null if no event asked for it (R6). */
  readonly commandKey: string | null;
  readonly state: 'PENDING' | 'COMPLETED' | 'REJECTED';
  readonly errorCode: string | null;
  readonly submittedAt: number;
  readonly executedAt: number | null;
}

export interface PastWithheld {
  readonly inboxId: number;
  readonly type: PlannedCommand['type'];
  readonly reason: WithheldReason;
  readonly smartcard: string | null;
  readonly serviceCaId: string | null;
}

/** Everything stored about some subscriptions, and about those that share or shared a card with them. */
export interface History {
  /** By subscription, ordered by id, which is the order of processing. */
  readonly events: ReadonlyMap<string, readonly PastEvent[]>;
  /** By subscription, ordered by request number. */
  readonly requests: ReadonlyMap<string, readonly PastRequest[]>;
  /** By inbox row. */
  readonly withheld: ReadonlyMap<number, readonly PastWithheld[]>;
  /** The newest applied snapshots, including those of the subscriptions that share cards. */
  readonly current: ReadonlyMap<string, Current>;
  /** By card: the subscriptions that hold it or once held it. */
  readonly holders: ReadonlyMap<string, ReadonlySet<string>>;
  readonly stays: ReadonlyMap<string, Stays>;
  readonly pendingPairings: ReadonlyMap<string, readonly PendingPairing[]>;
}

/** Reads only the events of subscriptions; they determine which cards to lock. Walks inbox_version. */
export async function readEvents(tx: Transaction, numbers: readonly string[]): Promise<Map<string, PastEvent[]>> {
  const rows = await tx.query<PastEvent & { number: string }>(
    `select subscription_number as number, id, disposition, resolution, ${micros('received_at')} as "receivedAt",
       ${micros('resolved_at')} as "resolvedAt", event
     from inbox
     where subscription_number = any($1::text[]) and disposition in ('PLANNED', 'NOTHING_TO_DO', 'STALE')
     order by id`,
    [numbers],
  );
  return Map.groupBy(rows, ({ number }) => number);
}

/** Reads the rest of the history of subscriptions whose events were already read. Locks and writes nothing. */
export async function readHistory(
  tx: Transaction,
  numbers: readonly string[],
  own: ReadonlyMap<string, readonly PastEvent[]>,
  more: readonly ActionEvent[] = [],
): Promise<History> {
  const current = await readCurrent(tx, numbers);
  const holders = await readHolders(tx, cardsOf(own, current, more));
  const others = [...new Set([...holders.values()].flatMap((found) => [...found]))].filter(
    (number) => !numbers.includes(number),
  );
  const events = new Map<string, readonly PastEvent[]>([
    ...own,
    ...(others.length === 0 ? [] : await readEvents(tx, others)),
  ]);
  const ids = [...own.values()].flat().map(({ id }) => id);
  return {
    events,
    requests: await readRequests(tx, [...numbers, ...others]),
    withheld: await readWithheld(tx, ids),
    current: new Map([...current, ...(others.length === 0 ? [] : await readCurrent(tx, others))]),
    holders,
    stays: await readStays(tx, numbers),
    pendingPairings: await readPendingPairings(tx, numbers),
  };
}

/** Returns every smart card that the events and snapshots of subscriptions name. */
export function cardsOf(
  events: ReadonlyMap<string, readonly PastEvent[]>,
  current: ReadonlyMap<string, Current>,
  more: readonly ActionEvent[] = [],
): string[] {
  const cards = new Set([...current.values()].flatMap(({ snapshot }) => snapshotCards(snapshot)));
  for (const past of events.values())
    for (const { event } of past) for (const card of eventCards(event)) cards.add(card);
  for (const event of more) for (const card of eventCards(event)) cards.add(card);
  return [...cards];
}

/** Reads the newest applied snapshots of subscriptions. */
export async function readCurrent(tx: Transaction, numbers: readonly string[]): Promise<Map<string, Current>> {
  const snapshots = await newestSnapshots(tx, numbers);
  return new Map([...snapshots].map(([number, snapshot]) => [number, { version: snapshot.version, snapshot }]));
}

/** Walks the primary keys of subscription_card and past_card. */
async function readHolders(tx: Transaction, cards: readonly string[]): Promise<Map<string, Set<string>>> {
  const rows = await tx.query<{ card: string; number: string }>(
    `select card, subscription_number as number from subscription_card where card = any($1::text[])
     union select card, subscription_number from past_card where card = any($1::text[])`,
    [cards],
  );
  const holders = new Map<string, Set<string>>();
  for (const { card, number } of rows) holders.set(card, (holders.get(card) ?? new Set()).add(number));
  return holders;
}

/** Walks request_subscription. */
async function readRequests(tx: Transaction, numbers: readonly string[]): Promise<Map<string, PastRequest[]>> {
  const rows = await tx.query<PastRequest>(
    `select number, subscription_number as subscription, inbox_id as "inboxId", action_id as "actionId", command,
       command_key as "commandKey", life_cycle_state as state, error_code as "errorCode",
       ${micros('submitted_at')} as "submittedAt", ${micros('executed_at')} as "executedAt"
     from request
     where subscription_number = any($1::text[])
       and type in ('ADD_SUBSCRIPTIONS', 'CANCEL_SUBSCRIPTIONS', 'CREATE_PAIRING', 'ADD_TO_EXISTING_PAIRING')
     order by number`,
    [numbers],
  );
  return Map.groupBy(rows, ({ subscription }) => subscription);
}

/** Walks withheld's primary key. */
async function readWithheld(tx: Transaction, inboxIds: readonly number[]): Promise<Map<number, PastWithheld[]>> {
  const rows = await tx.query<PastWithheld>(
    `select inbox_id as "inboxId", type, reason, smartcard, service_ca_id as "serviceCaId"
     from withheld where inbox_id = any($1::bigint[]) order by inbox_id, ordinal`,
    [inboxIds],
  );
  return Map.groupBy(rows, ({ inboxId }) => inboxId);
}

function micros(column: string): string {
  return `(extract(epoch from ${column}) * 1000000)::bigint`;
}

/**
 * Returns what identifies an entitlement: the card, and the service CA id as the CAS compares it (R4). Null for a
 * pairing command.
 */
export function pairOf(command: PlannedCommand): { readonly card: string; readonly service: string } | null {
  return 'service' in command
    ? { card: command.smartcard, service: comparableServiceCaId(command.service.caId) }
    : null;
}

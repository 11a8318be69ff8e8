import { randomUUID } from 'node:crypto';
import { type Database, openDatabase, type Queryable } from '../../src/platform/database.ts';
import { type ClaimedRequest, claimRequests } from '../../src/requests/claim.ts';
import type { Command } from '../../src/planning/command.ts';
import { type FinishedRequest, type FinishingParts, finishRequests } from '../../src/requests/finish.ts';
import type { NewRequest } from '../../src/requests/new-request.ts';
import { submitRequests } from '../../src/requests/submit.ts';
import { createTestDatabase } from '../support/database.ts';
import { randomFrom } from '../support/random.ts';

export interface TestRequests {
  readonly url: string;
  readonly db: Database;
  close(): Promise<void>;
}

/** A database of its own with the tables, and a pool on it. */
export async function openTestRequests(maxConnections = 10): Promise<TestRequests> {
  const database = await createTestDatabase();
  const { url } = database;
  const db = openDatabase({ url, maxConnections, applicationName: 'test' });
  return {
    url,
    db,
    close: async () => {
      await db.close();
      await database.drop();
    },
  };
}

/** An ADD of service 1 to a card: the plainest request there is. */
export function addTo(card: string, service = '1'): Command {
  return { type: 'ADD_SUBSCRIPTIONS', smartcard: card, service: { caId: service, distributor: null } };
}

/** A CANCEL of service 1 of a card. */
export function cancelOf(card: string): Command {
  return { type: 'CANCEL_SUBSCRIPTIONS', smartcard: card, service: { caId: '1', distributor: null } };
}

/** A pairing of these cards with one STB: a request of several lanes. */
export function pairingOf(cards: readonly string[]): Command {
  return {
    type: 'CREATE_PAIRING',
    smartcards: cards.map((caId) => ({ caId, distributor: null })),
    setTopBoxes: [{ caId: 'STB-1', distributor: null }],
  };
}

export const REPORT_FOR_STB: Command = {
  type: 'GET_PAIRING_STATUS_FOR_PAIRING_MODULE',
  setTopBox: { caId: 'STB-1', distributor: null },
};

export function requestFor(command: Command, more: Partial<NewRequest> = {}): NewRequest {
  return {
    command,
    sequenceNumber: 1,
    subscription: null,
    process: { name: 'MANUAL', id: null },
    createdBy: { user: null, unit: null },
    ...more,
  };
}

/** Submits in one transaction and gives the numbers. */
export async function submit(db: Database, ...requests: NewRequest[]): Promise<number[]> {
  const stored = await db.transaction((tx) => submitRequests(tx, requests));
  return stored.map(({ number }) => number);
}

export async function claim(db: Queryable, limit = 100, leaseMs = 60_000): Promise<ClaimedRequest[]> {
  return await claimRequests(db, { limit, leaseMs, token: randomUUID() });
}

export const PARTS: FinishingParts = {
  recordOutcomes: () => Promise.resolve(),
  instance: 'test',
};

export function completed(request: ClaimedRequest, more: Partial<FinishedRequest> = {}): FinishedRequest {
  return {
    number: request.number,
    token: request.token,
    command: request.command,
    cards: request.cards,
    subscriptionNumber: request.subscriptionNumber,
    attempts: request.attempts,
    state: 'COMPLETED',
    referenceNumber: null,
    errorCode: null,
    errorDescription: null,
    answer: null,
    pairingNews: null,
    exchanges: [],
    ...more,
  };
}

export async function finish(db: Database, requests: readonly ClaimedRequest[], parts = PARTS): Promise<number[]> {
  return await db.transaction((tx) =>
    finishRequests(
      tx,
      requests.map((request) => completed(request)),
      parts,
    ),
  );
}

/** Claims and finishes everything that can be, batch by batch; gives the numbers in the order of their claims. */
export async function sendAll(db: Database, limit = 1): Promise<number[]> {
  const order: number[] = [];
  for (;;) {
    const claimed = await claim(db, limit);
    if (claimed.length === 0) return order;
    order.push(...claimed.map(({ number }) => number));
    await finish(db, claimed);
  }
}

/**
 * What is wrong with the lanes and the work rows in the snapshot of one statement; empty when all is as it has to be:
 * every due, unfinished request has its places and no other has one, `waits` counts the cards on which it is not its
 * turn, pins belong to claimed requests, classes never fall along a lane.
 */
export async function audit(db: Queryable): Promise<string[]> {
  const rows = await db.query<{ problem: string }>(/* sql */ `
    with turn as (
      select l.card, coalesce(p.number, min(l.number)) as number
        from lane l left join lane_pin p on p.card = l.card group by l.card, p.number
    ), expected as (
      select w.number, case when w.waits < 0 then -1
        else (select count(*) from unnest(w.cards) own (card) left join turn t on t.card = own.card
               where t.number is distinct from w.number) end as waits
        from work w
    )
    select 'request ' || w.number || ' waits ' || w.waits || ', expected ' || e.waits as problem
      from work w join expected e using (number) where w.waits <> e.waits
    union all
    select 'no place of request ' || w.number || ' in lane ' || own.card
      from work w cross join unnest(w.cards) own (card)
     where w.waits >= 0 and not exists (select from lane l where l.card = own.card and l.number = w.number)
    union all
    select 'place of request ' || l.number || ' in lane ' || l.card || ' without a due work row'
      from lane l left join work w on w.number = l.number and w.waits >= 0 where w.number is null
    union all
    select 'pin of request ' || p.number || ' on ' || p.card || ' that is not claimed'
      from lane_pin p left join work w on w.number = p.number where w.token is null
    union all
    select 'request ' || a.number || ' is of a higher class than ' || b.number || ' behind it on ' || l.card
      from lane l
      join work a on a.number = l.number
      join lateral (select x.number from lane x where x.card = l.card and x.number > l.number
                     order by x.number limit 1) next on true
      join work b on b.number = next.number
     where a.rank >> 1 > b.rank >> 1 and a.token is null
    union all
    select 'pending request ' || r.number || ' without a work row'
      from request r where r.life_cycle_state = 'PENDING' and not exists (select from work w where w.number = r.number)
    union all
    select 'final request ' || r.number || ' with a work row'
      from request r join work w on w.number = r.number where r.life_cycle_state <> 'PENDING'`);
  return rows.map(({ problem }) => problem);
}

/** Random numbers from 0 to 1, the same ones for a seed. */
export function seeded(seed: number): () => number {
  const { int } = randomFrom(seed);
  return () => int(2 ** 30) / 2 ** 30;
}

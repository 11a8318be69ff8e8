import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { recordOutcomes } from '../../src/outcomes/record.ts';
import type { Database } from '../../src/platform/database.ts';
import { activateDueRequests } from '../../src/requests/activate.ts';
import type { ClaimedRequest } from '../../src/requests/claim.ts';
import { finishRequests } from '../../src/requests/finish.ts';
import {
  LIFE_CYCLE,
  lifeCycleDocument,
  type LifeCycleEvent,
  type Phase,
  phasesOf,
} from '../../src/requests/life-cycle.ts';
import type { NewRequest } from '../../src/requests/new-request.ts';
import { giveBackRequests, putOffRequests } from '../../src/requests/put-off.ts';
import { withdrawRequest } from '../../src/requests/withdraw.ts';
import { addTo, claim, completed, openTestRequests, PARTS, requestFor, submit, type TestRequests } from './support.ts';

let requests: TestRequests;
let db: Database;
const seen = new Set<string>();
const finalPhases = new Set<Phase>();

beforeAll(async () => {
  requests = await openTestRequests();
  db = requests.db;
});
afterAll(() => requests.close());
beforeEach(async () => {
  await db.query('truncate work, lane, lane_pin, request, outbox cascade');
});

const card = addTo('c1');
const later: Partial<NewRequest> = { scheduledAt: new Date(Date.now() + 3_600_000) };

/** Does something and writes down which requests changed their phase: the one it was done to, and the others. */
async function see(
  event: LifeCycleEvent,
  others: LifeCycleEvent,
  work: () => Promise<readonly number[]>,
): Promise<void> {
  const before = await everyPhase();
  const done = new Set(await work());
  for (const [number, to] of await everyPhase()) {
    const from = before.get(number) ?? null;
    if (from !== to) seen.add(`${from} -> ${to}: ${done.has(number) ? event : others}`);
    if (to === 'COMPLETED' || to === 'REJECTED') finalPhases.add(to);
  }
  const finalRequests = await db.query('select from request where life_cycle_state <> $1', ['PENDING']);
  expect(await db.query('select from outbox')).toHaveLength(finalRequests.length);
}

async function everyPhase(): Promise<Map<number, Phase>> {
  const rows = await db.query<{ number: number }>('select number from request');
  return await phasesOf(
    db,
    rows.map(({ number }) => number),
  );
}

const numbers = (claimed: readonly ClaimedRequest[]): number[] => claimed.map(({ number }) => number);
const submitted = async (...more: Partial<NewRequest>[]): Promise<number[]> => {
  let made: number[] = [];
  await see(
    'submitted',
    'submitted',
    async () => (made = await submit(db, ...more.map((one) => requestFor(card, one)))),
  );
  return made;
};
const claimed = async (leaseMs = 60_000): Promise<ClaimedRequest[]> => {
  let made: ClaimedRequest[] = [];
  await see('claimed', 'claimed', async () => numbers((made = await claim(db, 1, leaseMs))));
  return made;
};
const dateComes = (): Promise<void> =>
  see('date came', 'overtaken', async () => {
    const due = await db.query<{ number: number }>(
      `update work set ready_at = now() - interval '1 s' where waits < 0 returning number`,
    );
    await db.transaction((tx) => activateDueRequests(tx, 10));
    return due.map(({ number }) => number);
  });
const putOff = (held: readonly ClaimedRequest[]): Promise<void> =>
  see('put off', 'handed on', async () => {
    const off = held.map((request) => ({ ...request, delayMs: 60_000, exchanges: [] }));
    return await db.transaction((tx) => putOffRequests(tx, off, 'test'));
  });
const giveBack = (held: readonly ClaimedRequest[]): Promise<void> =>
  see('given back', 'handed on', () => db.transaction((tx) => giveBackRequests(tx, held)));
const end = (held: readonly ClaimedRequest[], state: 'COMPLETED' | 'REJECTED'): Promise<void> =>
  see(state === 'COMPLETED' ? 'accepted' : 'refused', 'handed on', () =>
    db.transaction((tx) =>
      finishRequests(
        tx,
        held.map((request) => completed(request, { state })),
        { ...PARTS, recordOutcomes },
      ),
    ),
  );
const withdraw = (number: number | undefined): Promise<void> =>
  see('withdrawn', 'handed on', async () => {
    expect(
      await db.transaction((tx) => withdrawRequest(tx, number!, { user: 'someone', unit: null }, recordOutcomes)),
    ).toEqual({
      withdrawn: true,
    });
    return [number!];
  });

test('every transition of the life cycle is reached by what the service does, and no other one', async () => {
  // Accepted, refused; handed on by both.
  await submitted({}, {}, {});
  await end(await claimed(), 'COMPLETED');
  await end(await claimed(), 'REJECTED');
  // Put off; its back-off ends.
  await putOff(await claimed());
  await see('back-off over', 'back-off over', async () => {
    const over = await db.query<{ number: number }>('update work set ready_at = now() returning number');
    return over.map(({ number }) => number);
  });
  // Its lease runs out; given back; withdrawn while ready.
  await claimed(0);
  const [again] = await claim(db);
  expect(again?.reclaimed).toBe(true);
  seen.add('BEING_SENT -> BEING_SENT: claimed again');
  await giveBack([again!]);
  await withdraw(again!.number);

  // Dates: first in line, overtaking one that is ready.
  const [scheduled] = await submitted(later, {});
  await dateComes();
  await withdraw(scheduled);
  // Behind another; withdrawn while waiting, and before its date.
  const [, tomorrow] = await submitted({}, later);
  await dateComes();
  await withdraw(tomorrow);
  const [nextWeek] = await submitted(later);
  await withdraw(nextWeek);
  await end(await claimed(), 'COMPLETED');
  await end(await claimed(), 'COMPLETED');

  // Overtaken while it waits for its retry, and handed on before that is over; withdrawn while it waits.
  const [early, late] = await submitted(later, {});
  await putOff(await claimed());
  await dateComes();
  await withdraw(early);
  await withdraw(late);
  // Overtaken while it is being sent, then put off or given back.
  await submitted(later, {});
  let held = await claimed();
  await dateComes();
  await putOff(held);
  await end(await claimed(), 'COMPLETED');
  await db.query('delete from lane');
  await db.query('delete from work');
  await db.query('truncate request, outbox cascade');
  await submitted(later, {});
  held = await claimed();
  await dateComes();
  await giveBack(held);

  const table = LIFE_CYCLE.map(({ from, to, event }) => `${from} -> ${to}: ${event}`);
  expect([...seen].toSorted((a, b) => a.localeCompare(b))).toEqual(table.toSorted((a, b) => a.localeCompare(b)));
});

test('exactly the final phases publish an outcome', () => {
  for (const { to, publishes } of LIFE_CYCLE) {
    expect(publishes !== null).toBe(to === 'COMPLETED' || to === 'REJECTED');
  }
  for (const { from } of LIFE_CYCLE) expect(['COMPLETED', 'REJECTED']).not.toContain(from);
});

test('docs/life-cycle.md shows the table as it is', async () => {
  const document = await readFile(new URL('../../docs/life-cycle.md', import.meta.url), 'utf8');
  expect(document).toBe(lifeCycleDocument());
});

import { randomInt } from 'node:crypto';
import { afterEach, describe, expect, test } from 'vitest';
import {
  addItem,
  addService,
  type CrmSubscription,
  events,
  type Facet,
  newSubscription,
  setServices,
} from '../../../dev/demo/crm.ts';
import type { RetentionDays } from '../../../src/features/retention/kinds.ts';
import { runRetention } from '../../../src/features/retention/remove.ts';
import type { Database } from '../../../src/platform/database.ts';
import { type Incoming, openTestIntake, type TestIntake } from '../../intake/support.ts';
import { finishPending } from '../../support/finish.ts';
import { avroRecord, type HistoryEvent, randomHistories } from '../../support/histories.ts';
import { randomFrom } from '../../support/random.ts';
import { slices } from './support.ts';

const seed = Number(process.env['RETENTION_SEED'] ?? randomInt(2 ** 31));
const DAYS = 10;
const HISTORY_DAYS = 20;
const EVERYTHING = { requests: DAYS, events: DAYS, outcomes: DAYS, runs: 0, audit: 0 };
const CARD = '20000000001';

const open: TestIntake[] = [];
afterEach(async () => {
  for (const intake of open.splice(0)) await intake.close();
});

/**
 * What becomes of each event, by itself, on the database as it is: nothing of it stays.
 * A late event that planning would see differently shows as another text.
 */
async function outcomes(
  { db, apply }: Pick<TestIntake, 'db' | 'apply'>,
  incoming: readonly Incoming[],
): Promise<string[]> {
  const undone = new Error('undone');
  const shown: string[] = [];
  for (const event of incoming) {
    let applied: unknown;
    const database: Database = {
      ...db,
      transaction: (work) =>
        db.transaction(async (tx) => {
          // The first transaction is the event's; what follows its failure only looks for the cause.
          const done = await work(tx);
          applied ??= done;
          throw undone;
        }),
    };
    await apply([event], { database }).catch((error: unknown) => {
      if (error !== undone && (error as Error).cause !== undone) throw error;
    });
    const { decisions } = applied as { decisions: readonly Record<string, unknown>[] };
    shown.push(
      ...decisions.map(({ disposition, late, remarks, plan }) => JSON.stringify({ disposition, late, remarks, plan })),
    );
  }
  return shown;
}

function outcomesOf(intake: TestIntake, late: readonly HistoryEvent[]): Promise<string[]> {
  return outcomes(intake, late.map(avroRecord));
}

/** A history of 20 days of which some events did not come: delivered, finished, published, and as old as they are. */
async function agedHistory(keepBack: (event: HistoryEvent, daysAgo: number) => boolean) {
  const intake = await openTestIntake();
  open.push(intake);
  const { events: all } = randomHistories(seed, { subscriptions: 10, actions: 14, sharedCards: true });
  const daysAgo = new Map(all.map(({ eventId }, index) => [eventId, HISTORY_DAYS * (1 - index / all.length)] as const));
  // The facets of an action happen at one moment.
  const first = new Map<string, number>();
  for (const event of all) {
    const at = daysAgo.get(event.eventId) ?? 0;
    first.set(event.action.id, Math.max(first.get(event.action.id) ?? 0, at));
  }
  const ageOf = (event: HistoryEvent): number => first.get(event.action.id) ?? 0;
  const kept = all.filter((event) => keepBack(event, ageOf(event)));
  const delivered = all.filter((event) => !kept.includes(event));
  for (const part of slices(delivered, 60)) await intake.apply(part.map(avroRecord), { facetWaitMs: 0 });
  const { db } = intake;
  await finishPending(db);
  await db.query('update outbox set published_at = created_at');
  await db.query(
    `update inbox i set received_at = now() - a.days * interval '1 day'
       from unnest($1::text[], $2::float8[]) a (event_id, days) where i.event_id = a.event_id`,
    [delivered.map(({ eventId }) => eventId), delivered.map(ageOf)],
  );
  await db.query(`update request r set submitted_at = i.received_at, executed_at = i.received_at
                    from inbox i where i.id = r.inbox_id`);
  await db.query(`update crm_action a set received_at = i.received_at
                    from inbox i where i.action_id = a.id and i.subscription_number = a.subscription_number`);
  return { intake, delivered, kept, ageOf };
}

test(`events of the time that is kept are duplicates when they come again, and plan the same when they come late, after retention as before (RETENTION_SEED=${seed})`, async () => {
  const random = randomFrom(seed);
  const { intake, delivered, kept, ageOf } = await agedHistory((_event, days) => days < DAYS && random.chance(0.2));
  const again = delivered.filter((event) => ageOf(event) < DAYS);
  const before = await outcomesOf(intake, kept);
  expect(before.filter((text) => text.includes('"late":true')).length).toBeGreaterThan(3);
  const { removed } = await retain(intake, EVERYTHING);
  expect(removed['inbox']).toBeGreaterThan(20);
  expect(removed['request']).toBeGreaterThan(20);
  expect(await outcomesOf(intake, kept)).toEqual(before);
  const { decisions } = await intake.apply(again.map(avroRecord));
  expect(new Set(decisions.map(({ disposition }) => disposition))).toEqual(new Set(['DUPLICATE']));
});

describe('the snapshot that a late event needs stays, however old it is (R1)', () => {
  /** A subscription that lost its hardware between two versions, each with the days since it was received. */
  async function household(...received: readonly { readonly days: number; readonly change?: Change }[]) {
    const intake = await openTestIntake();
    open.push(intake);
    const subscription = newSubscription('S1');
    addItem(subscription, 'card', 'SMARTCARD', CARD);
    addItem(subscription, 'stb', 'SET_TOP_BOX', 'STB-1');
    addService(subscription, 'sports', '101');
    for (const { days, change } of received) {
      const made = events(subscription, [change?.(subscription) ?? { action: 'S:ACTIVATE_SUBSCRIPTION' }]);
      await intake.apply(made, { facetWaitMs: 0 });
      await finishPending(intake.db);
      await intake.db.query(`update inbox set received_at = now() - $2 * interval '1 day' where event_id = $1`, [
        made[0]?.value.eventId,
        days,
      ]);
    }
    return { ...intake, subscription };
  }
  type Change = (subscription: CrmSubscription) => Facet;

  const movedOut: Change = (subscription) => {
    setServices(subscription, 'CANCELLED');
    subscription.installedItems.splice(0);
    return { action: 'S:TERMINATE_SUBSCRIPTION' };
  };
  const nothing: Change = () => ({ action: 'V:ADD_SERVICE', incomingServices: [] });

  test('a TERMINATE of the time that is kept cancels on the cards that the version before had', async () => {
    const intake = await household({ days: 99 }, { days: 90 }, { days: 80 });
    const late = events(intake.subscription, [movedOut(intake.subscription)]);
    await intake.apply(events(intake.subscription, [nothing(intake.subscription)]));
    const before = await outcomes(intake, late);
    expect(before).toEqual([expect.stringMatching(/"late":true.+CANCEL_SUBSCRIPTIONS/)]);
    expect(await retain(intake, EVERYTHING)).toMatchObject({ removed: { inbox: 1 } });
    expect(await outcomes(intake, late)).toEqual(before);
  });

  test('so does one that shares the highest version, when nothing has happened since long ago', async () => {
    const intake = await household({ days: 99 }, { days: 90 }, { days: 80, change: nothing });
    const { subscription } = intake;
    subscription.version -= 1;
    const late = events(subscription, [movedOut(subscription)]);
    const before = await outcomes(intake, late);
    expect(before).toEqual([expect.stringMatching(/SHARED_VERSION.+CANCEL_SUBSCRIPTIONS/)]);
    expect(await retain(intake, { ...EVERYTHING, requests: 0 })).toMatchObject({ removed: { inbox: 1 } });
    expect(await outcomes(intake, late)).toEqual(before);
  });
});

function retain({ db }: Pick<TestIntake, 'db'>, days: RetentionDays) {
  return runRetention({ db, days, archive: null, rest: 0, signal: new AbortController().signal });
}

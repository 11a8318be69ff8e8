import { randomInt } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { migrateDatabase } from '../../src/platform/migrate.ts';
import { pairingOf, requestFor, submit } from '../requests/support.ts';
import { finishPending } from '../support/finish.ts';
import { avroRecord, carelesslyDelivered, randomHistories } from '../support/histories.ts';
import { openTestIntake, type TestIntake } from './support.ts';

const seed = Number(process.env['BACKFILL_SEED'] ?? randomInt(2 ** 31));
const SOURCES = {
  past_card: 'card, subscription_number',
  request_final: 'state, number, reference_key',
  request_further_card: 'card, number',
} as const;

let intake: TestIntake;
beforeAll(async () => {
  intake = await openTestIntake();
});
afterAll(() => intake.close());

const rows = async (table: keyof typeof SOURCES): Promise<string[]> =>
  (await intake.db.query(`select ${SOURCES[table]} from ${table === 'past_card' ? PAST_CARDS : table}`))
    .map((row) => JSON.stringify(row))
    .toSorted();

/** A card that came back is looked for in subscription_card, so whether it is a past card as well makes no difference. */
const PAST_CARDS = `past_card p where not exists (
  select from subscription_card c where c.card = p.card and c.subscription_number = p.subscription_number)`;
const NAMED_BY_NO_EVENT = `
select card, subscription_number from past_card p
 where not exists (select from inbox i where i.subscription_number = p.subscription_number and i.event::text like '%"' || p.card || '"%')`;

test(`what instances of older versions leave out is filled in as if they had known it (BACKFILL_SEED=${seed})`, async () => {
  const histories = randomHistories(seed, { subscriptions: 12, sharedCards: true });
  const events = carelesslyDelivered(seed, histories.events, { late: true }).map(avroRecord);
  for (let at = 0; at < events.length; at += 40) await intake.apply(events.slice(at, at + 40));
  await submit(intake.db, requestFor(pairingOf(['20000000001', '20000000002', '20000000003'])));
  await finishPending(intake.db, { state: 'COMPLETED' }, 'number % 3 > 0');

  const tables = Object.keys(SOURCES) as (keyof typeof SOURCES)[];
  const before = new Map(await Promise.all(tables.map(async (table) => [table, await rows(table)] as const)));
  expect([...before].filter(([, found]) => found.length === 0)).toEqual([]);
  // An older instance wrote some of it; the rest is from a time when a newer one ran.
  await intake.db.query(`
    delete from past_card where hashtext(card) % 2 = 0;
    delete from request_final where number % 2 = 0;
    delete from request_further_card where number % 2 = 0 or card > '20000000002'`);
  await migrateDatabase(intake.url, { again: true });
  for (const table of ['request_final', 'request_further_card'] as const) {
    expect([table, await rows(table)]).toEqual([table, before.get(table)]);
  }
  expect(await rows('past_card')).toEqual(expect.arrayContaining(before.get('past_card') ?? []));
  // A card that came and left in events that came late is a past card too, but was in no snapshot that counted.
  expect(await intake.db.query(NAMED_BY_NO_EVENT)).toEqual([]);

  const { filled } = await migrateDatabase(intake.url, { again: true });
  expect(Object.values(filled)).toEqual([0, 0, 0]);
});

import { afterEach, describe, expect, it } from 'vitest';
import { nextSliceMax, slicesOf } from '../../src/intake/chunks.ts';
import type { Database } from '../../src/platform/database.ts';
import { avroRecord, carelesslyDelivered, randomHistories } from '../support/histories.ts';
import { randomFrom } from '../support/random.ts';
import { openTestIntake, type TestIntake } from './support.ts';

const opened: TestIntake[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map((intake) => intake.close()));
});

async function open(): Promise<TestIntake> {
  const intake = await openTestIntake();
  opened.push(intake);
  return intake;
}

/** Everything that the messages came to, but for identities and times. */
async function state(db: Database): Promise<object> {
  return {
    inbox: await db.query(
      `select event_id, disposition, late, remarks, message_offset, subscription_version from inbox order by message_offset`,
    ),
    requests: await db.query(
      `select number, type, sequence_number, command_key, cards, subscription_number, causation_event_id
       from request order by number`,
    ),
    withheld: await db.query(
      `select i.message_offset, w.ordinal, w.type, w.reason, w.smartcard, w.service_ca_id, w.detail
       from withheld w join inbox i on i.id = w.inbox_id order by i.message_offset, w.ordinal`,
    ),
    subscriptions: await db.query('select number, version, snapshot from subscription order by number'),
    cards: await db.query('select * from subscription_card order by subscription_number, card'),
    actions: await db.query(
      'select subscription_number, id, facets_expected, unfinished from crm_action order by subscription_number, id',
    ),
    offset: await db.query('select next_offset from consumer_offset'),
  };
}

describe('A batch', () => {
  it('comes to the same as its messages one by one, however it is cut, late and doubled ones among them', async () => {
    const seeds = Array.from({ length: 4 }, (_none, index) => (Date.now() + index * 7919) % 2 ** 31);
    for (const seed of seeds) {
      const random = randomFrom(seed);
      const { events } = randomHistories(seed, { subscriptions: 6, actions: 8, sharedCards: true });
      const delivered = carelesslyDelivered(seed, events, { repeats: true, late: true });
      const messages = delivered.map(avroRecord);
      const [single, cut] = [await open(), await open()];
      for (const message of messages) await single.apply([message]);
      for (let at = 0; at < messages.length;) {
        const size = 1 + random.int(40);
        await cut.apply(messages.slice(at, at + size));
        at += size;
      }
      expect(await state(cut.db), `seed ${seed}`).toEqual(await state(single.db));
    }
  });
});

describe('A slice', () => {
  it('gets smaller if slices take long, so that other partitions wait less, but never under 100 messages', () => {
    expect(nextSliceMax(200, 100)).toBe(200);
    expect(nextSliceMax(200, 600)).toBe(133);
    expect(nextSliceMax(133, 5_000)).toBe(100);
    expect(nextSliceMax(100, 40)).toBe(200);
    const messages = Array.from({ length: 250 }, () => ({ value: null }));
    expect(slicesOf(messages, nextSliceMax(200, 800)).map(({ length }) => length)).toEqual([100, 100, 50]);
  });
});

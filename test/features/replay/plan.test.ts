import { randomInt } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openTestIntake, type TestIntake } from '../../intake/support.ts';
import { avroRecord, carelesslyDelivered, randomHistories } from '../../support/histories.ts';
import { accept, contentsOf, misentitled, planned } from './support.ts';

/** A REPLAY_SEED repeats a run. */
const seed = Number(process.env['REPLAY_SEED'] ?? randomInt(2 ** 31));

describe(`replay plan (REPLAY_SEED=${seed})`, () => {
  let intake: TestIntake;
  beforeEach(async () => {
    intake = await openTestIntake();
  });
  afterEach(() => intake.close());

  test.each([
    ['as the CRM made them', {}],
    ['late and repeated', { late: true, repeats: true }],
  ])('of events that came %s finds nothing to differ while the rules are the same', async (_how, how) => {
    const { events } = randomHistories(seed, { subscriptions: 20, actions: 12, sharedCards: true });
    const delivered = carelesslyDelivered(seed, events, how).map(avroRecord);
    for (let from = 0; from < delivered.length; from += 50) {
      await intake.apply(delivered.slice(from, from + 50));
      if (from % 100 === 0) await accept(intake.db);
    }
    const before = await contentsOf(intake.db);
    const { rows, summary } = await planned(intake.db);
    expect(rows.filter(({ verdict }) => verdict !== 'same' && verdict !== 'withheld')).toEqual([]);
    expect(
      rows.filter(({ verdict, thenState, reason }) => verdict === 'withheld' && thenState !== `withheld ${reason}`),
    ).toEqual([]);
    expect(summary).toMatchObject({ differing: 0, mended: 0, send: {}, subscriptions: 20 });
    expect(summary.events).toBe(new Set(events.map(({ eventId }) => eventId)).size);
    expect(await contentsOf(intake.db)).toBe(before);
    expect(await misentitled(intake.db)).toEqual([]);
  });
});

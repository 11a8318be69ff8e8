import type { Producer, Transaction } from 'kafkajs';
import { describe, expect, it } from 'vitest';
import { abortedTransactions } from '../../../src/platform/kafkajs/transactions.ts';
import { randomFrom } from '../../support/random.ts';
import { openSite, send, transactional, values } from './support.ts';

const PRODUCERS = 3;
const STEPS = 40;

describe('What a producer rolled back', () => {
  it('is never read, wherever a fetch starts, however transactions interleave', async () => {
    const seed = Number(process.env['TEST_SEED'] ?? Date.now() % 1_000_000);
    const random = randomFrom(seed);
    const site = await openSite();
    const producers = await Promise.all(Array.from({ length: PRODUCERS }, (_, id) => transactional(site, String(id))));
    const open = new Map<Producer, { transaction: Transaction; offsets: Map<number, string> }>();
    /** What a reader must get, by offset. */
    const committed = new Map<number, string>();
    const plain = site.kafka.producer({ allowAutoTopicCreation: false });
    await plain.connect();
    let count = 0;
    const batch = () =>
      Array.from({ length: 1 + random.int(random.int(10) === 0 ? 400 : 4) }, () => ({ value: `v${(count += 1)}` }));
    const offsetsOf = (base: string | undefined, sent: readonly { value: string }[]) =>
      sent.map(({ value }, index) => [Number(base) + index, value] as const);
    for (let step = 0; step < STEPS; step += 1) {
      const producer = producers[random.int(PRODUCERS)];
      if (!producer) throw new Error('no producer');
      const own = open.get(producer);
      const choice = random.int(5);
      const messages = batch();
      if (choice === 0) {
        const [sent] = await plain.send({ topic: site.topic, messages });
        for (const [offset, value] of offsetsOf(sent?.baseOffset, messages)) committed.set(offset, value);
      } else if (own === undefined || choice <= 2) {
        const current = own ?? { transaction: await producer.transaction(), offsets: new Map<number, string>() };
        open.set(producer, current);
        const [sent] = await current.transaction.send({ topic: site.topic, messages });
        for (const [offset, value] of offsetsOf(sent?.baseOffset, messages)) current.offsets.set(offset, value);
      } else {
        open.delete(producer);
        if (choice === 3) await own.transaction.abort();
        else {
          await own.transaction.commit();
          for (const [offset, value] of own.offsets) committed.set(offset, value);
        }
      }
    }
    for (const { transaction } of open.values()) await transaction.abort();
    const end = (await send(site, [{ value: 'end' }])) + 1;
    committed.set(end - 1, 'end');
    for (const from of [0, ...Array.from({ length: 6 }, () => random.int(end))]) {
      const reading = await site.read(from);
      const expected = [...committed].filter(([offset]) => offset >= from).toSorted(([one], [other]) => one - other);
      expect(
        reading.messages.map(({ offset, value }) => [Number(offset), value?.toString()]),
        `seed ${seed}, from ${from}`,
      ).toEqual(expected);
      expect(reading.ranges.at(-1)?.nextOffset, `seed ${seed}`).toBe(end);
    }
    for (const producer of [...producers, plain]) await producer.disconnect();
  });

  it('ends with the marker of its own producer, and with no message that looks like one', async () => {
    const site = await openSite();
    const [one, other] = [await transactional(site, 'one'), await transactional(site, 'other')];
    const first = await one.transaction();
    const second = await other.transaction();
    // The key of an abort marker.
    const marker = Buffer.from([0, 0, 0, 0]);
    await first.send({
      topic: site.topic,
      messages: [{ key: marker, value: 'rolled back' }, { value: 'rolled back' }],
    });
    await second.send({ topic: site.topic, messages: [{ value: 'rolled back' }] });
    await first.abort();
    await second.send({ topic: site.topic, messages: [{ value: 'rolled back' }] });
    await second.abort();
    const third = await one.transaction();
    await third.send({ topic: site.topic, messages: [{ key: marker, value: 'kept' }] });
    await third.commit();
    const reading = await site.read(0);
    expect(values(reading)).toEqual(['kept']);
    // Five messages, three markers.
    expect(reading.ranges.at(-1)?.nextOffset).toBe(8);
    await one.disconnect();
    await other.disconnect();
  });

  it('is found whatever the order of the list, as brokers do not promise one', () => {
    const aborted = abortedTransactions([
      { producerId: 2n, firstOffset: 20 },
      { producerId: 1n, firstOffset: 5 },
    ]);
    const batch = (producerId: bigint, lastOffset: number) => ({ producerId, lastOffset, transactional: true });
    expect(aborted.isAborted(batch(1n, 6))).toBe(true);
    expect(aborted.isAborted(batch(2n, 8))).toBe(false);
    aborted.ended({ producerId: 1n, lastOffset: 9 }, true);
    expect(aborted.isAborted(batch(1n, 12))).toBe(false);
    expect(aborted.isAborted(batch(2n, 21))).toBe(true);
    aborted.ended({ producerId: 2n, lastOffset: 22 }, false);
    expect(aborted.isAborted({ ...batch(2n, 23), transactional: false })).toBe(false);
  });
});

import { gzipSync, zstdCompressSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { UNPACKED_BYTES_MAX } from '../../../src/platform/kafkajs/codecs.ts';
import { internal } from '../../../src/platform/kafkajs/internals.ts';
import { type PartitionRead, readPartition } from '../../../src/platform/kafkajs/partition.ts';
import { HEADERS_MAX } from '../../../src/platform/kafkajs/records.ts';
import { abortedTransactions } from '../../../src/platform/kafkajs/transactions.ts';

const crc32c = internal<(bytes: Buffer) => number>('protocol/recordBatch/crc32C/index.js');

interface BatchToMake {
  readonly base: number;
  readonly records: readonly Buffer[];
  /** Default: as many positions as records. */
  readonly lastDelta?: number;
  /** Number of the codec; `packed` then are the bytes. */
  readonly codec?: number;
  readonly packed?: Buffer;
}

/** A batch as it lies in the log. */
function batchOf({ base, records, lastDelta = records.length - 1, codec = 0, packed }: BatchToMake): Buffer {
  const body = packed ?? Buffer.concat(records);
  const bytes = Buffer.alloc(61 + body.length);
  bytes.writeBigInt64BE(BigInt(base), 0);
  bytes.writeInt32BE(bytes.length - 12, 8);
  bytes.writeInt8(2, 16);
  bytes.writeInt16BE(codec, 21);
  bytes.writeInt32BE(lastDelta, 23);
  bytes.writeBigInt64BE(1_700_000_000_000n, 27);
  bytes.writeBigInt64BE(1_700_000_000_000n, 35);
  bytes.writeBigInt64BE(-1n, 43);
  bytes.writeInt32BE(records.length, 57);
  body.copy(bytes, 61);
  return signed(bytes);
}

function signed(batch: Buffer): Buffer {
  batch.writeUInt32BE(crc32c(batch.subarray(21)), 17);
  return batch;
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let left = value >= 0 ? value * 2 : -value * 2 - 1;
  while (left > 0x7f) {
    bytes.push((left & 0x7f) | 0x80);
    left = Math.floor(left / 128);
  }
  return Buffer.from([...bytes, left]);
}

function sized(bytes: Buffer): Buffer {
  return Buffer.concat([varint(bytes.length), bytes]);
}

function record(delta: number, value: string, headers: Buffer = Buffer.from([0])): Buffer {
  return sized(Buffer.concat([Buffer.from([0, 0]), varint(delta), varint(-1), sized(Buffer.from(value)), headers]));
}

let places = 0;

/** What consumers get of the bytes in the end, fetch after fetch from where the one before stopped. */
async function readAll(bytes: Buffer, from: number, end: number, fetchesMax = 10_000) {
  places += 1;
  const place = `t/${places}`;
  const messages: PartitionRead['messages'][number][] = [];
  let position = from;
  let fetches = 0;
  while (position < end && fetches < fetchesMax) {
    fetches += 1;
    const budget = { bytes: UNPACKED_BYTES_MAX, objects: 20_000 };
    const aborted = abortedTransactions([]);
    const read = await readPartition({ place, bytes, position, highWatermark: end, aborted }, budget);
    messages.push(...read.messages);
    position = read.nextOffset;
  }
  const seen = messages.map(({ offset, value, unreadable }) => [
    Number(offset),
    value?.toString() ?? unreadable?.detail ?? null,
  ]);
  return { seen, messages, position, fetches };
}

describe('A batch', () => {
  it('that compaction emptied is passed, alone in a fetch too', async () => {
    const empty = batchOf({ base: 10, records: [], lastDelta: 4 });
    expect(await readAll(empty, 10, 15)).toMatchObject({ seen: [], position: 15, fetches: 1 });
    const next = batchOf({ base: 15, records: [record(0, 'next')] });
    expect((await readAll(Buffer.concat([empty, next]), 12, 16)).seen).toEqual([[15, 'next']]);
  });

  it('that starts before the position is read from the position on', async () => {
    const batch = batchOf({ base: 5, records: ['a', 'b', 'c'].map((value, delta) => record(delta, value)) });
    expect((await readAll(batch, 6, 8)).seen).toEqual([
      [6, 'b'],
      [7, 'c'],
    ]);
  });

  it('with a wrong checksum is fetched once more, and then each of its positions is marked; its neighbours are read', async () => {
    const [one, two, three] = [0, 2, 4].map((base) =>
      batchOf({ base, records: [record(0, `v${base}`), record(1, `v${base + 1}`)] }),
    );
    if (!one || !two || !three) throw new Error('no batches');
    two.writeUInt8(two.readUInt8(70) ^ 1, 70);
    const { seen, fetches } = await readAll(Buffer.concat([one, two, three]), 0, 6);
    const wrong = 'the checksum of the batch is wrong';
    expect(seen).toEqual([
      [0, 'v0'],
      [1, 'v1'],
      [2, wrong],
      [3, wrong],
      [4, 'v4'],
      [5, 'v5'],
    ]);
    // Once whole, once more before anything is blamed, and once for what follows: a damaged batch may have been a marker.
    expect(fetches).toBe(3);
  });

  it('that is too large is marked at once, however much of the budget is left; one that fits waits for the next fetch', async () => {
    const readWith = (packed: Buffer, bytesLeft: number) => {
      places += 1;
      const bytes = batchOf({ base: 0, records: [record(0, 'one')], codec: 4, packed });
      return readPartition(
        { place: `t/${places}`, bytes, position: 0, highWatermark: 1, aborted: abortedTransactions([]) },
        { bytes: bytesLeft, objects: 10 },
      );
    };
    const bomb = zstdCompressSync(Buffer.alloc(UNPACKED_BYTES_MAX + 1));
    const { messages, nextOffset } = await readWith(bomb, 10);
    expect(messages[0]?.unreadable?.detail).toBe(`the batch unpacks to more than ${UNPACKED_BYTES_MAX} bytes`);
    expect(nextOffset).toBe(1);
    const fits = zstdCompressSync(record(0, 'one'));
    expect(await readWith(fits, 5)).toEqual({ messages: [], nextOffset: 0 });
    expect((await readWith(fits, 1_000)).messages[0]?.value?.toString()).toBe('one');
  });

  it('that was damaged on its way is read when it comes whole', async () => {
    const whole = batchOf({ base: 0, records: [record(0, 'whole')] });
    const damaged = Buffer.from(whole);
    damaged.writeUInt8(0xff, 65);
    places += 1;
    const read = (bytes: Buffer) =>
      readPartition(
        { place: `t/${places}`, bytes, position: 0, highWatermark: 1, aborted: abortedTransactions([]) },
        { bytes: UNPACKED_BYTES_MAX, objects: 10 },
      );
    expect(await read(damaged)).toEqual({ messages: [], nextOffset: 0 });
    expect((await read(whole)).messages.map(({ value }) => value?.toString())).toEqual(['whole']);
  });

  it('whose damaged header claims more positions than there are does not hide the batches after it', async () => {
    const damaged = batchOf({ base: 0, records: [record(0, 'x')] });
    damaged.writeInt32BE(1_000_000, 23);
    const next = batchOf({ base: 1, records: [record(0, 'next')] });
    expect((await readAll(Buffer.concat([damaged, next]), 0, 2)).seen).toEqual([
      [0, 'the checksum of the batch is wrong'],
      [1, 'next'],
    ]);
  });

  it.each([
    ['gzip', 1, (bytes: Buffer) => gzipSync(bytes)],
    ['zstd', 4, (bytes: Buffer) => zstdCompressSync(bytes)],
  ] as const)(
    'of %s that unpacks beyond the limit is marked at the first fetch, one marker for all that it claims',
    async (_, codec, pack) => {
      const packed = pack(Buffer.alloc(UNPACKED_BYTES_MAX + 1));
      const batch = batchOf({ base: 7, records: [Buffer.alloc(0)], lastDelta: 5_000_000, codec, packed });
      const { messages, position, fetches } = await readAll(batch, 7, 5_000_008);
      // Its checksum is right: a second fetch would bring the same bytes, and its partition would wait for it.
      expect(fetches).toBe(1);
      expect(messages).toMatchObject([
        {
          offset: '7',
          key: null,
          value: null,
          unreadable: {
            detail: `the batch unpacks to more than ${UNPACKED_BYTES_MAX} bytes (offsets 7 to 5000007)`,
            lastOffset: 5_000_007,
          },
        },
      ]);
      expect(position).toBe(5_000_008);
    },
  );

  it('in a codec that Kafka does not know is marked', async () => {
    const batch = batchOf({ base: 0, records: [record(0, 'x')], codec: 7 });
    expect((await readAll(batch, 0, 1)).seen).toEqual([[0, 'Kafka has no compression 7']]);
  });

  it('of many records is read in portions, each record once', async () => {
    const values = Array.from({ length: 100_000 }, (_, delta) => record(delta, ''));
    const packed = zstdCompressSync(Buffer.concat(values));
    const { messages, fetches } = await readAll(batchOf({ base: 0, records: values, codec: 4, packed }), 0, 100_000);
    expect(messages).toHaveLength(100_000);
    expect(messages.every(({ offset }, index) => Number(offset) === index)).toBe(true);
    expect(fetches).toBe(5);
  });
});

describe('A record', () => {
  it('that breaks its format is marked alone, if the next one can be found', async () => {
    const bad = sized(Buffer.concat([Buffer.from([0, 0]), varint(1), varint(-1), varint(100), Buffer.from('short')]));
    const batch = batchOf({ base: 3, records: [record(0, 'a'), bad, record(2, 'c')] });
    expect((await readAll(batch, 3, 6)).seen).toEqual([
      [3, 'a'],
      [4, 'the value is longer than its record'],
      [5, 'c'],
    ]);
  });

  it('whose length is wrong takes the rest of its batch with it, and nothing else', async () => {
    const lost = Buffer.concat([varint(1_000), Buffer.from('rest')]);
    const batch = batchOf({ base: 3, records: [record(0, 'a'), lost, record(2, 'c')] });
    const next = batchOf({ base: 6, records: [record(0, 'next')] });
    expect((await readAll(Buffer.concat([batch, next]), 3, 7)).seen).toEqual([
      [3, 'a'],
      [4, 'a record is longer than its batch (offsets 4 to 5)'],
      [6, 'next'],
    ]);
  });

  it('has headers of any name and number, in time that grows with their number alone', async () => {
    const header = (name: string, value: string) =>
      Buffer.concat([sized(Buffer.from(name)), sized(Buffer.from(value))]);
    const many = (count: number, nameOf: (index: number) => string) =>
      Buffer.concat([varint(count), ...Array.from({ length: count }, (_, index) => header(nameOf(index), 'v'))]);
    const odd = ['constructor', '__proto__', 'toString', 'hasOwnProperty'];
    const records = [
      record(
        0,
        'odd',
        many(odd.length, (index) => odd[index] ?? ''),
      ),
      record(
        1,
        'distinct',
        many(HEADERS_MAX, (index) => `h${index}`),
      ),
      record(
        2,
        'same',
        many(HEADERS_MAX, () => 'a'),
      ),
      record(
        3,
        'too many',
        many(HEADERS_MAX + 1, () => 'a'),
      ),
    ];
    const startedAt = process.cpuUsage();
    const { messages } = await readAll(batchOf({ base: 0, records }), 0, 4);
    // Microseconds of this process, whatever else the machine does. Quadratic work takes minutes.
    const { user, system } = process.cpuUsage(startedAt);
    expect(user + system).toBeLessThan(2_000_000);
    expect(Object.entries(messages[0]?.headers ?? {}).map(([name, value]) => [name, String(value)])).toEqual(
      odd.map((name) => [name, 'v']),
    );
    expect(Object.keys(messages[1]?.headers ?? {})).toHaveLength(HEADERS_MAX);
    expect(messages[2]?.headers?.['a']).toHaveLength(HEADERS_MAX);
    expect(messages[3]?.unreadable?.detail).toBe(
      `the record has ${HEADERS_MAX + 1} headers; at most ${HEADERS_MAX} are read`,
    );
  });

  it('has the time that its producer wrote, as far off as that is', async () => {
    const bytes = Buffer.concat([
      Buffer.from([0]),
      Buffer.from('ffffffffffffffffff01', 'hex'),
      varint(0),
      varint(-1),
      varint(-1),
      varint(0),
    ]);
    const { messages } = await readAll(batchOf({ base: 0, records: [sized(bytes)] }), 0, 1);
    expect(messages[0]?.timestamp).toBe(String(1_700_000_000_000n + -(2n ** 63n)));
  });
});

import { readFileSync } from 'node:fs';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Codec, unpack, UNPACKED_BYTES_MAX } from '../../../src/platform/kafkajs/codecs.ts';

/** A record batch as Kafka's Java client 4.4 compressed it: 239 records, `{"i":0, ...}` and so on. */
function fixture(name: string): Buffer {
  return readFileSync(new URL(`fixtures/${name}`, import.meta.url));
}

const TEXT = Buffer.from('subscription '.repeat(1_000));
const codecs: readonly (readonly [Codec, Buffer])[] = [
  ['snappy', fixture('java-client.snappy')],
  ['lz4', fixture('java-client.lz4')],
  ['gzip', gzipSync(TEXT)],
  ['zstd', zstdCompressSync(TEXT)],
];

/** Bytes that unpack to as many zeros, much smaller themselves. */
function bomb(codec: Codec, bytes: number): Buffer {
  switch (codec) {
    case 'gzip':
      return gzipSync(Buffer.alloc(bytes));
    case 'zstd':
      return zstdCompressSync(Buffer.alloc(bytes));
    case 'snappy':
      return snappyBomb(bytes);
    case 'lz4':
      return lz4Bomb(bytes);
    case 'none':
      return Buffer.alloc(bytes);
  }
}

/** Blocks of Java's framing, each one zero and copies of 64 zeros from one byte back. */
function snappyBomb(bytes: number): Buffer {
  const blockBytes = 1 + 64 * 1_000;
  const copies = Buffer.concat(Array.from({ length: 1_000 }, () => Buffer.from([(63 << 2) | 2, 1, 0])));
  const block = Buffer.concat([Buffer.from([0x81, 0xf4, 0x03, 0, 0]), copies]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(block.length);
  const head = Buffer.from('82534e41505059000000000100000001', 'hex');
  return Buffer.concat([
    head,
    ...Array.from({ length: Math.ceil(bytes / blockBytes) }, () => Buffer.concat([length, block])),
  ]);
}

/** Blocks of 4 MB, each one zero and one copy of the rest. */
function lz4Bomb(bytes: number): Buffer {
  const blockBytes = 4 * 1024 * 1024;
  const left = blockBytes - 1 - 19;
  const run = Buffer.concat([Buffer.alloc(Math.floor(left / 255), 255), Buffer.from([left % 255])]);
  const block = Buffer.concat([Buffer.from([0x1f, 0, 1, 0]), run]);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(block.length);
  const blocks = Array.from({ length: Math.ceil(bytes / blockBytes) }, () => Buffer.concat([length, block]));
  return Buffer.concat([Buffer.from('04224d18607000', 'hex'), ...blocks, Buffer.alloc(4)]);
}

describe('What producers compress with', () => {
  it.each(codecs.slice(0, 2))('%s of the Java client is read as it was written', async (codec, packed) => {
    const text = (await unpack(codec, packed, UNPACKED_BYTES_MAX)).toString('latin1');
    const records = [...text.matchAll(/\{"i":(\d+),"id":"[^"]+","text":"(a*)","t":"ACTIVATE_SUBSCRIPTION"\}/g)];
    expect(records).toHaveLength(239);
    for (const [index, [, number, repeated]] of records.entries()) {
      expect(number).toBe(String(index));
      expect(repeated).toHaveLength(Math.min(index % 80, 80));
    }
  });

  it('a bare Snappy block, as clients other than Java write it, is read too', async () => {
    // 11 bytes: literal "abcd", then a copy of 7 bytes from 4 bytes back.
    const block = Buffer.from([11, 3 << 2, 0x61, 0x62, 0x63, 0x64, (3 << 2) | 1, 4]);
    expect((await unpack('snappy', block, 100)).toString()).toBe('abcdabcdabc');
  });

  it.each(codecs.slice(2))('%s is read', async (codec, packed) => {
    expect((await unpack(codec, packed, UNPACKED_BYTES_MAX)).equals(TEXT)).toBe(true);
  });

  it.each(codecs)('damaged %s is refused or read as something else, and never hangs', async (codec, packed) => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(packed.length - 1), fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 5 }),
        fc.nat(packed.length),
        async (changes, end) => {
          const damaged = Buffer.from(packed);
          for (const [at, byte] of changes) damaged.writeUInt8(byte, at);
          for (const bytes of [damaged, damaged.subarray(0, end)]) {
            expect(['read', 'CorruptError', 'TooLargeError']).toContain(await outcomeOf(codec, bytes));
          }
        },
      ),
      { numRuns: 500 },
    );
  });

  it.each(['gzip', 'zstd', 'snappy', 'lz4'] as const)(
    '%s that unpacks to less than the limit is read, and to more is refused before it takes the memory',
    async (codec) => {
      const below = await unpack(codec, bomb(codec, UNPACKED_BYTES_MAX - 4 * 1024 * 1024), UNPACKED_BYTES_MAX);
      expect(below.length).toBeGreaterThan(UNPACKED_BYTES_MAX / 2);
      const packed = bomb(codec, 100_000_000);
      const before = process.memoryUsage().rss;
      await expect(unpack(codec, packed, UNPACKED_BYTES_MAX)).rejects.toThrow(
        `the batch unpacks to more than ${UNPACKED_BYTES_MAX} bytes`,
      );
      expect(process.memoryUsage().rss - before).toBeLessThan(3 * UNPACKED_BYTES_MAX);
    },
  );
});

function outcomeOf(codec: Codec, bytes: Buffer): Promise<string> {
  return unpack(codec, bytes, UNPACKED_BYTES_MAX).then(
    () => 'read',
    (error: Error) => error.name,
  );
}

import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decompressLz4, decompressSnappy, zstd } from '../../src/platform/compression.ts';

/** A record batch as Kafka's Java client 4.4 compressed it: 239 records, `{"i":0, ...}` and so on. */
function fixture(name: string): Buffer {
  return readFileSync(new URL(`fixtures/${name}`, import.meta.url));
}

const codecs = [
  ['snappy', fixture('java-client.snappy'), decompressSnappy],
  ['lz4', fixture('java-client.lz4'), decompressLz4],
] as const;

describe('What producers compress with', () => {
  it.each(codecs)('%s of the Java client is read as it was written', (_name, compressed, decompress) => {
    const text = decompress(compressed).toString('latin1');
    const records = [...text.matchAll(/\{"i":(\d+),"id":"[^"]+","text":"(a*)","t":"ACTIVATE_SUBSCRIPTION"\}/g)];
    expect(records).toHaveLength(239);
    for (const [index, [, number, repeated]] of records.entries()) {
      expect(number).toBe(String(index));
      expect(repeated).toHaveLength(Math.min(index % 80, 80));
    }
  });

  it('a bare Snappy block, as clients other than Java write it, is read too', () => {
    // 11 bytes: literal "abcd", then a copy of 7 bytes from 4 bytes back.
    expect(decompressSnappy(Buffer.from([11, 3 << 2, 0x61, 0x62, 0x63, 0x64, (3 << 2) | 1, 4])).toString()).toBe(
      'abcdabcdabc',
    );
  });

  it('zstd is written and read', async () => {
    const bytes = Buffer.from('subscription '.repeat(1_000));
    const compressed = await zstd().compress({ buffer: bytes });
    expect(compressed.length).toBeLessThan(200);
    expect((await zstd().decompress(compressed)).equals(bytes)).toBe(true);
  });

  it.each(codecs)(
    'damaged %s is refused or read as something else, and never hangs',
    (_name, compressed, decompress) => {
      fc.assert(
        fc.property(
          fc.array(fc.tuple(fc.nat(compressed.length - 1), fc.integer({ min: 0, max: 255 })), {
            minLength: 1,
            maxLength: 5,
          }),
          fc.nat(compressed.length),
          (changes, end) => {
            const damaged = Buffer.from(compressed);
            for (const [at, byte] of changes) damaged.writeUInt8(byte, at);
            for (const bytes of [damaged, damaged.subarray(0, end)]) {
              expect(['read', 'CorruptCompressionError', 'RangeError']).toContain(outcomeOf(() => decompress(bytes)));
            }
          },
        ),
        { numRuns: 1_000 },
      );
    },
  );
});

function outcomeOf(work: () => unknown): string {
  try {
    work();
    return 'read';
  } catch (error) {
    return (error as Error).name;
  }
}

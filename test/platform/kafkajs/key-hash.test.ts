import { describe, expect, it } from 'vitest';
import { Partitioners } from '../../../src/platform/kafkajs/index.ts';
import { keyHash } from '../../../src/platform/kafkajs/key-hash.ts';

describe("The hash of a message's key", () => {
  it.each([
    // Java's own expectations (UtilsTest of Kafka), which have every length modulo 4.
    ['21', -973_932_308],
    ['foobar', -790_332_482],
    ['a-little-bit-long-string', -985_981_536],
    ['a-little-bit-longer-string', -1_486_304_829],
    ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58_897_971],
    ['abc', 479_470_107],
    ['', 275_646_681],
  ])('of %j is what Java computes', (key, hash) => {
    expect(keyHash(key)).toBe(hash);
    expect(keyHash(Buffer.from(key))).toBe(hash);
  });

  it('of a large key takes no time that anybody else notices', () => {
    const partition = Partitioners.DefaultPartitioner();
    const partitionMetadata = Array.from({ length: 7 }, (_none, partitionId) => ({
      partitionErrorCode: 0,
      partitionId,
      leader: 1,
      replicas: [],
      isr: [],
    }));
    // kafkajs takes 1.6 s for a tenth of this, and minutes for all of it.
    const key = Buffer.alloc(1_000_000, 'k');
    const startedAt = performance.now();
    expect(partition({ topic: 't', partitionMetadata, message: { key, value: null } })).toBe(
      (keyHash(key) & 0x7fffffff) % 7,
    );
    expect(performance.now() - startedAt).toBeLessThan(1_000);
  }, 10_000);
});

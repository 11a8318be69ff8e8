import { afterEach, expect, test, vi } from 'vitest';
import type { ReadMessage } from '../../../src/intake/message.ts';
import { createSpool, type Spool } from '../../../src/features/replay/spool.ts';

const spools: Spool[] = [];
afterEach(() => {
  vi.unstubAllEnvs();
  for (const spool of spools.splice(0)) spool.remove();
});

function fingerprintOf(...reads: readonly ReadMessage[]): string {
  const spool = createSpool({ subscription: null, action: null, type: null });
  spools.push(spool);
  for (const read of reads) spool.add([read]);
  return spool.fingerprint();
}

function message(partition: number, offset: number): ReadMessage {
  const event = { eventId: `${partition}-${offset}`, subscription: { number: 'S1', version: offset } };
  const place = { topic: 'events', partition, offset, timestamp: new Date(0) };
  return {
    message: { ...place, key: Buffer.from('S1'), value: null, headers: {} },
    event,
    cause: null,
  } as unknown as ReadMessage;
}

test('messages of a topic are known again in whatever order Kafka gives its partitions, and others are not taken for them', () => {
  const [one, two, three] = [message(0, 1), message(0, 2), message(1, 1)];
  const whole = fingerprintOf(one, two, three);
  expect(fingerprintOf(three, one, two)).toBe(whole);
  expect(fingerprintOf(one, two)).not.toBe(whole);
  expect(fingerprintOf(one, two, message(1, 2))).not.toBe(whole);
  expect(fingerprintOf(one, one, two, three)).not.toBe(whole);
});

test('a directory for temporary files that cannot be written is an error that names it and the remedy', () => {
  vi.stubEnv('TMPDIR', '/dev/null/read-only');
  expect(() => createSpool({ subscription: null, action: null, type: null })).toThrow(
    /"\/dev\/null\/read-only" cannot be written: set TMPDIR to a directory that can, or mount one there \(ENOTDIR/,
  );
});

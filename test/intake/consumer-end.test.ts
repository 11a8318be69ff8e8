import { Registry } from '@prometheus-io/client';
import type { Consumer, Kafka } from 'kafkajs';
import { afterEach, expect, test, vi } from 'vitest';
import { runConsumer } from '../../src/intake/consumer.ts';
import { intakeMetrics } from '../../src/intake/metrics.ts';
import { watchProgress } from '../../src/intake/progress.ts';
import type { Queryable } from '../../src/platform/database.ts';
import { createLogger } from '../../src/platform/logging.ts';

afterEach(() => vi.useRealTimers());

test('a consumer that ended while it could not find out where to start asks for nothing any more, and holds nothing', async () => {
  vi.useFakeTimers();
  const database: Queryable = { query: () => Promise.reject(new Error('the database is away')) };
  const { kafka, join, crash, asked } = fakeKafka();
  const logger = createLogger('silent');
  const progress = watchProgress({ stalledMs: 30_000, metrics: intakeMetrics(new Registry()), logger });
  const running = runConsumer({
    kafka,
    groupId: 'g',
    topics: ['t'],
    sessionTimeoutMs: 6_000,
    database,
    logger,
    signal: new AbortController().signal,
    onBatch: () => Promise.resolve(),
    onJoined: () => {},
    onHeard: () => {},
    onIdle: () => {},
    offsetLost: 'skip',
    progress,
  });
  await vi.advanceTimersByTimeAsync(0);
  join({ t: [0, 1] });
  await vi.advanceTimersByTimeAsync(3_500);
  // Kafka was asked at once, and after each second.
  expect(asked()).toBe(4);

  crash(new Error('the broker is gone'));
  await expect(running).rejects.toThrow('the broker is gone');
  await vi.advanceTimersByTimeAsync(60_000);
  progress.close();
  expect(asked()).toBe(4);
  expect(vi.getTimerCount()).toBe(0);
});

/** A consumer whose group is told of by the test. */
function fakeKafka() {
  let times = 0;
  const admin = {
    connect: () => Promise.reject(new Error('Kafka is away')),
    disconnect: () => Promise.resolve(),
  };
  const listeners = new Map<string, (event: { payload: unknown }) => void>();
  const consumer = {
    events: { CRASH: 'crash', GROUP_JOIN: 'join', REQUEST: 'request' },
    on: (name: string, listener: (event: { payload: unknown }) => void) => void listeners.set(name, listener),
    connect: () => Promise.resolve(),
    subscribe: () => Promise.resolve(),
    run: () => Promise.resolve(),
    disconnect: () => Promise.resolve(),
  };
  return {
    kafka: {
      consumer: () => consumer as unknown as Consumer,
      admin: () => {
        times += 1;
        return admin;
      },
    } as unknown as Kafka,
    /** How often it was asked where partitions start and end. */
    asked: () => times,
    join: (memberAssignment: Record<string, number[]>) => listeners.get('join')?.({ payload: { memberAssignment } }),
    crash: (error: Error) => listeners.get('crash')?.({ payload: { error } }),
  };
}

import { expect, test } from 'vitest';
import type { Facts } from '../../../src/features/overview/facts.ts';
import { judge, type Part, verdictOf } from '../../../src/features/overview/judge.ts';

const NOW = new Date('2026-11-29T10:00:00Z');
const EARLIER = new Date('2026-11-29T09:50:00Z');
const INSTANCE = '0b3c1a52-9b6f-4a55-8f7d-0a1b2c3d4e5f';

const WELL: Facts = {
  now: NOW,
  provider: {
    paused: false,
    pausedReason: null,
    pausedBy: null,
    changedAt: EARLIER,
    breaker: 'closed',
    failuresInARow: 0,
    breakerOpenUntil: null,
    instances: [{ id: INSTANCE, slots: 16, requestsPerSecond: 100, startedAt: EARLIER, expiresAt: NOW }],
  },
  instances: [],
  intake: [{ problem: null, since: EARLIER, reported: NOW, partitions: [] }],
  backlog: [0, 1, 2, 3].map((one) => ({ class: one, ready: 0, oldest: null })),
  waiting: {
    scheduled: 0,
    retrying: 0,
    deadLetters: 0,
    oldestDeadLetter: null,
    heldEvents: 0,
    oldestHeldEvent: null,
    unpublished: 0,
    oldestUnpublished: null,
    parked: 0,
    oldestParked: null,
    lastEvent: null,
  },
  refusals: { complete: true, groups: [] },
  runs: [],
  minutes: [],
};

const provider = (change: Partial<Facts['provider']>): Partial<Facts> => ({
  provider: { ...WELL.provider, ...change },
});
const waiting = (change: Partial<Facts['waiting']>): Partial<Facts> => ({ waiting: { ...WELL.waiting, ...change } });
const instances =
  (...ready: readonly boolean[]) =>
  (part: string): Partial<Facts> => ({
    instances: ready.map((isReady, index) => ({
      id: `${index}`,
      host: `host-${index}`,
      started: EARLIER,
      alive: true,
      parts: [{ part, ready: isReady, detail: 'it waits', since: EARLIER.toISOString() }],
    })),
  });
const partition = (change: Partial<Facts['intake'][number]['partitions'][number]>): Partial<Facts> => ({
  intake: [
    {
      problem: null,
      since: EARLIER,
      reported: NOW,
      partitions: [
        { topic: 'crm', partition: 3, unread: 0, behind_ms: null, problem: null, problem_ms: null, ...change },
      ],
    },
  ],
});

const judged = (change: Partial<Facts>, wanted: Part): string => {
  const one = judge({ ...WELL, ...change }).find(({ part }) => part === wanted);
  return `${one?.state} ${one?.sentence}${one?.since === null ? '' : ` ${one?.since.toISOString().slice(11, 16)}`}`;
};

test('without a reason against it every part is OK, and so is the verdict', () => {
  const judgements = judge(WELL);
  expect(judgements.map(({ state }) => state)).toEqual(Array.from({ length: 7 }, () => 'OK'));
  expect(verdictOf(judgements)).toBe('OK');
});

test.each<[string, Partial<Facts>, Part, string]>([
  [
    'a person paused sending',
    provider({ paused: true, pausedBy: 'ann', pausedReason: 'CAS upgrade' }),
    'DISPATCH',
    'ATTENTION Sending is paused by ann: CAS upgrade. 09:50',
  ],
  [
    'a person paused sending, which says nothing of the CAS',
    provider({ paused: true, pausedBy: 'ann', pausedReason: 'x' }),
    'CAS',
    'OK It answers.',
  ],
  [
    'the service paused sending',
    provider({ paused: true, pausedBy: INSTANCE, pausedReason: 'CAS_NOT_AUTHORISED: HTTP 401' }),
    'CAS',
    'DOWN It does not accept the credentials: CAS_NOT_AUTHORISED: HTTP 401. 09:50',
  ],
  [
    'the breaker is open',
    provider({ breaker: 'open', breakerOpenUntil: NOW }),
    'CAS',
    'DOWN The breaker is open: it cannot be reached, or its answers cannot be read; the next try is at 2026-11-29T10:00:00.000Z.',
  ],
  ['no instance sends', provider({ instances: [] }), 'DISPATCH', 'DOWN No instance sends commands.'],
  [
    'commands that give wait for long',
    { backlog: [{ class: 1, ready: 7, oldest: EARLIER }] },
    'DISPATCH',
    'ATTENTION 7 requests could be sent and wait for a free call. 09:50',
  ],
  [
    'bulk work waits for long, which it may',
    { backlog: [{ class: 3, ready: 7, oldest: EARLIER }] },
    'DISPATCH',
    'OK Commands are sent.',
  ],
  [
    'more messages than are counted could not be processed',
    waiting({ deadLetters: 5_001, oldestDeadLetter: EARLIER }),
    'INTAKE',
    'ATTENTION More than 5,000 messages could not be processed: decide about them. 09:50',
  ],
  ['no instance reads', { intake: [] }, 'INTAKE', 'DOWN No instance reads events.'],
  [
    'reading waits',
    { intake: [{ problem: 'waiting for Kafka', since: EARLIER, reported: NOW, partitions: [] }] },
    'INTAKE',
    'DOWN Nothing is read: waiting for Kafka. 09:50',
  ],
  [
    'a partition is stuck',
    partition({ problem: 'PostgreSQL: disk full', problem_ms: 600_000 }),
    'INTAKE',
    'ATTENTION Partition crm[3] is not read: PostgreSQL: disk full. 09:50',
  ],
  [
    'reading is behind',
    partition({ unread: 1_234, behind_ms: 600_000 }),
    'INTAKE',
    'ATTENTION 1,234 messages not read yet. 09:50',
  ],
  [
    'dead letters wait for a person',
    waiting({ deadLetters: 2, oldestDeadLetter: EARLIER }),
    'INTAKE',
    'ATTENTION 2 messages could not be processed: decide about them. 09:50',
  ],
  ['all instances wait for Kafka', instances(false, false)('kafka'), 'KAFKA', 'DOWN It waits. 09:50'],
  [
    'one of two instances waits for the registry',
    instances(true, false)('schema-registry'),
    'SCHEMA_REGISTRY',
    'ATTENTION 1 of 2 instances, such as host-1: it waits. 09:50',
  ],
  ['PINs cannot be opened', instances(false)('pins'), 'DISPATCH', 'ATTENTION It waits. 09:50'],
  ['the clock jumped', instances(false)('clock'), 'DATABASE', 'ATTENTION It waits. 09:50'],
  [
    'outcomes are late',
    waiting({ unpublished: 9, oldestUnpublished: EARLIER }),
    'OUTCOMES',
    'DOWN 9 messages wait to be published. 09:50',
  ],
  ['an outcome is parked', waiting({ parked: 1 }), 'OUTCOMES', 'ATTENTION 1 message can never be published.'],
])('%s', (_, change, part, says) => {
  expect(judged(change, part)).toBe(says);
});

test('the worst reason of a part is the one that is said, and the worst part makes the verdict', () => {
  const change = { ...waiting({ deadLetters: 2 }), intake: [] };
  expect(judged(change, 'INTAKE')).toBe('DOWN No instance reads events.');
  expect(verdictOf(judge({ ...WELL, ...change }))).toBe('DOWN');
  expect(verdictOf(judge({ ...WELL, ...waiting({ parked: 1 }) }))).toBe('ATTENTION');
});

test('an instance that was killed says nothing any more', () => {
  const killed = instances(false)('kafka').instances?.map((one) => ({ ...one, alive: false })) ?? [];
  expect(judged({ instances: killed }, 'KAFKA')).toBe('OK It is read.');
});

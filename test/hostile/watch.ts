import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { Kafka, logLevel } from '../../src/platform/kafkajs/index.ts';
import type { Database } from '../../src/platform/database.ts';
import type { Flooded } from './flood.ts';

/** Watches an instance while it reads: how long `/health/live` takes, and how long a partition with unread messages stood still. */
export interface Watch {
  /** Messages that are not read yet, of all partitions. */
  behind(): Promise<number>;
  /** Stops, and returns the worst of each. */
  stop(): Promise<{
    readonly liveMsMax: number;
    readonly stoodStill: { readonly ms: number; readonly where: string };
  }>;
}

const LOOK_EVERY_MS = 100;

/** Asks in a thread of its own: the process that sends hostile records is busy with them for seconds at a time. */
const LIVE = `
const { parentPort, workerData } = require('node:worker_threads');
let over = false;
let worstMs = 0;
parentPort.once('message', () => (over = true));
(async () => {
  while (!over) {
    const askedAt = performance.now();
    await fetch(workerData.url + '/health/live', { signal: AbortSignal.timeout(30_000) }).then((a) => a.arrayBuffer()).catch(() => {});
    worstMs = Math.max(worstMs, performance.now() - askedAt);
    await new Promise((resolve) => setTimeout(resolve, workerData.everyMs));
  }
  parentPort.postMessage(worstMs);
})();
`;

export function watch(options: {
  readonly db: Database;
  readonly url: string;
  readonly topic: string;
  readonly brokers: string;
}): Watch {
  const { db, url, topic } = options;
  const kafka = new Kafka({ brokers: options.brokers.split(','), clientId: 'watch', logLevel: logLevel.NOTHING });
  const admin = kafka.admin();
  const over = new AbortController();
  let stoodStill = { ms: 0, where: 'nowhere' };
  const moved = new Map<number, { readonly offset: number; readonly at: number }>();

  const live = new Worker(LIVE, { eval: true, workerData: { url, everyMs: LOOK_EVERY_MS } });
  const positions = (async () => {
    await admin.connect();
    while (!over.signal.aborted) {
      await behind();
      await pause(LOOK_EVERY_MS);
    }
  })();
  // `stop` tells of it. If the caller failed first, its error must be the one that is seen.
  positions.catch(() => undefined);

  async function behind(): Promise<number> {
    // The ends first: what is written between the two looks counts neither as unread nor as standing still.
    const ends = await admin.fetchTopicOffsets(topic);
    const rows = await db.query<{ partition: number; next_offset: number }>(
      'select partition, next_offset from consumer_offset where topic = $1',
      [topic],
    );
    const read = new Map(rows.map((row) => [row.partition, row.next_offset]));
    const now = performance.now();
    let unread = 0;
    for (const { partition, high } of ends) {
      const offset = read.get(partition) ?? 0;
      const before = moved.get(partition);
      if (before === undefined || before.offset !== offset || offset >= Number(high)) {
        moved.set(partition, { offset, at: now });
      } else {
        const ms = Math.round(now - before.at);
        if (ms > stoodStill.ms) stoodStill = { ms, where: `partition ${partition} at offset ${offset} of ${high}` };
      }
      unread += Math.max(0, Number(high) - offset);
    }
    return unread;
  }

  return {
    behind,
    async stop() {
      over.abort();
      const answered = once(live, 'message') as Promise<[number]>;
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
      live.postMessage('stop');
      const [[liveMsMax]] = await Promise.all([answered, positions]);
      await admin.disconnect();
      return { liveMsMax: Math.round(liveMsMax), stoodStill };
    },
  };
}

/** What is not as promised: positions with no disposition or several, rolled back ones with any, good events not processed. */
export async function brokenDispositions(db: Database, topic: string, flooded: Flooded): Promise<string[]> {
  const rows = await db.query<{ partition: number; message_offset: number; count: number }>(
    `select partition, message_offset, count(*) filter (where disposition <> 'DUPLICATE') as count
       from inbox where topic = $1 group by 1, 2`,
    [topic],
  );
  // Kafka may deliver a message again, which makes a DUPLICATE of it.
  const counts = new Map(rows.map((row) => [`${row.partition}/${row.message_offset}`, Math.max(row.count, 1)]));
  const goodRows = await db.query<{ number: string; disposition: string; commands: number; completed: number }>(
    `select i.subscription_number as number, i.disposition,
       (select count(*) from request r where r.subscription_number = i.subscription_number) as commands,
       (select count(*) from request r where r.subscription_number = i.subscription_number
         and r.life_cycle_state = 'COMPLETED') as completed
       from inbox i where i.topic = $1 and i.subscription_number like 'G%'
         and i.disposition <> 'DUPLICATE'`,
    [topic],
  );
  const processed = new Map(goodRows.map((row) => [row.number, row]));
  return [
    ...[...flooded.committed]
      .filter((place) => counts.get(place) !== 1)
      .map((place) => `${place} has ${counts.get(place) ?? 0} dispositions`),
    ...[...flooded.aborted]
      .filter((place) => counts.has(place))
      .map((place) => `${place} was rolled back, and is read`),
    ...[...counts.keys()]
      .filter((place) => !flooded.committed.has(place) && !flooded.aborted.has(place))
      .map((place) => `${place} was never sent, and is read`),
    ...[...flooded.good].flatMap((number) => {
      const row = processed.get(number);
      const right = row?.disposition === 'PLANNED' && row.commands === 1 && row.completed === 1;
      return right ? [] : [`the good event of ${number}: ${JSON.stringify(row ?? 'not read')}`];
    }),
  ];
}

/** Waits until every message is read and every request is final. @throws Error that says what is left at the deadline. */
export async function untilRead(db: Database, watching: Watch, deadlineMs: number): Promise<void> {
  const until = performance.now() + deadlineMs;
  for (;;) {
    const behind = await watching.behind();
    const [row] = await db.query<{ unfinished: number; unpublished: number }>(
      `select (select count(*) from work) as unfinished,
         (select count(*) from outbox where published_at is null and parked_reason is null) as unpublished`,
    );
    const { unfinished = 0, unpublished = 0 } = row ?? {};
    if (behind === 0 && unfinished === 0 && unpublished === 0) return;
    if (performance.now() > until) {
      throw new Error(
        `After ${deadlineMs} ms: ${behind} messages not read, ${unfinished} requests not final, ${unpublished} outcomes not published`,
      );
    }
    await pause(LOOK_EVERY_MS);
  }
}

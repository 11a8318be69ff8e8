import { setTimeout as pause } from 'node:timers/promises';
import { loadLine, type Report } from './report.ts';
import { openSite, type Program, type Site, TOPICS } from './site.ts';

const EVERY_MS = 50;
const PARTITIONS = 6;
/** Longer than a rebalance takes, and a session lasts. */
const SETTLE_MS = 10_000;

/**
 * A rolling restart of two instances, and the crash of one, while a message comes to every partition 20 times a second: how
 * long each partition stands still (docs/decisions/0015-static-membership.md).
 */
export async function restart(report: Report): Promise<void> {
  const site = await openSite(report);
  const producer = site.kafka.producer({ allowAutoTopicCreation: false });
  const stopped = new AbortController();
  try {
    await producer.connect();
    let first = await site.startService({});
    const second = await site.startService({});
    const sending = sendUntil(stopped.signal, async () => {
      const messages = Array.from({ length: PARTITIONS }, (_, partition) => ({ key: 'x', value: null, partition }));
      await producer.send({ topic: TOPICS.CRM_TOPICS, messages });
    });
    await pause(SETTLE_MS);
    await told('nothing happens', () => pause(SETTLE_MS));
    await told('an instance stops cleanly', () => first.stop());
    await told('its successor starts', async () => {
      first = await site.startService({});
    });
    await told('the other one is killed', () => kill(second));
    stopped.abort();
    await sending;
    await first.stop();
  } finally {
    stopped.abort();
    await producer.disconnect();
    await site.close();
  }

  async function told(what: string, work: () => Promise<unknown>): Promise<void> {
    const [from] = await site.db.query<{ at: Date }>('select clock_timestamp() as at');
    const begunAt = performance.now();
    await work();
    const tookMs = performance.now() - begunAt;
    await pause(SETTLE_MS);
    const rows = await standstills(site, from?.at ?? new Date());
    const longest = rows.map(({ ms }) => Math.round(ms));
    report.check(`${what}: every partition is read`, rows.length === PARTITIONS, `took ${Math.round(tookMs)} ms`);
    report.line(`  the oldest message that a partition had to read, in ms: ${longest.join(', ')}; ${loadLine()}`);
  }
}

async function sendUntil(signal: AbortSignal, send: () => Promise<void>): Promise<void> {
  while (!signal.aborted) {
    await send();
    await pause(EVERY_MS);
  }
}

async function kill(program: Program): Promise<void> {
  process.kill(program.pid, 'SIGKILL');
  await program.stop();
}

function standstills(site: Site, from: Date): Promise<{ ms: number }[]> {
  return site.db.query(
    `select (extract(epoch from max(received_at - message_timestamp)) * 1000)::float8 as ms from inbox
      where message_timestamp >= $1 group by partition order by partition`,
    [from],
  );
}

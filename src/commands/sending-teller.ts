import { setTimeout as pause } from 'node:timers/promises';
import { sendingNotice } from '../operations/sending-notice.ts';
import type { Queryable } from '../platform/database.ts';
import { report } from './output.ts';

const LOOK_MS = 1_000;

/**
 * Does work that waits for the CAS, and reports on standard error why nothing is sent meanwhile: sending is paused, no
 * instance of the service runs, or the CAS does not answer. It reports each reason once, and when it is over.
 * @param wait false: nobody waits, and nothing is reported.
 */
export async function tellingWhy<T>(db: Queryable, wait: boolean, work: () => Promise<T>): Promise<T> {
  if (!wait) return await work();
  const ended = new AbortController();
  let told: string | null = null;
  await look();
  const looking = (async () => {
    while (!ended.signal.aborted) {
      await pause(LOOK_MS, undefined, { signal: ended.signal }).catch(() => {});
      if (!ended.signal.aborted) await look();
    }
  })();
  try {
    return await work();
  } finally {
    ended.abort();
    await looking;
  }

  async function look(): Promise<void> {
    // The work itself finds out about a database that is away.
    const notice = await sendingNotice(db).catch(() => undefined);
    if (notice === undefined || (notice?.reason ?? null) === told) return;
    told = notice?.reason ?? null;
    report(notice === null ? 'commands are sent again' : notice.text);
  }
}

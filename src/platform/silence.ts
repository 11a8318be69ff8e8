import pg from 'pg';
import { serverOf } from './database-servers.ts';

/** A statement that was sent and not answered yet. */
export interface Awaited {
  /** The server's process of the session. */
  readonly processId: number;
  /** Bytes that came over the connection so far: an answer may be long. */
  readonly bytesRead: () => number;
  /** Called once if the answer will never come. */
  readonly onSilent: () => void;
}

export interface SilenceWatch {
  /** Watches a statement until the returned function is called. */
  watch(statement: Awaited): () => void;
  stop(): void;
}

/** After this time, and then this often, the server is asked about a statement. */
const ASK_AFTER_MS = 2_000;
/** How long an answer may be on its way although the server has already sent all of it. */
const ON_ITS_WAY_MS = 1_000;
const PROBE_TIMEOUT_MS = 2_000;

const OURS = 'pid = any($1::int[]) and application_name = $2';
/** A session that waits to write to a connection that takes nothing is active for the server. */
const WORKS = `(state = 'active' and wait_event is distinct from 'ClientWrite')`;

interface Watched extends Awaited {
  askAt: number;
  /** The server had sent nothing more when we looked, and this number of bytes had come. */
  quiet: { readonly bytes: number } | null;
}

/**
 * Distinguishes a half-open connection from a slow statement. While a statement waits for its answer, a new connection
 * asks the server whether it still works for that session. If it does, nothing happens. If it does not, the answer was
 * lost, or the statement never arrived. If the server cannot be reached, nobody knows, and it is asked again: a
 * connection counts as lost only if another one would do better.
 */
export function watchForSilence(databaseUrl: string, applicationName: string): SilenceWatch {
  const watched = new Set<Watched>();
  let timer: NodeJS.Timeout | null = null;
  let asking = false;

  function schedule(): void {
    if (timer !== null || asking || watched.size === 0) return;
    const next = Math.min(...[...watched].map(({ askAt }) => askAt));
    timer = setTimeout(() => void look(), Math.max(50, next - performance.now()));
    timer.unref();
  }

  async function look(): Promise<void> {
    timer = null;
    const due = [...watched].filter(({ askAt }) => askAt <= performance.now());
    if (due.length > 0) {
      asking = true;
      const working = await workingSessions(due.map(({ processId }) => processId));
      asking = false;
      const silent = due.filter((one) => watched.has(one) && isSilent(one, working));
      for (const one of silent) {
        watched.delete(one);
        one.onSilent();
      }
      if (silent.length > 0) void endSessions(silent.map(({ processId }) => processId));
    }
    schedule();
  }

  /** Twice in a row the server had nothing more to send, and nothing came meanwhile. */
  function isSilent(one: Watched, working: ReadonlySet<number> | null): boolean {
    const bytes = one.bytesRead();
    const wasQuiet = one.quiet?.bytes === bytes;
    const isQuiet = working !== null && !working.has(one.processId);
    one.quiet = isQuiet ? { bytes } : null;
    one.askAt = performance.now() + (isQuiet || working === null ? ON_ITS_WAY_MS : ASK_AFTER_MS);
    return isQuiet && wasQuiet;
  }

  /** Null if the server does not answer at all. */
  async function workingSessions(processIds: readonly number[]): Promise<Set<number> | null> {
    const rows = await ask<{ pid: number }>(`select pid from pg_stat_activity where ${OURS} and ${WORKS}`, processIds);
    return rows === null ? null : new Set(rows.map(({ pid }) => pid));
  }

  /** The server may never learn that a session was given up, and would keep its locks. */
  async function endSessions(processIds: readonly number[]): Promise<void> {
    await ask(`select pg_terminate_backend(pid) from pg_stat_activity where ${OURS} and not (${WORKS})`, processIds);
  }

  async function ask<R extends object>(text: string, processIds: readonly number[]): Promise<R[] | null> {
    const client = new pg.Client({
      connectionString: serverOf(databaseUrl),
      application_name: `${applicationName} (asks)`,
      connectionTimeoutMillis: PROBE_TIMEOUT_MS,
      query_timeout: PROBE_TIMEOUT_MS,
    });
    client.on('error', () => {});
    try {
      await client.connect();
      return (await client.query<R>(text, [processIds, applicationName])).rows;
    } catch {
      return null;
    } finally {
      void client.end().catch(() => {});
    }
  }

  return {
    watch(statement) {
      const one: Watched = { ...statement, askAt: performance.now() + ASK_AFTER_MS, quiet: null };
      watched.add(one);
      schedule();
      return () => void watched.delete(one);
    },
    stop() {
      if (timer !== null) clearTimeout(timer);
      watched.clear();
    },
  };
}

import { Client, type Dispatcher } from 'undici';
import { quantile } from './report.ts';

/** One call that a client makes. */
export interface WebCall {
  /** Under this name its time is counted. */
  readonly kind: string;
  readonly method: 'GET' | 'POST';
  readonly path: string;
  /** Sent as JSON. */
  readonly body?: object;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sees the body of an answer of 200. */
  readonly onAnswer?: (text: string) => void;
}

/** What the clients have seen. */
export interface Seen {
  readonly seconds: number;
  /** Milliseconds of every call by kind, also of those that failed. */
  readonly times: ReadonlyMap<string, readonly number[]>;
  /** What was answered in the place of 200, and how often. */
  readonly failures: ReadonlyMap<string, number>;
}

/** An answer that does not come is a failure, and ends no client. */
const ANSWER_MS = 60_000;

/**
 * So many clients for so long, each with a connection of its own that stays open and its next call as soon as the last
 * one is answered. `next` gives the client's call; it is called with the client's number.
 */
export async function runClients(
  url: string,
  clients: number,
  forMs: number,
  next: (client: number) => WebCall,
): Promise<Seen> {
  const times = new Map<string, number[]>();
  const failures = new Map<string, number>();
  const begunAt = performance.now();
  await Promise.all(
    Array.from({ length: clients }, async (_, index) => {
      const client = new Client(url, { pipelining: 1, headersTimeout: ANSWER_MS, bodyTimeout: ANSWER_MS });
      while (performance.now() < begunAt + forMs) {
        const call = next(index);
        const sentAt = performance.now();
        const failure = await answerOf(client, call);
        const known = times.get(call.kind) ?? [];
        times.set(call.kind, known);
        known.push(performance.now() - sentAt);
        if (failure !== null) failures.set(failure, (failures.get(failure) ?? 0) + 1);
      }
      await client.close();
    }),
  );
  return { seconds: (performance.now() - begunAt) / 1000, times, failures };
}

/** Null if it was 200. */
async function answerOf(client: Client, { method, path, body, headers, onAnswer }: WebCall): Promise<string | null> {
  const request: Dispatcher.RequestOptions = {
    method,
    path,
    headers: { ...headers, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  };
  try {
    const answer = await client.request(request);
    const text = await answer.body.text();
    if (answer.statusCode !== 200) return `${answer.statusCode} ${text.slice(0, 200)}`;
    onAnswer?.(text);
    return null;
  } catch (error) {
    return String(error);
  }
}

/** Times of all kinds that begin with this, together. */
export function timesOf({ times }: Seen, prefix: string): number[] {
  return [...times].flatMap(([kind, values]) => (kind.startsWith(prefix) ? values : []));
}

/** How many calls a second, and how long they took. */
export function timesLine(seen: Seen, prefix: string): string {
  const times = timesOf(seen, prefix);
  const at = (share: number): string => quantile(times, share).toFixed(0);
  return (
    `${times.length} calls, ${(times.length / seen.seconds).toFixed(0)}/s, ` +
    `p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, slowest ${at(1)} ms`
  );
}

/** What went wrong and how often, most often first; "none" where nothing did. */
export function failuresLine({ failures }: Seen): string {
  const told = [...failures].toSorted(([, one], [, other]) => other - one).slice(0, 3);
  return told.map(([failure, count]) => `${count} x ${failure}`).join('; ') || 'none';
}

/** The user of a benchmark, for `addUser`. */
export const BENCH_USER = { username: 'bench', password: 'correct horse battery', organisation: 'acme' };

/** Returns a token of the benchmark's user. */
export async function login(url: string): Promise<string> {
  const answer = await fetch(`${url}/crmapi/rest/v2/authentication/token`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(BENCH_USER),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`The login answers ${answer.status}: ${text}`);
  return (JSON.parse(text) as { data: { token: string } }).data.token;
}

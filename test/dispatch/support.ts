import { Registry } from '@prometheus-io/client';
import { pino } from 'pino';
import type { ConaxAnswer, ConaxCall, ConaxClient, ConaxExchange } from '../../src/conax/client.types.ts';
import { DISPATCH_PLANNER } from '../../src/platform/planner-settings.ts';
import { type Dispatcher, type DispatcherOptions, startDispatcher } from '../../src/dispatch/dispatcher.ts';
import { type DispatchMetrics, dispatchMetrics } from '../../src/dispatch/metrics.ts';
import { type Database, openDatabase } from '../../src/platform/database.ts';
import { PARTS } from '../requests/support.ts';

/** What a scripted CAS does with a call: an answer, or something that takes time. */
export type Script = (call: ConaxCall, number: number) => ConaxAnswer | Promise<ConaxAnswer>;

export interface ScriptedConax extends ConaxClient {
  /** The calls in the order in which they began, with the time (performance.now()). */
  readonly calls: (ConaxCall & { readonly at: number })[];
  underWay(): number;
  most(): number;
}

/** A ConaxClient that answers as the script says; it keeps the port's promises. */
export function scriptedConax(script: Script): ScriptedConax {
  const calls: (ConaxCall & { readonly at: number })[] = [];
  let underWay = 0;
  let most = 0;
  return {
    calls,
    underWay: () => underWay,
    most: () => most,
    async call(call) {
      calls.push({ ...call, at: performance.now() });
      underWay += 1;
      most = Math.max(most, underWay);
      const startedAt = Date.now();
      const answer = await script(call, calls.length);
      underWay -= 1;
      return exchangeOf(call, answer, startedAt);
    },
    close: () => Promise.resolve(),
  };
}

export function exchangeOf(call: ConaxCall, answer: ConaxAnswer, startedAt = Date.now()): ConaxExchange {
  return {
    answer,
    command: call.command.type,
    operation: 'Scripted',
    url: 'http://cas.invalid/',
    requestBody: '<request/>',
    responseBody: answer.kind === 'not-sent' ? null : '<response/>',
    httpStatus: 200,
    startedAt,
    durationMs: Date.now() - startedAt,
  };
}

export const ACCEPTED: Extract<ConaxAnswer, { kind: 'accepted' }> = {
  kind: 'accepted',
  referenceNumber: 'ref-1',
  activeServices: null,
  pairing: null,
};
export const UNKNOWN: ConaxAnswer = { kind: 'unknown', code: 'CAS_NO_ANSWER_IN_TIME', description: 'no answer' };
export const NOT_SENT: ConaxAnswer = { kind: 'not-sent', code: 'CAS_CONNECTION_REFUSED', description: 'refused' };
export const NOT_AUTHORISED: ConaxAnswer = { kind: 'not-authorised', code: 'CAS_NOT_AUTHORISED', description: '401' };
export const TRY_LATER: ConaxAnswer = { kind: 'try-later', code: 'SYSTEM_ERROR', description: 'busy' };
export const INVALID: ConaxAnswer = { kind: 'invalid', code: 'COMMAND_NOT_ENCODABLE', description: 'U+0001' };

export function refused(code = 'INPUT_VALIDATION_ERROR', review = false): ConaxAnswer {
  return { kind: 'refused', code, description: `refused with ${code}`, review };
}

export function pairedWith(smartcards: readonly string[], setTopBoxes: readonly string[]): ConaxAnswer {
  return { ...ACCEPTED, pairing: { smartcards, setTopBoxes } };
}

export interface TestDispatcher {
  readonly dispatcher: Dispatcher;
  readonly metrics: DispatchMetrics;
  stop(): Promise<void>;
}

/** A dispatcher with a pool of its own and quick times. */
export function dispatch(url: string, conax: ConaxClient, more: Partial<DispatcherOptions> = {}): TestDispatcher {
  const db = openDatabase({
    url,
    settings: DISPATCH_PLANNER,
    maxConnections: 5,
    applicationName: 'test-dispatch',
    prepared: true,
  });
  const metrics = dispatchMetrics(new Registry());
  const dispatcher = startDispatcher({
    db,
    databaseUrl: url,
    conax,
    finishing: PARTS,
    unsealPin: (sealed) => sealed.toString('utf8'),
    logger: pino({ level: process.env['TEST_LOG'] ?? 'silent' }),
    metrics,
    maxConcurrency: 8,
    maxRequestsPerSecond: 10_000,
    bulkShare: 0.2,
    cancelPatienceMs: 900_000,
    callTimeoutMs: 400,
    leaseMs: 3_000,
    backOff: { minMs: 5, maxMs: 20 },
    breaker: { failures: 5, openMs: 100, maxOpenMs: 400 },
    drainMs: 5_000,
    pollMs: 50,
    heartbeatMs: 100,
    ...more,
  });
  return {
    dispatcher,
    metrics,
    stop: async () => {
      await dispatcher.stop();
      await db.close();
    },
  };
}

/** What a call of a scripted CAS waits for: `passed` resolves once the test has opened the gate. */
export function gate(): { readonly passed: Promise<void>; open(): void } {
  const { promise: passed, resolve: open } = Promise.withResolvers<void>();
  return { passed, open };
}

/** Polls until the condition holds; fails after the deadline with what was found last. */
export async function until<T>(
  find: () => Promise<T> | T,
  holds: (found: T) => boolean,
  deadlineMs = 15_000,
): Promise<T> {
  const end = performance.now() + deadlineMs;
  for (;;) {
    const found = await find();
    if (holds(found)) return found;
    if (performance.now() > end) throw new Error(`Not within ${deadlineMs} ms; last found: ${JSON.stringify(found)}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

export interface RequestRow {
  number: number;
  life_cycle_state: string;
  error_code: string | null;
  error_description: string | null;
  reference_number: string | null;
  attempts: number;
  answer: unknown;
}

export async function requestRow(db: Database, number: number): Promise<RequestRow> {
  const [row] = await db.query<RequestRow>(
    `select number, life_cycle_state, error_code, error_description, reference_number, attempts, answer
       from request where number = $1`,
    [number],
  );
  if (!row) throw new Error(`no request ${number}`);
  return row;
}

/** Waits until the request is final. */
export async function final(db: Database, number: number): Promise<RequestRow> {
  return await until(
    () => requestRow(db, number),
    (row) => row.life_cycle_state !== 'PENDING',
  );
}

import type { z } from 'zod';
import type { Actor } from '../../operations/actor.ts';
import type { PlanningRules, Withheld } from '../../planning/types.ts';
import type { Queryable, Transaction } from '../../platform/database.ts';
import type { Command, EntitlementCommand, PairingCommand } from '../../planning/command.ts';
import type { RequestAnswer } from '../../requests/finish.ts';
import type { NewRequest, ProcessName } from '../../requests/new-request.ts';
import type { RunState } from './life-cycle.ts';

/** A value that PostgreSQL stores as jsonb and returns unchanged. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

/** What the service provides to a kind. */
export interface KindContext {
  readonly rules: PlanningRules;
}

/** A run as a kind sees it. */
export interface Run<P = unknown> {
  readonly id: number;
  readonly kind: string;
  readonly state: RunState;
  readonly parameters: P;
  readonly createdBy: Actor;
  readonly createdAt: Date;
}

/** A target that a source puts into a run. Two with the same `target` are one. */
export interface NewTarget {
  readonly target: string;
  readonly card: string | null;
  readonly subscription: string | null;
  readonly data?: Json;
}

export interface RunTarget {
  readonly target: string;
  readonly card: string | null;
  readonly subscription: string | null;
  readonly data: Json | null;
  /** How often requests were made for it before. */
  readonly tries: number;
  readonly result: Json | null;
}

/** The part of a run's request that the kind decides. The run adds the rest: bulk, process and creator. */
export type RunRequest = Pick<NewRequest, 'command' | 'subscription'>;

/** What to do for one target now: requests in sending order, or none and the outcome (upper case, like error codes). */
export type TargetPlan =
  | { readonly target: string; readonly requests: readonly [RunRequest, ...RunRequest[]]; readonly result?: Json }
  | { readonly target: string; readonly requests: readonly []; readonly outcome: string; readonly result?: Json };

export interface FinalRequest {
  readonly number: number;
  readonly state: 'COMPLETED' | 'REJECTED';
  readonly errorCode: string | null;
  readonly errorDescription: string | null;
  readonly answer: RequestAnswer | null;
  readonly command: Command;
}

/** A target whose requests are all final, ordered by number. */
export interface SettledTarget extends RunTarget {
  readonly requests: readonly FinalRequest[];
}

/** Done with this outcome, or waiting again: then `planRequests` gets it again, with `tries` one higher. */
export type Verdict =
  | { readonly target: string; readonly outcome: string; readonly result?: Json }
  | { readonly target: string; readonly again: true; readonly result?: Json };

/** How many targets a selection has, with examples. */
export interface Estimate {
  readonly targets: number;
  /** False: extrapolated from a part. */
  readonly exact: boolean;
  readonly sample: readonly NewTarget[];
}

/** Where the targets of a kind's runs come from. */
export interface TargetSource<S = unknown> {
  /** The schema of the selection in JSON (snake_case). */
  readonly schema: z.ZodType<S>;
  /**
   * Starts collecting a run's targets, in the transaction that creates the run. Returns what to store of the selection,
   * and the cursor for `collect`. A null cursor means that all targets are already there.
   * @throws OperationError for what the schema cannot check.
   */
  begin(tx: Transaction, runId: number, selection: S, context: KindContext): Promise<Begun>;
  /**
   * Adds the next part of the targets to the run (`addTargets`), in well under a second. Returns null after the last
   * part.
   */
  collect(tx: Transaction, runId: number, kept: Json, cursor: Json): Promise<Json | null>;
  /** Reads only. */
  estimate(db: Queryable, selection: S, context: KindContext): Promise<Estimate>;
}

export interface Begun {
  /** The part of the selection that `collect` and people need, without long lists. */
  readonly kept: Json;
  readonly cursor: Json | null;
}

/**
 * A kind of run.
 *
 * The engine calls `planRequests` and `settle` in a transaction that holds the lock on the run's row. What they do and
 * what the engine does is committed together or not at all. They must lock in the service's order: subscriptions by
 * number, then cards (`lockSubscriptions`, `lockCards`), then work rows. Together with the requests they may lock at
 * most 1,000 cards. They must have no effect except their statements, since a transaction may be repeated.
 */
export interface RunKind<P = unknown, S = unknown> {
  /** The name in the database, on the command line and in the API; upper case. */
  readonly name: string;
  readonly description: string;
  /** `process_name` of its requests; their `process_id` is the run's id. */
  readonly process: ProcessName;
  /** The schema of the parameters in JSON (snake_case). Its output is JSON and is stored; it is not parsed again. */
  readonly parameters: z.ZodType<P>;
  readonly source: TargetSource<S>;
  /** Outcomes besides COMPLETED that nobody needs to look at; default none. */
  readonly goodOutcomes?: readonly string[];
  /**
   * The most targets of one transaction. It holds the locks of their cards while triggers wait: some milliseconds for
   * 50 targets with one request and one card each.
   */
  readonly chunk: number;
  /**
   * Plans these targets in their order; the result must contain every one of them.
   *
   * A stop withdraws requests that nobody claimed, and a resume plans their targets again. So a kind may make several
   * requests for one target only if sending one again has no further effect. A message or a fingerprint does not
   * qualify.
   */
  planRequests(
    tx: Transaction,
    run: Run<P>,
    targets: readonly RunTarget[],
    context: KindContext,
  ): Promise<readonly TargetPlan[]>;
  /**
   * Returns the commands that `planRequests` would make of these targets now, by target. Reads only. Without it nobody is
   * told before a run starts what it would send.
   */
  preview?(
    db: Queryable,
    parameters: P,
    targets: readonly NewTarget[],
    context: KindContext,
  ): Promise<ReadonlyMap<string, readonly (EntitlementCommand | PairingCommand)[]>>;
  /**
   * Decides what follows from the targets' final requests. By default a target is COMPLETED, or gets the code of its
   * first rejected request; OUTCOME_UNKNOWN takes precedence.
   */
  settle?(
    tx: Transaction,
    run: Run<P>,
    targets: readonly SettledTarget[],
    context: KindContext,
  ): Promise<readonly Verdict[]>;
}

/**
 * Returns the outcome of a target's final requests: OUTCOME_UNKNOWN, which a person must look at, before the first
 * refusal.
 */
export function outcomeOf(requests: readonly Pick<FinalRequest, 'state' | 'errorCode'>[]): string {
  const codes = requests.flatMap(({ state, errorCode }) => (state === 'REJECTED' ? [errorCode ?? 'REJECTED'] : []));
  return codes.includes('OUTCOME_UNKNOWN') ? 'OUTCOME_UNKNOWN' : (codes[0] ?? 'COMPLETED');
}

/** Returns a withheld command (R11) for the result of a run's target. */
export function withheldJson({ type, reason, smartcard, serviceCaId, detail }: Withheld): Json {
  return { type, reason, smartcard, service_ca_id: serviceCaId, detail };
}

/** A kind without its checked types, for the table of all kinds. */
export type AnyKind = RunKind<never, never>;

export function runKind<P, S>(kind: RunKind<P, S>): AnyKind {
  return kind as unknown as AnyKind;
}

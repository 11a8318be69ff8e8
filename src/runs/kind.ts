import type { z } from 'zod';
import type { Actor } from '../operations/actor.ts';
import type { PlanningRules } from '../planning/types.ts';
import type { Queryable, Transaction } from '../platform/database.ts';
import type { Command } from '../planning/command.ts';
import type { RequestAnswer } from '../requests/finish.ts';
import type { NewRequest, ProcessName } from '../requests/new-request.ts';
import type { RunState } from './life-cycle.ts';

/** What PostgreSQL keeps as jsonb and gives back as it was. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

/** What a kind may know of the service. */
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

/** Of a request that a run makes only this much is the kind's; the rest follows from the run (bulk, process, who). */
export type RunRequest = Pick<NewRequest, 'command' | 'subscription'>;

/**
 * What is to be done for one target now: requests, in the order in which they are sent, or none and the outcome that it
 * has by that (upper case, as error codes are).
 */
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

/** A target whose requests are all final, by their numbers. */
export interface SettledTarget extends RunTarget {
  readonly requests: readonly FinalRequest[];
}

/** Done with this outcome, or back among the waiting ones: `planRequests` is asked again, with `tries` one higher. */
export type Verdict =
  | { readonly target: string; readonly outcome: string; readonly result?: Json }
  | { readonly target: string; readonly again: true; readonly result?: Json };

/** How many targets a selection has, and what some look like. */
export interface Estimate {
  readonly targets: number;
  /** False: extrapolated from a part. */
  readonly exact: boolean;
  readonly sample: readonly NewTarget[];
}

/** Where the targets of a kind's runs come from. */
export interface TargetSource<S = unknown> {
  /** The selection as it comes in JSON (snake_case). */
  readonly schema: z.ZodType<S>;
  /**
   * Begins a run's collection, in the transaction that creates it: gives what is kept of the selection, and where to go
   * on. Null: all targets are there already.
   * @throws OperationError for what the schema cannot see.
   */
  begin(tx: Transaction, runId: number, selection: S, context: KindContext): Promise<Begun>;
  /** Puts one more part of the targets into the run (`addTargets`), well under a second; null: that was the last. */
  collect(tx: Transaction, runId: number, kept: Json, cursor: Json): Promise<Json | null>;
  /** Reads only. */
  estimate(db: Queryable, selection: S, context: KindContext): Promise<Estimate>;
}

export interface Begun {
  /** What `collect` and people need of the selection: no long lists. */
  readonly kept: Json;
  readonly cursor: Json | null;
}

/**
 * A kind of run. The engine calls `planRequests` and `settle` in a transaction of its own in which the run's row is
 * locked: what they do and what the engine does happens once, together, or not at all. They lock in the service's order:
 * subscriptions by number, then cards (`lockSubscriptions`, `lockCards`), then work rows; at most 1,000 cards together
 * with those of the requests. They must have no effect but their statements, since a transaction may be repeated.
 */
export interface RunKind<P = unknown, S = unknown> {
  /** In the database, on the command line and in the API; upper case. */
  readonly name: string;
  readonly description: string;
  /** `process_name` of its requests; their `process_id` is the run's id. */
  readonly process: ProcessName;
  /** The parameters as they come in JSON (snake_case); what it gives is JSON, is kept, and is not read by it again. */
  readonly parameters: z.ZodType<P>;
  readonly source: TargetSource<S>;
  /** Outcomes beside COMPLETED after which nobody has to look at a target; without it none. */
  readonly goodOutcomes?: readonly string[];
  /**
   * Targets of one transaction at most: it holds the locks of their cards, for which triggers wait, some milliseconds
   * with 50 that make one request for one card each.
   */
  readonly chunk: number;
  /**
   * What to do for these targets, in their order; every one of them has to be in the answer.
   *
   * A stop withdraws requests that nobody has begun to send, and their targets are then planned anew by a resume. So
   * only what may be sent again without further effect may make several requests for one target: a message and a
   * fingerprint never do.
   */
  planRequests(
    tx: Transaction,
    run: Run<P>,
    targets: readonly RunTarget[],
    context: KindContext,
  ): Promise<readonly TargetPlan[]>;
  /**
   * What follows from their final requests. Without it a target is COMPLETED, or has the code of its first rejected
   * request, OUTCOME_UNKNOWN before others.
   */
  settle?(
    tx: Transaction,
    run: Run<P>,
    targets: readonly SettledTarget[],
    context: KindContext,
  ): Promise<readonly Verdict[]>;
}

/** A kind whose types were checked and are then forgotten, for the table of all kinds. */
export type AnyKind = RunKind<never, never>;

export function runKind<P, S>(kind: RunKind<P, S>): AnyKind {
  return kind as unknown as AnyKind;
}

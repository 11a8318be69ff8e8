import type { Queryable } from '../../platform/database.ts';
import type { Json } from './kind.ts';

/** A target of a run, for people. */
export interface ListedTarget {
  readonly target: string;
  readonly card: string | null;
  readonly subscription_number: string | null;
  /** WAITING, PENDING, or its outcome. */
  readonly outcome: string;
  readonly request_numbers: readonly number[];
  readonly result: Json | null;
}

export interface TargetPage {
  /** Null: any. */
  readonly outcome: string | null;
  /** Starts after this target, the last one of the previous page. */
  readonly after: string;
  readonly limit: number;
}

/** Reads a page of a run's targets, ordered by name. */
export function listTargets(db: Queryable, runId: number, page: TargetPage): Promise<ListedTarget[]> {
  return db.query<ListedTarget>(LIST, [runId, page.outcome, page.after, page.limit]);
}

const OUTCOME = /* sql */ `coalesce(t.outcome, case t.state when 'SENT' then 'PENDING' else t.state end)`;

/**
 * Walks the run's part of run_target's primary key from the cursor until the page is full. Returns JSON, because pg
 * returns a bigint[] as strings.
 */
const LIST = /* sql */ `
select t.target, t.card, t.subscription_number, ${OUTCOME} as outcome, to_jsonb(t.requests) as request_numbers, t.result
  from run_target t
 where t.run_id = $1::bigint and t.target > $3::text and ($2::text is null or ${OUTCOME} = $2::text)
 order by t.target limit $4::int`;

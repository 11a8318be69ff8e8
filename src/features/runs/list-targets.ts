import { z } from 'zod';
import type { Queryable } from '../../platform/database.ts';

/** A target of a run as operations show it. */
export const shownTarget = z
  .strictObject({
    target: z.string(),
    card: z.string().nullable(),
    subscription_number: z.string().nullable(),
    outcome: z.string().describe('WAITING, PENDING, COMPLETED, an error code, or one of the kind.'),
    request_numbers: z.array(z.int()),
    result: z.unknown(),
  })
  .meta({ id: 'RunTarget', description: 'A card or a subscription of a run.' });
export type ShownTarget = z.output<typeof shownTarget>;

export interface TargetPage {
  /** Null: any. */
  readonly outcome: string | null;
  /** Starts after this target, the last one of the previous page. */
  readonly after: string;
  readonly limit: number;
}

/** Reads a page of a run's targets, ordered by name. */
export function listTargets(db: Queryable, runId: number, page: TargetPage): Promise<ShownTarget[]> {
  return db.query<ShownTarget>(LIST, [runId, page.outcome, page.after, page.limit]);
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

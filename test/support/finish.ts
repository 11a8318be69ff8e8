import { recordOutcomes } from '../../src/outcomes/record.ts';
import type { Database } from '../../src/platform/database.ts';

/**
 * Makes pending requests final as the dispatcher does once the CAS answered, without a CAS. Gives their numbers.
 * `where` chooses among them.
 */
export function finishPending(
  db: Database,
  how: { readonly state: 'COMPLETED' } | { readonly state: 'REJECTED'; readonly code: string } = { state: 'COMPLETED' },
  where = 'true',
): Promise<number[]> {
  return db.transaction(async (tx) => {
    const rows = await tx.query<{ number: number }>(
      `update request set life_cycle_state = $1, error_code = $2, executed_at = now(), attempts = 1
       where life_cycle_state = 'PENDING' and ${where} returning number`,
      [how.state, how.state === 'REJECTED' ? how.code : null],
    );
    const numbers = rows.map(({ number }) => number).toSorted((a, b) => a - b);
    await tx.query(
      'insert into request_final (state, number) select life_cycle_state, number from request where number = any($1::bigint[])',
      [numbers],
    );
    await tx.query('delete from work where number = any($1::bigint[])', [numbers]);
    await tx.query('delete from lane where number = any($1::bigint[])', [numbers]);
    await recordOutcomes(tx, numbers);
    return numbers;
  });
}

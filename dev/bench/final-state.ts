import { randomUUID } from 'node:crypto';
import { type Database, openDatabase } from '../../src/platform/database.ts';
import { WRITE_FINAL_STATE } from '../../src/requests/finish.ts';
import { loadLine, type Report } from './report.ts';

const BATCH = 50;
const BATCHES = 100;

/** The state alone, as it would be without lists. */
const STATE_ALONE = /* sql */ `
update request r
   set life_cycle_state = f.state, executed_at = now(), updated_at = now(), reference_number = f.reference_number,
       error_code = f.error_code, error_description = f.error_description, answer = f.answer, attempts = f.attempts
  from unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::jsonb[], $7::int[])
    as f (number, state, reference_number, error_code, error_description, answer, attempts)
 where r.number = f.number`;

/**
 * What it costs to write a final state on a table of millions, all over it: alone, with the row that lists walk, and with
 * the indexes on the request itself that would do the same for lists.
 */
export async function finalState(report: Report, url: string, requests: number): Promise<void> {
  const db = openDatabase({ url, maxConnections: 1, applicationName: 'bench', statementTimeoutMs: 900_000 });
  try {
    // The rounds take neighbours, so that after this one all find the same pages in memory.
    await measure(db, requests, 3, STATE_ALONE);
    const alone = await measure(db, requests, 0, STATE_ALONE);
    const beside = await measure(db, requests, 1, WRITE_FINAL_STATE);
    await db.query('create index on request (life_cycle_state, number)');
    await db.query('create index on request (reference_number, number) where reference_number is not null');
    const indexed = await measure(db, requests, 2, STATE_ALONE);
    for (const [name, { perSecond, walBytes, hot }] of Object.entries({
      'the state alone': alone,
      'and a row of request_final': beside,
      'indexes on the request instead': indexed,
    })) {
      report.line(
        `final state, ${name}: ${Math.round(perSecond)}/s, ${Math.round(walBytes)} bytes of write-ahead log each, ` +
          `${Math.round(hot * 100)} % in their page; ${loadLine()}`,
      );
    }
    report.check('a finish touches no index of the request', beside.hot > 0.9, `${Math.round(beside.hot * 100)} %`);
  } finally {
    await db.close();
  }
}

interface Cost {
  readonly perSecond: number;
  readonly walBytes: number;
  /** The share of new row versions that stayed in their page, and so changed no index. */
  readonly hot: number;
}

/** Each round takes other rows, spread over the whole table. */
async function measure(db: Database, requests: number, round: number, statement: string): Promise<Cost> {
  await db.query('vacuum request');
  await db.query('checkpoint');
  const before = await counters(db);
  const begunAt = performance.now();
  const step = Math.floor(requests / (BATCH * BATCHES));
  for (let batch = 0; batch < BATCHES; batch += 1) {
    const numbers = Array.from({ length: BATCH }, (_, index) => 8 + round + (index * BATCHES + batch) * step);
    await db.query(statement, [
      numbers,
      numbers.map(() => 'REJECTED'),
      numbers.map(() => randomUUID()),
      numbers.map(() => null),
      numbers.map(() => null),
      numbers.map(() => null),
      numbers.map(() => 1),
    ]);
  }
  const seconds = (performance.now() - begunAt) / 1000;
  const after = await counters(db);
  const count = BATCH * BATCHES;
  return {
    perSecond: count / seconds,
    walBytes: (after.wal - before.wal) / count,
    hot: (after.hot - before.hot) / count,
  };
}

async function counters(db: Database): Promise<{ wal: number; hot: number }> {
  await db.query('select pg_stat_force_next_flush()');
  const [row] = await db.query<{ wal: number; hot: number }>(
    `select (pg_current_wal_lsn() - '0/0')::bigint as wal,
            (select n_tup_hot_upd from pg_stat_user_tables where relname = 'request') as hot`,
  );
  return row ?? { wal: 0, hot: 0 };
}

import { type Database, openDatabase } from '../../src/platform/database.ts';
import { indexWalking } from '../../src/platform/planner-settings.ts';
import { findRequest } from '../../src/requests/find.ts';
import { LIST_LIMITS, type ListFilter, type ListOptions, listRequests } from '../../src/requests/list.ts';
import { finalState } from './final-state.ts';
import { loadLine, quantile, type Report } from './report.ts';
import { openSite } from './site.ts';

const PAGE = 100;
const ROUNDS = 25;
/** Of so many requests one is PENDING, one REJECTED, one of a rare type, all over the table. */
const RARE = 50_000;
/** Of so many one carries a reference number that others carry too. */
const SHARED = 5;

/** One page that is read again and again. */
interface Read {
  readonly name: string;
  readonly options: Omit<ListOptions, 'limit'>;
  /** Milliseconds that its median may take. */
  readonly most: number;
}

/**
 * Pages of the three lists at the beginning, at the end and in the middle of a big table, and as deep as offsets go; then
 * what lists cost the finishing of requests.
 */
export async function list(report: Report, { requests }: { readonly requests: number }): Promise<void> {
  const site = await openSite(report, { parts: ['postgres'] });
  try {
    const begunAt = performance.now();
    await fill(site.databaseUrl, requests);
    const size = await site.db.query<{ size: string }>(
      `select pg_size_pretty(pg_database_size(current_database())) as size`,
    );
    report.line(`${requests} requests, ${size[0]?.size ?? '?'}, made in ${seconds(begunAt)} s; ${loadLine()}`);
    const db = openDatabase({
      url: site.databaseUrl,
      settings: indexWalking({ joinByIndex: true }),
      maxConnections: 2,
      applicationName: 'bench-list',
      prepared: true,
    });
    try {
      for (const read of readsOf(requests)) await measure(report, db, read);
      await measureFind(report, db, requests);
    } finally {
      await db.close();
    }
    await finalState(report, site.databaseUrl, requests);
  } finally {
    await site.close();
  }
}

function readsOf(requests: number): Read[] {
  const middle = Math.floor(requests / 2);
  const filters: readonly [string, ListFilter, many: boolean][] = [
    ['type ADD_SUBSCRIPTIONS (nearly all)', { type: 'ADD_SUBSCRIPTIONS' }, true],
    ['type CREATE_PAIRING (rare)', { type: 'CREATE_PAIRING' }, false],
    ['PENDING (rare)', { lifeCycleState: 'PENDING' }, false],
    ['COMPLETED (nearly all)', { lifeCycleState: 'COMPLETED' }, true],
    ['REJECTED (rare)', { lifeCycleState: 'REJECTED' }, false],
    ['reference number of one request', { referenceNumber: `ref-${middle + 1}` }, false],
    ['reference number of many requests', { referenceNumber: 'shared' }, true],
  ];
  return filters.flatMap(([name, filter, many]) => [
    { name, options: { filter }, most: 100 },
    { name: `${name}, newest first`, options: { filter, first: 'newest' as const }, most: 100 },
    { name: `${name}, after the middle`, options: { filter, after: middle }, most: 100 },
    ...(many
      ? [{ name: `${name}, offset ${LIST_LIMITS.offset}`, options: { filter, offset: LIST_LIMITS.offset }, most: 300 }]
      : []),
  ]);
}

async function measure(report: Report, db: Database, { name, options, most }: Read): Promise<void> {
  const times: number[] = [];
  let rows = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    const begunAt = performance.now();
    rows = (await listRequests(db, { ...options, limit: PAGE })).length;
    times.push(performance.now() - begunAt);
  }
  show(report, `${name}: ${rows} rows`, times, most);
}

async function measureFind(report: Report, db: Database, requests: number): Promise<void> {
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const begunAt = performance.now();
    const found = await findRequest(db, { number: 1 + Math.floor((round * requests) / ROUNDS) });
    if (found) await findRequest(db, { id: found.id });
    times.push(performance.now() - begunAt);
  }
  show(report, 'one request by number, then by id', times, 100);
}

function show(report: Report, name: string, times: readonly number[], most: number): void {
  const [p50, slowest] = [quantile(times, 0.5), Math.max(...times)];
  report.check(name, p50 <= most, `p50 ${p50.toFixed(1)} ms, slowest ${slowest.toFixed(1)} ms, at most ${most}`);
}

function seconds(since: number): string {
  return ((performance.now() - since) / 1000).toFixed(0);
}

/** One request in ten has an attempt; the others of a page have none to read, which takes the same look. */
async function fill(url: string, requests: number): Promise<void> {
  const db = openDatabase({ url, maxConnections: 1, applicationName: 'bench-fill', statementTimeoutMs: 900_000 });
  await db.query(
    `insert into request (number, type, sequence_number, life_cycle_state, command, cards, process_name,
                          subscription_number, scheduled_at, executed_at, attempts, reference_number)
     select n, case when n % ${RARE} = 7 then 'CREATE_PAIRING' else 'ADD_SUBSCRIPTIONS' end, 1,
            case n % ${RARE} when 3 then 'REJECTED' when 5 then 'PENDING' else 'COMPLETED' end,
            jsonb_build_object('type', 'ADD_SUBSCRIPTIONS', 'smartcard', lpad((n % 1000000)::text, 11, '0'),
                               'service', jsonb_build_object('caId', '101', 'distributor', null)),
            array[lpad((n % 1000000)::text, 11, '0')], 'TRIGGER', 'S' || n % 1000000, now(), now(), 1,
            case when n % ${RARE} in (3, 5) then null when n % ${SHARED} = 0 then 'shared' else 'ref-' || n end
       from generate_series(1, $1::int) n`,
    [requests],
  );
  await db.query(`insert into work (number, waits, rank, ready_at, cards)
    select number, 0, 3, now(), cards from request where life_cycle_state = 'PENDING'`);
  await db.query(`insert into request_final (state, number, reference_key)
    select life_cycle_state, number, reference_number from request where life_cycle_state <> 'PENDING'`);
  await db.query(`insert into attempt (request_number, attempt, command, operation, url, answer, http_status, request_body,
                                       response_body, started_at, duration_ms, instance)
    select number, 1, type, 'AddSubscriptions', 'http://127.0.0.1/authorization', 'accepted', 200, repeat('x', 500),
           repeat('y', 500), now(), 1, 'bench' from request where number % 10 = 0`);
  for (const table of ['request', 'work', 'request_final', 'attempt']) await db.query(`vacuum analyze ${table}`);
  await db.query('checkpoint');
  await db.close();
}

/**
 * Measures claim and completion against a bare queue in the same run: `node dev/bench/claim.ts [backlog]`. It needs
 * DATABASE_URL, on whose server it creates and drops a database of its own. The figures of docs/ordered-claim.md come
 * from here.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import pg from 'pg';
import { DISPATCH_PLANNER } from '../../src/platform/planner-settings.ts';
import { type Database, openDatabase } from '../../src/platform/database.ts';
import { migrateDatabase } from '../../src/platform/migrate.ts';
import { claimRequests } from '../../src/requests/claim.ts';
import { finishRequests } from '../../src/requests/finish.ts';

const SECONDS = 4;
const LEASE_MS = 60_000;

const backlog = Number(process.argv[2] ?? 1_000_000);
const server = process.env['DATABASE_URL'];
if (!server) throw new Error('DATABASE_URL is not set: name a PostgreSQL server on which a database may be created');
const name = `conax_bench_${randomBytes(4).toString('hex')}`;
const own = new URL(server);
own.pathname = `/${name}`;

async function measure(db: Database): Promise<void> {
  const begunAt = performance.now();
  const filling = openDatabase({
    url: own.href,
    maxConnections: 1,
    applicationName: 'bench-fill',
    statementTimeoutMs: 600_000,
  });
  for (const statement of FILL) await filling.query(statement, statement.includes('$1') ? [backlog] : []);
  for (const table of ['work', 'lane', 'request', 'bare_queue']) await filling.query(`vacuum analyze ${table}`);
  await filling.query('checkpoint');
  await filling.close();
  console.log(`${backlog} pending requests in ${Math.round((performance.now() - begunAt) / 1000)} s`);
  console.log('workers batch   bare/s  ordered/s  ratio');
  for (const [workers, batch] of [
    [1, 10],
    [2, 10],
    [4, 10],
    [2, 100],
    [4, 100],
  ] as const) {
    const bare = await perSecond(workers, () => bareRound(db, batch));
    const ordered = await perSecond(workers, () => orderedRound(db, batch));
    console.log(
      [workers, batch, Math.round(bare), Math.round(ordered), (ordered / bare).toFixed(2)]
        .map((cell, index) => String(cell).padStart([7, 6, 9, 11, 7][index] ?? 8))
        .join(''),
    );
  }
}

async function perSecond(workers: number, round: () => Promise<number>): Promise<number> {
  const begunAt = performance.now();
  const until = begunAt + SECONDS * 1000;
  const worker = async (): Promise<number> => {
    let done = 0;
    while (performance.now() < until) done += await round();
    return done;
  };
  const done = await Promise.all(Array.from({ length: workers }, worker));
  return done.reduce((sum, count) => sum + count, 0) / ((performance.now() - begunAt) / 1000);
}

async function orderedRound(db: Database, batch: number): Promise<number> {
  const claimed = await claimRequests(db, { limit: batch, leaseMs: LEASE_MS, token: randomUUID() });
  const finished = await db.transaction((tx) =>
    finishRequests(
      tx,
      claimed.map((request) => ({
        ...request,
        state: 'COMPLETED' as const,
        referenceNumber: null,
        errorCode: null,
        errorDescription: null,
        answer: null,
        pairingNews: null,
        exchanges: [],
      })),
      {
        instance: 'bench',
        recordOutcomes: async (inTx, numbers) => void (await inTx.query(OUTBOX, [numbers])),
      },
    ),
  );
  return finished.length;
}

/** The same without any order: claim, delete, final state, outbox. */
async function bareRound(db: Database, batch: number): Promise<number> {
  const token = randomUUID();
  const claimed = await db.query<{ number: number }>(BARE_CLAIM, [batch, token, LEASE_MS]);
  const numbers = claimed.map(({ number }) => number);
  await db.transaction(async (tx) => {
    await tx.query('delete from bare_queue where number = any($1::bigint[]) and token = $2', [numbers, token]);
    await tx.query(BARE_FINISH, [numbers]);
    await tx.query(OUTBOX, [numbers]);
  });
  return numbers.length;
}

async function onServer(statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: server });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}

const OUTBOX = /* sql */ `
insert into outbox (kind, event_id, record) select 'REQUEST_OUTCOME', gen_random_uuid(), '{}' from unnest($1::bigint[])`;

const BARE_CLAIM = /* sql */ `
with claimed as (
  update bare_queue q set ready_at = now() + $3::float8 * interval '1 millisecond', token = $2::uuid, rank = 0
   where q.number = any (array(select number from bare_queue where rank = 1 and ready_at <= now()
                                order by ready_at limit $1 for update skip locked))
  returning number
)
select c.number, r.command, r.cards from claimed c join request r on r.number = c.number`;

const BARE_FINISH = /* sql */ `
update request r set life_cycle_state = 'COMPLETED', executed_at = now() where r.number = any($1::bigint[])`;

/** One request in ten is EXPRESS, one in ten has two cards; on average three or four requests a card. */
const FILL = [
  `insert into request (number, type, sequence_number, priority, command, cards, process_name, subscription_number)
   select n, 'ADD_SUBSCRIPTIONS', 1, case when n % 10 = 0 then 'EXPRESS' else 'REGULAR' end,
          jsonb_build_object('type', 'ADD_SUBSCRIPTIONS', 'smartcard', 'c', 'service', jsonb_build_object('caId', '1')),
          case when n % 10 = 1 then array['c' || a, 'd' || b] else array['c' || a] end, 'TRIGGER', 'S' || a
     from (select n, (random() * $1 / 3)::int as a, (random() * $1 / 3)::int as b from generate_series(1, $1) n) as made`,
  `insert into lane (card, number) select card, number from request, unnest(cards) card`,
  `create unlogged table turn as select card, min(number) as number from lane group by card`,
  'create index on turn (card) include (number)',
  'analyze turn',
  `insert into work (number, waits, rank, ready_at, cards)
   select r.number, (select count(*) from unnest(r.cards) own (card) join turn t on t.card = own.card
                      where t.number <> r.number),
          case when r.priority = 'EXPRESS' then 1 else 3 end, now() - interval '1 hour' + r.number * interval '1 ms', r.cards
     from request r`,
  `create table bare_queue (number bigint primary key, rank smallint not null, ready_at timestamptz not null, token uuid)
     with (fillfactor = 80)`,
  `create index bare_queue_ready on bare_queue (rank, ready_at)`,
  `insert into bare_queue select number, 1, ready_at from work`,
];

await onServer(`create database ${name}`);
try {
  await migrateDatabase(own.href);
  const db = openDatabase({
    url: own.href,
    settings: DISPATCH_PLANNER,
    maxConnections: 8,
    applicationName: 'bench',
    prepared: true,
  });
  try {
    await measure(db);
  } finally {
    await db.close();
  }
} finally {
  await onServer(`drop database ${name} with (force)`);
}

import { setTimeout as wait } from 'node:timers/promises';
import pg from 'pg';
import { type Backfill, BACKFILLS } from '../../migrations/follow-ups/backfills.ts';
import { INDEXES } from '../../migrations/follow-ups/indexes.ts';
import { sqlState } from './database-errors.ts';
import { indexWalking } from './planner-settings.ts';
import { prepareSession } from './session.ts';

/**
 * The key of the advisory lock of those who do follow-ups. It is not that of the migrations: an index is built
 * concurrently only after every statement that was under way has ended, a statement that waits for a lock included.
 */
const FOLLOW_UP_LOCK = 6_202_612;
const LOOK_AGAIN_MS = 200;

/** Rows that one part of a backfill looks at: few, because it locks what it fills in. */
const PART_ROWS = 2_000;
/** Deadlock: intake may write the same rows in another order. */
const REPEATABLE = '40P01';
const TRIES_MAX = 5;

export interface FollowUpOptions {
  /** Does the backfills again that are done. */
  readonly again: boolean;
  /** Called before each step that may take long, with what it does. */
  readonly onStep: (step: string) => void;
}

export interface FollowedUp {
  /** Rows filled in, by the name of the backfill. */
  readonly filled: Readonly<Record<string, number>>;
  /** Backfills that were put off because instances run that do not know their migration. */
  readonly putOff: readonly string[];
}

/**
 * Does what follows the migrations, while instances run and without blocking them (docs/upgrade.md): builds the indexes on
 * big tables, and fills in what older instances left out. A backfill is put off while an instance runs that does not
 * know its migration, and is otherwise done once. Safe to repeat after a kill. Waits while somebody else does the same.
 * @throws the error of the first statement that failed.
 */
export async function followUp(databaseUrl: string, options: FollowUpOptions): Promise<FollowedUp> {
  // The session that works holds the lock too: the server ends both at the same time if this process is killed.
  const client = new pg.Client({
    connectionString: databaseUrl,
    application_name: 'conax-provisioning migrate',
    connectionTimeoutMillis: 4_000,
    keepAlive: true,
  });
  // The statement under way reports a lost connection too.
  client.on('error', () => {});
  await client.connect();
  try {
    // An index may have to wait long for a transaction of somebody else, and keeps nobody waiting meanwhile.
    const settings = indexWalking({ joinByIndex: true });
    await prepareSession(client, { statementTimeoutMs: 0, lockTimeoutMs: 0, settings });
    while (!(await tryLock(client))) await wait(LOOK_AGAIN_MS);
    await buildIndexes(client, options);
    return await fillIn(client, options);
  } finally {
    await client.end();
  }
}

async function tryLock(client: pg.Client): Promise<boolean> {
  const { rows } = await client.query<{ taken: boolean }>('select pg_try_advisory_lock($1) as taken', [FOLLOW_UP_LOCK]);
  return rows[0]?.taken === true;
}

async function buildIndexes(client: pg.Client, { onStep }: FollowUpOptions): Promise<void> {
  for (const { name, definition } of INDEXES) {
    const { rows } = await client.query<{ valid: boolean }>(
      'select indisvalid as valid from pg_index where indexrelid = to_regclass($1)',
      [name],
    );
    if (rows[0]?.valid === true) continue;
    onStep(`builds the index ${name}`);
    // A kill leaves an index that is written and never used.
    if (rows.length > 0) await client.query(`drop index concurrently ${name}`);
    await client.query(`create index concurrently ${name} ${definition}`);
  }
}

async function fillIn(client: pg.Client, { again, onStep }: FollowUpOptions): Promise<FollowedUp> {
  const done = again ? new Set<string>() : await doneBackfills(client);
  const { rows } = await client.query<{ knows: number | null }>(OLDEST_INSTANCE);
  const oldest = rows[0]?.knows ?? Infinity;
  const putOff = BACKFILLS.filter(({ migration }) => oldest < migration).map(({ name }) => name);
  await client.query('update follow_up set done_at = null where name = any ($1)', [putOff]);
  const filled: Record<string, number> = {};
  for (const backfill of BACKFILLS.filter(({ name }) => !putOff.includes(name) && !done.has(name))) {
    onStep(`fills in ${backfill.name}`);
    filled[backfill.name] = await fillInAll(client, backfill);
    await client.query(WRITE_DONE, [backfill.name]);
  }
  return { filled, putOff };
}

async function doneBackfills(client: pg.Client): Promise<Set<string>> {
  const { rows } = await client.query<{ name: string }>('select name from follow_up where done_at is not null');
  return new Set(rows.map(({ name }) => name));
}

async function fillInAll(client: pg.Client, { name, part }: Backfill): Promise<number> {
  let filled = 0;
  let after: string | null = null;
  for (;;) {
    const query: pg.QueryConfig = { name, text: part, values: [after, PART_ROWS] };
    const { rows } = await repeatable(() => client.query<PartDone>(query));
    filled += rows[0]?.filled ?? 0;
    after = rows[0]?.last ?? null;
    if (after === null || (rows[0]?.looked ?? 0) < PART_ROWS) return filled;
  }
}

interface PartDone {
  readonly last: string | null;
  readonly looked: number;
  readonly filled: number;
}

async function repeatable<T>(work: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await work();
    } catch (error) {
      if (tries === TRIES_MAX || sqlState(error) !== REPEATABLE) throw error;
    }
  }
}

/** An instance that has not reported yet counts as old; null: none runs. */
const OLDEST_INSTANCE = /* sql */ `
select min(coalesce(s.knows, 0)) as knows
  from dispatcher_instance d left join service_instance s on s.id = d.id where d.expires_at >= now()`;

const WRITE_DONE = /* sql */ `
insert into follow_up (name, done_at) values ($1, now()) on conflict (name) do update set done_at = now()`;

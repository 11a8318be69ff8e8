import { createHmac } from 'node:crypto';
import { isIPv6 } from 'node:net';
import type { Queryable, Transaction } from '../platform/database.ts';

/** What is counted: where a login comes from, and for whom it is. */
export interface LoginSubject {
  readonly kind: 'source' | 'username';
  readonly value: string;
}

/**
 * How many logins may fail at once, and one more after each interval. A user name allows 120 guesses an hour from all
 * callers together; a source allows more, because a whole office may share an address.
 */
const LIMITS = {
  source: { failures: 60, intervalMs: 5_000 },
  username: { failures: 10, intervalMs: 30_000 },
} as const;

const SLOTS = 65_536;

/**
 * Counts one login as if it failed, before its password is looked at, so that any number of them at once, on any number
 * of instances, stays within the limit. @returns null, or the seconds until the next one is taken.
 */
export async function countLogin(db: Queryable, subject: LoginSubject): Promise<number | null> {
  const { failures, intervalMs } = LIMITS[subject.kind];
  const slot = await slotOf(db, subject);
  const counted = await db.query(COUNT, [subject.kind, slot, intervalMs, failures * intervalMs]);
  if (counted.length > 0) return null;
  const [row] = await db.query<{ wait: number }>(WAIT, [subject.kind, slot, (failures - 1) * intervalMs]);
  return Math.max(1, Math.ceil(row?.wait ?? 1));
}

/** Takes one count back: the login did not fail after all, or was not looked at. */
export async function uncountLogin(db: Queryable, subject: LoginSubject): Promise<void> {
  await db.query(UNCOUNT, [subject.kind, await slotOf(db, subject), LIMITS[subject.kind].intervalMs]);
}

/** Takes the waits of failed logins back by `ms` after the clock of the database went back. Reads the whole small table. */
export async function shiftLoginLimits(tx: Transaction, ms: number): Promise<void> {
  await tx.query(SHIFT, [ms]);
}

const SHIFT = /* sql */ `
with locked as (select kind, slot from login_limit where clear_at > now() order by kind, slot for update)
update login_limit l set clear_at = clear_at - $1::float8 * interval '1 millisecond'
  from locked where l.kind = locked.kind and l.slot = locked.slot`;

/** Walks login_limit's primary key. One row a statement: nobody waits for two. */
const COUNT = /* sql */ `
insert into login_limit as l (kind, slot, clear_at)
values ($1, $2, now() + $3::float8 * interval '1 millisecond')
on conflict (kind, slot) do update
  set clear_at = greatest(l.clear_at, now()) + $3::float8 * interval '1 millisecond'
  where greatest(l.clear_at, now()) + $3::float8 * interval '1 millisecond' <= now() + $4::float8 * interval '1 millisecond'
returning slot`;

const WAIT = /* sql */ `
select extract(epoch from clear_at - now() - $3::float8 * interval '1 millisecond')::float8 as wait
from login_limit where kind = $1 and slot = $2`;

const UNCOUNT = /* sql */ `
update login_limit set clear_at = clear_at - $3::float8 * interval '1 millisecond' where kind = $1 and slot = $2`;

async function slotOf(db: Queryable, { kind, value }: LoginSubject): Promise<number> {
  const [row] = await db.query<{ key: string }>('select key from login_limit_key');
  if (!row) throw new Error('login_limit_key is empty: restore its row from a backup, or insert a random key');
  const counted = kind === 'source' ? networkOf(value) : value;
  return createHmac('sha256', row.key).update(`${kind} ${counted}`).digest().readUInt32BE() % SLOTS;
}

/** An IPv6 site has a whole /64 of addresses to choose from: it counts as one source. */
function networkOf(source: string): string {
  const [address = ''] = source.split('%');
  if (!isIPv6(address) || address.toLowerCase().startsWith('::ffff:')) return address.replace(/^::ffff:/i, '');
  const [before = '', after = ''] = address.toLowerCase().split('::');
  const head = before === '' ? [] : before.split(':');
  const tail = after === '' ? [] : after.split(':');
  const groups = [...head, ...Array.from({ length: 8 - head.length - tail.length }, () => '0'), ...tail];
  return groups
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, ''))
    .join(':');
}

import { randomUUID } from 'node:crypto';
import { Kafka, logLevel } from '../../src/platform/kafkajs/index.ts';
import type { Database } from '../../src/platform/database.ts';

/** A secret in one way of writing it. */
export interface Needle {
  readonly how: string;
  readonly bytes: Buffer;
}

/** The ways in which a secret could be written where nobody meant it to be. */
export function needlesOf(secret: string): Needle[] {
  const plain = Buffer.from(secret);
  const spelled = (how: (character: string, code: number) => string): string =>
    Array.from(secret, (character) => how(character, character.codePointAt(0) ?? 0)).join('');
  const needles: [string, Buffer | string][] = [
    ['text', plain],
    ['hexadecimal', plain.toString('hex')],
    ['UTF-16, little end first', Buffer.from(secret, 'utf16le')],
    ['UTF-16, big end first', Buffer.from(secret, 'utf16le').swap16()],
    ['UTF-16 in hexadecimal', Buffer.from(secret, 'utf16le').toString('hex')],
    ...[0, 1, 2].map((shift): [string, string] => [`base64 at ${shift}`, base64Inside(plain, shift)]),
    ['spaced out', spelled((character) => `${character} `).trim()],
    ['decimal entities', spelled((_, code) => `&#${code};`)],
    ['hexadecimal entities', spelled((_, code) => `&#x${code.toString(16)};`)],
    ['percent-encoded', spelled((_, code) => `%${code.toString(16)}`)],
  ];
  return needles.map(([how, written]) => ({ how, bytes: Buffer.from(written as string) }));
}

/** The part of the base64 of a longer text that depends on nothing but what stands at this place of it. */
function base64Inside(plain: Buffer, shift: number): string {
  const whole = Buffer.concat([Buffer.alloc(shift), plain]).toString('base64');
  return whole.slice(Math.ceil((shift * 8) / 6), Math.floor(((shift + plain.length) * 8) / 6));
}

/** Which of the needles a text or a message holds. */
export function foundIn(hay: Buffer | string, needles: readonly Needle[]): string[] {
  const bytes = Buffer.from(hay as string);
  return needles.filter((needle) => bytes.includes(needle.bytes)).map(({ how }) => how);
}

/** In which tables a row, written as text, holds one of them. */
export async function foundInTables(db: Database, needles: readonly Needle[]): Promise<string[]> {
  const tables = await db.query<{ name: string }>(
    `select format('%I.%I', schemaname, tablename) as name from pg_tables
      where schemaname not in ('pg_catalog', 'information_schema')`,
  );
  const found: string[] = [];
  for (const { name } of tables) {
    for (const { how, bytes } of needles) {
      const [row] = await db.query<{ rows: number }>(
        `select count(*) as rows from ${name} t where position($1::bytea in convert_to(t::text, 'UTF8')) > 0`,
        [bytes],
      );
      if (row && row.rows > 0) found.push(`${name}: ${how} in ${row.rows} rows`);
    }
  }
  return found;
}

/** The write-ahead log from now on, which the server keeps until it is let go. */
export interface KeptWal {
  /** The file that is written now. */
  readonly since: string;
  letGo(): Promise<void>;
}

/** Keeps it with a replication slot: every checkpoint, also one that another test file causes, would remove files. */
export async function keepWal(db: Database): Promise<KeptWal> {
  const slot = `secrecy_${randomUUID().replaceAll('-', '')}`;
  await db.query('select pg_create_physical_replication_slot($1, true)', [slot]);
  const [row] = await db.query<{ since: string }>('select pg_walfile_name(pg_current_wal_insert_lsn()) as since');
  return {
    since: row?.since ?? '',
    letGo: async () => {
      await db.query('select pg_drop_replication_slot($1)', [slot]);
    },
  };
}

/** In which files of the write-ahead log since then, read by the server itself, one of them stands. */
export async function foundInWal(db: Database, since: string, needles: readonly Needle[]): Promise<string[]> {
  const files = await db.query<{ name: string }>(
    `select name from pg_ls_waldir() where name ~ '^[0-9A-F]{24}$' and name >= $1
        and name <= pg_walfile_name(pg_current_wal_insert_lsn())`,
    [since],
  );
  if (!files.some(({ name }) => name === since)) throw new Error(`${since} was removed before it could be looked at`);
  return await foundInFiles(
    db,
    files.map(({ name }) => `pg_wal/${name}`),
    needles,
  );
}

/** In which of the database's files one of them stands, once everything is on disk. */
export async function foundInDataFiles(db: Database, needles: readonly Needle[]): Promise<string[]> {
  await db.query('checkpoint');
  const files = await db.query<{ path: string }>(
    `select directory || '/' || file as path
       from (select 'base/' || oid as directory from pg_database where datname = current_database()) d,
            pg_ls_dir(directory) file`,
  );
  return await foundInFiles(
    db,
    files.map(({ path }) => path),
    needles,
  );
}

async function foundInFiles(db: Database, paths: readonly string[], needles: readonly Needle[]): Promise<string[]> {
  const rows = await db.query<{ path: string; needle: number }>(
    `select path, needle from unnest($1::text[]) path cross join lateral
       (select pg_read_binary_file(path, 0, 20000000, true) as bytes offset 0) content
       cross join unnest($2::bytea[]) with ordinality as n (bytes, needle)
      where position(n.bytes in content.bytes) > 0`,
    [paths, needles.map(({ bytes }) => bytes)],
  );
  return rows.map(({ path, needle }) => `${path}: ${needles[needle - 1]?.how}`);
}

/** Every message of the topics as it lies there: key, value and headers. */
export async function messagesOf(brokers: string, topics: readonly string[]): Promise<Buffer[]> {
  const kafka = new Kafka({ brokers: brokers.split(','), clientId: 'test-secrecy', logLevel: logLevel.NOTHING });
  const admin = kafka.admin();
  await admin.connect();
  let expected = 0;
  for (const topic of topics) {
    for (const { high, low } of await admin.fetchTopicOffsets(topic)) expected += Number(high) - Number(low);
  }
  await admin.disconnect();
  const messages: Buffer[] = [];
  if (expected === 0) return messages;
  const consumer = kafka.consumer({ groupId: `secrecy-${randomUUID()}` });
  await consumer.connect();
  try {
    await consumer.subscribe({ topics: [...topics], fromBeginning: true });
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`${messages.length} of ${expected} messages came`)), 30_000);
      void consumer.run({
        eachMessage: async ({ message }) => {
          const headers = JSON.stringify(message.headers, (_key, value: unknown) => value);
          const parts = [message.key, message.value, Buffer.from(headers)];
          const texts = Object.values(message.headers ?? {}).map((value) => Buffer.from(String(value)));
          messages.push(Buffer.concat([...parts, ...texts].map((part) => part ?? Buffer.alloc(0))));
          if (messages.length < expected) return Promise.resolve();
          clearTimeout(timer);
          resolve();
          return Promise.resolve();
        },
      });
    });
  } finally {
    await consumer.disconnect();
  }
  return messages;
}

import type { Database, Queryable } from '../../src/platform/database.ts';

/** The rows that intake left in a database, by the message that they followed from, to be inserted into another. */
export interface RowCopies {
  /** Inserts in one transaction what followed from so many messages of the partition, one statement a table. */
  insert(db: Database, partition: number, offset: number, messages: number): Promise<void>;
}

/** What to copy, and with which message (inbox row) each row belongs. */
const TABLES = [
  { name: 'inbox', from: 'inbox i', rows: 'i' },
  {
    name: 'subscription',
    // Once, where intake writes it again with each chunk of the subscription.
    from: `subscription s join (select subscription_number, min(id) as id from inbox group by 1) f
             on f.subscription_number = s.number
           join inbox i on i.id = f.id`,
    rows: 's',
  },
  {
    name: 'request',
    from: 'request r join inbox i on i.id = r.inbox_id',
    rows: 'r',
  },
  { name: 'lane', from: 'lane l join request r on r.number = l.number join inbox i on i.id = r.inbox_id', rows: 'l' },
  { name: 'work', from: 'work w join request r on r.number = w.number join inbox i on i.id = r.inbox_id', rows: 'w' },
  { name: 'withheld', from: 'withheld h join inbox i on i.id = h.inbox_id', rows: 'h' },
  {
    name: 'crm_action',
    from: `crm_action a join (select action_id, min(id) as id from inbox group by 1) f on f.action_id = a.id
           join inbox i on i.id = f.id`,
    rows: 'a',
  },
  {
    name: 'outbox',
    from: `outbox o join (select action_id, max(id) as id from inbox group by 1) f on f.action_id = o.action_id
           join inbox i on i.id = f.id`,
    rows: 'o',
  },
] as const;

interface Table {
  readonly statement: string;
  /** Rows by partition and offset, each a list of texts. */
  readonly rows: Map<string, (string | null)[][]>;
  readonly columns: number;
}

/** Reads them; `chunk` is how many messages will be copied at once, at most. */
export async function openRowCopies(db: Queryable, chunk: number): Promise<RowCopies> {
  const tables: Table[] = [];
  for (const { name, from, rows } of TABLES) {
    const columns = await db.query<{ name: string; type: string }>(
      `select attname as name, format_type(atttypid, atttypmod) as type from pg_attribute
        where attrelid = $1::regclass and attnum > 0 and not attisdropped order by attnum`,
      [name],
    );
    const found = await db.query<{ partition: number; message_offset: number; cells: (string | null)[] }>(
      `select i.partition, i.message_offset, array[${columns.map((column) => `${rows}.${column.name}::text`).join(', ')}] as cells
         from ${from}`,
    );
    const byMessage = new Map<string, (string | null)[][]>();
    for (const { partition, message_offset: offset, cells } of found) {
      const key = `${partition}/${offset}`;
      byMessage.set(key, [...(byMessage.get(key) ?? []), cells]);
    }
    const cell = columns.map(({ type }, index) => `c${index}::${type}`).join(', ');
    tables.push({
      statement: `insert into ${name} (${columns.map((column) => column.name).join(', ')}) overriding system value
        select ${cell} from unnest(${columns.map((_, index) => `$${index + 1}::text[]`).join(', ')})
          as m (${columns.map((_, index) => `c${index}`).join(', ')})`,
      rows: byMessage,
      columns: columns.length,
    });
  }
  return {
    async insert(target, partition, offset, messages) {
      if (messages > chunk) throw new RangeError(`${messages} messages are more than ${chunk}`);
      await target.transaction(async (tx) => {
        for (const { statement, rows, columns } of tables) {
          const cells = Array.from(
            { length: messages },
            (_, index) => rows.get(`${partition}/${offset + index}`) ?? [],
          ).flat();
          if (cells.length === 0) continue;
          await tx.query(
            statement,
            Array.from({ length: columns }, (_, column) => cells.map((row) => row[column] ?? null)),
          );
        }
      });
    },
  };
}

import { z } from 'zod';
import { text } from '../../http/input-kinds.ts';
import { instant, limit, moment, type RowOf, shownRow, wholeNumber } from '../../operations/fields.ts';
import { type Feature, operation } from '../../operations/operation.ts';
import type { Queryable } from '../../platform/database.ts';
import { idRange } from '../../platform/id-range.ts';
import { type Column, table } from '../../platform/terminal-text.ts';
import { made } from './entry.ts';

const ID_MAX = 999_999_999_999_999;

const entry = z
  .strictObject({
    id: z.int(),
    started_date: instant(),
    user: z.string().nullable().describe('Null: somebody whose name no user has tried to log in.'),
    unit: z.string().nullable(),
    source: z.enum(['api', 'cli']),
    operation: z.string().describe('Such as `runs.stop`.'),
    input: z.record(z.string(), z.unknown()).describe('Secrets are masked, long texts and lists are cut.'),
    result: z
      .string()
      .nullable()
      .describe(
        'OK, or a code of docs/errors-web-api.md. Null: it is under way, or its process died or lost the database before the end.',
      ),
    ended_date: instant().nullable(),
    made: made
      .nullable()
      .describe('What it made or changed, as far as its output names it; null if it did not end well.'),
  })
  .meta({ id: 'AuditEntry', description: 'Something that somebody did.' });
type Entry = z.output<typeof entry>;

const listInput = z.strictObject({
  user: text(200).min(1, 'give a user name').optional().describe('What this user did.'),
  operation: text(100).min(1, 'give a name').optional().describe('Only this operation, such as `runs.stop`.'),
  since: moment('Started from then on').optional(),
  until: moment('Started before').optional(),
  limit: limit(),
  before: wholeNumber(1, ID_MAX, 'Continues after this entry, the last one of the page before').optional(),
});

/** `audit`: who did what when. */
export const audit: Feature = {
  name: 'audit',
  summary: 'Shows who did what when.',
  operations: [
    operation({
      name: 'audit.list',
      summary: 'List who did what when',
      description:
        'The newest first: every call and command that an operator or admin changed or sent something with, and logging in and out of the console. Each is recorded before it starts.',
      role: 'admin',
      route: 'GET /audit',
      input: listInput,
      output: z
        .strictObject({ entries: z.array(entry) })
        .meta({ id: 'AuditEntries', description: 'A page of entries.' }),
      example: { user: 'anna', limit: 10 },
      cli: { empty: 'There are no such entries.', text: ({ entries }) => table(COLUMNS, entries) },
      handle: async ({ db }, input) => ({ entries: await listEntries(db, input) }),
    }),
  ],
};

const COLUMNS: readonly Column<Entry>[] = [
  ['started', ({ started_date: started }) => started],
  ['user', ({ user }) => user],
  ['source', ({ source }) => source],
  ['operation', ({ operation: name }) => name],
  ['result', ({ result }) => result],
  ['input', ({ input }) => JSON.stringify(input)],
];

async function listEntries(db: Queryable, given: z.output<typeof listInput>): Promise<Entry[]> {
  const { user = null, operation: name = null, since = null, until = null, limit: most, before = ID_MAX } = given;
  const isTimed = since !== null || until !== null;
  const { first, last } = isTimed ? await idRange(db, AUDIT, { from: since, to: until }) : { first: 0, last: ID_MAX };
  const values = [Math.min(before, last + 1), first, most, user, name, since, until];
  const rows = await db.query<RowOf<Entry>>(LIST, values);
  return rows.map((row) => shownRow<Entry>(row));
}

const AUDIT = { table: 'audit', id: 'id', time: 'started_at' };

/** Walks audit's primary key. */
const LIST = /* sql */ `
select id, started_at as started_date, by_user as "user", by_unit as unit, source, operation, input, result,
       ended_at as ended_date, made
  from audit
 where id < $1::bigint and id >= $2::bigint
   and ($4::text is null or by_user = $4) and ($5::text is null or operation = $5)
   and ($6::timestamptz is null or started_at >= $6) and ($7::timestamptz is null or started_at < $7)
 order by id desc limit $3::int`;

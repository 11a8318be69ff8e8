import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { indexWalking } from '../../src/platform/planner-settings.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import type { Kind, Statement } from './collect.ts';

/** The statements that functions put together when they run, by the start of their text or the name they have there. */
const PUT_TOGETHER = [
  // The counts and the lines of a kind of retention: each kind's statements are prepared below.
  'query',
  'query',
  // One of two, which are prepared below.
  'statement',
  // A column and a table, or conditions, that the caller chooses.
  '`select coalesce(min(${id}), 1) as first, coalesce(max(${id}',
  '`select ${id} as id, ${time} as time from ${table} where ${i',
  '`select subscription_number as number, array_agg(id order by',
  '`select o.id, o.kind, o.event_id, o.message_key, o.record, o',
];

let database: TestDatabase;
let client: pg.Client;
let statements: (Statement & { readonly text: string })[];
let putTogether: string[];
let indexes: Set<string>;

beforeAll(async () => {
  const collector = fileURLToPath(new URL('collect.ts', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [collector], { maxBuffer: 2 ** 26 });
  const all = JSON.parse(stdout) as Statement[];
  statements = all.filter((one): one is Statement & { text: string } => one.text !== null);
  putTogether = all.filter(({ text }) => text === null).map(({ name }) => name.replace(/^\S+ /, ''));
  database = await createTestDatabase();
  client = new pg.Client({ connectionString: database.url });
  await client.connect();
  const { rows } = await client.query<{ name: string }>(
    "select indexname as name from pg_indexes where schemaname = 'public'",
  );
  indexes = new Set(rows.map(({ name }) => name));
});
afterAll(async () => {
  await client?.end();
  await database?.drop();
});

test('there are as many statements as the service has, and the few that are put together are known', () => {
  expect(statements.length).toBeGreaterThan(250);
  expect(putTogether.toSorted()).toEqual(PUT_TOGETHER.toSorted());
});

test('each statement can be prepared, and returns the columns of its row type in their types', async () => {
  const wrong: string[] = [];
  for (const { name, text, columns, open } of statements) {
    const described = await describeColumns(text);
    if (typeof described === 'string') wrong.push(`${name}: ${described}`);
    else if (columns !== null) wrong.push(...differences(columns, open, described).map((one) => `${name}: ${one}`));
  }
  expect(wrong).toEqual([]);
});

test('each statement whose comment says that it walks an index reads no table from end to end, and can use the indexes that are named', async () => {
  for (const [setting, value] of Object.entries(indexWalking({ joinByIndex: true }))) {
    await client.query(`set ${setting} = ${value}`);
  }
  const claims = statements.filter(({ comment, groupComment }) => /\bwalks?\b/i.test(comment + groupComment));
  const wrong: string[] = [];
  for (const { name, text, comment } of claims) {
    const plan = await explain(text);
    const read = plan.filter((node) => node['Node Type'] === 'Seq Scan').map((node) => node['Relation Name']);
    if (read.length > 0) wrong.push(`${name}: reads ${read.join(', ')} from end to end`);
    const used = indexesOf(plan);
    for (const index of claimedIndexes(comment).filter((one) => !used.has(one))) {
      if (!indexesOf(await explainWithOnly(index, text)).has(index)) wrong.push(`${name}: cannot use ${index}`);
    }
  }
  expect(claims.length).toBeGreaterThan(50);
  expect(wrong).toEqual([]);
});

interface Column {
  readonly name: string;
  readonly dataTypeID: number;
}

/** What the server says that a statement returns; a text: why it refuses the statement. Nothing is executed. */
async function describeColumns(text: string): Promise<readonly Column[] | string> {
  return await new Promise((resolve) => {
    let columns: readonly Column[] = [];
    const description: pg.Submittable = {
      submit(connection) {
        connection.parse({ name: '', text, types: [] }, true);
        connection.describe({ type: 'S', name: '' }, true);
        connection.sync();
      },
      handleRowDescription({ fields }: { fields: readonly Column[] }) {
        columns = fields;
      },
      handleError: ({ message }: Error) => resolve(message),
      handleReadyForQuery: () => resolve(columns),
    } as pg.Submittable;
    client.query(description);
  });
}

/** What a type of PostgreSQL becomes in TypeScript, as `openDatabase` reads it. */
const KINDS: Readonly<Record<number, readonly Kind[]>> = {
  16: ['boolean'],
  17: ['Buffer'],
  20: ['number'],
  21: ['number'],
  23: ['number'],
  25: ['string'],
  114: ['json', 'array', 'string', 'number', 'boolean'],
  700: ['number'],
  701: ['number'],
  1043: ['string'],
  1184: ['Date'],
  2950: ['string'],
  3802: ['json', 'array', 'string', 'number', 'boolean'],
  1000: ['array'],
  1005: ['array'],
  1007: ['array'],
  1009: ['array'],
  1016: ['array'],
  1185: ['array'],
  2951: ['array'],
  3807: ['array'],
};

function differences(
  columns: NonNullable<Statement['columns']>,
  open: boolean,
  described: readonly Column[],
): string[] {
  const found = new Map(described.map(({ name, dataTypeID }) => [name, dataTypeID]));
  const missing = Object.entries(columns).flatMap(([name, { kinds, optional }]) => {
    const type = found.get(name);
    if (type === undefined) return optional ? [] : [`has no column ${name}`];
    const known = KINDS[type];
    if (known === undefined) return [`${name} is of a type that this test does not know, ${type}`];
    const wrong = kinds.filter((kind) => kind !== 'null' && kind !== 'unknown' && !known.includes(kind));
    return wrong.length === 0 ? [] : [`${name} is ${known.join(' or ')}, and its row type says ${wrong.join(' or ')}`];
  });
  const unread = open
    ? []
    : described.filter(({ name }) => !(name in columns)).map(({ name }) => `its row type has no ${name}`);
  return [...missing, ...unread];
}

function indexesOf(plan: readonly PlanNode[]): ReadonlySet<string | undefined> {
  return new Set(plan.flatMap((node) => [node['Index Name'], ...(node['Conflict Arbiter Indexes'] ?? [])]));
}

/** The plan if the table of the index had no other one: among several, an empty table shows nothing. */
async function explainWithOnly(index: string, text: string): Promise<PlanNode[]> {
  await client.query('begin');
  await client.query(
    `update pg_index set indisvalid = false
      where indrelid = (select indrelid from pg_index where indexrelid = $1::regclass) and indexrelid <> $1::regclass`,
    [index],
  );
  try {
    return await explain(text);
  } finally {
    await client.query('rollback');
  }
}

/** The indexes that a comment names: `inbox_version`, `run_target's primary key`. */
function claimedIndexes(comment: string): string[] {
  const primary = [...comment.matchAll(/\b(\w+)'s primary key/g)].map(([, table]) => `${table}_pkey`);
  const named = [...comment.matchAll(/\b\w+\b/g)].map(([word]) => word).filter((word) => indexes.has(word));
  return [...new Set([...primary, ...named])];
}

interface PlanNode {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly 'Index Name'?: string;
  readonly 'Conflict Arbiter Indexes'?: readonly string[];
  readonly Plans?: readonly PlanNode[];
}

/** Every node of the plan for any values of the parameters. */
async function explain(text: string): Promise<PlanNode[]> {
  const { rows } = await client.query<{ 'QUERY PLAN': [{ Plan: PlanNode }] }>(
    `explain (generic_plan, format json) ${text}`,
  );
  const nodes = (node: PlanNode): PlanNode[] => [node, ...(node.Plans ?? []).flatMap(nodes)];
  return rows.flatMap((row) => row['QUERY PLAN'].flatMap(({ Plan }) => nodes(Plan)));
}

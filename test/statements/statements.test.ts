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

/** Statements of pools without planner settings: they select in many ways, and are planned for their values. */
const PLANNED_FOR_THEIR_VALUES =
  /^src\/(features\/(why|replay|requests)\/|requests\/list\.ts|intake\/release-dead-letter\.ts)/;
const NOT_PLANNED = /^(set|savepoint|rollback)\b/;
const COUNT = /^select count\(\*\)\S* as \w+ from \w+$/;

const MAY_BE_READ_WHOLE = new Set(
  [
    // A few rows: instances, kinds of retention, runs, replays, schedules, users and their tokens, and what is there once.
    'clock dispatcher_instance intake_instance intake_member knex_migrations pin_key request_number schema_compatibility',
    'service_instance service_instance_pkey dispatcher_instance_pkey',
    'retention_pass retention_pass_pkey run run_pkey run_open replay replay_pkey schedule_name_key schedule_pkey',
    'web_user_pkey web_user_token_pkey web_user_token_username login_limit_pkey login_limit_key',
    // One row for each card whose next request came due while another one was being sent.
    'lane_pin_pkey',
    // Partial indexes of what must still be done.
    'communication_queue_free outbox_unpublished work_scheduled',
  ].flatMap((names) => names.split(' ')),
);

/** Rows in the tables that grow. */
const ROWS = 100_000;
const FILL = /* sql */ `
insert into subscription (number, crm_id, version, snapshot) select 'S' || n, 'c' || n, 1, '{}' from generate_series(1, ${ROWS}) n;
insert into subscription_card (subscription_number, card, joined_number) select 'S' || n, 'K' || n, 1 from generate_series(1, ${ROWS}) n;
insert into inbox (event_id, disposition, family, subscription_number, subscription_version, action_id, topic, partition, message_offset, message_timestamp)
select 'e' || n, case when n % 10 = 0 then 'DEAD_LETTERED' else 'PLANNED' end, 'SERVICE', 'S' || n, 1, 'a' || n, 'crm', 0, n, now() from generate_series(1, ${ROWS}) n;
insert into crm_action (subscription_number, id, number) select 'S' || n, 'a' || n, 'A' || n from generate_series(1, ${ROWS}) n;
insert into withheld (inbox_id, ordinal, subscription_number, action_id, type, reason, detail)
select id, 1, subscription_number, action_id, 'ADD_SUBSCRIPTIONS', 'ALREADY_PAIRED', 'x' from inbox;
insert into request (number, type, sequence_number, life_cycle_state, command, cards, process_name, subscription_number, action_id)
select n, 'ADD_SUBSCRIPTIONS', 1, case when n % 2 = 0 then 'PENDING' else 'COMPLETED' end, '{}', array['K' || n], 'TRIGGER', 'S' || n, 'a' || n from generate_series(1, ${ROWS}) n;
insert into request_final (state, number) select 'COMPLETED', n from generate_series(1, ${ROWS}) n;
insert into attempt (request_number, attempt, command, operation, url, answer, started_at, duration_ms, instance)
select n, 1, 'ADD_SUBSCRIPTIONS', 'o', 'u', 'ACCEPTED', now(), 1, 'i' from generate_series(1, ${ROWS}) n;
insert into work (number, waits, rank, ready_at, cards) select number, 0, 3, now(), cards from request;
insert into lane (card, number) select cards[1], number from request;
insert into request_pin (request_number, sealed) select n, '\\x00' from generate_series(1, ${ROWS}) n;
insert into outbox (kind, event_id, request_number, action_id, record, published_at) select 'REQUEST_OUTCOME', gen_random_uuid(), n, 'a' || n, '{}', now() from generate_series(1, ${ROWS}) n;
insert into run (kind, state, parameters, selection, created_by_user) select 'bark', 'COMPLETED', '{}', '{}', 'x' from generate_series(1, 100) n;
insert into run_target (run_id, target, state) select 1 + n % 100, 't' || n, 'SENT' from generate_series(1, ${ROWS}) n;
insert into communication_queue (message, card, created_by_user, updated_by_user) select '{}', 'K' || n, 'x', 'x' from generate_series(1, ${ROWS}) n;
insert into web_api_idempotency (username, call, key_hash, body_hash) select 'u', 'c', int4send(n), '\\x00' from generate_series(1, ${ROWS}) n;
insert into audit (by_user, source, operation, input) select 'u' || n % 50, 'api', 'runs.stop', '{}' from generate_series(1, ${ROWS}) n;`;

/** The queues keep their pages and have one row, as vacuum finds them after a night without work. */
const EMPTY_AGAIN = ['work', 'lane', 'request_pin', 'outbox', 'communication_queue']
  .map((table) => `delete from ${table} where ctid < (select max(ctid) from ${table})`)
  .join(';');

let database: TestDatabase;
let client: pg.Client;
let statements: (Statement & { readonly text: string })[];
let putTogether: string[];
let indexes: Set<string>;
/** By index: finds its first column in a condition. */
let firstColumns: Map<string, RegExp>;

beforeAll(async () => {
  const collector = fileURLToPath(new URL('collect.ts', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [collector], { maxBuffer: 2 ** 26 });
  const all = JSON.parse(stdout) as Statement[];
  statements = all.filter((one): one is Statement & { text: string } => one.text !== null);
  putTogether = all.filter(({ text }) => text === null).map(({ name }) => name.replace(/^\S+ /, ''));
  database = await createTestDatabase();
  client = new pg.Client({ connectionString: database.url });
  await client.connect();
  const { rows } = await client.query<{ name: string; first: string }>(
    String.raw`select c.relname as name, regexp_replace(trim(both '()' from pg_get_indexdef(c.oid, 1, true)), '\W', '\\\&', 'g') as first
       from pg_index i join pg_class c on c.oid = i.indexrelid where c.relnamespace = 'public'::regnamespace`,
  );
  indexes = new Set(rows.map(({ name }) => name));
  firstColumns = new Map(rows.map(({ name, first }) => [name, new RegExp(String.raw`(?<![\w.])${first}(?!\w)`)]));
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

test('no statement of the pools that walk indexes reads a big table from end to end, whether the tables were analysed empty, full, or emptied again', async () => {
  const checked = statements.filter(
    ({ name, text }) => !PLANNED_FOR_THEIR_VALUES.test(name) && !NOT_PLANNED.test(text) && !COUNT.test(text),
  );
  const walks = async (world: string): Promise<string[]> => {
    const found: string[] = [];
    await client.query('vacuum analyze');
    for (const joinByIndex of [true, false]) {
      for (const [setting, value] of Object.entries(indexWalking({ joinByIndex }))) {
        await client.query(`set ${setting} = ${value}`);
      }
      for (const { name, text } of checked) {
        const whole = wholeWalks(await explainTree(text)).filter((one) => !MAY_BE_READ_WHOLE.has(one));
        found.push(...whole.map((one) => `${world}, joinByIndex ${joinByIndex}, ${name}: reads all of ${one}`));
      }
      await client.query('reset all');
    }
    return found;
  };
  const found = await walks('empty');
  await client.query(FILL);
  found.push(...(await walks('full')));
  await client.query(EMPTY_AGAIN);
  found.push(...(await walks('emptied')));
  expect(found).toEqual([]);
}, 120_000);

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
  readonly 'Parent Relationship': string;
  readonly 'Relation Name'?: string;
  readonly 'Index Name'?: string;
  readonly 'Index Cond'?: string;
  readonly 'Conflict Arbiter Indexes'?: readonly string[];
  readonly Plans?: readonly PlanNode[];
}

/**
 * The indexes and tables that a plan reads from end to end: under no limit, and without a condition on the first column
 * of the index.
 */
function wholeWalks(node: PlanNode, limited = false): string[] {
  const { 'Node Type': type, 'Index Name': index, 'Index Cond': condition } = node;
  const first = firstColumns.get(index ?? '');
  const whole =
    type === 'Seq Scan' || (type.startsWith('Index') && first !== undefined && !first.test(condition ?? ''));
  const passesLimit = type === 'Limit' || (limited && type !== 'Sort' && type !== 'Aggregate');
  return [
    ...(whole && !limited ? [index ?? node['Relation Name'] ?? type] : []),
    ...(node.Plans ?? []).flatMap((child) =>
      wholeWalks(child, passesLimit && !/^(Init|Sub)Plan$/.test(child['Parent Relationship'])),
    ),
  ];
}

/** Every node of the plan for any values of the parameters. */
async function explain(text: string): Promise<PlanNode[]> {
  const nodes = (node: PlanNode): PlanNode[] => [node, ...(node.Plans ?? []).flatMap(nodes)];
  return nodes(await explainTree(text));
}

async function explainTree(text: string): Promise<PlanNode> {
  const { rows } = await client.query<{ 'QUERY PLAN': [{ Plan: PlanNode }] }>(
    `explain (generic_plan, format json) ${text}`,
  );
  const [row] = rows;
  if (row === undefined) throw new Error(`No plan: ${text}`);
  return row['QUERY PLAN'][0].Plan;
}

import { globSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

/** The last migration that was written before these rules. */
const BEFORE_RULES = 21;

/** What an older instance cannot work beside, or what blocks it for as long as a big table is read. */
const FORBIDDEN: readonly [RegExp, string][] = [
  [/\bdrop\s+(table|column|index)\b/i, 'removes something that an older instance may use'],
  [/\brename\b/i, 'renames something that an older instance uses'],
  [/\bset\s+not\s+null\b/i, 'refuses rows that an older instance writes, and reads the whole table under a lock'],
  [/\balter\s+column\s+\w+\s+(set\s+data\s+)?type\b/i, 'rewrites the table under a lock'],
  [
    /\badd\s+(constraint|check|foreign)\b(?![^;]*\bnot\s+valid\b)/i,
    'reads the whole table under a lock: add it "not valid"',
  ],
];

/** What is wrong with a migration by its text. */
function problemsOf(text: string): string[] {
  const sql = /\bup\b[\s\S]*?(?=export (?:async )?function down|$)/.exec(text)?.[0].replaceAll(/^\s*--.*$/gm, '') ?? '';
  const made = new Set([...sql.matchAll(/\bcreate\s+table\s+(\w+)/gi)].map(([, table]) => table));
  const indexed = [...sql.matchAll(/\bcreate\s+(?:unique\s+)?index\s+(\w+)\s+on\s+(\w+)/gi)];
  return [
    ...indexed
      .filter(([, , table]) => !made.has(table))
      .map(
        ([, index, table]) =>
          `builds ${index} on ${table} while nobody may write: list it in migrations/follow-ups/indexes.ts`,
      ),
    ...FORBIDDEN.filter(([pattern]) => pattern.test(sql)).map(([, problem]) => problem),
  ];
}

test('a migration works beside the version before it, and blocks nobody for as long as it takes to read a big table', () => {
  const files = globSync('migrations/*.ts').filter(
    (file) => Number.parseInt(file.slice('migrations/'.length), 10) > BEFORE_RULES,
  );
  expect(files.length).toBeGreaterThan(0);
  expect(
    files.flatMap((file) => problemsOf(readFileSync(file, 'utf8')).map((problem) => `${file} ${problem}`)),
  ).toEqual([]);
});

test.each([
  ['create table t (id int); create index i on t (id)', []],
  [
    'create index i on inbox (id)',
    ['builds i on inbox while nobody may write: list it in migrations/follow-ups/indexes.ts'],
  ],
  ['alter table request drop column cards', ['removes something that an older instance may use']],
  ['alter table request add constraint c check (number > 0) not valid', []],
  [
    'alter table request add constraint c check (number > 0)',
    ['reads the whole table under a lock: add it "not valid"'],
  ],
])('%s: %s', (sql, problems) => {
  expect(
    problemsOf(`export async function up() { \`${sql}\` }\nexport async function down() { drop table t }`),
  ).toEqual(problems);
});

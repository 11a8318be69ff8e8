import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { closing, type Import, problemsOf, readImports } from '../../dev/imports/graph.ts';
import { IMPORT_RULES } from '../../dev/imports/rules.ts';

const RULES = {
  allowed: { low: [], high: ['low'], side: ['high/door.ts'], 'side/deep': ['low'] },
  allowedOutside: ['package.json'],
  exceptions: [],
  circles: [],
};

function problems(names: readonly string[], rules: Partial<typeof IMPORT_RULES> = {}): string[] {
  return problemsOf(names.map(importOf), { ...RULES, ...rules });
}

function importOf(name: string): Import {
  const [from = '', to = ''] = name.split(' -> ');
  return { from, to };
}

test('a module imports itself, the modules of its list, single files of it, and package.json; its folders may have more', () => {
  expect(
    problems([
      'high/a.ts -> high/b.ts',
      'high/a.ts -> low/a.ts',
      'side/a.ts -> high/door.ts',
      'side/deep/a.ts -> high/door.ts',
      'side/deep/a.ts -> low/a.ts',
      'low/a.ts -> ../package.json',
    ]),
  ).toEqual([]);
});

test.each([
  'low/a.ts -> high/a.ts',
  'side/a.ts -> high/other.ts',
  'side/a.ts -> low/a.ts',
  'unlisted/a.ts -> low/a.ts',
  'high/a.ts -> ../test/support/random.ts',
  'high/a.ts -> ../dev/dev.ts',
])('%s is reported', (name) => {
  expect(problems([name])).toEqual([`${name}: is not allowed; move the code to where both may import it`]);
});

test('each import of a circle between files is reported, and no import that only leads to it', () => {
  expect(problems(['low/a.ts -> low/b.ts', 'low/b.ts -> low/c.ts', 'low/c.ts -> low/b.ts'])).toEqual([
    expect.stringContaining('low/b.ts -> low/c.ts: closes a circle'),
    expect.stringContaining('low/c.ts -> low/b.ts: closes a circle'),
  ]);
});

test('an exception covers the imports that it names, by module or by file, and no others', () => {
  const imports = ['low/a.ts -> high/a.ts', 'low/b.ts -> high/a.ts'];
  expect(problems(imports, { exceptions: ['low -> high/a.ts'] })).toEqual([]);
  expect(problems(imports, { exceptions: ['low/a.ts -> high'] })).toEqual([
    expect.stringContaining('low/b.ts -> high/a.ts'),
  ]);
  const circle = ['low/a.ts -> low/b.ts', 'low/b.ts -> low/a.ts'];
  expect(problems(circle, { circles: ['low/a.ts -> low/b.ts'] })).toEqual([]);
});

test('an exception that no longer occurs is reported', () => {
  expect(problems(['high/a.ts -> low/a.ts'], { exceptions: ['high -> low'], circles: ['high -> low'] })).toEqual([
    'high -> low: no longer occurs; remove it from the exceptions',
    'high -> low: closes no circle any more; remove it from the circles',
  ]);
});

test('imports of values and types, re-exports and import() are read; packages are not', () => {
  const src = mkdtempSync(join(tmpdir(), 'imports-'));
  try {
    writeFileSync(
      join(src, 'all.ts'),
      `import { a } from './value.ts'; import type { B } from '../type.ts'; import { type C } from './inline.ts';
       import './effect.ts'; export * from './all-of-it.ts'; export type { D } from './exported-type.ts';
       import pg from 'pg'; using e = a(await import("./late.ts"));`,
    );
    expect(readImports(src).map(({ to }) => to)).toEqual(
      [
        './value.ts',
        '../type.ts',
        './inline.ts',
        './effect.ts',
        './all-of-it.ts',
        './exported-type.ts',
        './late.ts',
      ].map((path) => path.replace(/^\.\//, '')),
    );
    writeFileSync(join(src, 'all.ts'), 'await import(process.argv[2]);');
    expect(() => readImports(src)).toThrow('must have a literal');
  } finally {
    rmSync(src, { recursive: true });
  }
});

test('the allowed imports themselves have no circle', () => {
  const allowed = Object.entries(IMPORT_RULES.allowed).flatMap(([from, targets]) =>
    targets.map((to) => ({ from, to: to.includes('/') ? to.slice(0, to.indexOf('/')) : to })),
  );
  expect(closing(allowed)).toEqual([]);
});

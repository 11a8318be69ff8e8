import { readdir, readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { DISPATCH_ERROR_CODES, errorCodesDocument } from '../../src/dispatch/error-codes.ts';

const root = new URL('../../', import.meta.url);

test('docs/errors-dispatch.md has every code, with meaning and remedy', async () => {
  expect(await readFile(new URL('docs/errors-dispatch.md', root), 'utf8')).toBe(errorCodesDocument());
});

test('every code of the list is given somewhere, and the list has every code that is given', async () => {
  const given = new Set<string>();
  for (const room of ['src/dispatch/', 'src/requests/']) {
    for (const file of await readdir(new URL(room, root))) {
      if (file === 'error-codes.ts') continue;
      const text = await readFile(new URL(room + file, root), 'utf8');
      for (const [, code] of text.matchAll(
        /(?:rejected\(\s*|errorCode: |\['REJECTED'\],\s*\[null\],\s*\[)'([A-Z_]+)'/g,
      )) {
        if (code !== undefined) given.add(code);
      }
    }
  }
  const codes = DISPATCH_ERROR_CODES.map(({ code }) => code);
  expect([...given].toSorted((a, b) => a.localeCompare(b))).toEqual(codes);
});

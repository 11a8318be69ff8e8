import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { casRefusalCodes, conaxCodes } from '../../src/conax/codes.ts';

const rows = readFileSync(join(import.meta.dirname, '../../docs/errors-conax.md'), 'utf8')
  .split('\n')
  .filter((line) => line.startsWith('| `'))
  .map((line) => line.split('|').map((cell) => cell.trim()));

it('every code is documented, and every documented code is one', () => {
  const documented = rows.map(([, code]) => (code ?? '').replaceAll('`', ''));
  expect(new Set(documented)).toEqual(new Set(conaxCodes));
  expect(documented).toHaveLength(conaxCodes.length);
});

it('every code says what it is, what it means and what to do', () => {
  const kinds = new Set(['refused', 'try-later', 'unknown', 'not-sent', 'not-authorised', 'invalid']);
  const bad = rows.filter(
    ([, , kind = '', meaning = '', remedy = '']) => !kinds.has(kind) || meaning.length < 6 || remedy.length < 6,
  );
  expect(bad).toEqual([]);
});

it('the codes with which the CAS refuses are among them', () => {
  expect(conaxCodes).toEqual(expect.arrayContaining([...casRefusalCodes]));
});

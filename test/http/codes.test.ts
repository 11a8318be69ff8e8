import { readdir, readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { webApiCodes, webApiCodesDocument } from '../../src/http/codes.ts';

const root = new URL('../../', import.meta.url);

test('docs/errors-web-api.md has every code, with status and remedy', async () => {
  expect(await readFile(new URL('docs/errors-web-api.md', root), 'utf8')).toBe(webApiCodesDocument());
});

// That no code is given which the list lacks is what the type WebApiCodeName sees to.
test('every code of the list is given somewhere', async () => {
  const given = new Set<string>();
  const rooms = ['http', 'web-api', 'identifiers', 'users', 'operations', 'operations-api', 'features'].map(
    (room) => `src/${room}/`,
  );
  for (const room of rooms) {
    for (const file of await readdir(new URL(room, root), { recursive: true })) {
      if (file === 'codes.ts' || !file.endsWith('.ts')) continue;
      const text = await readFile(new URL(room + file, root), 'utf8');
      for (const [, code] of text.matchAll(/'([A-Z]+(?:_[A-Z0-9]+)+)'/g)) if (code !== undefined) given.add(code);
    }
  }
  const codes = Object.keys(webApiCodes);
  expect(codes.filter((code) => !given.has(code))).toEqual([]);
});

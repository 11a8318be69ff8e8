import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { intakeCodesDocument } from '../../src/intake/codes-document.ts';

test('docs/errors-intake.md has every dead letter reason and every remark, with what to do', async () => {
  expect(await readFile(new URL('../../docs/errors-intake.md', import.meta.url), 'utf8')).toBe(intakeCodesDocument());
});

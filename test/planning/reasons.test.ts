import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { WITHHELD_REASONS } from '../../src/planning/types.ts';

test('docs/reasons.md explains every withheld reason, and no other', () => {
  const document = readFileSync(new URL('../../docs/reasons.md', import.meta.url), 'utf8');
  const explained = [...document.matchAll(/^\| ([A-Z_]+) \|/gm)].map(([, reason]) => reason);
  expect(explained).toEqual(WITHHELD_REASONS);
});

test('docs/reasons.md calls those missing that make an action less than PROVISIONED', () => {
  const document = readFileSync(new URL('../../docs/reasons.md', import.meta.url), 'utf8');
  const missing = [...document.matchAll(/^\| ([A-Z_]+) \| [^|]+ \| yes \|/gm)].map(([, reason]) => reason);
  expect(missing).toEqual(['NO_CARD_FOR_SERVICE', 'STILL_EFFECTIVE', 'NOT_TRIGGERED', 'INVALID_CA_ID']);
});

import { expect, test } from 'vitest';
import { dataText, emptyText } from '../../src/commands/data-text.ts';
import { widthOf } from '../../src/platform/terminal-text.ts';

test('an object shows as fields, its lists of objects as tables with titles below them', () => {
  const data = { id: 17, unit: null, held: true, cards: ['1', '2'], none: [], targets: [{ card: '1', sent: 2 }] };
  expect(dataText(data, undefined)).toBe(
    [
      'id     17',
      'unit   -',
      'held   yes',
      'cards  1, 2',
      '',
      'none: none',
      '',
      'targets',
      'card  sent',
      '1     2',
      '',
    ].join('\n'),
  );
});

test('an object with one list alone shows as its table', () => {
  expect(dataText({ runs: [{ id: 1, state: 'ENDED' }, { id: 20 }] }, undefined)).toBe('id  state\n1   ENDED\n20  -\n');
});

test.each([
  [200, 114],
  [80, 80],
  [40, 38],
])('a table fits a terminal of %i columns, takes what it can, and narrow columns stay whole', (columns, taken) => {
  const rows = [{ id: 12_345_678, text: 'x'.repeat(100), other: 'y'.repeat(30), at: '2026-11-28' }];
  const lines = dataText({ rows }, columns).trimEnd().split('\n');
  expect(Math.max(...lines.map(widthOf))).toBe(taken);
  expect(lines[1]).toMatch(/^12345678 /);
});

test('only a list that stands alone and is empty has a sentence in place of a table', () => {
  expect(emptyText({ dead_letters: [] })).toBe('There are no dead letters.');
  expect(emptyText({ dead_letters: [{ id: 1 }] })).toBeNull();
  expect(emptyText({ id: 1, dead_letters: [] })).toBeNull();
});

test('text from outside cannot add a line to a table or reach the terminal as a command', () => {
  const text = dataText({ rows: [{ a: 'x\ny\u001B[2J' }], b: { c: '\u202E' } }, undefined);
  expect(text).toContain('x\\u{a}y\\u{1b}[2J');
  expect(text).toContain('{"c":"\\u{202e}"}');
});

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { table, visible, visibleJson, visibleLine, widthOf } from '../../src/platform/terminal-text.ts';

/** What a terminal obeys, or what turns or hides text around it. */
const UNSAFE = [
  ['\u001B', 'escape'],
  ['\u0007', 'bell'],
  ['\r', 'carriage return'],
  ['\u007F', 'delete'],
  ['\u009B', 'C1 control sequence'],
  ['\u00AD', 'soft hyphen'],
  ['\u061C', 'Arabic letter mark'],
  ['\u200B', 'zero-width space'],
  ['\u200E', 'left-to-right mark'],
  ['\u200F', 'right-to-left mark'],
  ['\u2028', 'line separator'],
  ['\u2029', 'paragraph separator'],
  ['\u202A', 'embedding'],
  ['\u202E', 'right-to-left override'],
  ['\u2066', 'isolate'],
  ['\u2069', 'end of isolate'],
  ['\u3164', 'Hangul filler'],
  ['\uFEFF', 'byte order mark'],
  ['\uD800', 'half of a character'],
  ['\u{E0041}', 'tag'],
] as const;

describe('text from outside', () => {
  test.each(UNSAFE)('shows %j (%s) as its code', (character) => {
    const code = `\\u{${character.codePointAt(0)?.toString(16)}}`;
    expect(visible(`a${character}b`)).toBe(`a${code}b`);
    expect(visibleLine(`a${character}b`)).toBe(`a${code}b`);
    const json = visibleJson(JSON.stringify({ text: `a${character}b` }, null, 2));
    expect(json).toMatch(/^[\n\x20-\x7E]+$/);
    expect(JSON.parse(json)).toEqual({ text: `a${character}b` });
  });

  test('keeps the letters of all languages, and line breaks only as layout', () => {
    const text = 'Zoë Καλημέρα Привет שלום مرحبا 日本 ❤️ 👋🏽';
    expect(visible(`${text}\r\n\tx\n`)).toBe(`${text}\n\tx\n`);
    expect(visibleLine('a\n\tb')).toBe('a\\u{a}\\u{9}b');
  });

  test('never reaches a terminal raw', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        for (const shown of [visibleLine(text), visible(text), table([['t', () => text]], [0])]) {
          expect(shown).not.toMatch(/[^\n\t\P{Cc}]|[\p{Cs}\p{Zl}\p{Zp}\u200B-\u200F\u202A-\u202E\u2060-\u2069]/u);
        }
        const json = JSON.stringify([text]);
        expect(JSON.parse(visibleJson(json))).toEqual(JSON.parse(json));
      }),
    );
  });
});

describe('a table', () => {
  test('has titles, and columns that stand under each other also with wide and combining letters', () => {
    const rows = ['plain', '日本語', 'e\u0301te\u0301', 'ｶﾅ', '👋🏽', ''];
    const lines = table<string>(
      [
        ['name', (name) => name],
        ['n', () => 1],
      ],
      rows,
    )
      .trimEnd()
      .split('\n');
    expect(lines[0]).toBe('name    n');
    expect(lines.map((line) => widthOf(line))).toEqual(Array.from({ length: 7 }, () => 9));
    expect(lines.at(-1)).toBe('-       1');
  });

  test('keeps each row on one line, cuts what is too long, and is empty without rows', () => {
    expect(table<string>([['a', (a) => a]], ['one\ntwo', '日'.repeat(40)])).toBe(
      `a\none\\u{a}two\n${'日'.repeat(29)}…\n`,
    );
    expect(table([['a', () => 1]], [])).toBe('');
  });
});

import { expect, test } from 'vitest';
import { messageTextProblem } from '../../../src/features/messages/message-text.ts';

test.each([
  ['Greek', 'Λήγει αύριο'],
  ['Persian with ZWNJ', 'می\u200Cخواهم'],
  ['Hindi with ZWJ after a virama', 'क्\u200Dष'],
  ['Arabic, with its digits and a number sign', 'مرحبا ٣ \u0600١٢'],
  ['Hebrew beside Latin', 'שלום TV'],
  ['an emoji of several characters', '👩🏽\u200D🚒 ❤\uFE0F\u200D🔥 1\uFE0F\u20E3'],
  ['a flag', '🇬🇷'],
  ['a letter with a combining mark', 'e\u0301'],
  ['Japanese with its own blank', '日本語\u3000です'],
  ['braille', '⠓⠊'],
  ['tab and both line breaks', 'a\tb\nc\r\nd'],
])('%s is taken', (_, text) => {
  expect(messageTextProblem(text)).toBeNull();
});

test.each([
  ['a\u0000', 'U+0000 as character 2'],
  ['a\rb', 'U+000D as character 2'],
  ['a\u007F', 'U+007F as character 2'],
  ['😀a\u0085', 'U+0085 as character 3'],
  ['a\u009F', 'U+009F as character 2'],
  ...Array.from('\u061C\u200E\u200F\u202A\u202B\u202C\u202D\u202E\u2066\u2067\u2068\u2069', (mark) => [
    `ab${mark}c`,
    `U+${mark.codePointAt(0)?.toString(16).toUpperCase().padStart(4, '0')} as character 3, which changes the direction`,
  ]),
  ['a\u200B', 'U+200B as character 2, which is not shown'],
  ['\uFEFFa', 'U+FEFF as character 1, which is not shown'],
  ['a\u00ADb', 'U+00AD as character 2, which is not shown'],
  ['a\u2060', 'U+2060 as character 2, which is not shown'],
  ['a\u2028b', 'U+2028 as character 2, which is not shown'],
  ['a\u2029b', 'U+2029 as character 2, which is not shown'],
  ['\u3164', 'U+3164 as character 1, which is not shown'],
  ['a\u{E0041}', 'U+E0041 as character 2, which is not shown'],
  ['a\u200D\u200D', 'U+200D as character 3, which joins to nothing'],
  [' \uFE0F', 'U+FE0F as character 2, which joins to nothing'],
  ['a\uE000', 'U+E000 as character 2, which is private use'],
  ['a\uFDD0', 'U+FDD0 as character 2, which is not assigned'],
  ['a\u{1FFFE}', 'U+1FFFE as character 2, which is not assigned'],
  ['a\u0378', 'U+0378 as character 2, which is not assigned'],
  ['a\uFFFDb', 'U+FFFD as character 2, which stands for what was lost'],
  ['a\uD83D', 'U+D83D as character 2, half a character'],
])('%j is refused, its character named by code point and position', (text, named) => {
  expect(messageTextProblem(text)).toContain(`has ${named}`);
});

test.each([' ', '\n\t', '\u00A0\u3000', '\u2800\u2800', '\u0301\u0301', ' \u0301'])(
  '%j, which shows nothing, is refused',
  (text) => {
    expect(messageTextProblem(text)).toContain('shows nothing');
  },
);

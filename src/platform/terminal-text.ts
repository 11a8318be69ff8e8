/**
 * Text from outside as a terminal may show it. Events, the CAS and the CRM may send any character, and a terminal obeys
 * some of them: control characters and escape sequences, characters that turn the direction of writing, and those that
 * show nothing. Every text that the command line prints goes through one of these functions.
 */

/** Controls, formats (with all that turn the direction), separators of lines, halves of characters, and what never shows. */
const UNSAFE = /[[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Default_Ignorable_Code_Point}]--[\uFE0E\uFE0F]]/gv;
const UNSAFE_BUT_LAYOUT = new RegExp(`(?![\\n\\t])${UNSAFE.source}`, 'gv');

/** Text of several lines: line breaks and tabs stay, every other unsafe character shows as `\u{202e}`. */
export function visible(text: string): string {
  return text.replaceAll('\r\n', '\n').replace(UNSAFE_BUT_LAYOUT, escaped);
}

/** Text within a line: line breaks and tabs show as `\u{a}` and `\u{9}` too, so that no text can add a line. */
export function visibleLine(text: string): string {
  return text.replace(UNSAFE, escaped);
}

/** JSON with the same values, in which every unsafe character is written as `\uXXXX`. Its own line breaks stay. */
export function visibleJson(json: string): string {
  return json.replace(UNSAFE_BUT_LAYOUT, (character) =>
    Array.from({ length: character.length }, (_, index) => character.charCodeAt(index))
      .map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`)
      .join(''),
  );
}

function escaped(character: string): string {
  return `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;
}

let graphemes: Intl.Segmenter | undefined;
/** Making a segmenter takes ten milliseconds, and most texts need none. */
const segmentsOf = (text: string): Intl.Segments =>
  (graphemes ??= new Intl.Segmenter('en', { granularity: 'grapheme' })).segment(text);
/** What takes two columns: East Asian letters, their full-width forms, and emoji. */
const WIDE =
  /^[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Yi}\u3000-\u303E\uFE30-\uFE6F\uFF01-\uFF60\uFFE0-\uFFE6\p{Emoji_Presentation}]|\uFE0F/v;
const HALF_WIDTH = /^[\uFF61-\uFFDC]/;

/** Columns of a terminal that a text takes. */
export function widthOf(text: string): number {
  // Most text: one column a character.
  if (/^[\x20-\x7E]*$/.test(text)) return text.length;
  let width = 0;
  for (const { segment } of segmentsOf(text)) width += WIDE.test(segment) && !HALF_WIDTH.test(segment) ? 2 : 1;
  return width;
}

/** The start of a text that takes at most `widest` columns, with an ellipsis if something was cut off. */
function cut(text: string, widest: number): string {
  if (widthOf(text) <= widest) return text;
  let kept = '';
  for (const { segment } of segmentsOf(text)) {
    if (widthOf(kept + segment) > widest - 1) break;
    kept += segment;
  }
  return `${kept}…`;
}

/** A column of a table: its title, and its cell of a row; an empty cell shows as a dash. */
export type Column<T> = readonly [title: string, cell: (row: T) => string | number | Date | null | undefined];

/** Widest cell: texts from outside may be of any length. The last column is cut too. */
const WIDEST = 60;

/** One line a row, after a line of titles; each ends with a line break. Without rows there are no titles either. */
export function table<T>(columns: readonly Column<T>[], rows: readonly T[], widest = WIDEST): string {
  if (rows.length === 0) return '';
  const lines = [
    columns.map(([title]) => title),
    ...rows.map((row) => columns.map(([, cell]) => cut(cellText(cell(row)), widest))),
  ];
  const widths = columns.map((_, column) => Math.max(...lines.map((line) => widthOf(line[column] ?? ''))));
  return lines
    .map((line) => line.map((cell, column) => padded(cell, widths[column] ?? 0)).join('  '))
    .map((line) => `${line.trimEnd()}\n`)
    .join('');
}

function cellText(value: string | number | Date | null | undefined): string {
  if (value instanceof Date) return value.toISOString();
  return value === null || value === undefined || value === '' ? '-' : visibleLine(String(value));
}

function padded(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - widthOf(text)));
}

/** Returns a value as a shell takes it for one word: people paste the command, and do not choose every value. */
export function quoted(value: string): string {
  return /^[\w.:/][\w.:/-]*$/.test(value) ? value : `'${value.replaceAll("'", "'\\''")}'`;
}

import { once } from 'node:events';
import { type Column, table, visible, visibleJson, visibleLine } from '../platform/terminal-text.ts';

/** All that commands print goes through this file: no text from outside reaches a terminal as it came. */

/** Prints text for people on standard output, with a line break at its end. Resolves once more can be printed. */
export async function print(text: string): Promise<void> {
  await write(`${visible(text).replace(/\n$/, '')}\n`);
}

/** Prints a value as JSON on standard output: indented, or on one line. Resolves once more can be printed. */
export async function printJson(value: unknown, form: 'indented' | 'line' = 'indented'): Promise<void> {
  await write(`${visibleJson(JSON.stringify(value, null, form === 'line' ? 0 : 2))}\n`);
}

/** Writes a text and a line break to standard error, for people. */
export function report(text: string): void {
  const over = isLineOpen ? CLEAR_LINE : '';
  isLineOpen = false;
  process.stderr.write(`${over}${visible(text).replace(/\n$/, '')}\n`);
}

/** How a list is printed. */
export interface ListForm<T> {
  readonly columns: readonly Column<T>[];
  /** What people read on standard error if the list is empty: standard output has data only. */
  readonly nothing: string;
  /** As JSON: one array, or one element a line, or null for people. */
  readonly json: 'array' | 'lines' | null;
  /** The most columns of a terminal that a cell takes; default 60. */
  readonly widest?: number;
}

/** Prints a list as a table with titles, or as JSON. */
export async function printList<T>(rows: readonly T[], { columns, nothing, json, widest }: ListForm<T>): Promise<void> {
  if (json === 'array') await printJson(rows);
  else if (json === 'lines') for (const row of rows) await printJson(row, 'line');
  else if (rows.length === 0) report(nothing);
  else await write(table(columns, rows, widest));
}

const CLEAR_LINE = '\r\u001B[2K';
/** The terminal's last line is one that `showInPlace` may replace. */
let isLineOpen = false;

/** Shows a line on standard error that the next one replaces on a terminal; elsewhere every text is a line. */
export function showInPlace(text: string): void {
  if (!process.stderr.isTTY) return report(visibleLine(text));
  process.stderr.write(`${CLEAR_LINE}${visibleLine(text)}`);
  isLineOpen = true;
}

/** Leaves the line that was shown last. */
export function endLine(): void {
  if (isLineOpen) process.stderr.write('\n');
  isLineOpen = false;
}

/**
 * Ends the process quietly once nobody reads standard output any more (`| head -1`), with the exit code that a shell
 * shows for SIGPIPE. A closed standard error stops nothing.
 */
export function endWithReader(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(128 + 13);
    throw error;
  });
  process.stderr.on('error', () => {});
}

async function write(text: string): Promise<void> {
  if (!process.stdout.write(text)) await once(process.stdout, 'drain');
}

import { type Column, table, visibleLine, widthOf } from '../platform/terminal-text.ts';

/** How an operation's data looks to people if the operation has no text of its own. */

const CELL_WIDTH_MAX = 60;
const CELL_WIDTH_MIN = 8;

/**
 * Shows fields one a line, each array of objects as a table under its name, and an object with nothing but one such array
 * as that table alone. Tables are cut to `columns`, the terminal's width; without a terminal to 60 columns a cell.
 */
export function dataText(data: object, columns: number | undefined): string {
  const entries = Object.entries(data);
  const [only] = entries;
  if (entries.length === 1 && isTable(only?.[1])) return fittedTable(only[1], columns);
  const plain = entries.filter(([, value]) => !isTable(value));
  const width = Math.max(0, ...plain.map(([name]) => widthOf(name)));
  const lines = plain.map(([name, value]) => `${name.padEnd(width)}  ${valueText(value)}`);
  const tables = entries.flatMap(([name, value]) =>
    isTable(value) ? [`\n${name}${value.length === 0 ? ': none' : `\n${fittedTable(value, columns)}`}`] : [],
  );
  return [...lines, ...tables].join('\n');
}

/** What people read about an empty list; null for other data. */
export function emptyText(data: object): string | null {
  const entries = Object.entries(data);
  const [name = '', value] = entries[0] ?? [];
  const isEmptyList = entries.length === 1 && Array.isArray(value) && value.length === 0;
  return isEmptyList ? `There are no ${name.replaceAll('_', ' ')}.` : null;
}

type Row = Readonly<Record<string, unknown>>;

function isTable(value: unknown): value is readonly Row[] {
  return Array.isArray(value) && value.every((one) => typeof one === 'object' && one !== null);
}

/** Narrows the widest cells first. */
function fittedTable(rows: readonly Row[], terminalColumns: number | undefined): string {
  const names = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const columns = names.map((name): Column<Row> => [name, (row) => valueText(row[name])]);
  for (let widest = CELL_WIDTH_MAX; ; widest -= 1) {
    const text = table(columns, rows, widest);
    const width = Math.max(...text.split('\n').map(widthOf));
    if (width <= (terminalColumns ?? Number.POSITIVE_INFINITY) || widest === CELL_WIDTH_MIN) return text;
  }
}

function valueText(value: unknown): string {
  if (value === null || value === undefined || value === '') return '-';
  if (Array.isArray(value) && value.length === 0) return '-';
  if (Array.isArray(value) && value.every((one) => typeof one !== 'object')) return value.map(valueText).join(', ');
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  return visibleLine(typeof value === 'string' ? value : JSON.stringify(value));
}

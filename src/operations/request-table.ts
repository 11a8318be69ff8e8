import { smartcardsOf } from '../requests/command.ts';
import type { ProvisioningRequest } from '../requests/find.ts';
import { printable } from './story-text.ts';

const COLUMNS: readonly [title: string, cell: (request: ProvisioningRequest) => string | null][] = [
  ['number', ({ number }) => String(number)],
  ['state', ({ lifeCycleState }) => lifeCycleState],
  ['type', ({ type }) => type],
  ['cards', ({ command }) => smartcardsOf(command).join(' ')],
  ['created', ({ createdAt }) => createdAt.toISOString()],
  ['final', ({ executedAt }) => executedAt?.toISOString() ?? null],
  ['process', ({ processName }) => processName],
  ['subscription', ({ subscriptionNumber }) => subscriptionNumber],
  ['reference', ({ referenceNumber }) => referenceNumber],
  ['error', ({ errorCode }) => errorCode],
];
/** A CAS may give texts of any length, and a terminal has one line for them. */
const WIDEST = 60;

/** One line a request, under a line of titles; nothing where there are none. */
export function requestTable(requests: readonly ProvisioningRequest[]): string {
  if (requests.length === 0) return '';
  const rows = [
    COLUMNS.map(([title]) => title),
    ...requests.map((request) => COLUMNS.map(([, cell]) => shown(cell(request)))),
  ];
  const widths = COLUMNS.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map(
      (row) =>
        `${row
          .map((cell, column) => cell.padEnd(widths[column] ?? 0))
          .join('  ')
          .trimEnd()}\n`,
    )
    .join('');
}

function shown(cell: string | null): string {
  const text = printable(cell || '-').replace(/\s/g, ' ');
  return text.length > WIDEST ? `${text.slice(0, WIDEST - 1)}…` : text;
}

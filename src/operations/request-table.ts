import { smartcardsOf } from '../planning/command.ts';
import type { ProvisioningRequest } from '../requests/find.ts';
import { type Column, table } from '../platform/terminal-text.ts';

/** What a table of requests shows. */
export const REQUEST_COLUMNS: readonly Column<ProvisioningRequest>[] = [
  ['number', ({ number }) => number],
  ['state', ({ lifeCycleState }) => lifeCycleState],
  ['type', ({ type }) => type],
  ['cards', ({ command }) => smartcardsOf(command).join(' ')],
  ['created', ({ createdAt }) => createdAt],
  ['final', ({ executedAt }) => executedAt],
  ['process', ({ processName }) => processName],
  ['subscription', ({ subscriptionNumber }) => subscriptionNumber],
  ['reference', ({ referenceNumber }) => referenceNumber],
  ['error', ({ errorCode }) => errorCode],
];

/** One line a request, under a line of titles; empty if there are no requests. */
export function requestTable(requests: readonly ProvisioningRequest[]): string {
  return table(REQUEST_COLUMNS, requests);
}

import { Box, Button, Group, Skeleton, Table } from '@mantine/core';
import type { UseQueryResult } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import type { ApiError } from '../api/client.ts';
import { Empty, Failed } from './states.tsx';

export interface Column<T> {
  readonly head: string;
  readonly cell: (row: T) => ReactNode;
  /** Of the column, in pixels; columns without one share the rest. */
  readonly width?: number;
}

/**
 * A list of the API. Its rows keep their height and its columns their width while it loads and when it is read again,
 * so that nothing moves under the pointer.
 */
export function List<T>({
  label,
  query,
  rows,
  rowKey,
  columns,
  empty,
  minWidth = 720,
  lines = 10,
}: {
  /** What the list is, for people who hear it. */
  label: string;
  /** Absent if the rows are part of something that is already there. */
  query?: Pick<UseQueryResult<unknown, ApiError>, 'error' | 'isPending' | 'isPlaceholderData' | 'refetch'>;
  rows: readonly T[] | undefined;
  rowKey: (row: T) => string | number;
  columns: readonly Column<T>[];
  /** What an empty list means, and what to do. */
  empty: ReactNode;
  minWidth?: number;
  /** How many rows are kept free until the data is there. */
  lines?: number;
}) {
  const { error = null, isPending = false, isPlaceholderData = false, refetch } = query ?? {};
  return (
    <>
      {error !== null && <Failed error={error} onAgain={() => void refetch?.()} />}
      <Table.ScrollContainer minWidth={minWidth} type="native" tabIndex={0} aria-label={label} role="region">
        <Table
          layout="fixed"
          highlightOnHover
          verticalSpacing={6}
          opacity={isPlaceholderData ? 0.6 : 1}
          aria-label={label}
        >
          <Table.Thead>
            <Table.Tr>
              {columns.map(({ head, width }) => (
                <Table.Th key={head} w={width}>
                  {head}
                </Table.Th>
              ))}
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {(rows ?? []).map((row) => (
              <Table.Tr key={rowKey(row)}>
                {columns.map(({ head, cell }) => (
                  <Table.Td key={head} className="breaks">
                    {cell(row)}
                  </Table.Td>
                ))}
              </Table.Tr>
            ))}
            {isPending &&
              error === null &&
              Array.from({ length: lines }, (_, line) => (
                <Table.Tr key={line}>
                  <Table.Td colSpan={columns.length}>
                    <Skeleton height={20} />
                  </Table.Td>
                </Table.Tr>
              ))}
          </Table.Tbody>
        </Table>
      </Table.ScrollContainer>
      {rows?.length === 0 && <Empty>{empty}</Empty>}
    </>
  );
}

/** The way to the next page of a list that is read by `after`; the browser's back button returns. */
export function Pages({
  isFirst,
  onFirst,
  onNext,
}: {
  isFirst: boolean;
  onFirst: () => void;
  onNext?: (() => void) | undefined;
}) {
  if (isFirst && onNext === undefined) return <Box h={36} mt="sm" />;
  return (
    <Group justify="space-between" mt="sm">
      <Button variant="default" size="xs" disabled={isFirst} onClick={onFirst}>
        To the first page
      </Button>
      <Button variant="default" size="xs" disabled={onNext === undefined} onClick={onNext}>
        Next page
      </Button>
    </Group>
  );
}

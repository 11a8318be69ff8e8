import { Alert, Button, Code, Group, Skeleton, Stack, Text } from '@mantine/core';
import type { UseQueryResult } from '@tanstack/react-query';
import { createContext, type ReactNode, useContext, useLayoutEffect } from 'react';
import type { ApiError } from '../api/client.ts';

/** Counts answers that are not shown yet, by 1 and -1; null: nobody counts. */
export const MissingAnswers = createContext<((change: number) => void) | null>(null);

/** What an answer of the API is shown as: grey lines until it is there, what is wrong and what to do if it fails. */
export function Loaded<T>({
  query,
  lines = 8,
  children,
}: {
  query: UseQueryResult<T, ApiError>;
  lines?: number;
  children: (data: T) => ReactNode;
}) {
  const { data, error, isPending, refetch } = query;
  const count = useContext(MissingAnswers);
  const isMissing = data === undefined;
  useLayoutEffect(() => {
    if (!isMissing || count === null) return undefined;
    count(1);
    return () => count(-1);
  }, [isMissing, count]);
  return (
    <>
      {error !== null && <Failed error={error} onAgain={() => void refetch()} />}
      {data !== undefined && children(data)}
      {isPending && error === null && (
        <Stack gap="xs" aria-busy="true" aria-label="Loading">
          {Array.from({ length: lines }, (_, line) => (
            <Skeleton key={line} height={24} />
          ))}
        </Stack>
      )}
    </>
  );
}

/** An error of the API, with its code and a button that tries again. */
export function Failed({ error, onAgain }: { error: ApiError; onAgain?: () => void }) {
  return (
    <Alert color="red" title="This did not work" mb="sm">
      <Text size="sm" className="breaks">
        {error.message} <Code>{error.code}</Code>
      </Text>
      {onAgain !== undefined && (
        <Group mt="xs">
          <Button size="xs" variant="default" onClick={onAgain}>
            Try again
          </Button>
        </Group>
      )}
    </Alert>
  );
}

/** Nothing is there, and what that means or what to do. */
export function Empty({ children }: { children: ReactNode }) {
  return (
    <Text c="dimmed" py="lg" ta="center">
      {children}
    </Text>
  );
}

import { keepPreviousData, useQuery, type UseQueryResult } from '@tanstack/react-query';
import { callApi, type ApiError, type CallName, type Input, type Output } from './client.ts';

interface Options<T> {
  /**
   * Reads again after this many milliseconds while the tab is visible; a function decides by the last answer. Without it,
   * only when somebody acts.
   */
  readonly every?: number | undefined | ((last: T | undefined) => number);
  /** False: not read yet. */
  readonly enabled?: boolean;
  /** Not read again within this many milliseconds because somebody comes back to the page; default one second. */
  readonly freshMs?: number;
}

/** Reads a call of the API and keeps its answer. A change of the input shows the old answer until the new one is there. */
export function useCall<N extends CallName>(
  name: N,
  input: Input<N>,
  { every, enabled = true, freshMs }: Options<Output<N>> = {},
): UseQueryResult<Output<N>, ApiError> {
  return useQuery<Output<N>, ApiError>({
    queryKey: [name, input],
    queryFn: ({ signal }) => callApi(name, input, { signal }),
    enabled,
    refetchInterval: typeof every === 'function' ? ({ state }) => every(state.data) : (every ?? false),
    ...(freshMs === undefined ? {} : { staleTime: freshMs }),
    placeholderData: keepPreviousData,
  });
}

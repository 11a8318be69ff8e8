import { Group, NativeSelect, Stack, Title } from '@mantine/core';
import type { Output } from '../api/client.ts';
import { useCall } from '../api/use-call.ts';
import { LinkButton } from '../parts/link-button.tsx';
import { Link, useQueryOfAddress } from '../parts/link.tsx';
import { type Column, List, Pages } from '../parts/list.tsx';
import { count } from '../parts/progress.tsx';
import { KINDS, type RunKind } from '../parts/run-kinds.ts';
import { State } from '../parts/state.tsx';
import { Time } from '../parts/time.tsx';

type Run = Output<'runs.list'>['runs'][number];

const PAGE = 30;

/** All runs, the newest first. */
export function RunsPage() {
  const [query, setQuery] = useQueryOfAddress();
  const kind = query('kind') as RunKind | undefined;
  return (
    <Stack>
      <Group justify="space-between">
        <Title order={1}>Runs</Title>
        <LinkButton to="/runs/new" call="runs.start">
          Start a run
        </LinkButton>
      </Group>
      <Group>
        <NativeSelect
          size="xs"
          label="Kind"
          data={[{ value: '', label: 'any' }, ...KINDS.map(({ kind: value, name }) => ({ value, label: name }))]}
          value={kind ?? ''}
          onChange={({ currentTarget }) => setQuery({ kind: currentTarget.value, before: '' })}
        />
      </Group>
      <RunList
        {...(kind === undefined ? {} : { kind })}
        empty="There are no such runs yet."
        to={({ id }) => `/runs/${id}`}
      />
    </Stack>
  );
}

/** Runs of one kind or of all, with the way to the next page. */
export function RunList({ kind, empty, to }: { kind?: RunKind; empty: string; to: (run: Run) => string }) {
  const [query, setQuery] = useQueryOfAddress();
  const before = query('before');
  const call = useCall(
    'runs.list',
    { kind, before: before === undefined ? undefined : Number(before), limit: PAGE },
    { every: before === undefined ? 5_000 : undefined },
  );
  const runs = call.data?.runs;
  const last = runs?.length === PAGE ? runs.at(-1) : undefined;
  return (
    <>
      <List
        label="Runs"
        query={call}
        rows={runs}
        rowKey={({ id }) => id}
        columns={[{ head: 'Run', width: 80, cell: (run) => <Link to={to(run)}>{run.id}</Link> }, ...COLUMNS]}
        empty={empty}
        minWidth={900}
      />
      <Pages
        isFirst={before === undefined}
        onFirst={() => setQuery({ before: '' })}
        onNext={last === undefined ? undefined : () => setQuery({ before: last.id })}
      />
    </>
  );
}

const COLUMNS: readonly Column<Run>[] = [
  { head: 'Kind', width: 150, cell: ({ kind }) => KINDS.find((one) => one.kind === kind)?.name ?? kind },
  { head: 'State', width: 130, cell: ({ state }) => <State of={state} /> },
  { head: 'Done', width: 130, cell: ({ counts }) => `${count(doneOf(counts))} of ${count(counts.targets)}` },
  {
    head: 'Outcomes',
    cell: ({ counts: { outcomes }, failure }) =>
      [...Object.entries(outcomes).map(([code, number]) => `${count(number)} ${code}`), failure]
        .filter(Boolean)
        .join(', '),
  },
  { head: 'Started by', width: 140, cell: ({ created_by_user: user }) => user },
  { head: 'Created', width: 190, cell: ({ created_date: at }) => <Time at={at} /> },
];

/** Targets of a run that are done. */
export function doneOf({ targets, waiting, pending }: Run['counts']): number {
  return targets - waiting - pending;
}

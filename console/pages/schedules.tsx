import { Group, Stack, Title } from '@mantine/core';
import { useCall } from '../api/use-call.ts';
import { LinkButton } from '../parts/link-button.tsx';
import { Link } from '../parts/link.tsx';
import { List } from '../parts/list.tsx';
import { kindText } from '../parts/run-kinds.ts';
import { State } from '../parts/state.tsx';
import { Time } from '../parts/time.tsx';

/** Runs that start by the clock. */
export function SchedulesPage() {
  const call = useCall('schedules.list', {}, { every: 10_000 });
  return (
    <Stack>
      <Group justify="space-between">
        <Title order={1}>Schedules</Title>
        <LinkButton to="/schedules/new" call="schedules.add">
          Add a schedule
        </LinkButton>
      </Group>
      <List
        label="Schedules"
        query={call}
        rows={call.data?.schedules}
        rowKey={({ name }) => name}
        columns={[
          { head: 'Name', cell: ({ name }) => <Link to={`/schedules/${encodeURIComponent(name)}`}>{name}</Link> },
          { head: 'Kind', width: 150, cell: ({ kind }) => kindText(kind).name },
          { head: 'Times', width: 150, cell: ({ cron }) => cron },
          { head: 'Clocks', width: 140, cell: ({ time_zone: zone }) => zone },
          {
            head: 'State',
            width: 120,
            cell: ({ enabled }) => <State of={enabled ? 'ENABLED' : 'DISABLED'} tone={enabled ? 'good' : 'waits'} />,
          },
          { head: 'Next', width: 190, cell: ({ next_date: at }) => <Time at={at} full /> },
          {
            head: 'Last run',
            width: 90,
            cell: ({ last_run_id: run }) => (run === null ? '–' : <Link to={`/runs/${run}`}>{run}</Link>),
          },
        ]}
        empty="There are no schedules. Add one, and its runs start by the clock."
        minWidth={950}
      />
    </Stack>
  );
}

import { Group, Stack, Title } from '@mantine/core';
import { useLocation, useParams } from 'wouter';
import type { Output } from '../api/client.ts';
import { useCall } from '../api/use-call.ts';
import { Action } from '../parts/action.tsx';
import { Code } from '../parts/code.tsx';
import { Facts } from '../parts/facts.tsx';
import { Link } from '../parts/link.tsx';
import { List } from '../parts/list.tsx';
import { kindText } from '../parts/run-kinds.ts';
import { NextTimes } from '../parts/schedule-times.tsx';
import { State } from '../parts/state.tsx';
import { Empty, Loaded } from '../parts/states.tsx';
import { Time } from '../parts/time.tsx';

type Shown = Output<'schedules.list'>['schedules'][number];

const EVERY_MS = 10_000;

/** One schedule: its next times, what happened at the last ones, and the buttons that switch and remove it. */
export function SchedulePage() {
  const name = decodeURIComponent(useParams<{ name: string }>().name);
  const query = useCall('schedules.list', {}, { every: EVERY_MS });
  return (
    <Stack>
      <Title order={1} className="breaks">
        Schedule {name}
      </Title>
      <Loaded query={query}>
        {({ schedules }) => {
          const schedule = schedules.find((one) => one.name === name);
          return schedule === undefined ? (
            <Empty>
              There is no such schedule. <Link to="/schedules">All schedules</Link>
            </Empty>
          ) : (
            <Schedule schedule={schedule} />
          );
        }}
      </Loaded>
    </Stack>
  );
}

function Schedule({ schedule }: { schedule: Shown }) {
  const { name, kind, cron, time_zone: zone, enabled } = schedule;
  const history = useCall('schedules.history', { name, limit: 50 }, { every: EVERY_MS });
  return (
    <Stack>
      <Group mih={36}>
        <State of={enabled ? 'ENABLED' : 'DISABLED'} tone={enabled ? 'good' : 'waits'} />
        <Buttons schedule={schedule} />
      </Group>
      <Facts
        rows={[
          ['Kind of its runs', kindText(kind).name],
          ['Times', cron],
          ['On the clocks of', zone],
          ['Added by', schedule.created_by_user],
          ['Last changed', <Time key="changed" at={schedule.updated_date} full />],
        ]}
      />
      <Code label="What and for whom" value={{ parameters: schedule.parameters, selection: schedule.selection }} />
      <Title order={2} size="h4">
        {enabled ? 'Next times' : 'Next times if it were enabled'}
      </Title>
      <NextTimes cron={cron} zone={zone} />
      <Title order={2} size="h4">
        History
      </Title>
      <List
        label="History"
        query={history}
        rows={history.data?.starts}
        rowKey={({ due_date: due }) => due}
        columns={[
          { head: 'Due', width: 190, cell: ({ due_date: at }) => <Time at={at} /> },
          { head: 'What happened', width: 140, cell: ({ outcome }) => <State of={outcome} /> },
          {
            head: 'Run',
            width: 180,
            cell: ({ run_id: run, run_state: state }) =>
              run === null ? (
                '–'
              ) : (
                <>
                  <Link to={`/runs/${run}`}>{run}</Link> {state !== null && <State of={state} />}
                </>
              ),
          },
          { head: 'Why no run was started', cell: ({ detail }) => detail ?? '–' },
        ]}
        empty="The schedule was not due yet."
      />
    </Stack>
  );
}

function Buttons({ schedule: { name, enabled } }: { schedule: Shown }) {
  const [, navigate] = useLocation();
  return (
    <>
      {enabled ? (
        <Action
          name="schedules.disable"
          input={{ name }}
          label="Disable the schedule"
          effect="No more runs start until somebody enables it. A run that is under way goes on."
          done={() => `Schedule ${name} is disabled.`}
        />
      ) : (
        <Action
          name="schedules.enable"
          input={{ name }}
          label="Enable the schedule"
          effect="Runs start again, from the next time on. Times that have passed are not made up for."
          done={() => `Schedule ${name} is enabled.`}
        />
      )}
      <Action
        name="schedules.remove"
        input={{ name }}
        label="Remove the schedule"
        effect="This removes 1 schedule and its history for good. Its runs stay."
        done={() => `Schedule ${name} is removed.`}
        onDone={() => navigate('/schedules')}
        dangerous
      />
    </>
  );
}

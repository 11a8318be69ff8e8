import { Button, Group, Stack, Text, Title } from '@mantine/core';
import { useCall } from '../api/use-call.ts';
import { LinkButton } from '../parts/link-button.tsx';
import { Link, useQueryOfAddress } from '../parts/link.tsx';
import { List } from '../parts/list.tsx';
import { count } from '../parts/progress.tsx';
import { REPLAY_KINDS } from '../parts/replay-selection.ts';
import { State } from '../parts/state.tsx';
import { Time } from '../parts/time.tsx';

const PAGE = 50;
const MOST = 1_000;

/** Plans and replays, the newest first. */
export function ReplaysPage() {
  const [query, setQuery] = useQueryOfAddress();
  const limit = Math.min(Number(query('limit') ?? PAGE), MOST);
  const call = useCall('replay.list', { limit }, { every: 5_000 });
  const replays = call.data?.replays;
  return (
    <Stack>
      <Group justify="space-between">
        <Title order={1}>Replays</Title>
        <Group>
          <LinkButton to="/replays/new" call="replay.plan">
            Plan a replay
          </LinkButton>
          <LinkButton to="/replays/new" query={{ kind: 'OUTCOMES' }} call="replay.outcomes">
            Publish outcomes again
          </LinkButton>
        </Group>
      </Group>
      <List
        label="Plans and replays"
        query={call}
        rows={replays}
        rowKey={({ id }) => id}
        columns={[
          { head: 'Replay', width: 80, cell: ({ id }) => <Link to={`/replays/${id}`}>{id}</Link> },
          { head: 'Kind', width: 160, cell: ({ kind }) => REPLAY_KINDS[kind] },
          { head: 'State', width: 130, cell: ({ state }) => <State of={state} /> },
          { head: 'Reason', cell: ({ reason }) => reason },
          {
            head: 'Done',
            width: 220,
            cell: ({ counts }) =>
              Object.entries(counts)
                .map(([name, number]) => `${count(number)} ${name}`)
                .join(', '),
          },
          {
            head: 'Started',
            width: 190,
            cell: ({ started_date: at, created_by_user: user }) => (
              <>
                <Time at={at} />
                <Text size="xs">by {user}</Text>
              </>
            ),
          },
        ]}
        empty="Nothing was replayed yet. A plan shows what today's rules would send for past events."
        minWidth={950}
      />
      {replays?.length === limit && limit < MOST && (
        <Group>
          <Button size="xs" variant="default" onClick={() => setQuery({ limit: limit + PAGE })}>
            Show more
          </Button>
        </Group>
      )}
    </Stack>
  );
}

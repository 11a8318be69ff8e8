import { Group, Stack, Text, Title } from '@mantine/core';
import type { Output } from '../api/client.ts';
import { useCall } from '../api/use-call.ts';
import { Action } from '../parts/action.tsx';
import { type Filter, Filters } from '../parts/filters.tsx';
import { LinkButton } from '../parts/link-button.tsx';
import { Link, useQueryOfAddress, Why } from '../parts/link.tsx';
import { List, Pages } from '../parts/list.tsx';
import { messageText } from '../parts/message-fields.tsx';
import { State } from '../parts/state.tsx';
import { Time } from '../parts/time.tsx';

type Entry = Output<'queue.show'>;

const PAGE = 50;
const EVERY_MS = 5_000;
const STATES = ['PENDING', 'REJECTED', 'COMPLETED', 'COMPLETED_AND_REMOVED'] as const;
const FILTERS: readonly Filter[] = [{ name: 'state', label: 'State', options: STATES }];

/** Messages that wait until a run sends them, and what became of the earlier ones. */
export function QueuePage() {
  const [query, setQuery] = useQueryOfAddress();
  const after = Number(query('after') ?? 0);
  const state = query('state') as Entry['state'] | undefined;
  const call = useCall('queue.list', { state, after, limit: PAGE }, { every: EVERY_MS });
  const entries = call.data?.entries;
  const last = entries?.length === PAGE ? entries.at(-1) : undefined;
  return (
    <Stack>
      <Group justify="space-between">
        <Title order={1}>Message queue</Title>
        <Group>
          <LinkButton to="/queue/new" call="queue.add">
            Add a message
          </LinkButton>
          <LinkButton to="/runs/new" query={{ kind: 'QUEUE' }} call="runs.start">
            Send all that wait
          </LinkButton>
          <Link to="/schedules">Schedules</Link>
        </Group>
      </Group>
      <Filters filters={FILTERS} />
      <List
        label="Messages of the queue"
        query={call}
        rows={entries}
        rowKey={({ number }) => number}
        columns={[
          { head: 'Number', width: 80, cell: ({ number }) => number },
          { head: 'State', width: 200, cell: ({ state: of }) => <State of={of} /> },
          {
            head: 'To',
            width: 170,
            cell: ({ smartcard_ca_id: card, subscription_number: number }) => <Why of={card ?? number ?? ''} />,
          },
          {
            head: 'Message',
            cell: ({ message, detail }) => (
              <>
                {messageText(message)}
                {detail !== null && <Text size="xs">{detail}</Text>}
              </>
            ),
          },
          {
            head: 'Run',
            width: 80,
            cell: ({ run_id: run }) => (run === null ? '–' : <Link to={`/runs/${run}`}>{run}</Link>),
          },
          { head: 'Added', width: 190, cell: Added },
          { head: 'Action', width: 120, cell: (entry) => <Remove entry={entry} /> },
        ]}
        empty="There are no such messages. Add one, and a run of the kind Message queue sends it."
        minWidth={1_000}
      />
      <Pages
        isFirst={after === 0}
        onFirst={() => setQuery({ after: '' })}
        onNext={last === undefined ? undefined : () => setQuery({ after: last.number })}
      />
    </Stack>
  );
}

function Added({ created_date: at, created_by_user: user }: Entry) {
  return (
    <>
      <Time at={at} />
      <Text size="xs">by {user}</Text>
    </>
  );
}

function Remove({ entry: { number, state, run_id: run } }: { entry: Entry }) {
  if (state === 'REJECTED' || state === 'COMPLETED_AND_REMOVED' || (state === 'PENDING' && run !== null)) return null;
  return (
    <Action
      name="queue.remove"
      input={{ number }}
      label={`Remove message ${number}`}
      short="Remove"
      effect={
        state === 'PENDING'
          ? 'This takes 1 message off the queue. It becomes REJECTED and is not sent.'
          : 'This takes 1 sent message off the list. It becomes COMPLETED_AND_REMOVED and stays stored.'
      }
      done={({ state: now }) => `Message ${number} is ${now}.`}
      dangerous={state === 'PENDING'}
    />
  );
}

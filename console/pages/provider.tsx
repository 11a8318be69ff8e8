import { Alert, Group, Stack, Text, TextInput, Title } from '@mantine/core';
import { useState } from 'react';
import type { Output } from '../api/client.ts';
import { useCall } from '../api/use-call.ts';
import { Action } from '../parts/action.tsx';
import { List } from '../parts/list.tsx';
import { Loaded } from '../parts/states.tsx';
import { age, Time } from '../parts/time.tsx';

type Provider = Output<'provider.status'>;

/** Whether commands are sent to the CAS, and the two buttons that stop and start it. */
export function ProviderPage() {
  const query = useCall('provider.status', {}, { every: 3_000 });
  return (
    <Stack>
      <Title order={1}>Provider</Title>
      {/* As high as it is while all is well, or the lists below would move when it arrives. */}
      <Stack mih={180}>
        <Loaded query={query} lines={4}>
          {(provider) => (
            <>
              <Sending {...provider} />
              <Breaker {...provider} />
            </>
          )}
        </Loaded>
      </Stack>
      <Title order={2} size="h4">
        Instances
      </Title>
      <List
        label="Instances that send"
        query={query}
        rows={query.data?.instances}
        rowKey={({ id }) => id}
        empty="No instance of the service sends now. Start the service, or look at its log."
        lines={1}
        columns={[
          { head: 'Instance', cell: ({ id }) => id },
          { head: 'Calls at once', width: 130, cell: ({ slots }) => slots },
          { head: 'Calls a second', width: 130, cell: ({ requests_per_second: rate }) => rate },
          { head: 'Started', width: 200, cell: ({ started_date: at }) => <Time at={at} /> },
        ]}
      />
      <History />
    </Stack>
  );
}

const HISTORY_PAGE = 20;

function History() {
  const query = useCall('provider.history', { limit: HISTORY_PAGE });
  return (
    <>
      <Title order={2} size="h4">
        The last changes
      </Title>
      <List
        label="The last changes"
        query={query}
        rows={query.data?.changes}
        rowKey={({ id }) => id}
        empty="Nobody has paused sending yet."
        columns={[
          { head: 'When', width: 200, cell: ({ date }) => <Time at={date} /> },
          { head: 'What', width: 110, cell: ({ change }) => (change === 'PAUSED' ? 'paused' : 'resumed') },
          {
            head: 'Who',
            width: 160,
            cell: ({ by_user: by, by_unit: unit }) => (unit === null ? by : `${by}, ${unit}`),
          },
          { head: 'Reason', cell: ({ reason }) => reason ?? '–' },
        ]}
      />
    </>
  );
}

function Sending({ paused, paused_by: by, paused_reason: reason, changed_date: at }: Provider) {
  const [why, setWhy] = useState('');
  if (paused)
    return (
      <Alert color="red" title="Sending is paused">
        <Text className="breaks">
          {by} paused it: {reason} (<Time at={at} />, {`${age(at)} ago`})
        </Text>
        <Group mt="sm">
          <Action
            name="provider.resume"
            input={{}}
            label="Resume sending"
            effect="All instances send to the CAS again: first what waited longest, in the order of each card."
            done={() => 'Sending was resumed'}
          />
        </Group>
      </Alert>
    );
  return (
    <Alert color="green" title="Sending">
      <Text>Commands are sent to the CAS.</Text>
      <Group mt="sm">
        <Action
          name="provider.pause"
          input={{ reason: why.trim() }}
          label="Pause sending"
          dangerous
          isReady={why.trim() !== ''}
          onDone={() => setWhy('')}
          effect={
            <Stack gap="xs">
              <Text>
                No instance sends anything until somebody resumes it. Customers who are activated meanwhile keep a black
                screen. Nothing is lost: requests wait in order.
              </Text>
              <TextInput
                label="Reason"
                description="For those who find it paused."
                required
                maxLength={200}
                value={why}
                onChange={(event) => setWhy(event.currentTarget.value)}
                data-autofocus
              />
            </Stack>
          }
          done={() => 'Sending was paused'}
        />
      </Group>
    </Alert>
  );
}

function Breaker({ breaker, breaker_open_until: until, failures_in_a_row: failures }: Provider) {
  if (breaker === 'closed') return <Text>The CAS answers.</Text>;
  return (
    <Alert color="orange" title="The CAS does not answer">
      {failures} calls in a row failed, so sending waits. It is tried again{' '}
      {until === null ? 'now' : <Time at={until} />}.
    </Alert>
  );
}

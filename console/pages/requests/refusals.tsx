import { Group, NativeSelect, Paper, Stack, Text, Title } from '@mantine/core';
import { useState } from 'react';
import type { Output } from '../../api/client.ts';
import { useCall } from '../../api/use-call.ts';
import { Link, useQueryOfAddress, Why } from '../../parts/link.tsx';
import { counted } from '../../parts/progress.tsx';
import { StartRun } from '../../parts/start-run.tsx';
import { Empty, Loaded } from '../../parts/states.tsx';
import { Time } from '../../parts/time.tsx';

type Refusal = Output<'requests.refusals'>['refusals'][number];

const PERIODS = [
  { value: '1', label: 'the last hour' },
  { value: '24', label: 'the last 24 hours' },
  { value: '168', label: 'the last 7 days' },
  { value: '720', label: 'the last 30 days' },
];

/** What the CAS refused, by code: what it means, what to do, and a button that sends it again. */
export function Refusals() {
  const [query, setQuery] = useQueryOfAddress();
  const hours = PERIODS.find(({ value }) => value === query('hours'))?.value ?? '24';
  // Since the page was opened: a sliding start would be another question every time.
  const [opened] = useState(Date.now);
  const since = new Date(opened - Number(hours) * 3_600_000).toISOString();
  const found = useCall('requests.refusals', { since }, { every: 10_000 });
  return (
    <Stack>
      <NativeSelect
        label="Submitted in"
        w={200}
        size="xs"
        data={PERIODS}
        value={hours}
        onChange={({ currentTarget }) => setQuery({ hours: currentTarget.value })}
      />
      <Loaded query={found}>
        {({ complete, refusals, since: from }) => (
          <>
            {!complete && <Text size="sm">There are more: these are the newest refusals.</Text>}
            {refusals.length === 0 && <Empty>Nothing was refused in this time.</Empty>}
            {refusals.map((one) => (
              <OfCode key={one.code} refusal={one} since={from} />
            ))}
          </>
        )}
      </Loaded>
    </Stack>
  );
}

function OfCode({ refusal, since }: { refusal: Refusal; since: string }) {
  const { code, count, subscriptions, meaning, remedy, oldest_date: oldest, newest_date: newest, samples } = refusal;
  return (
    <Paper withBorder p="md" role="group" aria-label={code}>
      <Group justify="space-between" align="baseline">
        <Title order={2} size="h4" className="breaks">
          {code}
        </Title>
        <Link to="/requests" query={{ state: 'REJECTED', code, since }}>
          {counted(count, 'request')} of {counted(subscriptions, 'subscription')}
        </Link>
      </Group>
      <Text size="sm">
        <Time at={oldest} /> to <Time at={newest} />
      </Text>
      <Text mt="xs" className="breaks">
        {meaning ?? 'The CAS made this code up: look at a sample.'}
      </Text>
      {remedy !== null && <Text className="breaks">{remedy}</Text>}
      <ul>
        {samples.map(({ number, smartcard_ca_id: card, subscription_number: subscription, description }) => (
          <li key={number} className="breaks">
            <Link to={`/requests/${number}`}>Request {number}</Link>
            {card !== null && (
              <>
                {' '}
                on card <Why of={card} />
              </>
            )}
            {subscription !== null && (
              <>
                {' '}
                of subscription <Why of={subscription} />
              </>
            )}
            {description !== null && `: ${description}`}
          </li>
        ))}
      </ul>
      {subscriptions > 0 && (
        <StartRun
          run={{ kind: 'RESYNC', parameters: {}, selection: { refused_with: code, refused_since: since } }}
          label={`Resync the subscriptions that were refused with ${code}`}
        />
      )}
    </Paper>
  );
}

import { Alert, Group, Paper, SimpleGrid, Stack, Text, Title } from '@mantine/core';
import type { Output } from '../api/client.ts';
import { useCall } from '../api/use-call.ts';
import { Chart } from '../parts/chart.tsx';
import { Link } from '../parts/link.tsx';
import { List } from '../parts/list.tsx';
import { count } from '../parts/progress.tsx';
import { State } from '../parts/state.tsx';
import { Loaded } from '../parts/states.tsx';
import { age, Time } from '../parts/time.tsx';

type Overview = Output<'overview'>;

const VERDICTS = {
  OK: { color: 'green', title: 'All is well' },
  ATTENTION: { color: 'yellow', title: 'Something needs attention' },
  DOWN: { color: 'red', title: 'Something does not work' },
} as const;
const TONES = { OK: 'good', ATTENTION: 'waits', DOWN: 'bad' } as const;
const PARTS: Readonly<Record<Overview['parts'][number]['part'], { name: string; to: string }>> = {
  DATABASE: { name: 'Database', to: '/provider' },
  KAFKA: { name: 'Kafka', to: '/events' },
  SCHEMA_REGISTRY: { name: 'Schema registry', to: '/events' },
  CAS: { name: 'CAS', to: '/provider' },
  INTAKE: { name: 'Reading events', to: '/events' },
  DISPATCH: { name: 'Sending commands', to: '/requests?state=PENDING' },
  OUTCOMES: { name: 'Publishing outcomes', to: '/replays' },
};
const CLASSES = {
  EXPRESS: 'Express',
  GIVING: 'Customers who get something',
  TAKING: 'Customers who lose something',
  BULK: 'Mass work',
} as const;

const COUNTED_MAX = 5_000;

/** Is everything well? Each figure leads to its list. */
export function OverviewPage() {
  const query = useCall('overview', {}, { every: 3_000 });
  return (
    <Stack>
      <Title order={1}>Overview</Title>
      <Loaded query={query} lines={24}>
        {(overview) => (
          <>
            <Verdict {...overview} />
            <Parts parts={overview.parts} />
            <Waiting {...overview} />
            <Charts minutes={overview.minutes} />
            <SimpleGrid cols={{ base: 1, lg: 2 }}>
              <section>
                <Title order={2} size="h4">
                  Commands that are ready to be sent
                </Title>
                <List
                  label="Commands that are ready to be sent"
                  query={query}
                  rows={overview.backlog}
                  rowKey={({ class: name }) => name}
                  empty="Nothing waits."
                  minWidth={320}
                  columns={[
                    {
                      head: 'Class',
                      cell: ({ class: name }) => (
                        <Link to="/requests" query={{ state: 'PENDING' }}>
                          {CLASSES[name]}
                        </Link>
                      ),
                    },
                    { head: 'Ready', width: 100, cell: ({ ready }) => most(ready) },
                    {
                      head: 'Oldest',
                      width: 110,
                      cell: ({ oldest_ready_date: at }) => (at === null ? '–' : age(at)),
                    },
                  ]}
                />
              </section>
              <section>
                <Title order={2} size="h4">
                  Refusals of the last 24 hours
                </Title>
                <List
                  label="Refusals of the last 24 hours"
                  query={query}
                  rows={overview.refusals}
                  rowKey={({ code }) => code}
                  empty="The CAS refused nothing."
                  minWidth={320}
                  columns={[
                    {
                      head: 'Code',
                      cell: ({ code }) => (
                        <Link to="/requests" query={{ state: 'REJECTED', code, since: dayBefore(overview.at) }}>
                          {code}
                        </Link>
                      ),
                    },
                    { head: 'Count', width: 80, cell: ({ count: refused }) => count(refused) },
                    { head: 'Newest', width: 110, cell: ({ newest_date: at }) => <Time at={at} /> },
                  ]}
                />
              </section>
            </SimpleGrid>
            <Runs runs={overview.runs} />
          </>
        )}
      </Loaded>
    </Stack>
  );
}

/** The start of the 24 hours whose refusals are counted. */
function dayBefore(at: string): string {
  return new Date(Date.parse(at) - 86_400_000).toISOString();
}

function Verdict({ verdict, parts, provider, at }: Overview) {
  const { color, title } = VERDICTS[verdict];
  const reasons = parts.filter(({ state }) => state !== 'OK');
  return (
    <Alert color={color} title={title} role="status">
      {provider.paused && (
        <Text className="breaks">
          <Link to="/provider">Sending is paused</Link> by {provider.paused_by}: {provider.paused_reason}
        </Text>
      )}
      {reasons.map(({ part, sentence }) => (
        <Text key={part} className="breaks">
          <Link to={PARTS[part].to}>{PARTS[part].name}</Link>: {sentence}
        </Text>
      ))}
      <Text size="sm">
        As of <Time at={at} />
      </Text>
    </Alert>
  );
}

function Parts({ parts }: Pick<Overview, 'parts'>) {
  return (
    <SimpleGrid cols={{ base: 1, xs: 2, md: 4 }} spacing="xs">
      {parts.map(({ part, state, sentence, since }) => (
        <Paper key={part} withBorder p="xs" mih={{ base: 0, md: 92 }}>
          <Group justify="space-between" wrap="nowrap">
            <Link to={PARTS[part].to}>{PARTS[part].name}</Link>
            <State of={state} tone={TONES[state]} />
          </Group>
          <Text size="sm" className="breaks">
            {sentence}
          </Text>
          {state !== 'OK' && since !== null && (
            <Text size="xs" c="dimmed">
              for {age(since)}
            </Text>
          )}
        </Paper>
      ))}
    </SimpleGrid>
  );
}

/** A figure that the API counts no further than this. */
function most(counted: number): string {
  return counted > COUNTED_MAX ? `over ${count(COUNTED_MAX)}` : count(counted);
}

function Waiting({ waiting, intake }: Overview) {
  const figures: readonly [string, string, string][] = [
    ['Events not read yet', intake.unread === null ? '–' : count(intake.unread), '/events?tab=all'],
    ['Dead letters', most(waiting.dead_letters), '/events?tab=dead-letters'],
    ['Held events', most(waiting.held_events), '/events?tab=held'],
    ['Scheduled requests', most(waiting.scheduled), '/requests?state=PENDING'],
    ['Requests that are tried again', most(waiting.retrying), '/requests?state=PENDING'],
    ['Outcomes not published yet', most(waiting.unpublished_outcomes), '/replays'],
    ['Parked outcomes', most(waiting.parked_outcomes), '/replays'],
  ];
  return (
    <SimpleGrid cols={{ base: 2, sm: 4, lg: 7 }} spacing="xs">
      {figures.map(([label, value, to]) => (
        <Paper key={label} withBorder p="xs">
          <Text size="xl" fw={600} className="number">
            {value}
          </Text>
          <Text size="sm">
            <Link to={to}>{label}</Link>
          </Text>
        </Paper>
      ))}
    </SimpleGrid>
  );
}

function Charts({ minutes }: Pick<Overview, 'minutes'>) {
  const times = minutes.map(({ at }) => at);
  return (
    <SimpleGrid cols={{ base: 1, md: 2 }}>
      <Paper withBorder p="xs">
        <Chart
          label="Last hour"
          unit="per minute"
          times={times}
          lines={[
            { label: 'events', color: 'gray', values: minutes.map(({ events }) => events), dashed: true },
            { label: 'completed', color: 'blue', values: minutes.map((one) => one.requests_completed) },
            { label: 'rejected', color: 'red', values: minutes.map((one) => one.requests_rejected) },
          ]}
        />
      </Paper>
      <Paper withBorder p="xs">
        <Chart
          label="From event to outcome"
          unit="ms"
          times={times}
          lines={[
            { label: 'median', color: 'blue', values: minutes.map((one) => one.latency_p50_ms) },
            {
              label: '99th percentile',
              color: 'orange',
              values: minutes.map((one) => one.latency_p99_ms),
              dashed: true,
            },
          ]}
        />
      </Paper>
    </SimpleGrid>
  );
}

function Runs({ runs }: Pick<Overview, 'runs'>) {
  if (runs.length === 0) return null;
  return (
    <section>
      <Title order={2} size="h4">
        Runs under way
      </Title>
      {runs.map(({ id, kind, state, created_by_user: by, created_date: at }) => (
        <Text key={id}>
          <Link to={`/runs/${id}`}>
            Run {id}, {kind}
          </Link>
          : {state}, started by {by} <Time at={at} />
        </Text>
      ))}
    </section>
  );
}

import { Stack, Tabs, Text, Title } from '@mantine/core';
import { useCall } from '../api/use-call.ts';
import type { Output } from '../api/client.ts';
import { DEAD_LETTER_REMEDIES } from '../api/texts.generated.ts';
import { type Filter, Filters } from '../parts/filters.tsx';
import { Link, useQueryOfAddress, Why } from '../parts/link.tsx';
import { type Column, List, Pages } from '../parts/list.tsx';
import { State } from '../parts/state.tsx';
import { age, Time } from '../parts/time.tsx';

type StoredEvent = Output<'events.dead-letters'>['dead_letters'][number];

const PAGE = 50;
const EVERY_MS = 10_000;
const WHOM: readonly Filter[] = [
  { name: 'subscription', label: 'Subscription' },
  { name: 'card', label: 'Card' },
  { name: 'since', label: 'Received from', isTime: true },
  { name: 'until', label: 'Received before', isTime: true },
];
const DEAD_LETTER_FILTERS: readonly Filter[] = [
  { name: 'code', label: 'Reason', options: Object.keys(DEAD_LETTER_REMEDIES) },
  ...WHOM,
  { name: 'all', label: 'Decided ones', none: 'not shown', options: [{ value: 'true', label: 'shown too' }] },
];
const ALL_FILTERS: readonly Filter[] = [
  {
    name: 'disposition',
    label: 'What became of it',
    options: ['PLANNED', 'NOTHING_TO_DO', 'DUPLICATE', 'STALE', 'DEAD_LETTERED'],
  },
  ...WHOM,
];

/** Messages of the CRM: those that wait for a person, and all. */
export function EventsPage() {
  const [query, setQuery] = useQueryOfAddress();
  return (
    <Stack>
      <Title order={1}>Events</Title>
      <Tabs
        value={query('tab') ?? 'dead-letters'}
        onChange={(tab) => setQuery({ tab: tab ?? '', after: '', before: '' })}
        keepMounted={false}
      >
        <Tabs.List mb="md">
          <Tabs.Tab value="dead-letters">Dead letters</Tabs.Tab>
          <Tabs.Tab value="held">Held</Tabs.Tab>
          <Tabs.Tab value="all">All</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="dead-letters">
          <DeadLetters />
        </Tabs.Panel>
        <Tabs.Panel value="held">
          <Held />
        </Tabs.Panel>
        <Tabs.Panel value="all">
          <All />
        </Tabs.Panel>
      </Tabs>
    </Stack>
  );
}

function DeadLetters() {
  const [query] = useQueryOfAddress();
  const after = Number(query('after') ?? 0);
  const call = useCall(
    'events.dead-letters',
    { ...whom(query), code: query('code'), all: query('all') === 'true', after, limit: PAGE },
    { every: EVERY_MS },
  );
  return (
    <>
      <Filters filters={DEAD_LETTER_FILTERS} />
      <List
        label="Dead letters"
        query={call}
        rows={call.data?.dead_letters}
        rowKey={({ id }) => id}
        columns={[
          ID,
          WAITS,
          SUBSCRIPTION,
          { head: 'Reason', width: 210, cell: reasonOf },
          { head: 'What to do', cell: ({ reason }) => DEAD_LETTER_REMEDIES[reason ?? ''] ?? '–' },
          PLACE,
        ]}
        minWidth={1_000}
        empty="No dead letter waits. Every message of the CRM could be processed, or somebody decided about it."
      />
      <AfterPages rows={call.data?.dead_letters} />
    </>
  );
}

function Held() {
  const [query] = useQueryOfAddress();
  const after = Number(query('after') ?? 0);
  const call = useCall('events.held', { ...whom(query), after, limit: PAGE }, { every: EVERY_MS });
  return (
    <>
      <Text size="sm" mb="sm">
        Late events of which newer ones were processed. Release one to plan it against the newest snapshot, or discard
        it.
      </Text>
      <Filters filters={WHOM} />
      <List
        label="Held events"
        query={call}
        rows={call.data?.held_events}
        rowKey={({ id }) => id}
        columns={[ID, WAITS, SUBSCRIPTION, VERSION, ACTION, PLACE]}
        minWidth={900}
        empty="No event is held. Late events are held only if the service runs with STALE_POLICY=hold."
      />
      <AfterPages rows={call.data?.held_events} />
    </>
  );
}

function All() {
  const [query, setQuery] = useQueryOfAddress();
  const before = query('before');
  const call = useCall(
    'events.list',
    {
      ...whom(query),
      disposition: query('disposition') as StoredEvent['disposition'] | undefined,
      before: before === undefined ? undefined : Number(before),
      limit: PAGE,
    },
    { every: before === undefined ? EVERY_MS : undefined },
  );
  const next = call.data?.next ?? null;
  return (
    <>
      <Filters filters={ALL_FILTERS} />
      <List
        label="All events"
        query={call}
        rows={call.data?.events}
        rowKey={({ id }) => id}
        columns={[
          ID,
          { head: 'Received', width: 190, cell: ({ received_date: at }) => <Time at={at} /> },
          SUBSCRIPTION,
          VERSION,
          ACTION,
          { head: 'What became of it', width: 190, cell: ({ disposition }) => <State of={disposition} /> },
          { head: 'Decided', width: 200, cell: ({ resolution }) => resolution ?? '–' },
        ]}
        minWidth={1_050}
        empty={
          next === null ? 'There are no such events.' : 'None on this page fits. The next page looks further back.'
        }
      />
      <Pages
        isFirst={before === undefined}
        onFirst={() => setQuery({ before: '' })}
        onNext={next === null ? undefined : () => setQuery({ before: next })}
      />
    </>
  );
}

/** The way through a list that is read by `after`. */
function AfterPages({ rows }: { rows: readonly StoredEvent[] | undefined }) {
  const [query, setQuery] = useQueryOfAddress();
  const last = rows?.length === PAGE ? rows.at(-1) : undefined;
  return (
    <Pages
      isFirst={query('after') === undefined}
      onFirst={() => setQuery({ after: '' })}
      onNext={last === undefined ? undefined : () => setQuery({ after: last.id })}
    />
  );
}

function whom(query: (name: string) => string | undefined) {
  return { subscription: query('subscription'), card: query('card'), since: query('since'), until: query('until') };
}

function reasonOf({ reason, detail, resolution }: StoredEvent) {
  return (
    <>
      <State of={reason ?? 'unknown'} tone={resolution === null ? 'bad' : 'none'} />
      <Text size="xs">{resolution ?? detail}</Text>
    </>
  );
}

const ID: Column<StoredEvent> = { head: 'Event', width: 80, cell: ({ id }) => <Link to={`/events/${id}`}>{id}</Link> };
const WAITS: Column<StoredEvent> = {
  head: 'Since',
  width: 175,
  cell: ({ received_date: at }) => (
    <>
      <Time at={at} />
      <Text size="xs">{`${age(at)} ago`}</Text>
    </>
  ),
};
const SUBSCRIPTION: Column<StoredEvent> = {
  head: 'Subscription',
  width: 140,
  cell: ({ subscription_number: number }) => (number === null ? '–' : <Why of={number} />),
};
const VERSION: Column<StoredEvent> = { head: 'Version', width: 90, cell: ({ version }) => version ?? '–' };
const ACTION: Column<StoredEvent> = {
  head: 'Action',
  cell: ({ family, type, action_id: action }) => (
    <>
      {type ?? '–'} {family !== null && <Text span size="xs">{`of a ${family.toLowerCase().replace('_', ' ')}`}</Text>}
      {action !== null && (
        <Text size="xs">
          <Why of={action} />
        </Text>
      )}
    </>
  ),
};
const PLACE: Column<StoredEvent> = {
  head: 'Topic, partition, offset',
  width: 160,
  cell: ({ topic, partition, offset }) => `${topic} ${partition} ${offset}`,
};

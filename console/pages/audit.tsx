import { Code, Stack, Text, Title } from '@mantine/core';
import { Fragment } from 'react';
import type { Output } from '../api/client.ts';
import { useCall } from '../api/use-call.ts';
import { type Filter, Filters } from '../parts/filters.tsx';
import { Link, useQueryOfAddress } from '../parts/link.tsx';
import { List, Pages } from '../parts/list.tsx';
import { State } from '../parts/state.tsx';
import { Time } from '../parts/time.tsx';

type Entry = Output<'audit.list'>['entries'][number];

const PAGE = 50;
const FILTERS: readonly Filter[] = [
  { name: 'user', label: 'User' },
  { name: 'operation', label: 'Operation' },
  { name: 'since', label: 'Since', isTime: true },
  { name: 'until', label: 'Until', isTime: true },
];

/** Who did what, and when; newest first. */
export function AuditPage() {
  const [query, setQuery] = useQueryOfAddress();
  const before = query('before');
  const call = useCall('audit.list', {
    user: query('user'),
    operation: query('operation'),
    since: query('since'),
    until: query('until'),
    before: before === undefined ? undefined : Number(before),
    limit: PAGE,
  });
  const entries = call.data?.entries;
  const last = entries?.length === PAGE ? entries.at(-1) : undefined;
  return (
    <Stack>
      <Title order={1}>Audit</Title>
      <Filters filters={FILTERS} />
      <List
        label="What users did"
        query={call}
        rows={entries}
        rowKey={({ id }) => id}
        empty="Nobody did anything like that. Change the filters."
        minWidth={960}
        columns={[
          { head: 'When', width: 170, cell: ({ started_date: at }) => <Time at={at} /> },
          { head: 'Who', width: 140, cell: Who },
          { head: 'What', width: 170, cell: ({ operation }) => operation },
          { head: 'With', cell: Given },
          { head: 'Made', width: 130, cell: Made },
          { head: 'Ended', width: 130, cell: Ended },
        ]}
      />
      <Pages
        isFirst={before === undefined}
        onFirst={() => setQuery({ before: undefined })}
        onNext={last === undefined ? undefined : () => setQuery({ before: last.id })}
      />
    </Stack>
  );
}

function Who({ user, unit, source }: Entry) {
  return (
    <>
      {user ?? 'an unknown name'}
      <Text size="xs" c="dimmed">
        {[unit, source === 'cli' ? 'command line' : null].filter((one) => one !== null).join(', ')}
      </Text>
    </>
  );
}

function Given({ input }: Entry) {
  const fields = Object.entries(input).filter(([, value]) => value !== null);
  if (fields.length === 0) return '–';
  return (
    <Text size="xs" component="div">
      {fields.map(([name, value]) => (
        <div key={name}>
          {name}: <Code>{typeof value === 'string' ? value : JSON.stringify(value)}</Code>
        </div>
      ))}
    </Text>
  );
}

function Made({ made }: Entry) {
  if (made === null) return '–';
  const { run, replay, queue_entry: entry, requests, requests_total: total } = made;
  const shown = requests.slice(0, 3);
  return (
    <>
      {run !== null && <Link to={`/runs/${run}`}>run {run}</Link>}
      {replay !== null && <Link to={`/replays/${replay}`}>replay {replay}</Link>}
      {entry !== null && `message ${entry}`}
      {shown.map((number, place) => (
        <Fragment key={number}>
          {place > 0 && ', '}
          <Link to={`/requests/${number}`} className="number">
            {number}
          </Link>
        </Fragment>
      ))}
      {total > shown.length && ` and ${total - shown.length} more`}
    </>
  );
}

function Ended({ result }: Entry) {
  if (result === null) return 'not ended';
  return <State of={result} tone={result === 'OK' ? 'good' : 'bad'} />;
}

import { Group, Title } from '@mantine/core';
import { mayCall } from '../../api/client.ts';
import { Link } from '../../parts/link.tsx';
import { type Column, List } from '../../parts/list.tsx';
import { Phase, ProcessRequest, WithdrawRequest } from '../../parts/requests.tsx';
import { useSession } from '../../session.tsx';
import type { Explanation } from './use-explanation.ts';

type Queued = Explanation['queue'][number];

const COLUMNS: readonly Column<Queued>[] = [
  { head: 'Request', width: 90, cell: ({ number }) => <Link to={`/requests/${number}`}>{number}</Link> },
  { head: 'Type', width: 210, cell: ({ type }) => type },
  { head: 'Phase', width: 190, cell: (request) => <Phase request={request} /> },
  { head: 'Attempts', width: 80, cell: ({ attempts }) => attempts },
  { head: 'Last error', cell: ({ last_error: error }) => error ?? '–' },
];
const ACTIONS: Column<Queued> = {
  head: 'What to do',
  width: 190,
  cell: ({ number }) => (
    <Group gap={6}>
      <ProcessRequest number={number} short="Send now" />
      <WithdrawRequest number={number} short="Withdraw" />
    </Group>
  ),
};

/** The unfinished requests of the cards, the first one first. */
export function Queue({ queue }: Pick<Explanation, 'queue'>) {
  const { role } = useSession();
  return (
    <section>
      <Title order={2} size="h4" mb="xs">
        Unfinished requests
      </Title>
      <List
        label="Unfinished requests"
        rows={queue}
        rowKey={({ number }) => number}
        columns={mayCall(role, 'requests.process') ? [...COLUMNS, ACTIONS] : COLUMNS}
        minWidth={1_000}
        empty="Nothing is on its way to the cards."
      />
    </section>
  );
}

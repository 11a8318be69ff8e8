import { Text, Title } from '@mantine/core';
import type { Output } from '../api/client.ts';
import { useCall } from '../api/use-call.ts';
import { Link, useQueryOfAddress, Why } from './link.tsx';
import { List, Pages } from './list.tsx';
import { count } from './progress.tsx';
import { State } from './state.tsx';

type Run = Output<'runs.show'>;

const PAGE = 50;
const EVERY_MS = 5_000;

/** What came of a run's targets: grouped by outcome, and one by one. */
export function RunTargets({ run }: { run: Pick<Run, 'id' | 'counts' | 'state'> }) {
  const [query, setQuery] = useQueryOfAddress();
  const { id, counts, state } = run;
  const outcome = query('outcome');
  const after = query('after') ?? '';
  const isLive = state === 'RUNNING' || state === 'PREPARING';
  const call = useCall('runs.cards', { id, outcome, after, limit: PAGE }, { every: isLive ? EVERY_MS : undefined });
  const targets = call.data?.targets;
  const last = targets?.length === PAGE ? targets.at(-1) : undefined;
  const groups = [
    ...Object.entries(counts.outcomes).toSorted(([, one], [, other]) => other - one),
    ...(counts.pending > 0 ? [['PENDING', counts.pending] as const] : []),
    ...(counts.waiting > 0 ? [['WAITING', counts.waiting] as const] : []),
  ];
  return (
    <>
      <Title order={2} size="h4">
        Outcomes
      </Title>
      <ul className="groups" aria-label="Outcomes">
        {groups.map(([code, number]) => (
          <li key={code}>
            <Link to={`/runs/${id}`} query={{ outcome: code }}>
              {count(number)}
            </Link>{' '}
            <State of={code} />
          </li>
        ))}
        {outcome !== undefined && (
          <li>
            <Link to={`/runs/${id}`}>Show all</Link>
          </li>
        )}
      </ul>
      <List
        label={outcome === undefined ? 'All targets' : `Targets with ${outcome}`}
        query={call}
        rows={targets}
        rowKey={({ target }) => target}
        columns={[
          {
            head: 'Target',
            width: 200,
            cell: ({ target, card, subscription_number: number }) =>
              target === card || target === number ? <Why of={target} /> : <>{target}</>,
          },
          {
            head: 'Subscription',
            width: 150,
            cell: ({ subscription_number: number }) => (number === null ? '–' : <Why of={number} />),
          },
          { head: 'Outcome', width: 220, cell: ({ outcome: of }) => <State of={of} /> },
          {
            head: 'Requests',
            width: 170,
            cell: ({ request_numbers: numbers }) =>
              numbers.length === 0
                ? '–'
                : numbers.map((number) => (
                    <Link key={number} to={`/requests/${number}`} className="in-row">
                      {number}
                    </Link>
                  )),
          },
          {
            head: 'Result',
            cell: ({ result }) =>
              result === null || result === undefined ? '–' : <Text size="xs">{JSON.stringify(result)}</Text>,
          },
        ]}
        minWidth={950}
        empty="There are no such targets."
      />
      <Pages
        isFirst={after === ''}
        onFirst={() => setQuery({ after: '' })}
        onNext={last === undefined ? undefined : () => setQuery({ after: last.target })}
      />
    </>
  );
}

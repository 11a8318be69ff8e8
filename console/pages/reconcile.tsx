import { Group, NativeSelect, Stack, Text, Title } from '@mantine/core';
import type { Input, Output } from '../api/client.ts';
import { useCall } from '../api/use-call.ts';
import { ReconcileFix } from '../parts/reconcile-fix.tsx';
import { LinkButton } from '../parts/link-button.tsx';
import { Link, useQueryOfAddress, Why } from '../parts/link.tsx';
import { List, Pages } from '../parts/list.tsx';
import { count, counted, Progress } from '../parts/progress.tsx';
import { State } from '../parts/state.tsx';
import { Loaded } from '../parts/states.tsx';
import { doneOf, RunList } from './runs.tsx';

type Outcome = NonNullable<Input<'reconcile.show'>['outcome']>;
type Finding = Output<'reconcile.show'>['cards'][number];

const PAGE = 50;
const OUTCOMES: readonly Outcome[] = ['DIFFERENT', 'CHANGING', 'NOT_READABLE', 'EQUAL'];
const LIVE_MS = 2_000;
const RESTING_MS = 10_000;

/** All reconcile runs, or what one of them found and what fixes it. */
export function ReconcilePage() {
  const [query] = useQueryOfAddress();
  const run = query('run');
  return (
    <Stack>
      <Group justify="space-between">
        <Title order={1}>{run === undefined ? 'Reconcile' : `Reconcile run ${run}`}</Title>
        {run === undefined ? (
          <LinkButton to="/runs/new" query={{ kind: 'RECONCILE' }} call="runs.start">
            Start a reconcile
          </LinkButton>
        ) : (
          <Link to="/reconcile">All reconcile runs</Link>
        )}
      </Group>
      {run === undefined ? (
        <RunList
          kind="RECONCILE"
          to={({ id }) => `/reconcile?run=${id}`}
          empty="No reconcile run yet. Start one, and it compares the CAS with the CRM."
        />
      ) : (
        <Differences id={Number(run)} />
      )}
    </Stack>
  );
}

function Differences({ id }: { id: number }) {
  const [query, setQuery] = useQueryOfAddress();
  const outcome = query('outcome') as Outcome | undefined;
  const after = query('after') ?? '';
  const call = useCall(
    'reconcile.show',
    { id, outcome, after, limit: PAGE },
    { every: (last) => (last?.run.state === 'RUNNING' || last?.run.state === 'PREPARING' ? LIVE_MS : RESTING_MS) },
  );
  const cards = call.data?.cards;
  const last = cards?.length === PAGE ? cards.at(-1) : undefined;
  return (
    <Stack>
      <Loaded query={call} lines={3}>
        {({ run, counts }) => (
          <>
            <Group mih={36}>
              <State of={run.state} />
              <Link to={`/runs/${id}`}>Progress and history of run {id}</Link>
            </Group>
            <Progress
              label="Cards asked about"
              done={doneOf(run.counts)}
              total={run.counts.targets}
              at={call.dataUpdatedAt}
              isUnderWay={run.state === 'RUNNING'}
            />
            <Text size="sm">
              {Object.entries(run.counts.outcomes)
                .map(([code, number]) => `${count(number)} ${code}`)
                .join(', ') || 'No card was compared yet.'}
              {counts.map(({ finding, services, cards: on }) => (
                <span key={finding}>
                  {'; '}
                  {counted(services, 'service')} {finding} on {counted(on, 'card')}
                </span>
              ))}
            </Text>
            <ReconcileFix id={id} different={run.counts.outcomes['DIFFERENT'] ?? 0} />
          </>
        )}
      </Loaded>
      <Title order={2} size="h4">
        Cards
      </Title>
      <Group>
        <NativeSelect
          size="xs"
          label="Outcome"
          data={[{ value: '', label: 'all but EQUAL' }, ...OUTCOMES]}
          value={outcome ?? ''}
          onChange={({ currentTarget }) => setQuery({ outcome: currentTarget.value, after: '' })}
        />
      </Group>
      <List
        label="Cards that the run compared"
        query={call}
        rows={cards}
        rowKey={({ smartcard_ca_id: card }) => card}
        columns={[
          { head: 'Card', width: 160, cell: ({ smartcard_ca_id: card }) => <Why of={card} /> },
          { head: 'Outcome', width: 160, cell: ({ outcome: of }) => <State of={of} /> },
          {
            head: 'Subscription',
            width: 160,
            cell: ({ subscription_number: number }) => (number === null ? '–' : <Why of={number} />),
          },
          { head: 'Differences', cell: findingText },
          {
            head: 'Question',
            width: 110,
            cell: ({ request_number: number }) =>
              number === null ? '–' : <Link to={`/requests/${number}`}>{number}</Link>,
          },
        ]}
        empty="No such cards: the CAS has what the CRM entitles, or the run is not that far yet."
      />
      <Pages
        isFirst={after === ''}
        onFirst={() => setQuery({ after: '' })}
        onNext={last === undefined ? undefined : () => setQuery({ after: last.smartcard_ca_id })}
      />
    </Stack>
  );
}

/** `MISSING_IN_CAS 7, TOO_MUCH_IN_CAS 8`, or why the card could not be read. */
function findingText({ differences, code, description }: Finding): string {
  const found = differences.map(({ finding, service_ca_id: service }) => `${finding} ${service}`);
  return (found.length > 0 ? found.join(', ') : [code, description].filter((one) => one !== null).join(': ')) || '–';
}

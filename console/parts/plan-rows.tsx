import { Text, Title } from '@mantine/core';
import type { Output } from '../api/client.ts';
import { useCall } from '../api/use-call.ts';
import { commandText } from './command.ts';
import { Link, useQueryOfAddress, Why } from './link.tsx';
import { List, Pages } from './list.tsx';

type Row = Output<'replay.plan-rows'>['rows'][number];

const PAGE = 100;
const MARKS: Readonly<Record<Row['verdict'], string>> = {
  new: '+ new',
  'no longer': '− no longer',
  changed: '± changed',
  same: '= same',
  withheld: 'withheld',
};

/** What a plan found, as a diff: what was sent then, what today's rules send, and what a run would do. */
export function PlanRows({ id }: { id: number }) {
  const [query, setQuery] = useQueryOfAddress();
  const after = Number(query('after') ?? 0);
  const call = useCall('replay.plan-rows', { id, after, limit: PAGE });
  const last = call.data?.last ?? null;
  return (
    <>
      <Title order={2} size="h4">
        Differences
      </Title>
      <List
        label="Differences"
        query={call}
        rows={call.data?.rows.map((row, index) => ({ ...row, index }))}
        rowKey={({ index }) => `${after} ${index}`}
        columns={[
          {
            head: 'Verdict',
            width: 110,
            cell: ({ verdict }) => (
              <span className="plan-verdict" data-verdict={verdict}>
                {MARKS[verdict]}
              </span>
            ),
          },
          { head: 'Event', width: 210, cell: Event },
          { head: 'Then', cell: Then },
          { head: 'By today’s rules', cell: Now },
          { head: 'A run would', cell: Effects },
        ]}
        minWidth={1_000}
        empty="Nothing differs: today's rules make what was made then."
      />
      <Pages
        isFirst={after === 0}
        onFirst={() => setQuery({ after: '' })}
        onNext={last === null ? undefined : () => setQuery({ after: last })}
      />
    </>
  );
}

function Event({ subscription_number: number, version, action, inbox_id: event }: Row) {
  return (
    <>
      <Why of={number} /> v{version}
      <Text size="xs">
        {action}, {event === null ? 'never received' : <Link to={`/events/${event}`}>event {event}</Link>}
      </Text>
    </>
  );
}

function Then(row: Row) {
  const { verdict, then_state: state } = row;
  if (verdict === 'new' || verdict === 'withheld') return <>{state ?? 'not made'}</>;
  if (verdict === 'changed') return <del className="was">other parameters{state !== null && ` (${state})`}</del>;
  const text = `${commandText(row)}${state === null ? '' : ` (${state})`}`;
  return verdict === 'no longer' ? <del className="was">{text}</del> : <>{text}</>;
}

function Now(row: Row) {
  const { verdict, reason } = row;
  if (verdict === 'no longer' || verdict === 'withheld') return <>not made{reason !== null && `: ${reason}`}</>;
  return verdict === 'same' ? <>{commandText(row)}</> : <ins className="is-now">{commandText(row)}</ins>;
}

function Effects({ effects }: Row) {
  if (effects.length === 0) return <>do nothing</>;
  return effects.map((effect) =>
    effect.kind === 'send' ? (
      <Text size="sm" key={commandText(effect)}>
        send {commandText(effect)}
        {effect.subscription_number !== null && ` for ${effect.subscription_number}`}
      </Text>
    ) : (
      <Text size="sm" key={`${effect.reason} ${effect.detail}`}>
        do nothing: {effect.reason}. {effect.detail}
      </Text>
    ),
  );
}

import { Alert, Group, NativeSelect, Text } from '@mantine/core';
import { useLocation } from 'wouter';
import type { Input, Output } from '../api/client.ts';
import { useCall } from '../api/use-call.ts';
import { Action } from './action.tsx';
import { commandCounts } from './command.ts';
import { useQueryOfAddress } from './link.tsx';
import { List } from './list.tsx';
import { counted } from './progress.tsx';
import { Loaded } from './states.tsx';

type CardFix = Output<'reconcile.fix'>['cards'][number];
type Only = Input<'reconcile.fix'>['only'];

/** The most cards that one answer has; with more, the numbers are the least. */
const READ_MAX = 1_000;
const SHOWN = 50;

/** What would fix what a reconcile run found, and the button that starts it. */
export function ReconcileFix({ id, different }: { id: number; different: number }) {
  const [query, setQuery] = useQueryOfAddress();
  const only = query('only') as Only;
  const call = useCall('reconcile.fix', { id, only, limit: READ_MAX }, { enabled: different > 0 });
  if (different === 0) return null;
  return (
    <Alert color="blue" title="The fix">
      <NativeSelect
        size="xs"
        label="What to fix"
        maw={260}
        mb="sm"
        data={[{ value: '', label: 'everything' }, 'MISSING_IN_CAS', 'TOO_MUCH_IN_CAS']}
        value={only ?? ''}
        onChange={({ currentTarget }) => setQuery({ only: currentTarget.value })}
      />
      <Loaded query={call} lines={2}>
        {({ cards }) => <Fix id={id} only={only} cards={cards} isReady={!call.isPlaceholderData} />}
      </Loaded>
    </Alert>
  );
}

function Fix({
  id,
  only,
  cards,
  isReady,
}: {
  id: number;
  only: Only;
  cards: readonly CardFix[];
  /** False: the cards are those of another choice. */
  isReady: boolean;
}) {
  const [, navigate] = useLocation();
  const fixed = cards.filter(({ commands }) => commands.length > 0);
  const least = cards.length === READ_MAX ? 'at least ' : '';
  const sent = commandCounts(fixed.flatMap(({ commands }) => commands.map(({ type }) => type)));
  const effect =
    fixed.length === 0
      ? 'A fix would send nothing now.'
      : `This sends ${least}${sent} on ${least}${counted(fixed.length, 'card')}.`;
  return (
    <>
      <Text size="sm" mb="sm">
        {effect} Each card is planned again when its turn comes, so a fix never undoes a newer event.
      </Text>
      <List
        label="What a fix would send"
        rows={cards.slice(0, SHOWN)}
        rowKey={({ smartcard_ca_id: card }) => card}
        columns={[
          { head: 'Card', width: 160, cell: ({ smartcard_ca_id: card }) => card },
          {
            head: 'Sent',
            cell: ({ commands }) =>
              commands.map(({ type, service_ca_id: service }) => `${type} ${service}`).join(', ') || '–',
          },
          {
            head: 'Withheld, and why',
            cell: ({ withheld }) =>
              withheld.map(({ type, service_ca_id: service, reason, detail }) => (
                <Text size="sm" key={`${type} ${service} ${reason}`}>
                  {type} {service}: {reason}. {detail}
                </Text>
              )),
          },
        ]}
        empty="Nothing to fix."
      />
      {cards.length > SHOWN && <Text size="sm">These are the first {SHOWN} cards.</Text>}
      <Group mt="sm">
        {fixed.length > 0 && (
          <Action
            name="runs.start"
            input={{ kind: 'RECONCILE_FIX', parameters: { only }, selection: { run: id } }}
            label="Send the fix"
            effect={effect}
            isReady={isReady}
            done={({ id: run }) => `Run ${run} is created.`}
            onDone={({ id: run }) => navigate(`/runs/${run}`)}
            variant="filled"
          />
        )}
      </Group>
    </>
  );
}

import { List as Items, Stack, Text } from '@mantine/core';
import { useEffect, useState } from 'react';
import type { Input, Output } from '../api/client.ts';
import { useCall } from '../api/use-call.ts';
import { Action } from './action.tsx';
import { counted } from './progress.tsx';
import { Loaded } from './states.tsx';

type Run = Input<'runs.start'>;
type Sample = Output<'runs.estimate'>['sample'][number];
type Command = NonNullable<Sample['commands']>[number];

/** Starts a run, after it showed how many targets it has and what it would send to the first of them. */
export function StartRun({ run, label, onStarted }: { run: Run; label: string; onStarted?: (id: number) => void }) {
  const [targets, setTargets] = useState(0);
  return (
    <Action
      name="runs.start"
      input={run}
      label={label}
      effect={<Preview run={run} onCounted={setTargets} />}
      isReady={targets > 0}
      done={({ id }) => `Run ${id} is started.`}
      onDone={({ id }) => onStarted?.(id)}
    />
  );
}

function Preview({ run, onCounted }: { run: Run; onCounted: (targets: number) => void }) {
  const query = useCall('runs.estimate', run);
  const targets = query.data?.targets ?? 0;
  useEffect(() => onCounted(targets), [targets, onCounted]);
  return (
    <Loaded query={query} lines={4}>
      {({ exact, sample }) => {
        const whole = sample.length === targets;
        return (
          <Stack gap="xs" mih={120}>
            <Text>
              {targets === 0
                ? 'Nothing is selected: there is nothing to send.'
                : totalText(run, targets, exact, sample)}
            </Text>
            {!whole && sample.length > 0 && <Text size="sm">The first {sample.length}:</Text>}
            <Items size="sm">
              {sample.map(({ target, commands }) => (
                <Items.Item key={target} className="breaks">
                  {target}
                  {commands !== null && `: ${commands.length === 0 ? 'nothing' : commands.map(wordsOf).join(', ')}`}
                </Items.Item>
              ))}
            </Items>
          </Stack>
        );
      }}
    </Loaded>
  );
}

const TARGETS: Readonly<Record<string, string>> = { RESYNC: 'subscription' };

function totalText({ kind }: Run, targets: number, exact: boolean, sample: readonly Sample[]): string {
  const of = `${exact ? '' : 'about '}${counted(targets, TARGETS[kind] ?? 'card')}`;
  if (kind === 'RECONCILE') return `This asks the CAS what ${of} has, and changes nothing.`;
  const commands = sample.flatMap((one) => one.commands ?? []);
  if (sample.length < targets) return `This sends what the CRM entitles to ${of}.`;
  const cards = new Set(commands.flatMap((one) => one.smartcard_ca_id?.split(' ') ?? []));
  return `This sends ${counted(commands.length, 'command')} to ${counted(cards.size, 'card')} of ${of}.`;
}

/** Such as `ADD_SUBSCRIPTIONS 1001 on 20000000101`. */
function wordsOf({ type, service_ca_id: service, smartcard_ca_id: card, stb_ca_ids: boxes }: Command): string {
  const withBoxes = boxes.length === 0 ? '' : ` with ${boxes.join(', ')}`;
  return `${[type, service].filter((part) => part !== null).join(' ')} on ${card}${withBoxes}`;
}

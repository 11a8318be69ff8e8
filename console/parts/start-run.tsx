import { List as Items, Stack, Text } from '@mantine/core';
import { useEffect, useState } from 'react';
import type { Input } from '../api/client.ts';
import { useCall } from '../api/use-call.ts';
import { Action } from './action.tsx';
import { commandText } from './command.ts';
import { effectText } from './run-kinds.ts';
import { Loaded } from './states.tsx';

type Run = Input<'runs.start'>;

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
      {(estimate) => (
        <Stack gap="xs" mih={120}>
          <Text>
            {targets === 0 ? 'Nothing is selected: there is nothing to send.' : effectText(run.kind, estimate)}
          </Text>
          <Items size="sm" className="breaks">
            {estimate.sample.map(({ target, commands }) => (
              <Items.Item key={target}>
                {target}
                {commands !== null && `: ${commands.map(commandText).join(', ') || 'nothing'}`}
              </Items.Item>
            ))}
          </Items>
        </Stack>
      )}
    </Loaded>
  );
}

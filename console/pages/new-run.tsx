import { Alert, Button, Checkbox, Group, List as Lines, Stack, Text, Title } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import { useLocation } from 'wouter';
import type { Input, Output } from '../api/client.ts';
import { useCall } from '../api/use-call.ts';
import { Action } from '../parts/action.tsx';
import { commandText } from '../parts/command.ts';
import { useForm } from '../parts/form.tsx';
import { Why } from '../parts/link.tsx';
import { List } from '../parts/list.tsx';
import { effectText, kindText, targetsText } from '../parts/run-kinds.ts';
import { EMPTY_RUN, RunFields, runOf, type RunValues } from '../parts/run-fields.tsx';
import { Failed } from '../parts/states.tsx';

type Estimate = Output<'runs.estimate'>;

const NOTHING_ASKED: Input<'runs.estimate'> = { kind: 'QUEUE', parameters: {}, selection: {} };

/** Starts a run: what and for whom, then how many that are and a sample, then the button. */
export function NewRunPage() {
  const [asked, setAsked] = useState<Input<'runs.estimate'> | null>(null);
  const query = useCall('runs.estimate', asked ?? NOTHING_ASKED, { enabled: asked !== null });
  const form = useForm<RunValues & { hold: string }>(['runs.start'], { ...EMPTY_RUN, hold: '' }, query.error);
  const run = runOf(form.values);
  // What was counted is the run that the form describes now.
  const isCounted = asked !== null && JSON.stringify(asked) === JSON.stringify(run) && !query.isPlaceholderData;
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (isCounted) void query.refetch();
    setAsked(run);
  };
  return (
    <Stack maw={900}>
      <Title order={1}>Start a run</Title>
      <form onSubmit={submit} noValidate>
        <Stack>
          <RunFields form={form} />
          <Checkbox {...form.check('hold', 'Only collect and count')} />
          {query.error !== null && <Failed error={query.error} />}
          <Group>
            <Button type="submit" loading={query.isFetching}>
              Count and show a sample
            </Button>
          </Group>
        </Stack>
      </form>
      {isCounted && query.data !== undefined && query.error === null && (
        <Counted run={run} estimate={query.data} hold={form.values.hold === 'true'} onStarted={form.clear} />
      )}
    </Stack>
  );
}

function Counted({
  run,
  estimate,
  hold,
  onStarted,
}: {
  run: Input<'runs.estimate'>;
  estimate: Estimate;
  hold: boolean;
  onStarted: () => void;
}) {
  const [, navigate] = useLocation();
  const { targets, sample } = estimate;
  const { name } = kindText(run.kind);
  if (targets === 0) {
    return (
      <Alert title="Nothing is selected">No target fits, so there is nothing to start. Change the selection.</Alert>
    );
  }
  const effect = effectText(run.kind, estimate);
  return (
    <Alert title={effect} color="blue">
      <Stack>
        <List
          label="Sample"
          rows={sample}
          rowKey={({ target }) => target}
          columns={[
            { head: 'Target', width: 200, cell: ({ target }) => target },
            {
              head: 'Subscription',
              width: 160,
              cell: ({ subscription_number: number }) => (number === null ? '–' : <Why of={number} />),
            },
            { head: 'What is sent', cell: ({ commands }) => <Commands commands={commands} /> },
          ]}
          empty="No sample."
          minWidth={640}
        />
        {targets > sample.length && (
          <Text size="sm">These are the first {sample.length}. The run also has the others.</Text>
        )}
        <Group>
          <Action
            name="runs.start"
            input={{ ...run, ...(hold ? { hold } : {}) }}
            label={hold ? `Prepare the run: ${name}` : `Start the run: ${name}`}
            effect={
              hold
                ? `This collects ${targetsText(run.kind, targets)}. Nothing is sent until somebody starts it.`
                : effect
            }
            done={({ id }) => `Run ${id} is created.`}
            onDone={({ id }) => {
              onStarted();
              navigate(`/runs/${id}`);
            }}
            variant="filled"
          />
        </Group>
      </Stack>
    </Alert>
  );
}

function Commands({ commands }: { commands: Estimate['sample'][number]['commands'] }) {
  if (commands === null) return 'the same for each';
  if (commands.length === 0) return 'nothing';
  return (
    <Lines size="sm">
      {commands.map((command) => (
        <Lines.Item key={commandText(command)}>{commandText(command)}</Lines.Item>
      ))}
    </Lines>
  );
}

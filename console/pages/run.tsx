import { Alert, Group, Stack, Text, Title } from '@mantine/core';
import { useParams } from 'wouter';
import type { Output } from '../api/client.ts';
import { RUN_STATES } from '../api/texts.generated.ts';
import { useCall } from '../api/use-call.ts';
import { Action } from '../parts/action.tsx';
import { Code } from '../parts/code.tsx';
import { Facts } from '../parts/facts.tsx';
import { Link } from '../parts/link.tsx';
import { List } from '../parts/list.tsx';
import { count, Progress } from '../parts/progress.tsx';
import { kindText, targetsText } from '../parts/run-kinds.ts';
import { RunTargets } from '../parts/run-targets.tsx';
import { State } from '../parts/state.tsx';
import { Loaded } from '../parts/states.tsx';
import { Time } from '../parts/time.tsx';
import { doneOf } from './runs.tsx';

type Shown = Output<'runs.show'>;

const LIVE_MS = 2_000;
const RESTING_MS = 10_000;

/** One run: how far it is, what came of it, and the buttons that stop and resume it. */
export function RunPage() {
  const { id } = useParams<{ id: string }>();
  const query = useCall(
    'runs.show',
    { id: Number(id) },
    { every: (run) => (isUnderWay(run?.state) ? LIVE_MS : RESTING_MS) },
  );
  return (
    <Stack>
      <Title order={1}>
        Run {id}
        {query.data !== undefined && `: ${kindText(query.data.kind).name}`}
      </Title>
      <Loaded query={query}>{(run) => <Run run={run} at={query.dataUpdatedAt} />}</Loaded>
    </Stack>
  );
}

function isUnderWay(state: Shown['state'] | undefined): boolean {
  return state === 'PREPARING' || state === 'RUNNING';
}

function Run({ run, at }: { run: Shown; at: number }) {
  const { id, kind, state, counts, failure } = run;
  return (
    <Stack>
      <Group mih={36}>
        <State of={state} />
        <Text size="sm">{RUN_STATES[state]}</Text>
        <Buttons run={run} />
        {kind === 'RECONCILE' && (
          <Link to="/reconcile" query={{ run: id }}>
            Differences and their fix
          </Link>
        )}
      </Group>
      {failure !== null && (
        <Alert color="red" title="Its last step failed">
          <Text size="sm" className="breaks">
            {failure}
          </Text>
        </Alert>
      )}
      <Progress label="Done" done={doneOf(counts)} total={counts.targets} at={at} isUnderWay={state === 'RUNNING'} />
      <Facts
        rows={[
          ['Created', <Time key="created" at={run.created_date} full />],
          ['By', run.created_by_unit === null ? run.created_by_user : `${run.created_by_user}, ${run.created_by_unit}`],
          ['Started', <Time key="started" at={run.started_date} full />],
          ['Ended', <Time key="ended" at={run.ended_date} full />],
        ]}
      />
      <Code label="What and for whom" value={{ parameters: run.parameters, selection: run.selection }} />
      <RunTargets run={run} />
      <Title order={2} size="h4">
        History
      </Title>
      <History run={run} />
    </Stack>
  );
}

function Buttons({ run: { id, kind, state, counts } }: { run: Shown }) {
  const { waiting, pending } = counts;
  return (
    <>
      {(isUnderWay(state) || state === 'READY' || state === 'FAILED') && (
        <Action
          name="runs.stop"
          input={{ id }}
          label={`Stop run ${id}`}
          effect={`This stops the run at once. Nothing is sent for ${targetsText(kind, waiting)}; for ${targetsText(kind, pending)} more, the requests that are not being sent yet are withdrawn. It can be resumed.`}
          done={({ withdrawn }) => `Run ${id} is stopped; ${count(withdrawn)} requests were withdrawn.`}
          dangerous
        />
      )}
      {(state === 'READY' || state === 'STOPPED' || state === 'FAILED') && (
        <Action
          name="runs.resume"
          input={{ id }}
          label={state === 'READY' ? `Start run ${id}` : `Resume run ${id}`}
          effect={`${kindText(kind).effect(targetsText(kind, waiting + pending))} What is done is not repeated.`}
          done={({ state: now }) => `Run ${id} is ${now}.`}
        />
      )}
    </>
  );
}

function History({ run }: { run: Shown }) {
  const rows = run.changes.map((change, index) => ({ ...change, index }));
  return (
    <List
      label="History"
      rows={rows}
      rowKey={({ index }) => index}
      columns={[
        { head: 'When', width: 190, cell: ({ date }) => <Time at={date} /> },
        { head: 'What', width: 120, cell: ({ event }) => event },
        { head: 'By', width: 160, cell: ({ user }) => user ?? 'the service' },
        { head: 'Detail', cell: ({ detail }) => detail ?? '–' },
      ]}
      empty="Nothing happened yet."
    />
  );
}

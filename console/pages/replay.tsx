import { Alert, Group, Stack, Text, Textarea, TextInput, Title } from '@mantine/core';
import { useState } from 'react';
import { useLocation, useParams } from 'wouter';
import type { Output } from '../api/client.ts';
import { FIELD_TEXTS } from '../api/texts.generated.ts';
import { useCall } from '../api/use-call.ts';
import { Action } from '../parts/action.tsx';
import { Code } from '../parts/code.tsx';
import { countsText } from '../parts/command.ts';
import { Facts } from '../parts/facts.tsx';
import { Fold } from '../parts/fold.tsx';
import { numberOf } from '../parts/form.tsx';
import { PlanRows } from '../parts/plan-rows.tsx';
import { count, counted, Rate } from '../parts/progress.tsx';
import { inputOfPlan, type PlanSummary, REPLAY_KINDS } from '../parts/replay-selection.ts';
import { State } from '../parts/state.tsx';
import { Loaded } from '../parts/states.tsx';
import { Time } from '../parts/time.tsx';

type Replay = Output<'replay.show'>;

const LIVE_MS = 2_000;
const RESTING_MS = 10_000;

/** One plan or replay: how far it is, and of a plan what differs and the button that runs it. */
export function ReplayPage() {
  const { id } = useParams<{ id: string }>();
  const query = useCall(
    'replay.show',
    { id: Number(id) },
    { every: (replay) => (replay?.state === 'RUNNING' ? LIVE_MS : RESTING_MS) },
  );
  return (
    <Stack>
      <Title order={1}>{query.data === undefined ? `Replay ${id}` : `${REPLAY_KINDS[query.data.kind]} ${id}`}</Title>
      <Loaded query={query}>{(replay) => <Shown replay={replay} at={query.dataUpdatedAt} />}</Loaded>
    </Stack>
  );
}

function Shown({ replay, at }: { replay: Replay; at: number }) {
  const { id, kind, state, counts, failure, stop_requested_by: stopper } = replay;
  const isPlanned = kind === 'PLAN' && state === 'COMPLETED';
  return (
    <Stack>
      <Group mih={36}>
        <State of={state} />
        {stopper !== null && <Text size="sm">{stopper} asked to stop it.</Text>}
        <Buttons replay={replay} />
      </Group>
      {failure !== null && (
        <Alert color={state === 'RUNNING' ? 'yellow' : 'red'} title={state === 'RUNNING' ? 'It waits' : 'It failed'}>
          <Text size="sm" className="breaks">
            {failure}
          </Text>
        </Alert>
      )}
      <Facts
        rows={[
          ['Reason', replay.reason],
          [
            'By',
            replay.created_by_unit === null
              ? replay.created_by_user
              : `${replay.created_by_user}, ${replay.created_by_unit}`,
          ],
          ['Started', <Time key="started" at={replay.started_date} full />],
          ['Ended', <Time key="ended" at={replay.ended_date} full />],
          [
            'Done',
            <>
              {Object.entries(counts)
                .map(([name, number]) => `${count(number)} ${name}`)
                .join(', ') || 'nothing yet'}{' '}
              {state === 'RUNNING' && <Rate done={counts['events'] ?? counts['outcomes'] ?? 0} at={at} />}
            </>,
          ],
          ['Works on it', replay.hosted ? 'the service' : 'a command'],
        ]}
      />
      {isPlanned && <Plan plan={replay} summary={replay.result as unknown as PlanSummary} />}
      {kind === 'PLAN' && state === 'RUNNING' && <Text>The differences are shown when the plan is complete.</Text>}
      {isPlanned && <PlanRows id={id} />}
      <Fold summary="Selection">
        <Code label="Selection" value={replay.selection} />
      </Fold>
    </Stack>
  );
}

function Buttons({ replay: { id, kind, state, stop_requested_by: stopper } }: { replay: Replay }) {
  const what = kind === 'PLAN' ? 'plan' : 'replay';
  if (state === 'RUNNING' && stopper === null) {
    return (
      <Action
        name="replay.stop"
        input={{ id }}
        label={`Stop ${what} ${id}`}
        effect={`This stops 1 ${what} after the subscription under way. Requests that it made are still sent. It can be resumed.`}
        done={({ state: now }) => (now === 'RUNNING' ? `Replay ${id} is asked to stop.` : `Replay ${id} is ${now}.`)}
        dangerous
      />
    );
  }
  if (state !== 'STOPPED') return null;
  return (
    <Action
      name="replay.resume"
      input={{ id }}
      label={`Resume ${what} ${id}`}
      effect={
        kind === 'PLAN'
          ? 'This starts 1 plan again from the beginning. It changes nothing.'
          : 'This continues 1 replay at the first event that is not done, and repeats nothing.'
      }
      done={({ state: now }) => `Replay ${id} is ${now}.`}
    />
  );
}

/** The summary of a plan, and the button that sends what it shows. */
function Plan({ plan, summary }: { plan: Replay; summary: PlanSummary }) {
  const [, navigate] = useLocation();
  const [reason, setReason] = useState(plan.reason);
  const [window, setWindow] = useState('');
  const [rate, setRate] = useState('');
  const { events, subscriptions, differing, mended, send, unsent, rowsLeftOut = 0 } = summary;
  const texts = FIELD_TEXTS['replay.run'];
  const sends = Object.keys(send).length === 0 ? 'nothing' : countsText(send);
  const whom = mended === 0 ? '' : ` for ${counted(mended, 'subscription')}`;
  const effect = `This sends ${sends}${whom}, after all other work.`;
  return (
    <Alert color="blue" title={`${count(differing)} of ${counted(subscriptions, 'subscription')} differ`}>
      <Stack gap="xs">
        <Text size="sm">
          {counted(events, 'event')} planned with today's rules. A run would send {sends}
          {whom}.
        </Text>
        {Object.keys(unsent).length > 0 && <Text size="sm">It would not send, by reason: {countsText(unsent)}.</Text>}
        {rowsLeftOut > 0 && <Text size="sm">{counted(rowsLeftOut, 'more difference')} are not listed.</Text>}
        <Group>
          <Action
            name="replay.run"
            input={{
              ...inputOfPlan(plan),
              window: numberOf(window),
              requests_per_second: numberOf(rate),
              reason,
            }}
            label="Run this replay"
            variant="filled"
            effect={
              <Stack gap="sm">
                <Text>{effect} It decides again for each subscription, so it undoes nothing that is newer.</Text>
                <TextInput
                  label="Requests that wait at a time"
                  description={texts.window}
                  inputMode="numeric"
                  value={window}
                  onChange={({ currentTarget }) => setWindow(currentTarget.value)}
                />
                <TextInput
                  label="Requests per second"
                  description={texts.requests_per_second}
                  inputMode="numeric"
                  value={rate}
                  onChange={({ currentTarget }) => setRate(currentTarget.value)}
                />
                <Textarea
                  label="Reason"
                  description={texts.reason}
                  required
                  autosize
                  value={reason}
                  onChange={({ currentTarget }) => setReason(currentTarget.value)}
                />
              </Stack>
            }
            isReady={reason.trim() !== ''}
            done={({ id }) => `Replay ${id} is under way.`}
            onDone={({ id }) => navigate(`/replays/${id}`)}
          />
        </Group>
      </Stack>
    </Alert>
  );
}

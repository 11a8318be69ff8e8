import { Checkbox, Group, NativeSelect, Stack, Text, Textarea, TextInput, Title } from '@mantine/core';
import { useState } from 'react';
import { useLocation } from 'wouter';
import type { ApiError, Input } from '../api/client.ts';
import { Action } from '../parts/action.tsx';
import { given, momentOf, numberOf, useForm } from '../parts/form.tsx';
import { useQueryOfAddress } from '../parts/link.tsx';

/** Plans a replay of events, or publishes outcomes again. */
export function NewReplayPage() {
  const [query] = useQueryOfAddress();
  return <Stack maw={900}>{query('kind') === 'OUTCOMES' ? <Outcomes /> : <Plan />}</Stack>;
}

const EMPTY_PLAN = {
  source: 'inbox',
  from_date: '',
  to_date: '',
  disposition: '',
  topic: '',
  partition: '',
  from_offset: '',
  to_offset: '',
  subscription_number: '',
  action_id: '',
  action_type: '',
  again: '',
  reason: '',
};

function Plan() {
  const [error, setError] = useState<ApiError | null>(null);
  const [, navigate] = useLocation();
  const form = useForm<Record<keyof typeof EMPTY_PLAN, string>>(['replay.plan'], EMPTY_PLAN, error);
  const { values, field, check, clear } = form;
  const isTopic = values.source === 'topic';
  const input: Input<'replay.plan'> = {
    from_date: momentOf(values.from_date),
    to_date: momentOf(values.to_date),
    ...(isTopic
      ? {
          topic: values.topic.trim(),
          partition: numberOf(values.partition),
          from_offset: numberOf(values.from_offset),
          to_offset: numberOf(values.to_offset),
        }
      : { disposition: given(values.disposition) as Input<'replay.plan'>['disposition'] }),
    subscription_number: given(values.subscription_number),
    action_id: given(values.action_id),
    action_type: given(values.action_type),
    again: values.again === 'true',
    reason: values.reason,
  };
  return (
    <>
      <Title order={1}>Plan a replay</Title>
      <Text>
        A plan compares what today's rules make of past events with what was made then, and shows what a run would send
        now. It changes nothing.
      </Text>
      <NativeSelect
        {...field('source', 'Events from')}
        data={[
          { value: 'inbox', label: 'the inbox' },
          { value: 'topic', label: 'a Kafka topic' },
        ]}
      />
      {isTopic ? (
        <>
          <TextInput {...field('topic', 'Topic')} required />
          <Group align="start" grow preventGrowOverflow={false}>
            <TextInput {...field('partition', 'Partition')} inputMode="numeric" miw={180} />
            <TextInput {...field('from_offset', 'From offset')} inputMode="numeric" miw={180} />
            <TextInput {...field('to_offset', 'To offset')} inputMode="numeric" miw={180} />
          </Group>
        </>
      ) : (
        <NativeSelect
          {...field('disposition', 'What became of them')}
          data={[{ value: '', label: 'any' }, 'PLANNED', 'NOTHING_TO_DO', 'STALE']}
        />
      )}
      <Group align="start" grow preventGrowOverflow={false}>
        <TextInput {...field('from_date', 'From (your time)')} type="datetime-local" miw={260} />
        <TextInput {...field('to_date', 'To (your time)')} type="datetime-local" miw={260} />
      </Group>
      <TextInput {...field('subscription_number', 'Subscription')} />
      <Group align="start" grow preventGrowOverflow={false}>
        <TextInput {...field('action_type', 'Action type')} placeholder="V: ADD_SERVICE" miw={260} />
        <TextInput {...field('action_id', 'Action id')} miw={260} />
      </Group>
      <Checkbox {...check('again', 'Again')} />
      <Textarea {...field('reason', 'Reason')} required autosize minRows={2} />
      <div>
        <Action
          name="replay.plan"
          input={input}
          label="Make the plan"
          effect="This reads past events and changes nothing. Nothing is sent: the plan has a button for that."
          variant="filled"
          onFailed={setError}
          done={({ id }) => `Plan ${id} is under way.`}
          onDone={({ id }) => {
            clear();
            navigate(`/replays/${id}`);
          }}
        />
      </div>
    </>
  );
}

const EMPTY_OUTCOMES = {
  from_date: '',
  to_date: '',
  subscription_number: '',
  request_number: '',
  topic: '',
  latest: '',
  reason: '',
};

function Outcomes() {
  const [error, setError] = useState<ApiError | null>(null);
  const [, navigate] = useLocation();
  const form = useForm<Record<keyof typeof EMPTY_OUTCOMES, string>>(['replay.outcomes'], EMPTY_OUTCOMES, error);
  const { values, field, check, clear } = form;
  const input: Input<'replay.outcomes'> = {
    from_date: momentOf(values.from_date),
    to_date: momentOf(values.to_date),
    subscription_number: given(values.subscription_number),
    request_number: numberOf(values.request_number),
    topic: given(values.topic),
    latest: values.latest === 'true',
    reason: values.reason,
  };
  return (
    <>
      <Title order={1}>Publish outcomes again</Title>
      <Text>For a consumer that lost them. Outcomes have the same ce_id as the first time.</Text>
      <Group align="start" grow preventGrowOverflow={false}>
        <TextInput {...field('from_date', 'From (your time)')} type="datetime-local" miw={260} />
        <TextInput {...field('to_date', 'To (your time)')} type="datetime-local" miw={260} />
      </Group>
      <Group align="start" grow preventGrowOverflow={false}>
        <TextInput {...field('subscription_number', 'Subscription')} miw={260} />
        <TextInput {...field('request_number', 'Request')} inputMode="numeric" miw={260} />
      </Group>
      <TextInput {...field('topic', 'Topic')} />
      <Checkbox {...check('latest', 'Only the newest')} />
      <Textarea {...field('reason', 'Reason')} required autosize minRows={2} />
      <div>
        <Action
          name="replay.outcomes"
          input={input}
          label="Publish outcomes again"
          effect={`This publishes ${whichOutcomes(input)} again ${input.topic === undefined ? 'to their own topics' : `to the topic ${input.topic}`}, after live ones. The CAS gets nothing.`}
          variant="filled"
          onFailed={setError}
          done={({ id }) => `Replay ${id} is under way.`}
          onDone={({ id }) => {
            clear();
            navigate(`/replays/${id}`);
          }}
        />
      </div>
    </>
  );
}

function whichOutcomes({
  subscription_number: number,
  request_number: request,
  from_date: from,
  to_date: to,
  latest,
}: Input<'replay.outcomes'>) {
  return [
    latest === true ? 'the newest outcome of each action' : 'all outcomes',
    ...(number === undefined ? [] : [`of subscription ${number}`]),
    ...(request === undefined ? [] : [`of request ${request}`]),
    ...(from === undefined ? [] : [`since ${from}`]),
    ...(to === undefined ? [] : [`before ${to}`]),
  ].join(' ');
}

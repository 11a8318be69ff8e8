import { Stack, Text, Textarea } from '@mantine/core';
import { useState } from 'react';
import type { Output } from '../../api/client.ts';
import { Action } from '../../parts/action.tsx';
import { given } from '../../parts/form.tsx';
import { Link, useQueryOfAddress } from '../../parts/link.tsx';
import { counted } from '../../parts/progress.tsx';
import { ReleasePreview } from '../../parts/release-preview.tsx';
import { ProcessRequest, WithdrawRequest } from '../../parts/requests.tsx';
import { StartRun } from '../../parts/start-run.tsx';
import type { Explanation } from './use-explanation.ts';

export type Call = Explanation['findings'][number]['remedy']['calls'][number];

/** The button, or the link, for a call that a remedy names. */
export function Remedy({ call }: { call: Call }) {
  const { operation, input } = call;
  const [, setQuery] = useQueryOfAddress();
  switch (operation) {
    case 'requests.show':
      return <Link to={`/requests/${input.number}`}>Look at request {input.number}</Link>;
    case 'requests.process':
      return <ProcessRequest number={input.number} />;
    case 'requests.withdraw':
      return <WithdrawRequest number={input.number} />;
    case 'events.show':
      return <Link to={`/events/${input.id}`}>Look at event {input.id}</Link>;
    case 'events.release':
      return <ReleaseEvent id={input.id} />;
    case 'events.discard':
      return <DiscardEvent id={input.id} />;
    case 'pair.create': {
      const { number } = input.subscription_identifier;
      return (
        <Action
          name={operation}
          input={input}
          label={`Pair the devices of subscription ${number} again`}
          effect={`This sends 1 CREATE_PAIRING for each distributor of subscription ${number}: its smart cards with its set-top boxes, as the CRM has them. Each replaces what the CAS has paired with these cards.`}
          done={outcomeText}
        />
      );
    }
    case 'pair.add': {
      const { existing_smartcard_ca_id: card, stb_ca_ids: boxes } = input;
      return (
        <Action
          name={operation}
          input={input}
          label={`Add ${counted(boxes.length, 'set-top box', 'set-top boxes')} to the pairing of card ${card}`}
          effect={`This sends 1 ADD_TO_EXISTING_PAIRING: set-top box ${boxes.join(', ')} to the pairing of card ${card}. What is paired with it stays.`}
          done={outcomeText}
        />
      );
    }
    case 'provider.status':
      return <Link to="/provider">Look at the provider</Link>;
    case 'provider.resume':
      return (
        <Action
          name={operation}
          input={input}
          label="Resume sending"
          effect="All instances send to the CAS again: everything that waits, for all customers, in the order of each card."
          done={() => 'Sending was resumed.'}
        />
      );
    case 'runs.start':
      if (input.kind === 'RECONCILE') {
        return (
          <StartRun
            run={input}
            label={`Compare card ${input.selection.cards.join(', ')} with the CRM`}
            onStarted={(reconcile) => setQuery({ reconcile })}
          />
        );
      }
      return (
        <StartRun
          run={input}
          label={`Send again what the CRM entitles to subscription ${input.selection.subscriptions.join(', ')}`}
        />
      );
  }
}

/** What became of the requests of a call, in a few words. */
function outcomeText({ provisioning_requests: requests, left_out: left, notice }: Output<'pair.create'>): string {
  const states = requests.map(({ number, life_cycle_state: state, error_code: code }) =>
    code === null ? `Request ${number} is ${state}.` : `Request ${number} is ${state}: ${code}.`,
  );
  return [...states, ...left.map(({ detail }) => `Left out: ${detail}`), notice].filter(Boolean).join(' ');
}

function ReleaseEvent({ id }: { id: number }) {
  const [reason, setReason] = useState('');
  return (
    <Action
      name="events.release"
      input={{ id, reason: given(reason) }}
      label={`Release event ${id}`}
      effect={
        <Stack>
          <ReleasePreview id={id} whose="" schema={undefined} />
          <Reason value={reason} onChange={setReason} />
        </Stack>
      }
      done={({ disposition }) => `Event ${id} is released: ${disposition}.`}
    />
  );
}

function DiscardEvent({ id }: { id: number }) {
  const [reason, setReason] = useState('');
  return (
    <Action
      name="events.discard"
      input={{ id, reason: reason.trim() }}
      label={`Discard event ${id}`}
      effect={
        <Stack>
          <Text>This gives up 1 event for good: nothing is sent for it. The trail shows who decided it.</Text>
          <Reason value={reason} onChange={setReason} isRequired />
        </Stack>
      }
      isReady={reason.trim() !== ''}
      done={() => `Event ${id} is discarded.`}
      dangerous
    />
  );
}

function Reason({
  value,
  onChange,
  isRequired = false,
}: {
  value: string;
  onChange: (value: string) => void;
  isRequired?: boolean;
}) {
  return (
    <Textarea
      label="Reason"
      description="Why, for the trail."
      required={isRequired}
      value={value}
      onChange={({ currentTarget }) => onChange(currentTarget.value)}
      data-autofocus
    />
  );
}

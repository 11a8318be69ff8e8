import { Alert, Group, Stack, Text, Textarea, TextInput, Title } from '@mantine/core';
import { useState } from 'react';
import { useParams } from 'wouter';
import type { Output } from '../api/client.ts';
import { useCall } from '../api/use-call.ts';
import { DEAD_LETTER_REMEDIES } from '../api/texts.generated.ts';
import { Action } from '../parts/action.tsx';
import { Code } from '../parts/code.tsx';
import { Facts } from '../parts/facts.tsx';
import { given, numberOf } from '../parts/form.tsx';
import { Link, Why } from '../parts/link.tsx';
import { List } from '../parts/list.tsx';
import { ReleasePreview } from '../parts/release-preview.tsx';
import { State } from '../parts/state.tsx';
import { Loaded } from '../parts/states.tsx';
import { Time } from '../parts/time.tsx';

type Shown = Output<'events.show'>;

/** One message of the CRM: what it says, its bytes, and what a person decides about it. */
export function EventPage() {
  const { id } = useParams<{ id: string }>();
  const query = useCall('events.show', { id: Number(id) });
  return (
    <Stack>
      <Title order={1}>Event {id}</Title>
      <Loaded query={query}>{(event) => <Event event={event} />}</Loaded>
    </Stack>
  );
}

function Event({ event }: { event: Shown }) {
  const { message } = event;
  return (
    <Stack>
      {isWaiting(event) && <Decision event={event} />}
      <Facts
        rows={[
          ['What became of it', <State key="state" of={event.disposition} />],
          ['Reason', event.reason ?? undefined],
          ['Detail', event.detail ?? undefined],
          ['What to do', DEAD_LETTER_REMEDIES[event.reason ?? '']],
          ['Decided', event.resolution === null ? undefined : event.resolution],
          ['Decided at', event.resolved_date === null ? undefined : <Time key="at" at={event.resolved_date} full />],
          [
            'Subscription',
            event.subscription_number === null ? null : <Why key="subscription" of={event.subscription_number} />,
          ],
          ['Version', event.version],
          ['Action', event.type === null ? null : `${event.type} (${event.family})`],
          ['Action id', event.action_id === null ? null : <Why key="action" of={event.action_id} />],
          ['Event id', event.event_id === null ? null : <Why key="event" of={event.event_id} />],
          ['Received', <Time key="received" at={event.received_date} full />],
          ['Written to Kafka', <Time key="written" at={event.message_date} full />],
          ['Topic, partition, offset', `${event.topic} ${event.partition} ${event.offset}`],
          ['Key', message === null ? undefined : message.key],
          ['Schema id', message === null ? undefined : message.schema_id],
        ]}
      />
      <Made event={event} />
      <Title order={2} size="h4">
        Content
      </Title>
      <Content event={event} />
      {message !== null && (
        <>
          {Object.keys(message.headers).length > 0 && <Code label="Headers" value={message.headers} />}
          <Code label={`Bytes (${message.bytes})`} value={message.hex.join('\n')} />
        </>
      )}
    </Stack>
  );
}

/** The requests that were made of it, and the commands that were withheld. */
function Made({ event: { disposition, requests, withheld } }: { event: Shown }) {
  if (disposition === 'DEAD_LETTERED' || disposition === 'DUPLICATE') return null;
  return (
    <>
      <Title order={2} size="h4">
        What was made of it
      </Title>
      <List
        label="Requests"
        rows={requests}
        rowKey={({ number }) => number}
        columns={[
          { head: 'Request', width: 110, cell: ({ number }) => <Link to={`/requests/${number}`}>{number}</Link> },
          { head: 'Command', cell: ({ type }) => type },
          { head: 'Cards', cell: ({ smartcard_ca_ids: cards }) => cards.map((card) => <Why key={card} of={card} />) },
          {
            head: 'State',
            width: 280,
            cell: ({ life_cycle_state: state, error_code: code }) => (
              <>
                <State of={state} /> {code}
              </>
            ),
          },
        ]}
        empty="No request was made of it."
      />
      {withheld.length > 0 && (
        <List
          label="Withheld commands"
          rows={withheld.map((one, index) => ({ ...one, index }))}
          rowKey={({ index }) => index}
          columns={[
            { head: 'Withheld', width: 220, cell: ({ type }) => type },
            {
              head: 'Card',
              width: 150,
              cell: ({ smartcard_ca_id: card }) => (card === null ? '–' : <Why of={card} />),
            },
            { head: 'Service', width: 110, cell: ({ service_ca_id: service }) => service ?? '–' },
            { head: 'Why', cell: ({ reason, detail }) => `${reason}. ${detail}` },
          ]}
          empty=""
        />
      )}
    </>
  );
}

/** Whether a person has to decide: releasing or discarding are possible. */
function isWaiting({ disposition, resolved_date: resolved }: Shown): boolean {
  return resolved === null && (disposition === 'DEAD_LETTERED' || disposition === 'STALE');
}

function Content({ event: { event, message } }: { event: Shown }) {
  // The types say that it is always there; the API returns null for what cannot be decoded.
  const whole = event as unknown;
  if (whole !== null && whole !== undefined) return <Code label="Event" value={whole} />;
  const decoded = message?.decoded ?? null;
  if (decoded === null) {
    return <Text>Its content cannot be decoded{message === null ? ', and its bytes are no longer stored' : ''}.</Text>;
  }
  return (
    <>
      <Text size="sm">
        {decoded.stopped_at === null
          ? `Decoded as a whole; ${decoded.left} bytes are left over.`
          : `Decoded up to the field ${decoded.stopped_at}, which could not be read.`}
      </Text>
      <Code label="Event" value={decoded.value} />
    </>
  );
}

function Decision({ event }: { event: Shown }) {
  const [reason, setReason] = useState('');
  const [schema, setSchema] = useState('');
  const { id, disposition, message, subscription_number: number } = event;
  const isDead = disposition === 'DEAD_LETTERED';
  const cause = message?.cause ?? null;
  const whose = number === null ? '' : ` of subscription ${number}`;
  const reasonField = (
    <Textarea
      label="Reason"
      description="Why, for the trail."
      autosize
      minRows={2}
      value={reason}
      onChange={({ currentTarget }) => setReason(currentTarget.value)}
      data-autofocus
    />
  );
  return (
    <Alert color={cause === null ? 'blue' : 'yellow'} title="This message waits for a person">
      <Text size="sm" mb="sm" className="breaks">
        {adviceOf(event)}
      </Text>
      <Group>
        <Action
          name="events.release"
          input={{ id, reason: given(reason), schema_id: isDead ? numberOf(schema) : undefined }}
          label={`Release event ${id}`}
          effect={
            <Stack>
              <ReleasePreview id={id} whose={whose} schema={isDead ? numberOf(schema) : undefined} />
              {isDead && (
                <TextInput
                  label="Schema"
                  description="Reads it with this schema id of the registry. Without one, with the schema that it names."
                  inputMode="numeric"
                  value={schema}
                  onChange={({ currentTarget }) => setSchema(currentTarget.value)}
                />
              )}
              {reasonField}
            </Stack>
          }
          done={({ disposition: now }) => `Event ${id} is released: ${now}.`}
        />
        <Action
          name="events.discard"
          input={{ id, reason: reason.trim() }}
          label={`Discard event ${id}`}
          effect={
            <Stack>
              <Text>
                This gives up 1 event{whose} for good: nothing is sent for it. The trail shows who decided it.
              </Text>
              {reasonField}
            </Stack>
          }
          isReady={reason.trim() !== ''}
          done={() => `Event ${id} is discarded.`}
          dangerous
        />
      </Group>
    </Alert>
  );
}

function adviceOf({ disposition, message, reason }: Shown): string {
  if (disposition === 'STALE') return 'It came late: newer events of its subscription were processed before it.';
  if (message === null) return 'Its bytes are no longer stored: discard it, and let the CRM send the event again.';
  if (message.cause === null) return 'It can be read now: its cause is fixed. Release it.';
  const remedy = DEAD_LETTER_REMEDIES[message.cause.reason] ?? '';
  const still = message.cause.reason === reason ? 'It still cannot be processed' : 'It cannot be processed now';
  return `${still}: ${message.cause.reason}: ${message.cause.detail}. ${remedy}`;
}

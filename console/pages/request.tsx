import { Alert, Group, Stack, Text, Title } from '@mantine/core';
import { useParams } from 'wouter';
import type { Output } from '../api/client.ts';
import { useCall } from '../api/use-call.ts';
import { Attempts } from '../parts/attempts.tsx';
import { Code } from '../parts/code.tsx';
import { Facts } from '../parts/facts.tsx';
import { Fold } from '../parts/fold.tsx';
import { Link, Why } from '../parts/link.tsx';
import { parametersOf, Phase, ProcessRequest, WithdrawRequest } from '../parts/requests.tsx';
import { State } from '../parts/state.tsx';
import { Loaded } from '../parts/states.tsx';
import { Time } from '../parts/time.tsx';

type Story = Output<'requests.show'>;

/** The whole story of one request. */
export function RequestPage() {
  const { number } = useParams<{ number: string }>();
  return <Shown key={number} number={number} />;
}

function Shown({ number }: { number: string }) {
  // What is final changes no more, except for its outcome, which is published later.
  const every = (last: Story | undefined): number => (last?.request.life_cycle_state === 'PENDING' ? 3_000 : 10_000);
  const story = useCall('requests.show', { number }, { every });
  return (
    <Stack gap="lg">
      <Title order={1}>Request {story.data?.request.number ?? number}</Title>
      <Loaded query={story} lines={14}>
        {(shown) => <Parts story={shown} />}
      </Loaded>
    </Stack>
  );
}

function Parts({ story: { request, event, withheld, attempts, outcomes } }: { story: Story }) {
  const { number, life_cycle_state: state, error_code: code, error_description: description } = request;
  return (
    <>
      <Phase request={request} />
      {state === 'PENDING' && (
        <Group>
          <ProcessRequest number={number} />
          <WithdrawRequest number={number} />
        </Group>
      )}
      {code !== null && (
        <Alert color="red" title={`It was refused: ${code}`}>
          <Text className="breaks">{description ?? 'Without a description.'}</Text>
          <Link to="/requests" query={{ tab: 'refusals' }}>
            What refusals mean, and what to do
          </Link>
        </Alert>
      )}
      <Asked request={request} />
      <section>
        <Title order={2} size="h4" mb="xs">
          Attempts ({attempts.length})
        </Title>
        <Attempts attempts={attempts} />
      </section>
      <Cause request={request} event={event} withheld={withheld} />
      <section>
        <Title order={2} size="h4" mb="xs">
          Outcomes ({outcomes.length})
        </Title>
        {outcomes.length === 0 && <Text size="sm">None was published for it.</Text>}
        {outcomes.map((outcome) => (
          <Outcome key={`${outcome.kind} ${outcome.event_id}`} outcome={outcome} />
        ))}
      </section>
    </>
  );
}

function Asked({ request }: { request: Story['request'] }) {
  const { log_information: log, subscription_number: subscription, smartcard_ca_ids: cards, answer } = request;
  return (
    <section>
      <Title order={2} size="h4" mb="xs">
        What it is
      </Title>
      <Facts
        rows={[
          ['Type', request.type],
          ...[...Map.groupBy(parametersOf(request.parameters_set), ([name]) => name)].map(
            ([name, all]) => [name, <Values key={name} name={name} values={all.map(([, value]) => value)} />] as const,
          ),
          ['Cards', <Values key="cards" name="smartcard_ca_id" values={cards} />],
          ['Subscription', subscription === null ? null : <Why key="subscription" of={subscription} />],
          ['Made by', [request.process_name, log.created_by_user].filter((one) => one !== null).join(', ')],
          ['Submitted', <Time key="submitted" at={log.created_date} full />],
          ['Due', <Time key="due" at={request.scheduled_date} full />],
          ['Final', request.executed_date === null ? null : <Time key="final" at={request.executed_date} full />],
          ['Urgency', request.urgency ?? undefined],
          ['Waits for', request.waits_for === null ? undefined : <Request key="first" number={request.waits_for} />],
          ['Last error', request.last_error ?? undefined],
          ['Reference number', request.reference_number],
          ['Active services', answer?.active_services?.join(', ')],
          ['Paired', answer?.pairing && [...answer.pairing.smartcard_ca_ids, ...answer.pairing.stb_ca_ids].join(', ')],
          ['Id', request.id],
        ]}
      />
    </section>
  );
}

function Request({ number }: { number: number }) {
  return <Link to={`/requests/${number}`}>request {number}</Link>;
}

/** Numbers of cards and boxes lead to their why page. */
function Values({ name, values }: { name: string; values: readonly (string | number | null)[] }) {
  const isDevice = /(?:smartcard|stb)_ca_id$/.test(name);
  return values.map((value, place) => (
    <span key={value}>
      {place > 0 && ', '}
      {isDevice && typeof value === 'string' ? <Why of={value} /> : String(value ?? '–')}
    </span>
  ));
}

function Cause({ request, event, withheld }: Pick<Story, 'request' | 'event' | 'withheld'>) {
  const { action_id: action, action_number: number, causation_event_id: cause } = request;
  return (
    <section>
      <Title order={2} size="h4" mb="xs">
        What made it
      </Title>
      {event === null ? (
        <Text size="sm" className="breaks">
          {cause === null
            ? `No event: ${request.process_name} made it.`
            : `Event ${cause}, which is no longer kept (RETENTION_EVENTS_DAYS).`}
        </Text>
      ) : (
        <>
          <Facts
            rows={[
              ['Event', <Link key="event" to={`/events/${event.id}`}>{`event ${event.id}`}</Link>],
              ['Type', `${event.type} (${event.family}), version ${event.version}`],
              ['Action', action === null ? null : <Why key="action" of={number ?? action} />],
              ['What became of it', <State key="disposition" of={event.disposition} />],
              ['Received', <Time key="received" at={event.received_date} full />],
            ]}
          />
          <Fold summary="The event as it was decoded">
            <Code label="Event" value={event.event} />
          </Fold>
        </>
      )}
      {withheld.length > 0 && (
        <>
          <Title order={3} size="h6" mt="sm">
            Withheld by the same event
          </Title>
          <ul>
            {withheld.map(({ type, reason, detail }) => (
              <li key={`${type} ${reason} ${detail}`} className="breaks">
                {type}: {reason}. {detail}
              </li>
            ))}
          </ul>
        </>
      )}
    </section>
  );
}

function Outcome({ outcome }: { outcome: Story['outcomes'][number] }) {
  const { kind, created_date: created, published_date: published, parked_reason: parked, record } = outcome;
  return (
    <div>
      <Text size="sm" className="breaks">
        {kind}, made at <Time at={created} />,{' '}
        {published === null ? (
          'not published yet'
        ) : (
          <>
            published at <Time at={published} />
          </>
        )}
        {parked !== null && `, and the broker will never take it: ${parked}`}
      </Text>
      <Fold summary="The record">
        <Code label="Record" value={record} />
      </Fold>
    </div>
  );
}

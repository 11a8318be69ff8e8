import { Alert, Button, Group, Stack, Text, TextInput, Title } from '@mantine/core';
import { useState } from 'react';
import { useLocation, useParams } from 'wouter';
import { useQueryOfAddress, Why } from '../parts/link.tsx';
import { Failed, Loaded } from '../parts/states.tsx';
import { Time } from '../parts/time.tsx';
import { Entitlements } from './why/entitlements.tsx';
import { Findings } from './why/findings.tsx';
import { Pairings } from './why/pairings.tsx';
import { Reconciled } from './why/reconciled.tsx';
import { Queue } from './why/queue.tsx';
import { Timeline } from './why/timeline.tsx';
import { type Explanation, useExplanation } from './why/use-explanation.ts';
import './why/why.css';

const KINDS: Readonly<Record<Explanation['subject']['kind'], string>> = {
  smartcard: 'Card',
  stb: 'Set-top box',
  subscription: 'Subscription',
  request: 'Request',
  action: 'Action',
  event: 'Event',
  reference_number: 'Reference number',
};

/** Why a screen is black, from any number that a customer reads out. */
export function WhyPage() {
  const { of } = useParams<{ of?: string }>();
  if (of === undefined) return <Ask />;
  // With another number nothing of the former one stays on the screen.
  const number = decoded(of);
  return <Explained key={number} of={number} />;
}

/** The router leaves the characters encoded that have a meaning in addresses. */
function decoded(text: string): string {
  return text.replaceAll(/%(?:3B|2F|3F|3A|40|26|3D|2B|24|2C|23)/gi, decodeURIComponent);
}

function Ask() {
  const [of, setOf] = useState('');
  const [, navigate] = useLocation();
  return (
    <Stack maw={640}>
      <Title order={1}>Why is this screen black?</Title>
      <Text>
        Give any number that the customer reads out: a card, a set-top box, a subscription, a request, an action or a
        reference number, or the id of an event. Spaces and dashes do not matter.
      </Text>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (of.trim() !== '') navigate(`/why/${encodeURIComponent(of.trim())}`);
        }}
      >
        <Group align="end">
          <TextInput
            label="Number"
            value={of}
            onChange={({ currentTarget }) => setOf(currentTarget.value)}
            autoFocus
            flex={1}
          />
          <Button type="submit">Explain</Button>
        </Group>
      </form>
    </Stack>
  );
}

function Explained({ of }: { of: string }) {
  const { stored, asked, shown } = useExplanation(of);
  return (
    <Stack gap="lg">
      <div>
        <Title order={1} className="breaks">
          {shown === undefined || shown.findings[0]?.code === 'UNKNOWN_TO_US'
            ? of
            : `${KINDS[shown.subject.kind]} ${shown.subject.id}`}
        </Title>
        <Text mih={25} className="breaks">
          {shown?.subscriptions.map(({ number, state, version }, index) => (
            <span key={number}>
              {index > 0 && ', '}
              subscription <Why of={number} /> ({state}, version {version})
            </span>
          ))}
        </Text>
        {shown !== undefined && shown.also.length > 0 && <Also also={shown.also} />}
      </div>
      <Loaded query={stored} lines={12}>
        {() => shown !== undefined && <Explanations of={of} shown={shown} asked={asked} />}
      </Loaded>
    </Stack>
  );
}

/** Other things with the same number. */
function Also({ also }: Pick<Explanation, 'also'>) {
  return (
    <Text size="sm" className="breaks">
      There is also:{' '}
      {also.map(({ kind, id }, index) => (
        <span key={`${kind} ${id}`}>
          {index > 0 && ', '}
          {KINDS[kind].toLowerCase()} <Why of={id} />
        </span>
      ))}
    </Text>
  );
}

const VERDICTS = {
  blocking: ['red', 'This makes the screen black, or can'],
  attention: ['yellow', 'Nothing blocks, but look at this'],
  info: ['green', 'All is well on our side'],
} as const;

function Explanations({
  of,
  shown,
  asked,
}: {
  of: string;
  shown: Explanation;
  asked: ReturnType<typeof useExplanation>['asked'];
}) {
  const [query] = useQueryOfAddress();
  const reconcile = query('reconcile');
  const first = shown.findings.find(({ code }) => code !== 'NOTHING_NEW');
  const [color, title] = headline(first, asked.data?.cas_not_asked ?? null);
  const isUnknown = first?.code === 'UNKNOWN_TO_US';
  return (
    <>
      <section aria-label="Verdict">
        <Alert color={color} title={title} role="note">
          <Text className="verdict breaks">{shown.verdict}</Text>
        </Alert>
      </section>
      {!isUnknown && <AskedCas asked={asked} />}
      {reconcile !== undefined && <Reconciled run={Number(reconcile)} />}
      <Findings findings={shown.findings} />
      {!isUnknown && (
        <>
          <Entitlements entitlements={shown.entitlements} at={answeredAt(asked)} />
          <Pairings pairings={shown.pairings} notAsked={asked.data?.cas_not_asked ?? null} />
          <Queue queue={shown.queue} />
          <Timeline of={of} newest={shown} />
        </>
      )}
    </>
  );
}

/** The colour and the first line of the verdict. */
function headline(
  first: Explanation['findings'][number] | undefined,
  notAsked: string | null,
): readonly [color: string, title: string] {
  if (first === undefined) return ['gray', 'No cause is known'];
  if (first.code === 'UNKNOWN_TO_US') return ['gray', 'Nothing is known about this number'];
  if (first.severity !== 'blocking' && notAsked !== null)
    return ['yellow', 'No cause is known here, but the CAS was not asked'];
  return VERDICTS[first.severity];
}

type Asked = ReturnType<typeof useExplanation>['asked'];

/** When the CAS answered, as a moment of the API; null if it was not asked. */
function answeredAt({ data, dataUpdatedAt }: Asked): string | null {
  return data === undefined || data.cas_not_asked !== null ? null : new Date(dataUpdatedAt).toISOString();
}

/** Whether the CAS answered, in one line that keeps its height. */
function AskedCas({ asked }: { asked: Asked }) {
  const { data, error, isFetching, refetch } = asked;
  const at = answeredAt(asked);
  const notAsked = data?.cas_not_asked ?? null;
  return (
    <div aria-live="polite">
      <Group gap="sm" mih={30}>
        <Text size="sm" className="breaks">
          {isFetching && 'Asking the CAS …'}
          {!isFetching && notAsked !== null && `The CAS was not asked: ${notAsked}.`}
          {!isFetching && at !== null && (
            <>
              The CAS was asked at <Time at={at} />.
            </>
          )}
        </Text>
        <Button size="xs" variant="default" disabled={isFetching} onClick={() => void refetch()}>
          Ask the CAS again
        </Button>
      </Group>
      {error !== null && <Failed error={error} onAgain={() => void refetch()} />}
    </div>
  );
}

import { useEffect, useRef } from 'react';
import type { Output } from '../../api/client.ts';
import { useCall } from '../../api/use-call.ts';

export type Explanation = Output<'why'>;
type Entitlement = Explanation['entitlements'][number];
type Pairing = Explanation['pairings'][number];

/** Stored data is read again so often. */
const READ_MS = 4_000;
/** The answer of the CAS is not asked for again because somebody comes back to the tab within this time. */
const FRESH_MS = 30_000;

/**
 * What is stored, at once and again every 4 s, and what the CAS has, when its answer comes. The CAS is asked once, when
 * somebody asks again, and after something was done for the subject.
 */
export function useExplanation(of: string) {
  const stored = useCall('why', { of, ask: false }, { every: READ_MS });
  const asked = useCall('why', { of, ask: true }, { freshMs: FRESH_MS });
  const { data: answered, isFetching, refetch } = asked;
  const now = stored.data === undefined ? '' : stateOf(stored.data);
  const isQuiet = stored.data?.queue.length === 0;
  const isOutdated = answered !== undefined && stateOf(answered) !== now;
  // Once for each state, or a CAS without an answer would be asked for ever.
  const askedFor = useRef('');
  useEffect(() => {
    if (!isQuiet || !isOutdated || isFetching || askedFor.current === now) return;
    askedFor.current = now;
    void refetch();
  }, [isQuiet, isOutdated, isFetching, now, refetch]);
  const isNewer = asked.dataUpdatedAt >= stored.dataUpdatedAt;
  const told = answered !== undefined && (!isOutdated || isNewer) ? answered : stored.data;
  return { stored, asked, shown: told && merged(told, stored.data ?? told, answered) };
}

/** The findings of one answer, the newest queue and timeline, and what the CAS last answered. */
function merged(told: Explanation, stored: Explanation, answered: Explanation | undefined): Explanation {
  if (answered === undefined) return told;
  const services = new Map(answered.entitlements.map((one) => [keyOf(one), one]));
  const pairings = new Map(answered.pairings.map((one) => [one.smartcard_ca_id, one]));
  const entitlements = told.entitlements.map((one): Entitlement => ({
    ...one,
    cas: services.get(keyOf(one))?.cas ?? one.cas,
  }));
  return {
    ...told,
    queue: stored.queue,
    timeline: stored.timeline,
    timeline_next: stored.timeline_next,
    entitlements,
    pairings: told.pairings.map((one): Pairing => ({
      ...one,
      cas: pairings.get(one.smartcard_ca_id)?.cas ?? one.cas,
    })),
  };
}

function keyOf({ smartcard_ca_id: card, service_ca_id: service }: Entitlement): string {
  return `${card} ${service}`;
}

/** What of the stored data the findings depend on. Questions to the CAS are not part of it: they change nothing. */
function stateOf({ subscriptions, entitlements, pairings, queue, timeline }: Explanation): string {
  const wanted = entitlements.filter(({ crm }) => crm === 'entitled');
  return JSON.stringify([
    subscriptions.map(({ number, version }) => [number, version]),
    wanted.map((one) => [keyOf(one), one.request, one.request_phase]),
    pairings.map(({ known }) => known),
    queue.map(({ number, attempts }) => [number, attempts]),
    timeline.find(({ what, request, text }) => what === 'outcome' && request !== null && !text.startsWith('GET_'))?.at,
  ]);
}

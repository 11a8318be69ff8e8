import type { Counter, Gauge, Histogram, Registry } from '@prometheus-io/client';
import type { ConaxAnswer } from '../conax/client.types.ts';
import { CONAX_CODE_MEANINGS } from '../conax/code-meanings.ts';
import { conaxCodes } from '../conax/codes.ts';
import { commandTypes } from '../planning/command.ts';
import { counter, gauge, histogram, lastReading, WAIT_BUCKETS_S } from '../platform/metrics.ts';
import { classNames } from '../requests/request-class.ts';
import { PENDING_AGES_S, type Pending } from './count-ready.ts';
import { DISPATCH_ERROR_CODES } from './error-codes.ts';

/** The kinds of answers to a SOAP call. */
const ANSWERS = Object.keys({
  accepted: true,
  refused: true,
  'try-later': true,
  unknown: true,
  'not-sent': true,
  'not-authorised': true,
  invalid: true,
} satisfies Record<ConaxAnswer['kind'], true>);

/** The codes with which a request is usually rejected: those of the other kinds put it off. */
const REJECTION_CODES: readonly string[] = [
  ...conaxCodes.filter((code) => ['refused', 'invalid'].includes(CONAX_CODE_MEANINGS[code].kind)),
  ...DISPATCH_ERROR_CODES.flatMap(({ code }) => (code === 'WITHDRAWN' ? [] : [code])),
  'other',
];

/** Why a request is put off. */
export const PUT_OFF_CAUSES = ['try-later', 'unknown', 'not-sent', 'not-authorised', 'pin-unopened'] as const;

const PAUSE_CAUSES = conaxCodes.filter((code) => CONAX_CODE_MEANINGS[code].kind === 'not-authorised');

/** The parts of the dispatcher that can fail. */
const PARTS = [
  'heartbeat',
  'renewal',
  'poll',
  'activation',
  'patience',
  'pending',
  'reorder',
  'claim',
  'provider',
  'settle',
  'carry-out',
] as const;
export type DispatchPart = (typeof PARTS)[number];

/** The dispatcher's metrics; every name starts with `conax_dispatch_`. */
export interface DispatchMetrics {
  readonly calls: Counter<'command' | 'answer'>;
  readonly callSeconds: Histogram<'command'>;
  readonly callsUnderWay: Gauge;
  readonly finished: Counter<'command' | 'outcome' | 'code'>;
  readonly finishSeconds: Histogram<'class'>;
  readonly putOff: Counter<'why'>;
  readonly claimed: Counter<'class'>;
  readonly claims: Counter<'result'>;
  readonly leasesLost: Counter;
  readonly reclaimed: Counter;
  readonly reviews: Counter;
  readonly buffered: Gauge;
  readonly slots: Gauge;
  readonly rate: Gauge;
  readonly settleSeconds: Histogram;
  readonly settleSize: Histogram;
  readonly errors: { inc(labels: { readonly part: DispatchPart }): void };
  readonly paused: Gauge;
  readonly pauses: Counter<'why'>;
  readonly breakerOpen: Gauge;
  readonly unreadable: Counter;
  /** Takes what waits to be sent, which counts as unknown a minute later. */
  readonly pending: { readonly set: (pending: Pending) => void };
  readonly pinsUnopened: Gauge;
}

/** Creates the metrics in a registry; call it once per registry. */
export function dispatchMetrics(registry: Registry): DispatchMetrics {
  const p = 'conax_dispatch_';
  const pending = lastReading<Pending>();
  gauge(registry, {
    name: `${p}ready_requests`,
    help: 'Requests that could have been sent for at least this long and were not, by class (0s: counted up to 100001, others up to 1001). All instances show the same.',
    labels: { class: classNames, older_than: PENDING_AGES_S.map((seconds) => `${seconds}s`) },
    read: () =>
      (pending.get()?.ready ?? []).map(({ requestClass, seconds, requests }) => [
        { class: nameOf(requestClass), older_than: `${seconds}s` },
        requests,
      ]),
  });
  gauge(registry, {
    name: `${p}oldest_ready_seconds`,
    help: 'How long the longest waiting request of a class could have been sent, 0 if there is none. All instances show the same.',
    labels: { class: classNames },
    read: () =>
      (pending.get()?.oldest ?? []).map(({ requestClass, readyS }) => [{ class: nameOf(requestClass) }, readyS]),
  });
  gauge(registry, {
    name: `${p}oldest_pending_seconds`,
    help: 'Age of the oldest request of a class that is due, first on its cards, and not final, 0 if there is none: also one that is being sent, or that is tried again and again. All instances show the same.',
    labels: { class: classNames },
    read: () =>
      (pending.get()?.oldest ?? []).map(({ requestClass, pendingS }) => [{ class: nameOf(requestClass) }, pendingS]),
  });
  return {
    calls: counter(registry, {
      name: `${p}calls_total`,
      help: 'SOAP calls by command and kind of answer.',
      labels: { command: commandTypes, answer: ANSWERS },
    }),
    callSeconds: histogram(registry, {
      name: `${p}call_seconds`,
      help: 'Duration of SOAP calls.',
      labels: { command: commandTypes },
      buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
    }),
    callsUnderWay: gauge(registry, { name: `${p}calls_under_way`, help: 'SOAP calls that run now.' }),
    finished: counter(registry, {
      name: `${p}finished_total`,
      help: 'Requests that this service finished, by command, outcome and error code. Requests that a person withdrew are not counted.',
      labels: {
        command: commandTypes,
        outcome: ['COMPLETED', 'REJECTED'],
        code: 'empty if there is none, a code of [errors-conax.md](errors-conax.md) or [errors-dispatch.md](errors-dispatch.md), and `other`',
      },
      start: commandTypes.flatMap((command) => [
        { command, outcome: 'COMPLETED', code: '' },
        ...REJECTION_CODES.map((code) => ({ command, outcome: 'REJECTED', code })),
      ]),
    }),
    finishSeconds: histogram(registry, {
      name: `${p}finish_seconds`,
      help: 'Time from the event or call that made a request, or from its date, until its outcome was stored, by class.',
      labels: { class: classNames },
      buckets: WAIT_BUCKETS_S,
    }),
    putOff: counter(registry, {
      name: `${p}put_off_total`,
      help: 'Requests put off after a try without a result, by cause.',
      labels: { why: PUT_OFF_CAUSES },
    }),
    claimed: counter(registry, {
      name: `${p}claimed_total`,
      help: 'Requests claimed, by class.',
      labels: { class: classNames },
    }),
    claims: counter(registry, {
      name: `${p}claims_total`,
      help: 'Claim statements, by whether they found something.',
      labels: { result: ['found', 'empty'] },
    }),
    leasesLost: counter(registry, {
      name: `${p}leases_lost_total`,
      help: 'Leases that ran out while this instance held them: it was stalled for longer than a lease.',
    }),
    reclaimed: counter(registry, {
      name: `${p}reclaimed_total`,
      help: 'Requests claimed after the lease of another instance ran out: that one died or was stalled.',
    }),
    reviews: counter(registry, {
      name: `${p}unknown_refusals_total`,
      help: 'ALERT: refusals with a code that is not in the known list, for a person to look at.',
    }),
    buffered: gauge(registry, { name: `${p}buffered`, help: 'Requests claimed and not yet started.' }),
    slots: gauge(registry, { name: `${p}slots`, help: "This instance's share of the concurrent calls." }),
    rate: gauge(registry, { name: `${p}calls_per_second_limit`, help: "This instance's share of the rate." }),
    settleSeconds: histogram(registry, {
      name: `${p}settle_seconds`,
      help: 'Duration of the transactions that store answers.',
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5],
    }),
    settleSize: histogram(registry, {
      name: `${p}settle_requests`,
      help: 'Requests in one such transaction.',
      buckets: [1, 2, 5, 10, 20, 50, 100],
    }),
    errors: counter(registry, {
      name: `${p}errors_total`,
      help: 'Errors of the dispatcher itself, mostly of its database, by part.',
      labels: { part: PARTS },
    }),
    paused: unknownYet(
      gauge(registry, {
        name: `${p}provider_paused`,
        help: '1 while sending is switched off. All instances show the same.',
      }),
    ),
    pauses: counter(registry, {
      name: `${p}pauses_total`,
      help: 'ALERT: times that this instance switched sending off because the CAS did not accept its credentials.',
      labels: { why: PAUSE_CAUSES },
    }),
    breakerOpen: unknownYet(
      gauge(registry, {
        name: `${p}breaker_open`,
        help: '1 while the breaker is open or half-open: the CAS cannot be reached, or none of its answers can be read. All instances show the same.',
      }),
    ),
    unreadable: counter(registry, {
      name: `${p}unreadable_answers_total`,
      help: 'ALERT: answers that are not the SOAP answer of the command; several in a row open the breaker.',
    }),
    pending,
    pinsUnopened: gauge(registry, {
      name: `${p}pins_unopened`,
      help: 'ALERT: requests that wait because no key of PIN_KEY_FILE on this instance opens their PIN.',
    }),
  };
}

/** The database has not been asked: there is no value yet. */
function unknownYet(metric: Gauge): Gauge {
  metric.remove();
  return metric;
}

function nameOf(requestClass: number): string {
  return classNames[requestClass] ?? 'bulk';
}

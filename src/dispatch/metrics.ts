import { Counter, Gauge, Histogram, type Registry } from '@prometheus-io/client';

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
  readonly errors: Counter<'part'>;
  readonly paused: Gauge;
  readonly pauses: Counter<'why'>;
  readonly breakerOpen: Gauge;
  readonly unreadable: Counter;
  readonly ready: Gauge<'class' | 'older_than'>;
  readonly oldest: Gauge<'class'>;
  readonly pinsUnopened: Gauge;
}

/** Creates the metrics in a registry; call it once per registry. */
export function dispatchMetrics(registry: Registry): DispatchMetrics {
  const registers = [registry];
  const p = 'conax_dispatch_';
  return {
    calls: new Counter({
      name: `${p}calls_total`,
      help: 'SOAP calls by command and kind of answer (accepted, refused, try-later, unknown, not-sent, not-authorised, invalid).',
      labelNames: ['command', 'answer'],
      registers,
    }),
    callSeconds: new Histogram({
      name: `${p}call_seconds`,
      help: 'Duration of SOAP calls in seconds.',
      labelNames: ['command'],
      buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
      registers,
    }),
    callsUnderWay: new Gauge({ name: `${p}calls_under_way`, help: 'SOAP calls that run now.', registers }),
    finished: new Counter({
      name: `${p}finished_total`,
      help: 'Requests that became final, by command, outcome and error code (empty if there is none; `other` for unknown codes).',
      labelNames: ['command', 'outcome', 'code'],
      registers,
    }),
    finishSeconds: new Histogram({
      name: `${p}finish_seconds`,
      help: 'Time from the event or call that made a request, or from its date, until its outcome was stored, by class.',
      labelNames: ['class'],
      buckets: [
        0.005, 0.01, 0.02, 0.035, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10, 20, 30, 60, 120,
        300, 600, 1_800, 3_600,
      ],
      registers,
    }),
    putOff: new Counter({
      name: `${p}put_off_total`,
      help: 'Requests put off after a try without a result, by cause.',
      labelNames: ['why'],
      registers,
    }),
    claimed: new Counter({
      name: `${p}claimed_total`,
      help: 'Requests claimed, by class.',
      labelNames: ['class'],
      registers,
    }),
    claims: new Counter({
      name: `${p}claims_total`,
      help: 'Claim statements, by whether they found something.',
      labelNames: ['result'],
      registers,
    }),
    leasesLost: new Counter({
      name: `${p}leases_lost_total`,
      help: 'Leases that ran out while this instance held them: it was stalled for longer than a lease.',
      registers,
    }),
    reclaimed: new Counter({
      name: `${p}reclaimed_total`,
      help: 'Requests claimed after the lease of another instance ran out: that one died or was stalled.',
      registers,
    }),
    reviews: new Counter({
      name: `${p}unknown_refusals_total`,
      help: 'ALERT: refusals with a code that is not in the known list, for a person to look at.',
      registers,
    }),
    buffered: new Gauge({ name: `${p}buffered`, help: 'Requests claimed and not yet started.', registers }),
    slots: new Gauge({ name: `${p}slots`, help: "This instance's share of the concurrent calls.", registers }),
    rate: new Gauge({ name: `${p}calls_per_second_limit`, help: "This instance's share of the rate.", registers }),
    settleSeconds: new Histogram({
      name: `${p}settle_seconds`,
      help: 'Duration of the transactions that store answers.',
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5],
      registers,
    }),
    settleSize: new Histogram({
      name: `${p}settle_requests`,
      help: 'Requests in one such transaction.',
      buckets: [1, 2, 5, 10, 20, 50, 100],
      registers,
    }),
    errors: new Counter({
      name: `${p}errors_total`,
      help: 'Errors of the dispatcher itself, mostly of its database, by part.',
      labelNames: ['part'],
      registers,
    }),
    paused: new Gauge({ name: `${p}provider_paused`, help: '1 while sending is switched off.', registers }),
    pauses: new Counter({
      name: `${p}pauses_total`,
      help: 'ALERT: times that this instance switched sending off because the CAS did not accept its credentials.',
      labelNames: ['why'],
      registers,
    }),
    breakerOpen: new Gauge({
      name: `${p}breaker_open`,
      help: '1 while the breaker is open or half-open: the CAS cannot be reached, or none of its answers can be read.',
      registers,
    }),
    unreadable: new Counter({
      name: `${p}unreadable_answers_total`,
      help: 'ALERT: answers that are not the SOAP answer of the command; several in a row open the breaker.',
      registers,
    }),
    ready: new Gauge({
      name: `${p}ready_requests`,
      help: 'Requests that could have been sent for at least this long and were not, by class (0s: counted up to 100001, others up to 1001).',
      labelNames: ['class', 'older_than'],
      registers,
    }),
    oldest: new Gauge({
      name: `${p}oldest_ready_seconds`,
      help: 'How long the longest waiting request of a class could have been sent, 0 if there is none.',
      labelNames: ['class'],
      registers,
    }),
    pinsUnopened: new Gauge({
      name: `${p}pins_unopened`,
      help: 'ALERT: requests that wait because no key of PIN_KEY_FILE on this instance opens their PIN.',
      registers,
    }),
  };
}

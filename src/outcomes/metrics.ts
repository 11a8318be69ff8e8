import type { Registry } from '@prometheus-io/client';
import { counter, gauge, histogram, WAIT_BUCKETS_S } from '../platform/metrics.ts';
import type { OutboxMessage, UnpublishedMessage } from './outbox.ts';

/** The metrics of publishing. */
export interface OutcomeMetrics {
  /** Counts messages that Kafka has acknowledged, `sinceReadMs` after they were read from the outbox. */
  published(messages: readonly UnpublishedMessage[], sinceReadMs: number): void;
  parked(kind: OutboxMessage['kind']): void;
  failed(): void;
  leading(isLeading: boolean): void;
  /** Counts actions whose outcome went out without all the facets that they name. */
  overdue(actions: number): void;
}

const KINDS = ['REQUEST_OUTCOME', 'ACTION_OUTCOME', 'DEAD_LETTER'] as const satisfies readonly OutboxMessage['kind'][];

export function outcomeMetrics(registry: Registry): OutcomeMetrics {
  const published = counter(registry, {
    name: 'conax_outbox_published_total',
    help: 'Messages published, by kind.',
    labels: { kind: KINDS },
  });
  const publishSeconds = histogram(registry, {
    name: 'conax_outbox_publish_seconds',
    help: 'Time from the storing of a message until Kafka acknowledged it, by kind.',
    labels: { kind: KINDS },
    buckets: WAIT_BUCKETS_S,
  });
  const outcomeSeconds = histogram(registry, {
    name: 'conax_outcome_seconds',
    help: 'Time from the event or call until Kafka acknowledged the outcome, by kind: of a request from its storing, or from its date; of an action from its first event, with its waits for facets and for the dates of its requests. Replayed outcomes do not count. What an event waited in Kafka before is in conax_intake_message_age_seconds.',
    labels: { kind: KINDS.filter((kind) => kind !== 'DEAD_LETTER') },
    buckets: WAIT_BUCKETS_S,
  });
  const parked = counter(registry, {
    name: 'conax_outbox_parked_total',
    help: 'ALERT when it grows: messages that the broker will never accept, by kind.',
    labels: { kind: KINDS },
  });
  const failures = counter(registry, {
    name: 'conax_outbox_failures_total',
    help: 'Attempts to publish that failed as a whole and are repeated.',
  });
  const leads = gauge(registry, {
    name: 'conax_outbox_relay_leads',
    help: '1 in the one instance whose relay publishes for all.',
  });
  const overdue = counter(registry, {
    name: 'conax_actions_incomplete_total',
    help: 'Outcomes of actions sent without all named facets, because the wait was over. Actions whose last request ended even later are not counted.',
  });
  return {
    published(messages, sinceReadMs) {
      for (const { kind, storedMs, outcomeMs } of messages) {
        published.inc({ kind });
        publishSeconds.observe({ kind }, (storedMs + sinceReadMs) / 1000);
        if (outcomeMs !== null) outcomeSeconds.observe({ kind }, (outcomeMs + sinceReadMs) / 1000);
      }
    },
    parked: (kind) => parked.inc({ kind }),
    failed: () => failures.inc(),
    leading: (isLeading) => leads.set(isLeading ? 1 : 0),
    overdue: (actions) => overdue.inc(actions),
  };
}

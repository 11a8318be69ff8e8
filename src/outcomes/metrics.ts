import { Counter, Gauge, type Registry } from '@prometheus-io/client';
import type { OutboxMessage } from './outbox.ts';

/** The metrics of publishing. */
export interface OutcomeMetrics {
  published(messages: readonly OutboxMessage[]): void;
  parked(kind: OutboxMessage['kind']): void;
  failed(): void;
  backlog(messages: number, oldestAgeMs: number): void;
  leading(isLeading: boolean): void;
  /** Counts actions whose outcome went out without all the facets that they name. */
  overdue(actions: number): void;
}

export function outcomeMetrics(registry: Registry): OutcomeMetrics {
  const registers = [registry];
  const published = new Counter({
    name: 'conax_outbox_published_total',
    help: 'Messages published, by kind.',
    labelNames: ['kind'],
    registers,
  });
  const parked = new Counter({
    name: 'conax_outbox_parked_total',
    help: 'ALERT when it grows: messages that the broker will never accept, by kind.',
    labelNames: ['kind'],
    registers,
  });
  const failures = new Counter({
    name: 'conax_outbox_failures_total',
    help: 'Attempts to publish that failed as a whole and are repeated.',
    registers,
  });
  const size = new Gauge({
    name: 'conax_outbox_messages',
    help: 'Messages that wait to be published, seen by the relay that leads.',
    registers,
  });
  const age = new Gauge({
    name: 'conax_outbox_oldest_age_seconds',
    help: 'Age of the oldest message that waits to be published, seen by the relay that leads.',
    registers,
  });
  const leads = new Gauge({
    name: 'conax_outbox_relay_leads',
    help: '1 in the one instance whose relay publishes for all.',
    registers,
  });
  const overdue = new Counter({
    name: 'conax_actions_incomplete_total',
    help: 'Outcomes of actions sent without all named facets, because the wait was over. Actions whose last request ended even later are not counted.',
    registers,
  });
  return {
    published(messages) {
      for (const { kind } of messages) published.inc({ kind });
    },
    parked: (kind) => parked.inc({ kind }),
    failed: () => failures.inc(),
    backlog(messages, oldestAgeMs) {
      size.set(messages);
      age.set(oldestAgeMs / 1000);
    },
    leading: (isLeading) => leads.set(isLeading ? 1 : 0),
    overdue: (actions) => overdue.inc(actions),
  };
}

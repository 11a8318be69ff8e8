import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Kafka, Producer } from 'kafkajs';
import kafkajs from '../platform/kafkajs/index.ts';
import type { Database, Transaction } from '../platform/database.ts';
import { messageOf } from '../platform/errors.ts';
import { faultPoint } from '../platform/fault-points.ts';
import type { Logger } from '../platform/logging.ts';
import type { Tracing } from '../platform/tracing.ts';
import { createEncoder, type EncodedMessage, type EncoderOptions, reducedDeadLetter } from './encode.ts';
import { keepLease, restartLease } from './lease.ts';
import type { OutcomeMetrics } from './metrics.ts';
import { markPublished, parkMessage, unpublishedMessages } from './outbox.ts';
import { type Publication, publish } from './publish.ts';
import { tracePublication } from './traces.ts';

export interface RelayOptions extends EncoderOptions {
  readonly kafka: Kafka;
  readonly database: Database;
  readonly metrics: OutcomeMetrics;
  readonly logger: Logger;
  /** Default: nothing is traced. */
  readonly tracing?: Tracing | null;
  /** How often the leading relay looks for messages that nobody announced, in milliseconds; default 50. */
  readonly pollMs?: number;
}

export interface Relay {
  /** Makes the relay look now, because this process added to the outbox. */
  wake(): void;
  state(): { readonly ready: boolean; readonly detail: string };
  /** Finishes the current batch, releases the lease, and resolves when nothing runs any more. Safe to call twice. */
  stop(): Promise<void>;
}

const LEASE = 'outbox-relay';
/** How long outcomes wait at most after the leading instance died, in addition to FOLLOWER_POLL_MS. */
const LEASE_MS = 1_500;
const BATCH_MESSAGES_MAX = 500;
/** Polling finds messages that other processes add to the outbox. */
const POLL_MS = 50;
const FOLLOWER_POLL_MS = 250;
const RETRY_MIN_MS = 100;
const RETRY_MAX_MS = 2_000;

/**
 * Restarts the relay's lease after the database's clock jumped. The leading relay renews it, or another takes it when
 * it ends.
 */
export function restartRelayLease(tx: Transaction): Promise<void> {
  return restartLease(tx, LEASE, LEASE_MS);
}

/**
 * Publishes the messages of the outbox until it is stopped, in their order, at least once.
 *
 * A lease allows one relay at a time for all instances, which keeps the order of each key
 * (docs/decisions/0003-one-relay.md). An outage of Kafka, the registry or the database stops only the relay, which then
 * continues by itself.
 */
export function startRelay(options: RelayOptions): Relay {
  const { database, metrics, logger } = options;
  const lease = keepLease({ db: database, name: LEASE, owner: randomUUID(), durationMs: LEASE_MS });
  const encoder = createEncoder(options);
  const stopping = new AbortController();
  let producer: Producer | null = null;
  let leads = false;
  let trouble: string | null = null;
  let woken = false;
  let wakeUp: (() => void) | null = null;

  const done = run();
  return {
    wake() {
      woken = true;
      // A relay that does not lead only checks the lease, which it does often enough.
      if (leads) wakeUp?.();
    },
    state() {
      if (trouble !== null) return { ready: false, detail: trouble };
      return { ready: true, detail: leads ? 'publishes for all instances' : 'another instance publishes' };
    },
    async stop() {
      stopping.abort();
      wakeUp?.();
      await done;
    },
  };

  async function run(): Promise<void> {
    let failures = 0;
    while (!stopping.signal.aborted) {
      try {
        const busy = await round();
        if (trouble !== null) logger.info('publishing continues');
        trouble = null;
        failures = 0;
        if (!busy) await idle(leads ? (options.pollMs ?? POLL_MS) : FOLLOWER_POLL_MS);
      } catch (error) {
        failures += 1;
        metrics.failed();
        if (trouble === null) logger.warn({ err: error }, 'publishing waits until the outage is over');
        trouble = `waiting: ${messageOf(error)}`;
        await closeProducer();
        await pause(Math.min(RETRY_MIN_MS * 2 ** (failures - 1), RETRY_MAX_MS));
      }
    }
    await closeProducer();
    await lease.giveBack().catch(() => {});
    metrics.leading(false);
  }

  /** Publishes one batch; returns false if there was nothing to do. */
  async function round(): Promise<boolean> {
    if (!(await lead())) return false;
    woken = false;
    const messages = await unpublishedMessages(database, BATCH_MESSAGES_MAX);
    const readAt = performance.now();
    if (messages.length === 0) return false;
    const trace = options.tracing ? tracePublication(options.tracing, messages) : null;
    const encoded = await encoder.encode(trace?.messages ?? messages);
    const sender = await connected();
    faultPoint('relay: before publish');
    const { published, refused } = await publishWithReduced(sender, encoded);
    const sinceReadMs = performance.now() - readAt;
    faultPoint('relay: after publish');
    await markPublished(
      database,
      published.map(({ stored }) => stored.id),
    );
    faultPoint('relay: after marking');
    const ids = new Set(published.map(({ stored }) => stored.id));
    metrics.published(
      messages.filter(({ id }) => ids.has(id)),
      sinceReadMs,
    );
    trace?.published(published);
    for (const { message, reason } of refused) {
      faultPoint('relay: before parking');
      await parkMessage(database, message.stored.id, reason);
      faultPoint('relay: after parking');
      metrics.parked(message.stored.kind);
      logger.error(
        { outboxId: message.stored.id, kind: message.stored.kind, topic: message.topic, bytes: message.bytes, reason },
        'the broker will never accept this message: it is parked, and later ones continue',
      );
    }
    return messages.length === BATCH_MESSAGES_MAX || woken;
  }

  /** Publishes messages; dead letters that are too large for their topic go out reduced. */
  async function publishWithReduced(sender: Producer, encoded: readonly EncodedMessage[]): Promise<Publication> {
    let { published, refused } = await publish(sender, encoded);
    for (;;) {
      const reduced = new Map(refused.map((one) => [one, reducedDeadLetter(one.message)]));
      const smaller = [...reduced.values()].filter((message) => message !== null);
      if (smaller.length === 0) return { published, refused };
      const next = await publish(sender, smaller);
      for (const { stored, topic, message } of next.published) {
        const leftOut = [message.headers?.['dead-letter-left-out']].flat().join('; ');
        logger.warn(
          { outboxId: stored.id, topic, leftOut },
          'a dead letter was too large for its topic: a reduced one was published',
        );
      }
      published = [...published, ...next.published];
      refused = [...refused.filter((one) => reduced.get(one) === null), ...next.refused];
    }
  }

  async function lead(): Promise<boolean> {
    const held = await lease.hold();
    if (held !== leads) logger.info({ leads: held }, held ? 'this relay publishes now' : 'another relay publishes now');
    leads = held;
    metrics.leading(held);
    return held;
  }

  async function connected(): Promise<Producer> {
    if (producer) return producer;
    const created = options.kafka.producer({
      // Chooses the same partition for a key as Java clients do.
      createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
      allowAutoTopicCreation: false,
      // Not kafkajs's idempotent producer: 2.2.4 rolls its sequence back after a failed send, and the broker then
      // acknowledges the next batch as a repetition without storing it.
      idempotent: false,
      maxInFlightRequests: 1,
      // The relay itself retries, and reports the outage meanwhile.
      retry: { initialRetryTime: 100, maxRetryTime: 1_000, retries: 1 },
    });
    // Set before connecting, so that closeProducer also closes one that never connected: its connection may hang.
    producer = created;
    await created.connect();
    return created;
  }

  async function closeProducer(): Promise<void> {
    const closing = producer;
    producer = null;
    await closing?.disconnect().catch(() => {});
  }

  async function idle(ms: number): Promise<void> {
    if (woken && leads) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      wakeUp = () => {
        clearTimeout(timer);
        resolve();
      };
      if (stopping.signal.aborted) wakeUp();
    });
    wakeUp = null;
  }

  async function pause(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: stopping.signal }).catch(() => {});
  }
}

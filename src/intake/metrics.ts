import type { Registry } from '@prometheus-io/client';
import { deadLetterReasons } from '../events/dead-letter-reasons.ts';
import { CRM_READERS } from '../events/decode.ts';
import { counter, gauge, histogram, plain, type Reading } from '../platform/metrics.ts';
import { type Decision, dispositions } from './fold.ts';
import type { ReadMessage } from './message.ts';
import type { PlaceProgress } from './progress.ts';
import { remarks } from './remarks.ts';
import type { TopicPartition } from './restored-offsets.ts';

/** The metrics of intake. */
export interface IntakeMetrics {
  /** Counts decisions about messages. */
  decided(decisions: readonly Decision[]): void;
  /** Notes the partitions that this instance reads now. */
  assigned(places: readonly TopicPartition[]): void;
  /** Counts messages of the partition that are gone unread. */
  lost(place: TopicPartition, messages: number): void;
  /** Counts a restart of reading after the consumer ended by itself. */
  restarted(): void;
  /** Records how long reading, deciding and storing a chunk took, and how old its messages are now. */
  chunkDone(seconds: number, chunk: readonly ReadMessage[]): void;
  /** Sets the source for how reading is doing; it is asked whenever metrics are read. */
  watch(source: IntakeWatch): void;
}

export interface IntakeWatch {
  /** Returns whether messages are read, or would be if there were any. */
  reading(): boolean;
  /** Returns the milliseconds since Kafka last answered the consumer, or since its start if it never did. */
  kafkaSilentMs(): number;
  /** Returns the number of partitions on which reading does not advance although there is more. */
  stalledPartitions(): number;
  /** Returns the number of partitions on which reading waits for the database or the schema registry. */
  pausedPartitions(): number;
  /** Returns how far each partition is read; only partitions that are surely this instance's. */
  places(): readonly PlaceProgress[];
}

/** How many names of unknown action types get their own label, whatever a CRM invents. */
const UNKNOWN_TYPES_MAX = 50;

const PLACE = { topic: 'the topics of CRM_TOPICS', partition: 'their partitions' };

export function intakeMetrics(registry: Registry): IntakeMetrics {
  const unknownTypes = new Set<string>();
  const named = (type: string): string => {
    if (unknownTypes.size < UNKNOWN_TYPES_MAX) unknownTypes.add(type);
    return unknownTypes.has(type) ? type : 'other';
  };
  let watched: IntakeWatch | null = null;
  const eachPlace = (value: (place: PlaceProgress) => number | null): Reading<'topic' | 'partition'>[] =>
    (watched?.places() ?? []).flatMap((place) => {
      const found = value(place);
      const { topic, partition } = place;
      return found === null ? [] : [[{ topic, partition: String(partition) }, found] as const];
    });

  const messages = counter(registry, {
    name: 'conax_intake_messages_total',
    help: 'CRM messages read, by what became of them.',
    labels: { disposition: dispositions },
  });
  const late = counter(registry, {
    name: 'conax_intake_late_total',
    help: 'CRM events with a version lower than the newest applied one.',
  });
  const remarked = counter(registry, {
    name: 'conax_intake_remarks_total',
    help: 'Oddities of CRM events that were processed normally, by kind. ALERT when UNKNOWN_ACTION grows: the trigger matrix does not know an action (R12).',
    labels: { remark: Object.keys(remarks) },
  });
  const deadLetters = counter(registry, {
    name: 'conax_intake_dead_letters_total',
    help: 'ALERT when it grows: CRM messages that went to the dead letter topic, by reason.',
    labels: { reason: Object.keys(deadLetterReasons) },
  });
  const unknownActions = counter(registry, {
    name: 'conax_intake_unknown_actions_total',
    help: 'CRM actions that the trigger matrix does not know (R12), by family and type; `other` for what comes after 50 types. Series appear with their first action: let alerts look at the remark UNKNOWN_ACTION.',
    labels: { family: CRM_READERS.map(({ family }) => family), type: 'the first 50 types that came, and `other`' },
  });
  gauge(registry, {
    name: 'conax_intake_lag_messages',
    help: 'End of a partition minus the position of the one instance that reads it: messages that are not processed yet, also while reading pauses. Records of transactions count too. No value: nobody reads the partition, or the instance that did has lost Kafka.',
    labels: PLACE,
    read: () => eachPlace(({ unread }) => unread),
  });
  gauge(registry, {
    name: 'conax_intake_behind_seconds',
    help: 'How long the end of a partition has been ahead of the position of the instance that reads it; 0 if all is read.',
    labels: PLACE,
    read: () => eachPlace(({ unread, behindMs }) => (unread === null ? null : (behindMs ?? 0) / 1000)),
  });
  const lost = counter(registry, {
    name: 'conax_intake_lost_messages_total',
    help: 'ALERT when it grows: positions that were jumped over because Kafka had removed them unread; at most so many messages. Each partition that this instance reads starts at 0.',
    labels: PLACE,
  });
  gauge(registry, {
    name: 'conax_intake_stalled_partitions',
    help: 'ALERT when above 0: partitions whose position has not moved for KAFKA_STALLED_MS although their end is ahead, that Kafka has not delivered for so long, or that are not read because of KAFKA_OFFSET_LOST=stop.',
    read: () => plain(watched?.stalledPartitions()),
  });
  gauge(registry, {
    name: 'conax_intake_paused_partitions',
    help: 'Partitions on which reading waits for the database or the schema registry.',
    read: () => plain(watched?.pausedPartitions()),
  });
  gauge(registry, {
    name: 'conax_intake_reading',
    help: '1 while CRM messages are read or would be; 0 while reading waits for Kafka, the database or the schema registry, or its topics, also during the start.',
    read: () => plain(watched?.reading() === true ? 1 : 0),
  });
  gauge(registry, {
    name: 'conax_intake_kafka_silent_seconds',
    help: 'Time since Kafka last answered the consumer; a few tenths of a second while all is well, also without messages.',
    read: () => plain(watched === null ? null : watched.kafkaSilentMs() / 1000),
  });
  const restarts = counter(registry, {
    name: 'conax_intake_restarts_total',
    help: 'How often the Kafka consumer ended by itself and was restarted.',
  });
  const seconds = histogram(registry, {
    name: 'conax_intake_chunk_seconds',
    help: 'Time to read, decide and store a chunk of messages in one transaction.',
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10],
  });
  const sizes = histogram(registry, {
    name: 'conax_intake_chunk_messages',
    help: 'Messages in a chunk.',
    buckets: [1, 2, 5, 10, 20, 50, 100, 200],
  });
  const ages = histogram(registry, {
    name: 'conax_intake_message_age_seconds',
    help: 'Time from the timestamp of a CRM message in Kafka until it was stored with all that follows from it; by the clocks of the producer and of this instance.',
    buckets: [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1_800, 3_600, 86_400],
  });
  return {
    decided(decisions) {
      for (const decision of decisions) {
        messages.inc({ disposition: decision.disposition });
        if (decision.late) late.inc();
        for (const remark of decision.remarks) remarked.inc({ remark });
        if (decision.disposition === 'DEAD_LETTERED' && decision.cause) {
          deadLetters.inc({ reason: decision.cause.reason });
        }
        if (decision.plan?.unknownAction && decision.event) {
          unknownActions.inc({ family: decision.event.family, type: named(decision.event.writerType) });
        }
      }
    },
    assigned(places) {
      for (const { topic, partition } of places) lost.inc({ topic, partition: String(partition) }, 0);
    },
    lost: ({ topic, partition }, count) => lost.inc({ topic, partition: String(partition) }, Math.max(count, 0)),
    restarted: () => restarts.inc(),
    chunkDone(took, chunk) {
      seconds.observe(took);
      sizes.observe(chunk.length);
      const now = Date.now();
      for (const { message } of chunk) {
        const sentAt = message.timestamp.getTime();
        // 0: it could not be read, or makes no sense.
        if (sentAt > 0) ages.observe(Math.max(now - sentAt, 0) / 1000);
      }
    },
    watch: (source) => (watched = source),
  };
}

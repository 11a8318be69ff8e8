import { Counter, Gauge, Histogram, type Registry } from '@prometheus-io/client';
import type { Decision } from './fold.ts';

/** The metrics of intake. */
export interface IntakeMetrics {
  /** Counts decisions about messages. */
  decided(decisions: readonly Decision[]): void;
  /** Sets how many messages of the partition are not read yet. */
  lag(topic: string, partition: number, messages: number): void;
  /** Removes the lag of a partition that another instance has now. */
  gone(topic: string, partition: number): void;
  /** Counts messages of the partition that are gone unread. */
  lost(topic: string, partition: number, messages: number): void;
  /** Counts a partition that pauses (+1) or continues (-1). */
  paused(change: 1 | -1): void;
  /** Counts a restart of reading after the consumer ended by itself. */
  restarted(): void;
  /** Records how long reading, deciding and storing a chunk took. */
  chunkDone(seconds: number, messages: number): void;
  /**
   * Sets the source for whether messages are read and how long Kafka has been silent; it is asked whenever metrics are
   * read.
   */
  watch(source: IntakeWatch): void;
}

export interface IntakeWatch {
  /** Returns whether messages are read, or would be if there were any. */
  reading(): boolean;
  /** Returns the milliseconds since Kafka last answered the consumer, or since its start if it never did. */
  kafkaSilentMs(): number;
  /** Returns the number of partitions on which reading does not advance although there is more. */
  stalledPartitions(): number;
}

/** How many names of unknown action types get their own label, whatever a CRM invents. */
const UNKNOWN_TYPES_MAX = 50;

export function intakeMetrics(registry: Registry): IntakeMetrics {
  const registers = [registry];
  const unknownTypes = new Set<string>();
  const named = (type: string): string => {
    if (unknownTypes.size < UNKNOWN_TYPES_MAX) unknownTypes.add(type);
    return unknownTypes.has(type) ? type : 'other';
  };
  const messages = new Counter({
    name: 'conax_intake_messages_total',
    help: 'CRM messages read, by what became of them.',
    labelNames: ['disposition'],
    registers,
  });
  const late = new Counter({
    name: 'conax_intake_late_total',
    help: 'CRM events with a version lower than the newest applied one.',
    registers,
  });
  const remarks = new Counter({
    name: 'conax_intake_remarks_total',
    help: 'Oddities of CRM events that were processed normally, by kind.',
    labelNames: ['remark'],
    registers,
  });
  const deadLetters = new Counter({
    name: 'conax_intake_dead_letters_total',
    help: 'CRM messages that went to the dead letter topic, by reason.',
    labelNames: ['reason'],
    registers,
  });
  const unknownActions = new Counter({
    name: 'conax_intake_unknown_actions_total',
    help: 'ALERT when it grows: CRM actions that the trigger matrix does not know (R12), by family and type; `other` for what comes after 50 types.',
    labelNames: ['family', 'type'],
    registers,
  });
  const lag = new Gauge({
    name: 'conax_intake_lag_messages',
    help: 'End of a partition minus the position of this instance, which reads it: messages that are not processed yet. Records of transactions count too.',
    labelNames: ['topic', 'partition'],
    registers,
  });
  let watched: IntakeWatch | null = null;
  const lost = new Counter({
    name: 'conax_intake_lost_messages_total',
    help: 'ALERT when it grows: positions that were jumped over because Kafka had removed them unread; at most so many messages.',
    labelNames: ['topic', 'partition'],
    registers,
  });
  const stalled: Gauge = new Gauge({
    name: 'conax_intake_stalled_partitions',
    help: 'ALERT when above 0: partitions whose position has not moved for KAFKA_STALLED_MS although their end is ahead, that Kafka has not delivered for so long, or that are not read because of KAFKA_OFFSET_LOST=stop.',
    registers,
    collect: () => stalled.set(watched?.stalledPartitions() ?? 0),
  });
  const paused = new Gauge({
    name: 'conax_intake_paused_partitions',
    help: 'Partitions on which reading waits for the database or the schema registry.',
    registers,
  });
  const reading: Gauge = new Gauge({
    name: 'conax_intake_reading',
    help: '1 while CRM messages are read or would be; 0 while reading waits for Kafka, the database or the schema registry, or its topics.',
    registers,
    collect: () => reading.set(watched?.reading() === true ? 1 : 0),
  });
  const silent: Gauge = new Gauge({
    name: 'conax_intake_kafka_silent_seconds',
    help: 'Time since Kafka last answered the consumer; a few tenths of a second while all is well, also without messages.',
    registers,
    collect: () => silent.set((watched?.kafkaSilentMs() ?? 0) / 1000),
  });
  const restarts = new Counter({
    name: 'conax_intake_restarts_total',
    help: 'How often the Kafka consumer ended by itself and was restarted.',
    registers,
  });
  const seconds = new Histogram({
    name: 'conax_intake_chunk_seconds',
    help: 'Time to read, decide and store a chunk of messages in one transaction.',
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10],
    registers,
  });
  const sizes = new Histogram({
    name: 'conax_intake_chunk_messages',
    help: 'Messages in a chunk.',
    buckets: [1, 2, 5, 10, 20, 50, 100, 200],
    registers,
  });
  return {
    decided(decisions) {
      for (const decision of decisions) {
        messages.inc({ disposition: decision.disposition });
        if (decision.late) late.inc();
        for (const remark of decision.remarks) remarks.inc({ remark });
        if (decision.disposition === 'DEAD_LETTERED' && decision.cause) {
          deadLetters.inc({ reason: decision.cause.reason });
        }
        if (decision.plan?.unknownAction && decision.event) {
          unknownActions.inc({ family: decision.event.family, type: named(decision.event.writerType) });
        }
      }
    },
    lag: (topic, partition, count) => lag.set({ topic, partition: String(partition) }, count),
    gone: (topic, partition) => lag.remove({ topic, partition: String(partition) }),
    lost: (topic, partition, count) => lost.inc({ topic, partition: String(partition) }, Math.max(count, 0)),
    paused: (change) => paused.inc(change),
    restarted: () => restarts.inc(),
    chunkDone(took, count) {
      seconds.observe(took);
      sizes.observe(count);
    },
    watch: (source) => (watched = source),
  };
}

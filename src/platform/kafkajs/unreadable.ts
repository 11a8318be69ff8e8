import type { KafkaMessage } from 'kafkajs';

/**
 * A position of a partition whose record cannot be read: it does not decompress, unpacks beyond the limit, breaks the
 * record format, or fails its checksum. The consumer delivers it in the place of the record, so that one record, or one
 * batch, never stops a partition.
 *
 * A message with this marker has neither key, value nor headers. Intake must not decode it: it dead-letters the message
 * by its position (topic, partition, offset), with the reason UNREADABLE_RECORD and `detail` as the text, and goes on after
 * it. The bytes were fetched twice and the decoder read a sample correctly before anything is marked, so intake may trust the marker and need not try again.
 */
export interface Unreadable {
  /** What is wrong, in a sentence that names the limit or the fault; for the dead letter and for the log. */
  readonly detail: string;
  /**
   * The last position that this marker stands for, if one marker stands for several: all positions from the message's
   * offset to this one are unreadable, and become one dead letter whose detail names the range. Null: only its own.
   * The consumer moves the partition past the range; intake has nothing to add up.
   */
  readonly lastOffset: number | null;
}

/** A message of Kafka, or the marker of a position that cannot be read. */
export type ReceivedMessage = KafkaMessage & { readonly unreadable?: Unreadable };

/**
 * Messages in the formats before Kafka 0.11, which may still lie on the disks of clusters that were upgraded: kafkajs'
 * own decoder reads them, with the codecs of codecs.ts and their limit, one entry of the log at a time.
 */
import type { KafkaMessage } from 'kafkajs';
import { messageOf } from '../errors.ts';
import { internal } from './internals.ts';

type Decoder = new (bytes: Buffer) => unknown;
type ReadSet = (decoder: unknown, size: number) => Promise<KafkaMessage[]>;

/** The messages of one entry from a position on; or why it cannot be read. An entry of several ends at its own offset. */
export async function readMessageSet(
  entry: Buffer,
  from: number,
): Promise<{ messages: KafkaMessage[] } | { fault: string }> {
  try {
    const Decoder = internal<Decoder>('protocol/decoder.js');
    const read = internal<ReadSet>('protocol/messageSet/decoder.js');
    const messages = await read(new Decoder(entry), entry.length);
    if (messages.length === 0) return { fault: 'a message of the format before Kafka 0.11 cannot be read' };
    return { messages: messages.filter(({ offset }) => Number(offset) >= from) };
  } catch (error) {
    return { fault: messageOf(error) };
  }
}

import { contradictionsOf } from '../events/contradictions.ts';
import type { Decoded, EventDecoder } from '../events/decode.ts';
import type { IncomingMessage, ReadMessage } from './message.ts';

/** Longest detail that goes into a header. */
const DETAIL_CHARS_MAX = 1_000;

/**
 * Decodes messages and looks for contradictions, each message by itself.
 * @throws when the schema registry is away; the same call may be repeated.
 */
export async function readMessages(
  decoder: EventDecoder,
  messages: readonly IncomingMessage[],
): Promise<ReadMessage[]> {
  const decoded = await decoder.decode(messages.map(({ value }) => value));
  return messages.map((message, index) => {
    const result = decoded[index];
    if (!result) throw new Error(`The decoder gave ${decoded.length} results for ${messages.length} messages`);
    return read(message, result);
  });
}

/** A message with what decoding it gave, looked at for contradictions. */
export function read(message: IncomingMessage, decoded: Decoded): ReadMessage {
  if (!decoded.ok) {
    const { reason, detail } = decoded;
    return { message, event: null, cause: { reason, detail: shortened(detail) } };
  }
  const contradictions = contradictionsOf(decoded.event);
  if (contradictions.length === 0) return { message, event: decoded.event, cause: null };
  return {
    message,
    event: decoded.event,
    cause: { reason: 'CONTRADICTORY', detail: shortened(contradictions.join(' ')) },
  };
}

/** Text that fits a header, and that PostgreSQL takes: it knows no U+0000. */
export function shortened(detail: string): string {
  const text = detail.replaceAll('\u0000', '\uFFFD').toWellFormed();
  return text.length <= DETAIL_CHARS_MAX ? text : `${text.slice(0, DETAIL_CHARS_MAX - 1).toWellFormed()}…`;
}

import { printable } from '../operations/story-text.ts';
import type { ShownEvent } from '../replay/show-event.ts';
import type { StoredEvent } from '../replay/stored-events.ts';

/** A dead letter on one line: its number, when and whence it came, why it is one. */
export function deadLetterLine(letter: StoredEvent): string {
  const { id, receivedAt, topic, partition, offset, subscriptionNumber, reason, detail, resolution } = letter;
  const words = [id, receivedAt.toISOString(), `${topic}/${partition}/${offset}`, subscriptionNumber, reason, detail];
  const said = [...words, resolution].filter((word) => word !== null);
  return `${printable(said.join('  ')).replaceAll('\n', ' ')}\n`;
}

/** One message for a terminal: what is known of it, its event, and of a dead letter its bytes. */
export function shownEventText({ event, message, ...stored }: ShownEvent): string {
  const parts = [fields(stored)];
  if (event !== null) parts.push('Event', indented(JSON.stringify(event, null, 2)));
  if (message === null) {
    if (stored.disposition === 'DEAD_LETTERED') parts.push('Its bytes are not kept any more.');
    return `${parts.join('\n')}\n`;
  }
  const { cause, decoded, hex, ...rest } = message;
  parts.push('Message', fields(rest));
  parts.push(
    cause === null
      ? 'It can be read now: release it.'
      : `It still cannot be processed: ${cause.reason}: ${cause.detail}`,
  );
  if (event === null && decoded !== null) {
    const end =
      decoded.stoppedAt === null ? `whole; ${decoded.left} bytes are left over` : `up to ${decoded.stoppedAt}`;
    parts.push(`Decoded ${end}`, indented(JSON.stringify(decoded.value, jsonValue, 2)));
  }
  parts.push('Bytes', indented(hex.join('\n')));
  return `${printable(parts.join('\n'))}\n`;
}

function fields(row: object): string {
  const given = Object.entries(row).filter(([, value]) => value !== null);
  const width = Math.max(0, ...given.map(([name]) => name.length));
  return given.map(([name, value]) => `  ${name.padEnd(width)}  ${text(value)}`).join('\n');
}

function text(value: unknown): string {
  if (value instanceof Date) return value.toISOString();
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function jsonValue(_name: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value;
}

function indented(lines: string): string {
  return lines.replace(/^/gm, '  ');
}

import type { Column } from '../platform/terminal-text.ts';
import type { HeldEvent } from '../features/waiting-events/held.ts';
import type { ShownEvent } from '../features/waiting-events/show.ts';
import type { StoredEvent } from '../features/waiting-events/stored.ts';

/** What the list of dead letters shows. */
export const DEAD_LETTER_COLUMNS: readonly Column<StoredEvent>[] = [
  ['id', ({ id }) => id],
  ['received', ({ receivedAt }) => receivedAt],
  ['topic/partition/offset', ({ topic, partition, offset }) => `${topic}/${partition}/${offset}`],
  ['subscription', ({ subscriptionNumber }) => subscriptionNumber],
  ['reason', ({ reason }) => reason],
  ['decided', ({ resolution }) => resolution],
  ['detail', ({ detail }) => detail],
];

/** What the list of held events shows. */
export const HELD_COLUMNS: readonly Column<HeldEvent>[] = [
  ['id', ({ id }) => id],
  ['received', ({ receivedAt }) => receivedAt],
  ['subscription', ({ subscriptionNumber }) => subscriptionNumber],
  ['version', ({ version }) => version],
  ['family', ({ family }) => family],
  ['type', ({ type }) => type],
  ['action', ({ actionId }) => actionId],
  ['event', ({ eventId }) => eventId],
];

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
  return `${parts.join('\n')}\n`;
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

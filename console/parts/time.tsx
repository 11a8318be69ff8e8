import { Text } from '@mantine/core';

const DAY = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });
const TIME = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' });
const UNITS = [
  ['d', 86_400],
  ['h', 3_600],
  ['min', 60],
  ['s', 1],
] as const;

/** A time in the viewer's zone; UTC when the pointer rests on it. Times of today are shown without the date. */
export function Time({ at, full = false }: { at: string | null | undefined; full?: boolean }) {
  if (at === null || at === undefined) return <Text span>–</Text>;
  const date = new Date(at);
  return (
    <time dateTime={at} title={`${at.replace('T', ' ').replace('Z', '')} UTC`} className="number">
      {!full && isToday(date) ? TIME.format(date) : DAY.format(date)}
    </time>
  );
}

function isToday(date: Date): boolean {
  return date.toDateString() === new Date().toDateString();
}

/** How long ago, such as `3 min`; at most two units. */
export function age(at: string, now = Date.now()): string {
  return span((now - Date.parse(at)) / 1_000);
}

/** A number of seconds in at most two units, such as `2 h 5 min`. */
export function span(seconds: number): string {
  let rest = Math.max(0, Math.round(seconds));
  const parts: string[] = [];
  for (const [unit, size] of UNITS) {
    const count = Math.floor(rest / size);
    if (count === 0 && parts.length === 0 && unit !== 's') continue;
    if (count > 0 || parts.length === 0) parts.push(`${count} ${unit}`);
    rest -= count * size;
    if (parts.length === 2 || rest === 0) break;
  }
  return parts.join(' ');
}

/** `2014-11-28T15:05:20`, with or without fractions of a second, and with or without an offset. */
const FORM = /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})(\.\d{1,9})?(Z|[+-]\d{2}:\d{2})?$/;

/**
 * Reads a date of the Web API: without a zone it is UTC (A17), an offset is accepted. Null for anything else, also for
 * days and times that do not exist (30 February, 24:00, a leap second) and offsets beyond 14 hours.
 */
export function parseDate(text: string): Date | null {
  const [, year, month, day, hour, minute, second, fraction = '', zone = 'Z'] = FORM.exec(text) ?? [];
  if (year === undefined || offsetMinutes(zone) > 14 * 60) return null;
  const local = `${year}-${month}-${day}T${hour}:${minute}:${second}`;
  const asUtc = new Date(`${local}Z`);
  // Date moves a 30 February into March; what comes out again must be what went in.
  if (Number.isNaN(asUtc.getTime()) || asUtc.toISOString().slice(0, 19) !== local) return null;
  return new Date(`${local}${fraction.slice(0, 4)}${zone}`);
}

/** A date as the Web API shows it: UTC, whole seconds, no zone. */
export function formatDate(date: Date): string {
  return date.toISOString().slice(0, 19);
}

function offsetMinutes(zone: string): number {
  if (zone === 'Z') return 0;
  const minutes = Number(zone.slice(4, 6));
  return minutes > 59 ? Number.POSITIVE_INFINITY : Number(zone.slice(1, 3)) * 60 + minutes;
}

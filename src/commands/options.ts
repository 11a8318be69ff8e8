import { UsageError } from './exit-codes.ts';

/** A time as an option takes it: ISO 8601 with a zone, or a date alone, which is its first moment in UTC. */
export function timeOf(option: string, text: string): string {
  const date = new Date(text);
  const isDate = /^\d{4}-\d{2}-\d{2}$/.test(text);
  const isTime = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?(?:Z|[+-]\d{2}:?\d{2})$/.test(text);
  if ((isDate || isTime) && !Number.isNaN(date.getTime())) return date.toISOString();
  throw new UsageError(`${option} is ${JSON.stringify(text)}: give a time like 2026-11-25T06:00:00Z, or a date`);
}

/** A whole number within limits, as an option takes it. */
export function wholeNumberOf(option: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= min && value <= max) return value;
  throw new UsageError(`${option} is ${JSON.stringify(text)}: give a whole number from ${min} to ${max}`);
}

/** One of a closed list, as an option takes it. */
export function oneOf<T extends string>(option: string, value: string, known: readonly T[]): T {
  const found = known.find((one) => one === value);
  if (found !== undefined) return found;
  throw new UsageError(`${option} is ${JSON.stringify(value)}: give one of ${known.join(', ')}`);
}

/** Text that says something, as an option takes it. */
export function textOf(option: string, text: string, charactersMax = 1_000): string {
  const trimmed = text.trim();
  if (trimmed !== '' && trimmed.length <= charactersMax && !trimmed.includes('\u0000')) return trimmed;
  throw new UsageError(`${option} has to be a text of 1 to ${charactersMax} characters`);
}

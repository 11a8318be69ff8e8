import { didYouMean } from '../platform/near-name.ts';
import { UsageError } from './exit-codes.ts';

/** Returns the value of an option that takes one of a closed list. @throws UsageError */
export function oneOf<T extends string>(option: string, value: string, known: readonly T[]): T {
  const found = known.find((one) => one === value);
  if (found !== undefined) return found;
  throw new UsageError(
    `${option} is ${JSON.stringify(value)}: ${didYouMean(value, known)}give one of ${known.join(', ')}`,
  );
}

/** Returns the text of an option, without blanks around it. @throws UsageError if it is empty or too long. */
export function textOf(option: string, text: string, charactersMax = 1_000): string {
  const trimmed = text.trim();
  if (trimmed !== '' && trimmed.length <= charactersMax && !trimmed.includes('\u0000')) return trimmed;
  throw new UsageError(`${option} must be a text of 1 to ${charactersMax} characters`);
}

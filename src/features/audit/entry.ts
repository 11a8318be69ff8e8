import { z } from 'zod';
import { type InputSchema } from '../../operations/operation.ts';
import { mask, recordedText } from '../../platform/masking.ts';

/** Longer texts and lists of an input are cut. */
const TEXT_CHARACTERS_MAX = 500;
const LIST_MAX = 20;
const REQUESTS_MAX = 100;

/** What an operation made or changed, as far as its output names it. */
export const made = z.strictObject({
  run: z.int().nullable().describe('The id of the run.'),
  replay: z.int().nullable().describe('The id of the replay or plan.'),
  queue_entry: z.int().nullable().describe('The number in the communication queue.'),
  requests: z.array(z.int()).describe(`The numbers of the provisioning requests; at most ${REQUESTS_MAX}.`),
  requests_total: z.int(),
});
export type Made = z.output<typeof made>;

/** Returns the names of an input's secret fields: those with the format `password`. */
export function secretFields(input: InputSchema): ReadonlySet<string> {
  return new Set(secretsIn(z.toJSONSchema(input, { io: 'input', unrepresentable: 'any' })));
}

function secretsIn(schema: unknown): string[] {
  if (schema === null || typeof schema !== 'object') return [];
  return Object.entries(schema).flatMap(([name, member]) =>
    (member as { format?: unknown } | null)?.format === 'password' ? [name] : secretsIn(member),
  );
}

/** Returns an input as the audit keeps it: secrets masked, long texts and lists cut with a note of what is left out. */
export function shownInput(given: unknown, secrets: ReadonlySet<string>): unknown {
  if (typeof given === 'string') return recordedText(given, TEXT_CHARACTERS_MAX, (text) => text);
  if (Array.isArray(given)) {
    const shown = given.slice(0, LIST_MAX).map((one) => shownInput(one, secrets));
    return given.length > LIST_MAX ? [...shown, `… (${given.length - LIST_MAX} more)`] : shown;
  }
  if (given === null || typeof given !== 'object' || given instanceof Date) return given;
  const members = Object.entries(given).filter(([, value]) => value !== undefined);
  return Object.fromEntries(
    members.map(([name, value]) => [name, secrets.has(name) ? mask : shownInput(value, secrets)]),
  );
}

/** Returns what the output of an operation says that it made or changed. */
export function madeBy(operation: string, output: unknown): Made {
  const { id, number, provisioning_requests: requests = [] } = output as Named;
  const [feature] = operation.split('.');
  const numbers = feature === 'requests' && number !== undefined ? [number] : requests.map((one) => one.number);
  return {
    run: (feature === 'runs' && id) || null,
    replay: (feature === 'replay' && id) || null,
    queue_entry: (feature === 'queue' && number) || null,
    requests: numbers.slice(0, REQUESTS_MAX),
    requests_total: numbers.length,
  };
}

interface Named {
  readonly id?: number;
  readonly number?: number;
  readonly provisioning_requests?: readonly { readonly number: number }[];
}

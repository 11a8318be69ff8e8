import type { Command, CommandType, Device } from '../planning/command.ts';
import type { ConaxCall } from './client.types.ts';
import { listConditions, requestFields } from './field-names.ts';
import { type FieldValue, type FieldValues, NotEncodable } from './template.ts';

/** What the fields of a call come from besides the call itself. */
export interface FieldSource {
  /** Epoch milliseconds. */
  readonly now: number;
  /** A new UUID. */
  readonly messageId: string;
  readonly username: string | undefined;
  readonly password: string | undefined;
  /** After how many calendar months an entitlement ends; 0: never. */
  readonly entitlementMonths: number;
}

/** Returns the values of a call's fields, as text. Times become xsd:dateTime in UTC. @throws NotEncodable */
export function fieldValues(call: ConaxCall, source: FieldSource): FieldValues {
  const { command, pin, requestNumber } = call;
  return {
    requestNumber: whole('requestNumber', requestNumber),
    now: dateTime('now', source.now),
    messageId: `urn:uuid:${source.messageId}`,
    username: source.username ?? null,
    password: source.password ?? null,
    ...commandValues(command, pin),
    ...(command.type === 'ADD_SUBSCRIPTIONS' ? entitledPeriod(source) : {}),
  };
}

function entitledPeriod({ now, entitlementMonths }: FieldSource): Record<string, FieldValue> {
  if (entitlementMonths === 0) return { entitledFrom: null, entitledUntil: null };
  return {
    entitledFrom: dateTime('entitledFrom', now),
    entitledUntil: dateTime('entitledUntil', monthsLater(now, entitlementMonths)),
  };
}

/** The same time of day in UTC a number of calendar months later; on the month's last day if it has no such day. */
export function monthsLater(epochMs: number, months: number): number {
  const date = new Date(epochMs);
  const day = date.getUTCDate();
  date.setUTCMonth(date.getUTCMonth() + months, 1);
  const lastDay = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).getUTCDate();
  date.setUTCDate(Math.min(day, lastDay));
  return date.getTime();
}

/** Reads one field from the properties of a command. */
type Read = (properties: Readonly<Record<string, unknown>>) => FieldValue;

/** A command's own fields have the names of its properties; `…Distributor` is that of the property's device. */
const readers = Object.fromEntries(
  Object.entries(requestFields).map(([type, fields]) => {
    const own = Object.keys(fields).filter((field) => field !== 'pin' && !field.startsWith('entitled'));
    return [type, own.map((field) => [field, readerOf(field)] as const)];
  }),
) as unknown as Readonly<Record<CommandType, readonly (readonly [field: string, Read])[]>>;

function readerOf(field: string): Read {
  const list = listConditions[field];
  if (list !== undefined) return (properties) => ((properties[list] as readonly Device[]).length > 0 ? 'true' : null);
  const isDistributor = field.endsWith('Distributor');
  const name = isDistributor ? field.slice(0, -'Distributor'.length) : field;
  const ofDevice = isDistributor ? 'distributor' : 'caId';
  const numberText = field.endsWith('At') ? dateTime : whole;
  return (properties) => {
    const property = properties[name];
    if (typeof property === 'string' || property === null) return property;
    if (typeof property === 'number') return numberText(field, property);
    if (Array.isArray(property)) return property as readonly Device[];
    if (property === undefined) throw new NotEncodable(`${field}: is missing`);
    return (property as Device)[ofDevice];
  };
}

function commandValues(command: Command, pin: string | undefined): Record<string, FieldValue> {
  const values: Record<string, FieldValue> = {};
  for (const [field, read] of readers[command.type])
    values[field] = read(command as unknown as Record<string, unknown>);
  if (command.type !== 'UPDATE_CA_PIN_TO_GIVEN_VALUE') return values;
  if (pin === undefined) throw new NotEncodable('pin: is missing, and the command sets one', 'PIN_MISSING');
  return { ...values, pin };
}

function whole(field: string, value: number): string {
  if (!Number.isSafeInteger(value)) throw new NotEncodable(`${field}: ${value} is no whole number`);
  return String(value);
}

function dateTime(field: string, epochMs: number): string {
  const date = new Date(epochMs);
  const year = date.getUTCFullYear();
  if (!(year >= 1 && year <= 9999)) throw new NotEncodable(`${field}: ${epochMs} is no time of the years 1 to 9999`);
  return date.toISOString().replace('.000Z', 'Z');
}

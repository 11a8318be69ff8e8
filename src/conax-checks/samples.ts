import { commonFields, listConditions, requestFields } from '../conax/field-names.ts';
import type { FieldItem, FieldValue, FieldValues } from '../conax/template.ts';
import type { CommandType } from '../planning/command.ts';

/** Text of one field of a sample; `n` counts the devices of a list. */
export type SampleText = (field: string, n: number) => string;

/**
 * Returns samples of a command's fields: as little as there can be, as much, and each optional field alone there and
 * alone missing. Every list has none, one or two devices, as its command allows. `entitled`: whether entitlements end, so
 * that every ADD has a period or none has.
 */
export function sampleFields(type: CommandType, text: SampleText, entitled: boolean): FieldValues[] {
  const fields = Object.entries(requestFields[type])
    .filter(([field]) => listConditions[field] === undefined)
    .map(([field, count]) => [field, field.startsWith('entitled') ? (entitled ? 'one' : 'none') : count] as const);
  const optional = fields.filter(([, count]) => count === 'optional' || count === 'any').map(([field]) => field);
  const isList = new Set(fields.filter(([, count]) => count === 'many' || count === 'any').map(([field]) => field));
  const make = (present: (field: string) => boolean, isFull: boolean): FieldValues => {
    const values: Record<string, FieldValue> = {};
    for (const field of commonFields) values[field] = text(field, 0);
    for (const [field, count] of fields) {
      const isThere = count === 'one' || count === 'many' || (count !== 'none' && present(field));
      if (isList.has(field)) values[field] = isThere ? devices(field, isFull, text) : [];
      else values[field] = isThere ? text(field, 0) : null;
    }
    for (const [condition, list] of Object.entries(listConditions)) {
      if (isList.has(list)) values[condition] = (values[list] ?? []).length > 0 ? 'true' : null;
    }
    return values;
  };
  const all = [make(() => false, false), make(() => true, true)];
  for (const field of optional) {
    all.push(
      make((one) => one === field, false),
      make((one) => one !== field, true),
    );
  }
  // A pairing command adds at least one device.
  return all.filter((values) => ![...isList].every((field) => values[field]?.length === 0) || isList.size === 0);
}

function devices(field: string, isFull: boolean, text: SampleText): FieldItem[] {
  const device = (n: number, distributor: string | null): FieldItem => ({ caId: text(field, n), distributor });
  return isFull ? [device(0, text('distributor', 0)), device(1, null)] : [device(0, null)];
}

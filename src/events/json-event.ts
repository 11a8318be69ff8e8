import avro, { type Type } from 'avsc';
import { messageOf } from '../platform/errors.ts';
import type { ActionEvent } from './action-event.ts';
import { CRM_READERS, type Decoded } from './decode.ts';
import { UNKNOWN_SYMBOL } from './avro-reader.ts';

/**
 * Parses an event from JSON: the contract's record plus its `family`, as the inbox stores it and `events show --json`
 * prints it. Missing fields get their default. A failure is a value, as in decoding.
 */
export function eventOfJson(text: string): Decoded {
  let given: unknown;
  try {
    given = JSON.parse(text);
  } catch (error) {
    return unreadable(`the line is no JSON: ${messageOf(error)}`);
  }
  const { family, writerType, type } = Object(given) as Record<string, unknown>;
  const reader = CRM_READERS.find((one) => one.family === family);
  if (!reader) {
    const known = CRM_READERS.map((one) => one.family).join(', ');
    return unreadable(`family is ${JSON.stringify(family) ?? 'missing'}: give one of ${known}`);
  }
  const value = completed(reader.type, given);
  const problems: string[] = [];
  const errorHook = (path: string[], wrong: unknown, wanted: Type): void => {
    problems.push(`${path.join('.')}: ${JSON.stringify(wrong) ?? 'missing'} is no ${wanted.typeName}`);
  };
  if (!reader.type.isValid(value, { errorHook })) return unreadable(problems.join('; '));
  const written = typeof writerType === 'string' ? writerType : String(type);
  return { ok: true, event: { family: reader.family, ...(value as object), writerType: written } as ActionEvent };
}

/** Returns the value with defaults for missing fields, and without fields that the contract does not know. */
function completed(type: Type, value: unknown): unknown {
  if (avro.Type.isType(type, 'union')) {
    const branch = (type as Type & { types: Type[] }).types.find((one) => one.typeName !== 'null');
    return value === null || branch === undefined ? value : completed(branch, value);
  }
  if (avro.Type.isType(type, 'array')) {
    const { itemsType } = type as avro.types.ArrayType;
    return Array.isArray(value) ? value.map((item) => completed(itemsType, item)) : value;
  }
  if (avro.Type.isType(type, 'enum')) {
    const { symbols } = type as avro.types.EnumType;
    return typeof value === 'string' && !symbols.includes(value) ? UNKNOWN_SYMBOL : value;
  }
  if (!avro.Type.isType(type, 'record') || typeof value !== 'object' || value === null) return value;
  const given = value as Record<string, unknown>;
  return Object.fromEntries(
    (type as avro.types.RecordType).fields.map((field) => {
      const own = Object.hasOwn(given, field.name) ? given[field.name] : (field.defaultValue() as unknown);
      return [field.name, completed(field.type, own)];
    }),
  );
}

function unreadable(detail: string): Decoded {
  return { ok: false, reason: 'UNREADABLE', detail };
}

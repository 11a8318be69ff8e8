import avro, { type Type } from 'avsc';
import {
  advance,
  type Cursor,
  deeper,
  problem,
  readBytes,
  readChoice,
  readItems,
  readLong,
  readString,
  skip,
  spend,
} from './avro-cursor.ts';
import type { AvroField, AvroNode } from './avro-schema.ts';

/**
 * Reads one value in the shape of our schema from bytes in the writer's schema.
 * @throws AvroBytesError
 */
export type Read = (cursor: Cursor) => unknown;

/** No value of the writer's schema fits ours; the message names the field path and the problem. */
export class AvroMismatchError extends Error {
  override readonly name = 'AvroMismatchError';
}

/** The default symbol of every enum of ours. */
export const UNKNOWN_SYMBOL = 'UNKNOWN';

/**
 * Compiles a reader of a writer's values into our shape, by field names alone. Names of nested records and enums may
 * differ, which Avro's own resolution refuses. Fields that we do not know are skipped and never decoded. Fields that
 * the writer lacks get our default, and an unknown enum symbol becomes our default symbol.
 * @param onSymbol called with the path and the writer's own symbol of each enum.
 * @throws AvroMismatchError if no value of the writer can fit: a field without default is missing, or has another kind.
 */
export function compileRead(
  reader: Type,
  writer: AvroNode,
  path: string,
  onSymbol: (path: string, symbol: string) => void,
): Read {
  if (writer.kind === 'union') return fromUnion(reader, writer.branches, path, onSymbol);
  if (isUnion(reader))
    return writer.kind === 'null' ? () => null : compileRead(valueBranch(reader), writer, path, onSymbol);
  switch (reader.typeName) {
    case 'record':
      if (writer.kind !== 'record') throw unlike(path, reader, writer);
      return record(reader as avro.types.RecordType, writer.fields, path, onSymbol);
    case 'array': {
      if (writer.kind !== 'array') throw unlike(path, reader, writer);
      const item = compileRead((reader as avro.types.ArrayType).itemsType, writer.items, `${path}[]`, onSymbol);
      return (cursor) => {
        const items: unknown[] = [];
        readItems(cursor, () => items.push(item(cursor)));
        return items;
      };
    }
    case 'enum': {
      if (writer.kind !== 'enum') throw unlike(path, reader, writer);
      const known = new Set((reader as avro.types.EnumType).symbols);
      return (cursor) => {
        const symbol = readChoice(at(cursor, path), writer.symbols, 'symbol');
        onSymbol(path, symbol);
        return known.has(symbol) ? symbol : UNKNOWN_SYMBOL;
      };
    }
    case 'string':
      if (writer.kind !== 'string' && writer.kind !== 'bytes') throw unlike(path, reader, writer);
      return (cursor) => readString(at(cursor, path));
    case 'long':
      if (writer.kind !== 'int' && writer.kind !== 'long') throw unlike(path, reader, writer);
      return (cursor) => readLong(at(cursor, path));
    case 'int':
      if (writer.kind !== 'int' && writer.kind !== 'long') throw unlike(path, reader, writer);
      return (cursor) => {
        const value = readLong(at(cursor, path));
        if (value !== (value | 0)) throw problem(cursor, `${value} is no whole number of 32 bits`, '');
        return value;
      };
    default:
      throw unlike(path, reader, writer);
  }
}

function record(
  reader: avro.types.RecordType,
  written: readonly AvroField[],
  path: string,
  onSymbol: (path: string, symbol: string) => void,
): Read {
  const ours = new Map(reader.fields.map((field) => [field.name, field]));
  const steps = written.map((field) => {
    const own = ours.get(field.name);
    ours.delete(field.name);
    const fieldPath = path === '' ? field.name : `${path}.${field.name}`;
    const read: Read =
      own === undefined
        ? (cursor) => skip(at(cursor, fieldPath), field.type)
        : compileRead(own.type, field.type, fieldPath, onSymbol);
    return { name: own === undefined ? null : field.name, read };
  });
  const defaults: Record<string, unknown> = {};
  for (const [name, field] of ours) {
    const fallback: unknown = field.defaultValue();
    if (fallback === undefined) {
      const fieldPath = path === '' ? name : `${path}.${name}`;
      throw new AvroMismatchError(`${fieldPath}: the schema of the message has no such field, and it has no default`);
    }
    defaults[name] = fallback;
  }
  return (cursor) => {
    spend(cursor);
    const result: Record<string, unknown> = { ...defaults };
    for (const { name, read } of steps) {
      const value = read(cursor);
      if (name !== null) result[name] = value;
    }
    return result;
  };
}

function fromUnion(
  reader: Type,
  writer: readonly AvroNode[],
  path: string,
  onSymbol: (path: string, symbol: string) => void,
): Read {
  const branches = writer.map((node): Read => {
    if (node.kind === 'null') {
      if (isUnion(reader)) return () => null;
      return (cursor) => {
        throw problem(at(cursor, path), 'is null, and a value is needed', '');
      };
    }
    try {
      return compileRead(isUnion(reader) ? valueBranch(reader) : reader, node, path, onSymbol);
    } catch (error) {
      // Only a value of this branch is an error, not the schema that allows it.
      return () => {
        throw error;
      };
    }
  });
  return (cursor) => readChoice(at(cursor, path), branches, 'branch')(cursor);
}

function at(cursor: Cursor, path: string): Cursor {
  cursor.path = path;
  return cursor;
}

/**
 * Reads a value in the writer's own shape, for people, and passes each part to `put` as soon as it is read. What was
 * put before an AvroBytesError stays. Numbers beyond 2^53 and bytes become texts.
 */
export function readAny(cursor: Cursor, node: AvroNode, put: (value: unknown) => void): void {
  spend(cursor);
  const { path } = cursor;
  switch (node.kind) {
    case 'null':
      return put(null);
    case 'boolean':
    case 'float':
    case 'double': {
      const start = cursor.at;
      advance(cursor, node.kind === 'boolean' ? 1 : node.kind === 'float' ? 4 : 8);
      if (node.kind === 'boolean') return put(cursor.bytes[start] !== 0);
      return put(node.kind === 'float' ? cursor.bytes.readFloatLE(start) : cursor.bytes.readDoubleLE(start));
    }
    case 'int':
    case 'long':
      return put(readLong(cursor));
    case 'enum':
      return put(readChoice(cursor, node.symbols, 'symbol'));
    case 'string':
      return put(readString(cursor));
    case 'bytes':
      return put(readBytes(cursor).toString('hex'));
    case 'fixed': {
      const start = cursor.at;
      advance(cursor, node.size);
      return put(cursor.bytes.toString('hex', start, cursor.at));
    }
    case 'union':
      return deeper(cursor, () => readAny(cursor, readChoice(cursor, node.branches, 'branch'), put));
    case 'array': {
      const items: unknown[] = [];
      deeper(cursor, () => readItems(cursor, () => readAny(cursor, node.items, (item) => items.push(item))));
      return put(items);
    }
    case 'map': {
      const entries: [string, unknown][] = [];
      deeper(cursor, () =>
        readItems(cursor, () => {
          const key = readString(cursor);
          readAny(cursor, node.items, (value) => entries.push([key, value]));
        }),
      );
      return put(Object.fromEntries(entries));
    }
    case 'record': {
      const value: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
      put(value);
      return deeper(cursor, () => {
        for (const field of node.fields) {
          at(cursor, path === '' ? field.name : `${path}.${field.name}`);
          readAny(cursor, field.type, (inner) => (value[field.name] = inner));
        }
      });
    }
  }
}

type UnionType = Type & { readonly types: Type[] };

function isUnion(type: Type): type is UnionType {
  return avro.Type.isType(type, 'union');
}

/** Returns the type of an optional field, which is a union of null and one other type. */
function valueBranch(union: UnionType): Type {
  const branch = union.types.find((type) => type.typeName !== 'null');
  if (!branch) throw new AvroMismatchError('a union of our own schemas has only null');
  return branch;
}

function unlike(path: string, reader: Type, writer: AvroNode): AvroMismatchError {
  return new AvroMismatchError(
    `${path === '' ? 'the record' : path}: the schema of the message has ${writer.kind}, ${reader.typeName} is needed`,
  );
}

import avro, { type Type } from 'avsc';

/** Brings a value as its writer's schema gives it into the shape of ours. @throws ProjectionError */
export type Project = (value: unknown) => unknown;

/** The value, or already its schema, does not fit ours; the message names the field path and the problem. */
export class ProjectionError extends Error {
  override readonly name = 'ProjectionError';
}

/**
 * Compiles the way from a writer's type to our reader's type, by field names alone: the names of nested records and
 * enums may differ (Avro's own resolution refuses those), fields that we do not know are dropped, fields that the
 * writer lacks take our default, and an enum symbol that we do not know becomes our default symbol.
 * @throws ProjectionError where no value of the writer can fit: a field without default is missing, or has another kind.
 */
export function compileProjection(reader: Type, writer: Type, path: string): Project {
  if (isUnion(writer)) return fromUnion(reader, writer, path);
  if (isUnion(reader)) return toNullable(reader, writer, path);
  switch (reader.typeName) {
    case 'record':
      return record(reader as avro.types.RecordType, writer, path);
    case 'array': {
      if (writer.typeName !== 'array') throw unlike(path, reader, writer);
      const item = compileProjection(
        (reader as avro.types.ArrayType).itemsType,
        (writer as avro.types.ArrayType).itemsType,
        `${path}[]`,
      );
      return (value) => (value as unknown[]).map(item);
    }
    case 'enum':
      return enumeration(reader as avro.types.EnumType, writer, path);
    case 'string':
      if (writer.typeName === 'bytes') return (value) => (value as Buffer).toString('utf8');
      if (writer.typeName !== 'string') throw unlike(path, reader, writer);
      return identity;
    case 'int':
    case 'long':
      if (writer.typeName !== 'int' && writer.typeName !== 'long') throw unlike(path, reader, writer);
      return identity;
    default:
      throw unlike(path, reader, writer);
  }
}

const identity: Project = (value) => value;

function record(reader: avro.types.RecordType, writer: Type, path: string): Project {
  if (!isRecord(writer)) throw unlike(path, reader, writer);
  const written = new Map(writer.fields.map((field) => [field.name, field]));
  const fields = reader.fields.map((field) => {
    const name = field.name;
    const fieldPath = path === '' ? name : `${path}.${name}`;
    const source = written.get(name);
    if (source) return { name, project: compileProjection(field.type, source.type, fieldPath) };
    const fallback: unknown = field.defaultValue();
    if (fallback === undefined) {
      throw new ProjectionError(`${fieldPath}: the schema of the message has no such field, and it has no default`);
    }
    return { name, project: () => fallback };
  });
  return (value) => {
    const source = value as Record<string, unknown>;
    const result: Record<string, unknown> = {};
    for (const { name, project } of fields) result[name] = project(source[name]);
    return result;
  };
}

function enumeration(reader: avro.types.EnumType, writer: Type, path: string): Project {
  if (writer.typeName !== 'enum') throw unlike(path, reader, writer);
  const known = new Set(reader.symbols);
  return (value) => (known.has(value as string) ? value : UNKNOWN_SYMBOL);
}

/** The default symbol of every enum of ours. */
export const UNKNOWN_SYMBOL = 'UNKNOWN';

/** Our optional fields are the union of null and one other type. */
function toNullable(reader: UnionType, writer: Type, path: string): Project {
  if (writer.typeName === 'null') return () => null;
  return compileProjection(valueBranch(reader), writer, path);
}

function fromUnion(reader: Type, writer: UnionType, path: string): Project {
  const nullable = isUnion(reader);
  const wanted = nullable ? valueBranch(reader) : reader;
  const branches = writer.types.map((type) => {
    if (type.typeName === 'null') {
      return {
        type,
        project: nullable ? identity : refuse(new ProjectionError(`${path}: is null, and a value is needed`)),
      };
    }
    try {
      return { type, project: compileProjection(wanted, type, path) };
    } catch (error) {
      // Only a value of this branch is a mistake, not the schema that allows it.
      return { type, project: refuse(error) };
    }
  });
  const values = branches.filter(({ type }) => type.typeName !== 'null');
  const onNull = branches.find(({ type }) => type.typeName === 'null');
  const wrapped = writer.typeName === 'union:wrapped';
  return (value) => {
    if (value === null) return onNull?.project(null);
    if (wrapped) {
      const [name, inner] = Object.entries(value as object)[0] ?? [];
      return values.find(({ type }) => type.branchName === name)?.project(inner);
    }
    const branch = values.length === 1 ? values[0] : values.find(({ type }) => type.isValid(value));
    return branch?.project(value);
  };
}

function refuse(error: unknown): Project {
  return () => {
    throw error;
  };
}

type UnionType = Type & { readonly types: Type[] };

function isUnion(type: Type): type is UnionType {
  return avro.Type.isType(type, 'union');
}

function isRecord(type: Type): type is avro.types.RecordType {
  return avro.Type.isType(type, 'record', 'error');
}

function valueBranch(union: UnionType): Type {
  const branch = union.types.find((type) => type.typeName !== 'null');
  if (!branch) throw new ProjectionError('a union of our own schemas has only null');
  return branch;
}

function unlike(path: string, reader: Type, writer: Type): ProjectionError {
  return new ProjectionError(
    `${path === '' ? 'the record' : path}: the schema of the message has ${writer.typeName}, ${reader.typeName} is needed`,
  );
}

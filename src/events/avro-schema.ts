/** The kinds without further description, by Avro's own names. */
const PRIMITIVES = new Set(['null', 'boolean', 'int', 'long', 'float', 'double', 'bytes', 'string'] as const);
type Primitive = typeof PRIMITIVES extends Set<infer P> ? P : never;

/** The part of a writer's schema that reading needs: no defaults, aliases, documentation, logical types or order. */
export type AvroNode =
  | { readonly kind: Primitive }
  | { readonly kind: 'fixed'; readonly name: string; readonly size: number }
  | { readonly kind: 'enum'; readonly name: string; readonly symbols: readonly string[] }
  | { readonly kind: 'array' | 'map'; readonly items: AvroNode }
  | { readonly kind: 'union'; readonly branches: readonly AvroNode[] }
  | { readonly kind: 'record'; readonly name: string; readonly fields: readonly AvroField[] };

export interface AvroField {
  readonly name: string;
  readonly type: AvroNode;
}

/** The schema cannot be used for reading: it is not an Avro schema, or names an undefined type. */
export class AvroSchemaError extends Error {
  override readonly name = 'AvroSchemaError';
}

/** A deeper schema describes no event, and would exhaust the stack. */
const DEPTH_MAX = 100;

/**
 * Parses the JSON of an Avro schema into the part that reading needs. Everything else is ignored, so that no default,
 * alias or name that another implementation accepts can make events unreadable.
 * @param references schemas whose named types this one uses; a schema comes before those that use it.
 * @throws AvroSchemaError
 */
export function parseAvroSchema(schema: unknown, references: readonly unknown[] = []): AvroNode {
  const named = new Map<string, AvroNode>();
  for (const reference of references) parse(reference, '', 0);
  return parse(schema, '', 0);

  function parse(part: unknown, namespace: string, depth: number): AvroNode {
    if (depth > DEPTH_MAX) throw new AvroSchemaError(`the schema nests deeper than ${DEPTH_MAX} levels`);
    if (typeof part === 'string') return byName(part, namespace);
    if (Array.isArray(part)) {
      return { kind: 'union', branches: part.map((branch: unknown) => parse(branch, namespace, depth + 1)) };
    }
    const { type, name, fields, symbols, items, values, size, namespace: own } = Object(part) as Described;
    switch (type) {
      case 'record':
      case 'error':
        return record(qualified(name, own ?? namespace), fields, depth);
      case 'enum': {
        if (!Array.isArray(symbols)) throw new AvroSchemaError(`the enum ${String(name)} has no symbols`);
        return define({ kind: 'enum', name: qualified(name, own ?? namespace), symbols: symbols.map(String) });
      }
      case 'fixed': {
        if (!Number.isSafeInteger(size) || Number(size) < 0) {
          throw new AvroSchemaError(`the fixed type ${String(name)} has no size`);
        }
        return define({ kind: 'fixed', name: qualified(name, own ?? namespace), size: Number(size) });
      }
      case 'array':
        return { kind: 'array', items: parse(items, namespace, depth + 1) };
      case 'map':
        return { kind: 'map', items: parse(values, namespace, depth + 1) };
      default:
        if (type === undefined) throw new AvroSchemaError('a part of the schema has no type');
        return parse(type, namespace, depth + 1);
    }
  }

  function record(name: string, fields: unknown, depth: number): AvroNode {
    if (!Array.isArray(fields)) throw new AvroSchemaError(`the record ${name} has no fields`);
    const parsed: AvroField[] = [];
    // Defined by name before its fields are parsed, since one of them may be of its own type.
    const node = define({ kind: 'record', name, fields: parsed });
    const namespace = name.includes('.') ? name.slice(0, name.lastIndexOf('.')) : '';
    for (const field of fields as unknown[]) {
      const { name: fieldName, type } = Object(field) as Described;
      parsed.push({ name: String(fieldName), type: parse(type, namespace, depth + 1) });
    }
    return node;
  }

  function define(node: Extract<AvroNode, { name: string }>): AvroNode {
    named.set(node.name, node);
    return node;
  }

  function byName(name: string, namespace: string): AvroNode {
    if (PRIMITIVES.has(name as Primitive)) return { kind: name as Primitive };
    const known = named.get(qualified(name, namespace)) ?? named.get(name);
    if (known === undefined) throw new AvroSchemaError(`the type ${JSON.stringify(name)} is nowhere defined`);
    return known;
  }
}

interface Described {
  readonly type?: unknown;
  readonly name?: unknown;
  readonly namespace?: unknown;
  readonly fields?: unknown;
  readonly symbols?: unknown;
  readonly items?: unknown;
  readonly values?: unknown;
  readonly size?: unknown;
}

/** Returns the full name; a name with a dot already is one. */
function qualified(name: unknown, namespace: unknown): string {
  if (typeof name !== 'string') throw new AvroSchemaError('a named type has no name');
  return name.includes('.') || typeof namespace !== 'string' || namespace === '' ? name : `${namespace}.${name}`;
}

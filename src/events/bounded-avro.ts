import avro, { type Type } from 'avsc';

/** What avsc reads from; its own type is not public. */
interface Tap {
  readonly buf: Buffer;
  pos: number;
  readLong(): number;
  skipLong(): void;
  readString(): string | undefined;
}
type Readable = Type & { _read(tap: Tap): unknown };

/**
 * The same type with arrays and maps that refuse more items than the message has bytes.
 *
 * avsc believes the item count of a block and looks at the end of the bytes only when it is done, so that nine hostile
 * or damaged bytes can ask it for 2^60 items: the process would hang and then run out of memory. An item of ours takes
 * at least one byte. What is replaced is the internal `_read` of two classes (avsc 5.7.9, pinned).
 */
export function withBoundedItems(type: Type): Type {
  const schema = type.schema({ exportAttrs: true });
  return avro.Type.forSchema(schema, {
    typeHook(part: unknown, options: unknown) {
      const kind = (Object(part) as { type?: unknown }).type;
      if (kind === 'array') return new BoundedArrayType(part as avro.Schema, options);
      if (kind === 'map') return new BoundedMapType(part as avro.Schema, options);
      // avsc builds every other type itself; its declaration knows no "nothing".
      return undefined;
    },
  });
}

class BoundedArrayType extends avro.types.ArrayType {
  _read(tap: Tap): unknown[] {
    const itemsType = this.itemsType as Readable;
    const items: unknown[] = [];
    for (let count = blockCount(tap); count > 0; count = blockCount(tap)) {
      for (let left = count; left > 0; left -= 1) items.push(itemsType._read(tap));
    }
    return items;
  }
}

class BoundedMapType extends avro.types.MapType {
  _read(tap: Tap): Record<string, unknown> {
    const valuesType = this.valuesType as Readable;
    const entries: [string, unknown][] = [];
    for (let count = blockCount(tap); count > 0; count = blockCount(tap)) {
      for (let left = count; left > 0; left -= 1) entries.push([tap.readString() ?? '', valuesType._read(tap)]);
    }
    return Object.fromEntries(entries);
  }
}

function blockCount(tap: Tap): number {
  const count = tap.readLong();
  if (count === 0) return 0;
  if (count < 0) tap.skipLong();
  const items = Math.abs(count);
  const bytesLeft = tap.buf.length - tap.pos;
  // Not a number where the bytes ended inside the count itself.
  if (!(items <= bytesLeft)) {
    throw new Error(`an array or map claims ${items} items in ${Math.max(bytesLeft, 0)} bytes`);
  }
  return items;
}

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
 * Makes the arrays and maps of a type refuse more items than the message has bytes.
 *
 * avsc believes the item count of a block and looks at the end of the bytes only when it is done, so that nine hostile
 * or damaged bytes can ask it for 2^60 items: the process would hang and then run out of memory. An item of ours takes
 * at least one byte. What is replaced is the private `_read` of the instances (avsc 5.7.9, pinned).
 */
export function boundItemCounts(type: Type, seen: Set<Type> = new Set()): void {
  if (seen.has(type)) return;
  seen.add(type);
  if (avro.Type.isType(type, 'array')) {
    const { itemsType } = type as avro.types.ArrayType;
    boundItemCounts(itemsType, seen);
    (type as Readable)._read = (tap) => {
      const items: unknown[] = [];
      for (let count = blockCount(tap); count > 0; count = blockCount(tap)) {
        for (let left = count; left > 0; left -= 1) items.push((itemsType as Readable)._read(tap));
      }
      return items;
    };
  } else if (avro.Type.isType(type, 'map')) {
    const { valuesType } = type as avro.types.MapType;
    boundItemCounts(valuesType, seen);
    (type as Readable)._read = (tap) => {
      const values = new Map<string, unknown>();
      for (let count = blockCount(tap); count > 0; count = blockCount(tap)) {
        for (let left = count; left > 0; left -= 1) {
          values.set(tap.readString() ?? '', (valuesType as Readable)._read(tap));
        }
      }
      return Object.fromEntries(values);
    };
  } else if (avro.Type.isType(type, 'record', 'error')) {
    for (const field of (type as avro.types.RecordType).fields) boundItemCounts(field.type, seen);
  } else if (avro.Type.isType(type, 'union')) {
    for (const branch of (type as avro.types.UnwrappedUnionType).types) boundItemCounts(branch, seen);
  }
}

function blockCount(tap: Tap): number {
  const count = tap.readLong();
  if (count === 0) return 0;
  if (count < 0) tap.skipLong();
  const items = Math.abs(count);
  const bytesLeft = tap.buf.length - tap.pos;
  // Not a number where the bytes ended inside the count itself.
  if (!(items <= bytesLeft))
    throw new Error(`an array or map claims ${items} items in ${Math.max(bytesLeft, 0)} bytes`);
  return items;
}

export interface ByteCollector {
  readonly length: () => number;
  readonly add: (chunk: Buffer) => void;
  readonly bytes: () => Buffer;
}

/**
 * Collects the pieces of an HTTP body. Keeps no piece by itself: each is a view of everything that came in one read, so a
 * million chunks of one byte would hold a hundred times their bytes.
 */
export function createByteCollector(): ByteCollector {
  let buffer = Buffer.alloc(0);
  let length = 0;
  return {
    length: () => length,
    add(chunk) {
      if (length === 0) {
        buffer = Buffer.from(chunk);
      } else {
        if (length + chunk.length > buffer.length) {
          const larger = Buffer.allocUnsafe(Math.max(2 * buffer.length, length + chunk.length));
          buffer.copy(larger, 0, 0, length);
          buffer = larger;
        }
        chunk.copy(buffer, length);
      }
      length += chunk.length;
    },
    bytes: () => buffer.subarray(0, length),
  };
}

/**
 * Returns the text of an HTTP body.
 * @throws what `tooLong` returns, if the body has more than `maxBytes`.
 */
export async function boundedText(
  body: AsyncIterable<Uint8Array> | null,
  maxBytes: number,
  tooLong: () => Error,
): Promise<string> {
  const collected = createByteCollector();
  for await (const part of body ?? []) {
    if (collected.length() + part.length > maxBytes) throw tooLong();
    collected.add(Buffer.from(part.buffer, part.byteOffset, part.byteLength));
  }
  return collected.bytes().toString('utf8');
}

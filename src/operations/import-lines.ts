/** One line of a file. */
export interface Line {
  /** From 1 on. */
  readonly number: number;
  /** Null where the line is longer than the limit: it was read over. */
  readonly text: string | null;
  /** Bytes of the file up to the line's end. */
  readonly endOffset: number;
}

const NEW_LINE = 0x0a;

/**
 * The lines of a stream, one after the other, in memory that does not grow with the stream or with a line's length:
 * a line of more than `bytesMax` bytes comes without its text. Ends of lines are LF or CRLF; a byte order mark at the
 * beginning is no part of the first line.
 */
export async function* linesOf(stream: AsyncIterable<Buffer>, bytesMax: number): AsyncGenerator<Line> {
  let number = 0;
  let endOffset = 0;
  let parts: Buffer[] = [];
  let length = 0;
  for await (const chunk of stream) {
    let from = 0;
    for (let at = chunk.indexOf(NEW_LINE); at !== -1; at = chunk.indexOf(NEW_LINE, from)) {
      take(chunk.subarray(from, at));
      endOffset += 1;
      from = at + 1;
      yield line();
    }
    take(chunk.subarray(from));
  }
  if (length > 0) yield line();

  function take(part: Buffer): void {
    endOffset += part.length;
    length += part.length;
    if (length <= bytesMax) parts.push(part);
    else parts = [];
  }

  function line(): Line {
    const text = length > bytesMax ? null : Buffer.concat(parts).toString('utf8').replace(/\r$/, '');
    parts = [];
    length = 0;
    number += 1;
    return { number, text: number === 1 ? (text?.replace(/^\uFEFF/, '') ?? null) : text, endOffset };
  }
}

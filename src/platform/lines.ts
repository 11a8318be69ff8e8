import { assertNotUtf16, decodeLine } from './text.ts';

/** One line of a file. */
export interface Line {
  /** From 1 on. */
  readonly number: number;
  /** Null if the line cannot be used; `problem` has the reason. */
  readonly text: string | null;
  /** What is wrong with the line as a whole: it is longer than the limit, or not UTF-8. */
  readonly problem: string | null;
  /** Bytes of the file up to the line's end. */
  readonly endOffset: number;
}

const NEW_LINE = 0x0a;

/**
 * Reads the lines of a stream in memory that does not grow with the stream or with a line's length: a line of more than
 * `bytesMax` bytes comes without its text, and so does one that is not UTF-8. Lines end with LF or CRLF; a byte order mark
 * at the start is not part of the first line.
 * @param name what errors call the stream.
 * @throws TextError if the stream is UTF-16.
 */
export async function* linesOf(
  stream: AsyncIterable<Buffer>,
  bytesMax: number,
  name = 'the input',
): AsyncGenerator<Line> {
  let number = 0;
  let endOffset = 0;
  let parts: Buffer[] = [];
  let length = 0;
  for await (const chunk of stream) {
    if (endOffset === 0) assertNotUtf16(chunk, name);
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
    const read = length > bytesMax ? { problem: `has more than ${bytesMax} bytes` } : decodeLine(Buffer.concat(parts));
    parts = [];
    length = 0;
    number += 1;
    if ('problem' in read) return { number, text: null, problem: read.problem, endOffset };
    const text = read.text.replace(/\r$/, '');
    return { number, text: number === 1 ? text.replace(/^\uFEFF/, '') : text, problem: null, endOffset };
  }
}

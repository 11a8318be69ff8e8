import { isUtf8 } from 'node:buffer';
import { buffer } from 'node:stream/consumers';
import { FileError, readBytes } from './files.ts';

/** Bytes that are no UTF-8 text; the message names where they come from, the place, and the remedy. */
export class TextError extends FileError {
  override readonly name = 'TextError';
}

const NEW_LINE = 0x0a;
const REMEDY = 'save it as UTF-8';

/**
 * Reads a text file. All files that people write are read by this function or `decodeText`.
 * @throws TextError if it is not UTF-8; FileError if it cannot be read.
 */
export function readTextFile(path: string): string {
  return decodeText(readBytes(path), path);
}

/** Reads all of standard input as text. @throws TextError if it is not UTF-8. */
export async function readStandardInput(): Promise<string> {
  return decodeText(await buffer(process.stdin), 'standard input');
}

/**
 * Decodes UTF-8, without a byte order mark at its start. Nothing is replaced: Node's own decoding turns a wrong byte into
 * U+FFFD, which then shows as a question mark on a screen.
 * @param name what errors call the text.
 * @throws TextError with the first wrong byte, its position from 0 on, and its line; it names UTF-16.
 */
export function decodeText(bytes: Uint8Array, name: string): string {
  assertNotUtf16(bytes, name);
  if (isUtf8(bytes)) return new TextDecoder().decode(bytes);
  const { byte, position } = firstWrongByte(bytes);
  const line = bytes.subarray(0, position).filter((one) => one === NEW_LINE).length + 1;
  throw new TextError(`${name} is not UTF-8: byte ${byte} at position ${position} (line ${line}); ${REMEDY}`);
}

/** Decodes one line of a file. @returns what is wrong with it, if it is not UTF-8. */
export function decodeLine(bytes: Uint8Array): { readonly text: string } | { readonly problem: string } {
  // A byte order mark inside a file is no mark.
  if (isUtf8(bytes)) return { text: new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes) };
  const { byte, position } = firstWrongByte(bytes);
  return { problem: `is not UTF-8: byte ${byte} at position ${position} of the line` };
}

/** @throws TextError for a text that starts as UTF-16 does, which Windows PowerShell writes with `>` and Out-File. */
export function assertNotUtf16(start: Uint8Array, name: string): void {
  const [first, second] = start;
  const isMarked = (first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff);
  // Without a mark, every second byte of Latin letters is zero.
  const isUnmarked = start.length >= 2 && (first === 0) !== (second === 0);
  if (!isMarked && !isUnmarked) return;
  throw new TextError(
    `${name} is UTF-16, as Windows PowerShell writes it: ${REMEDY}, for instance with "Out-File -Encoding utf8"`,
  );
}

/**
 * What is wrong with a text that the operating system handed over already decoded; null if nothing is. Node replaces each
 * byte of an argument or a setting that is not UTF-8 by U+FFFD before a program can see it.
 */
export function replacedBytesIn(text: string): string | null {
  return text.includes('\uFFFD')
    ? 'it has bytes that are not UTF-8, or the character U+FFFD that stands for them: write it in UTF-8'
    : null;
}

function firstWrongByte(bytes: Uint8Array): { byte: string; position: number } {
  let position = 0;
  while (position < bytes.length) {
    const first = bytes[position] ?? 0;
    const length = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    if (length > 1 && !isUtf8(bytes.subarray(position, position + length))) break;
    position += length;
  }
  const byte = `0x${(bytes[position] ?? 0).toString(16).padStart(2, '0').toUpperCase()}`;
  return { byte, position };
}

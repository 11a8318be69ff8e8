import { isUtf8 } from 'node:buffer';
import type { IncomingHttpHeaders } from 'node:http';

/** Bytes of a call that are not text in UTF-8. The message is a sentence without its subject, and has none of the text. */
export class NotUtf8Error extends Error {
  override readonly name = 'NotUtf8Error';
}

/** The headers of a call whose body this server cannot read. */
export interface BodyProblem {
  readonly header: 'content-encoding' | 'content-type';
  /** Header, problem and remedy in one sentence. */
  readonly sentence: string;
}

/**
 * Returns the text of a JSON body. A byte order mark at its start is left out, as RFC 8259 (section 8.1) permits; every
 * other byte that is not UTF-8 refuses the whole body. Nothing is replaced: a replacement character would reach a screen.
 * @throws NotUtf8Error
 */
export function jsonTextOf(body: Buffer): string {
  // JSON starts with an ASCII character, so that UTF-16 and UTF-32 have a null byte here (RFC 4627, section 3).
  if (body.subarray(0, 4).includes(0)) {
    throw new NotUtf8Error('is UTF-16 or UTF-32 (a null byte is among its first four): send it in UTF-8');
  }
  if (isUtf8(body)) return new TextDecoder('utf-8').decode(body);
  const offset = firstDifference(body, Buffer.from(body.toString('utf8')));
  const byte = (body[offset] ?? 0).toString(16).toUpperCase().padStart(2, '0');
  throw new NotUtf8Error(`is not UTF-8 (byte 0x${byte} at offset ${offset}): send it in UTF-8`);
}

/** Returns whether every percent-encoded byte of an address is UTF-8, and every other character visible ASCII. */
export function isReadableAddress(address: string): boolean {
  if (/[^\u0021-\u007E]/.test(address)) return false;
  try {
    decodeURIComponent(address);
    return true;
  } catch {
    return false;
  }
}

/** Returns what forbids reading a body before a byte of it is read: it is compressed, or in another charset than UTF-8. */
export function bodyProblemOf(headers: IncomingHttpHeaders): BodyProblem | null {
  const coding = headers['content-encoding']?.trim() ?? '';
  if (coding !== '' && coding.toLowerCase() !== 'identity') {
    return {
      header: 'content-encoding',
      sentence: 'Content-Encoding names a compression: send the body uncompressed, without this header',
    };
  }
  // Node reads chunks itself, and hands on whatever is inside them.
  const transfer = headers['transfer-encoding']?.trim().toLowerCase() ?? 'chunked';
  if (transfer !== 'chunked') {
    return {
      header: 'content-encoding',
      sentence: 'Transfer-Encoding names more than chunked: send the body uncompressed',
    };
  }
  const charsets = [...(headers['content-type'] ?? '').matchAll(/;\s*charset\s*=\s*"?([^\s";]*)/gi)];
  if (charsets.every(([, charset = '']) => /^utf-?8$/i.test(charset))) return null;
  return {
    header: 'content-type',
    sentence: 'Content-Type declares another charset than UTF-8: send the body in UTF-8',
  };
}

/** A replaced byte becomes EF BF BD, so the two differ where the first bad byte is. */
function firstDifference(one: Buffer, other: Buffer): number {
  let at = 0;
  while (at < one.length && one[at] === other[at]) at += 1;
  return at;
}

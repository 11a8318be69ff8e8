import { XmlError } from './xml.ts';

/**
 * Returns the answer's text, in the charset of its byte order mark, else of the header, else of the XML declaration, else
 * UTF-8. An XmlError if the bytes are no text in it.
 */
export function decodeText(body: Buffer, contentType: string): string {
  const charset = charsetOf(body, contentType);
  try {
    return new TextDecoder(charset, { fatal: true }).decode(body);
  } catch {
    throw new XmlError(`is not text in ${charset.slice(0, 40)}`);
  }
}

/** The same for people to read: every byte that is no text becomes U+FFFD. */
export function legibleText(body: Buffer, contentType: string): string {
  try {
    // Text in UTF-16 has zero bytes; without one, the label is wrong.
    const charset = charsetOf(body, contentType);
    return new TextDecoder(/^utf-?16/i.test(charset) && !body.includes(0) ? 'utf-8' : charset).decode(body);
  } catch {
    return body.toString('utf8');
  }
}

function charsetOf(body: Buffer, contentType: string): string {
  const named = /charset\s*=\s*["']?([^\s"';,]+)/i.exec(contentType)?.[1];
  return markedEncoding(body) ?? named ?? declaredEncoding(body) ?? 'utf-8';
}

/** The encoding that the first bytes give away: a byte order mark, or the zeros of "<" in UTF-16. They outrank a label. */
function markedEncoding(body: Buffer): string | undefined {
  const start = body.toString('hex', 0, 3);
  if (start === 'efbbbf') return 'utf-8';
  if (/^(?:fffe|3c00)/.test(start)) return 'utf-16le';
  return /^(?:feff|003c)/.test(start) ? 'utf-16be' : undefined;
}

/** The encoding that an XML declaration names, if there is one. */
export function declaredEncoding(body: Buffer): string | undefined {
  const start = body.toString('latin1', 0, 200);
  return /^(?:\u00EF\u00BB\u00BF)?<\?xml[^>]{0,100}?encoding\s*=\s*["']([\w.:-]+)/.exec(start)?.[1];
}

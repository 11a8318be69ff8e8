import { XmlError } from './xml.ts';

/**
 * The answer's text in the charset that it names: the header's, else the XML declaration's, else UTF-8. An XmlError
 * where the bytes are no text in it.
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
    return new TextDecoder(charsetOf(body, contentType)).decode(body);
  } catch {
    return body.toString('utf8');
  }
}

function charsetOf(body: Buffer, contentType: string): string {
  const named = /charset\s*=\s*"?([^\s";]+)/i.exec(contentType)?.[1];
  return named ?? declaredEncoding(body) ?? 'utf-8';
}

/** The encoding that an XML declaration names, if there is one. */
export function declaredEncoding(body: Buffer): string | undefined {
  const start = body.toString('latin1', 0, 200);
  return /^(?:\u00EF\u00BB\u00BF)?<\?xml[^>]{0,100}?encoding\s*=\s*["']([\w.:-]+)/.exec(start)?.[1];
}

import { XmlError } from './xml.ts';

/** A body, or the part of one that holds the SOAP envelope, with the content type that describes it. */
export interface Part {
  readonly body: Buffer;
  readonly contentType: string;
}

const partsMax = 20;
const partHeaderBytesMax = 4_096;

/**
 * Returns the root part of a multipart answer (RFC 2387): a CAS with MTOM or attachments switched on answers every call
 * that way. Other bodies come back as they are. An XmlError says why a root part cannot be read.
 */
export function rootPart(body: Buffer, contentType: string): Part {
  const kind = /^\s*(multipart\/[^\s;]*)/i.exec(contentType)?.[1]?.toLowerCase();
  if (kind === undefined) return { body, contentType };
  // Of the other kinds each part may be an answer of its own.
  if (!['multipart/related', 'multipart/mixed'].includes(kind)) {
    throw new XmlError(`is ${kind.slice(0, 40)}, of which no part is the root part`);
  }
  const boundary = parameter(contentType, 'boundary');
  if (boundary === undefined || boundary.length > 70) throw new XmlError('is multipart and names no boundary');
  const start = parameter(contentType, 'start');
  const parts = [...partsOf(body, boundary)];
  const [root, second] =
    start === undefined
      ? parts.slice(0, 1)
      : parts.filter(({ header }) => bareId(headerOf(header, 'content-id')) === bareId(start));
  if (root === undefined) {
    throw new XmlError('is multipart (MTOM), and its root part is missing or broken off; turn MTOM off at the CAS');
  }
  if (second !== undefined)
    throw new XmlError('is multipart (MTOM), and two of its parts have the id of the root part');
  const encoding = headerOf(root.header, 'content-transfer-encoding').toLowerCase();
  return { body: withoutEncoding(root.content, encoding), contentType: headerOf(root.header, 'content-type') };
}

/** Some servers leave out the angle brackets in one of the two places. */
function bareId(id: string): string {
  return id.replace(/^<(.*)>$/, '$1');
}

function withoutEncoding(content: Buffer, encoding: string): Buffer {
  if (['', '7bit', '8bit', 'binary'].includes(encoding)) return content;
  const text = content.toString('latin1');
  const bare = text.replaceAll(/\s+/g, '');
  if (encoding === 'base64' && bare.length % 4 === 0 && /^[A-Za-z0-9+/]+={0,2}$/.test(bare)) {
    return Buffer.from(bare, 'base64');
  }
  if (encoding === 'quoted-printable' && !/=(?![0-9A-Fa-f]{2}|[ \t]{0,80}\r?\n)/.test(text)) {
    const plain = text.replaceAll(/=[ \t]{0,80}\r?\n/g, '');
    return Buffer.from(
      plain.replaceAll(/=(..)/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16))),
      'latin1',
    );
  }
  throw new XmlError('is multipart (MTOM), and its root part is encoded; turn MTOM off at the CAS');
}

/** The first parts; one without an end is left out. Lines may end with LF alone. */
function* partsOf(body: Buffer, boundary: string): Generator<{ header: string; content: Buffer }> {
  const text = body.toString('latin1');
  let start = -1;
  let parts = 0;
  for (
    let at = text.indexOf(`--${boundary}`);
    at >= 0 && parts < partsMax;
    at = text.indexOf(`--${boundary}`, at + 1)
  ) {
    // A delimiter is a whole line; the same characters in the XML, or the start of a longer boundary, are none.
    const after = at + 2 + boundary.length;
    const isLine =
      (at === 0 || text[at - 1] === '\n') && /^(?:--)?[ \t]*(?:\r?\n|$)/.test(text.slice(after, after + 80));
    if (!isLine) continue;
    const end = text[at - 2] === '\r' ? at - 2 : at - 1;
    const header = start < 0 || end < start ? null : headerIn(text.slice(start, end));
    if (header !== null) {
      parts += 1;
      yield { header: header.text, content: body.subarray(start + header.length, end) };
    } else if (start >= 0) return;
    if (text.startsWith('--', after)) return;
    start = after;
  }
}

/** The header of a part, with the line break before it, and its length with the empty line after it; null if it has none. */
function headerIn(part: string): { text: string; length: number } | null {
  const end = /\r?\n\r?\n/.exec(part.slice(0, partHeaderBytesMax + 8));
  return end === null ? null : { text: part.slice(0, end.index), length: end.index + end[0].length };
}

function parameter(contentType: string, name: string): string | undefined {
  const found = new RegExp(`;\\s*${name}=(?:"([^"]*)"|([^\\s;"]+))`, 'i').exec(contentType);
  return found?.[1] ?? found?.[2];
}

/** A line that starts with a blank continues the one before. */
function headerOf(header: string, name: string): string {
  const lines = header.replaceAll(/\r?\n[ \t]+/g, ' ').split(/\r?\n/);
  const line = lines.find((one) => one.toLowerCase().startsWith(`${name}:`));
  return line?.slice(name.length + 1).trim() ?? '';
}

import { brotliDecompressSync, gunzipSync, inflateSync } from 'node:zlib';
import { decodeText, legibleText } from './charset.ts';
import { readEnvelope, type SoapContent } from './envelope.ts';
import { rootPart } from './multipart.ts';
import { XmlError } from './xml.ts';

/** The body of an HTTP message, and what its headers say about it. */
export interface HttpBody {
  readonly body: Buffer;
  readonly contentType: string;
  readonly contentEncoding?: string;
}

/** Reads the SOAP envelope of an HTTP message, from the root part if it is multipart. @throws XmlError with the reason. */
export function readMessage({ body, contentType, contentEncoding = '' }: HttpBody): SoapContent {
  if (isCompressed(contentEncoding)) {
    const encoding = contentEncoding.slice(0, 40);
    throw new XmlError(
      `is compressed (Content-Encoding: ${encoding}), which nobody asked for; turn that off at the CAS or its proxy`,
    );
  }
  const root = rootPart(body, contentType);
  return readEnvelope(decodeText(root.body, root.contentType));
}

/** Whether a body that cannot be read may have been SOAP. A gateway writes HTML or nothing; a broken CAS writes broken SOAP. */
export function mayBeSoap({ body, contentType, contentEncoding = '' }: HttpBody): boolean {
  if (isBlank(body)) return false;
  if (/^\s*(?:multipart\/|application\/(?:soap|xop)\+)/i.test(contentType)) return true;
  const bytes = isCompressed(contentEncoding) ? unpacked(body, contentEncoding.trim().toLowerCase()) : body;
  if (bytes === null) return true;
  // Between the characters of UTF-16 that nobody announces are zero bytes.
  const texts = [legibleText(bytes, contentType), bytes.toString('latin1').replaceAll('\0', '')];
  return texts.some((text) => text.includes('Envelope'));
}

const unpack: Readonly<Partial<Record<string, typeof gunzipSync>>> = {
  gzip: gunzipSync,
  deflate: inflateSync,
  br: brotliDecompressSync,
};

/** What was compressed; null if it cannot be unpacked into 1 MiB. */
function unpacked(body: Buffer, encoding: string): Buffer | null {
  try {
    return unpack[encoding]?.(body, { maxOutputLength: 1 << 20 }) ?? null;
  } catch {
    return null;
  }
}

/** Whether the message says nothing, and surely meant to: it announces no other body than an empty one in XML. */
export function isEmptyMessage({ body, contentType, contentEncoding = '' }: HttpBody): boolean {
  const isXml = contentType.trim() === '' || /^\s*(?:text|application)\/(?:[\w.-]+\+)?xml\s*(?:;|$)/i.test(contentType);
  return isBlank(body) && isXml && !isCompressed(contentEncoding);
}

/** Whether the body is a web page, which may repeat a request. */
export function isWebPage(body: Buffer): boolean {
  return /^(?:\u00EF\u00BB\u00BF)?\s*<(?:!doctype\s+)?html\b/i.test(body.toString('latin1', 0, 200));
}

export function isBlank(body: Buffer): boolean {
  return body.toString('latin1').trim() === '';
}

function isCompressed(contentEncoding: string): boolean {
  return !['', 'identity'].includes(contentEncoding.trim().toLowerCase());
}

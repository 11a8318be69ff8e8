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
  if (!/^\s*multipart\//i.test(contentType)) return { body, contentType };
  const boundary = parameter(contentType, 'boundary');
  if (boundary === undefined || boundary.length > 70) throw new XmlError('is multipart and names no boundary');
  const root = parameter(contentType, 'start');
  for (const part of partsOf(body, boundary)) {
    const { header } = part;
    if (root !== undefined && headerOf(header, 'content-id') !== root) continue;
    const encoding = headerOf(header, 'content-transfer-encoding').toLowerCase();
    if (!['', '7bit', '8bit', 'binary'].includes(encoding)) {
      throw new XmlError('is multipart (MTOM), and its root part is encoded; turn MTOM off at the CAS');
    }
    return { body: part.content, contentType: headerOf(header, 'content-type') };
  }
  throw new XmlError('is multipart (MTOM), and its root part is missing or broken off; turn MTOM off at the CAS');
}

/** The parts from the first; one without an end is left out. */
function* partsOf(body: Buffer, boundary: string): Generator<{ header: string; content: Buffer }> {
  const delimiter = Buffer.from(`\r\n--${boundary}`, 'latin1');
  // The first delimiter may be the first line.
  let at = body.indexOf(delimiter.subarray(2)) - 2;
  for (let parts = 0; parts < partsMax && at >= -2; parts += 1) {
    const start = at + delimiter.length;
    const next = body.indexOf(delimiter, start);
    const headerEnd = body.indexOf('\r\n\r\n', start);
    if (next < 0 || headerEnd < 0 || headerEnd > next || headerEnd - start > partHeaderBytesMax) return;
    yield { header: body.toString('latin1', start, headerEnd), content: body.subarray(headerEnd + 4, next) };
    at = next;
  }
}

function parameter(contentType: string, name: string): string | undefined {
  const found = new RegExp(`;\\s*${name}=(?:"([^"]*)"|([^\\s;"]+))`, 'i').exec(contentType);
  return found?.[1] ?? found?.[2];
}

function headerOf(header: string, name: string): string {
  const line = header.split('\r\n').find((one) => one.toLowerCase().startsWith(`${name}:`));
  return line?.slice(name.length + 1).trim() ?? '';
}

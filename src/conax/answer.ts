import type { ConaxAnswer } from './client.types.ts';
import { casRefusalCodes, casTryLaterCode, type ConaxCode } from './codes.ts';
import type { HttpOutcome } from './exchange.ts';
import { decodeText } from './charset.ts';
import { answerLists } from './fields.ts';
import type { FieldPath } from './mapped-fields.ts';
import type { MappedCommand } from './mapping.ts';
import { rootPart } from './multipart.ts';
import { faultVersion, nameOf, readSoapBody } from './soap-envelope.ts';
import { type XmlElement, XmlError } from './xml.ts';

/** The device that a pairing question is about, null for every other command. */
export type AskedDevice = { readonly kind: 'smartcard' | 'setTopBox'; readonly caId: string } | null;

/**
 * What an HTTP exchange means for the command: total, every way of ending has its answer (domain: "Sending").
 * What is readable SOAP counts by what it says, whatever the status; else the status decides.
 */
export function classify(command: MappedCommand, asked: AskedDevice, outcome: HttpOutcome): ConaxAnswer {
  if (outcome.kind === 'failed') {
    const { code, description } = outcome;
    return { kind: outcome.sent ? 'unknown' : 'not-sent', code, description };
  }
  const { status } = outcome;
  if (status === 401 || status === 403) {
    return plain(
      'not-authorised',
      'CAS_NOT_AUTHORISED',
      `the CAS answered HTTP ${status}: check user, password and client certificate`,
    );
  }
  if (status === 429) return plain('not-sent', 'CAS_TOO_MANY_REQUESTS', 'the CAS answered HTTP 429: too many requests');
  let content: XmlElement;
  try {
    content = readAnswer(outcome);
  } catch (error) {
    if (!(error instanceof XmlError)) throw error;
    return withoutSoap(status, outcome.body, error.message);
  }
  if (faultVersion(content) !== null) return faultAnswer(content);
  if (content.ns !== command.output.ns || content.name !== command.output.name) {
    return withoutSoap(status, outcome.body, `holds ${nameOf(content)} where ${nameOf(command.output)} is expected`);
  }
  const fields = readFields(command, content);
  if (fields === null) return withoutSoap(status, outcome.body, 'does not hold one status code where the mapping says');
  if (fields.statusCode !== 'OK') return refusal(fields.statusCode, fields.message);
  if (status < 200 || status > 299) return withoutSoap(status, outcome.body, 'says OK');
  return accepted(command, asked, content, fields.referenceNumber);
}

function readAnswer({
  body,
  contentType,
  contentEncoding = '',
}: Extract<HttpOutcome, { kind: 'answered' }>): XmlElement {
  if (!['', 'identity'].includes(contentEncoding.trim().toLowerCase())) {
    const encoding = contentEncoding.slice(0, 40);
    throw new XmlError(
      `is compressed (Content-Encoding: ${encoding}), which nobody asked for; turn that off at the CAS or its proxy`,
    );
  }
  const root = rootPart(body, contentType);
  return readSoapBody(decodeText(root.body, root.contentType)).content;
}

function withoutSoap(status: number, body: Buffer, problem: string): ConaxAnswer {
  if (status === 503 && body.toString('latin1').trim() === '') {
    return plain('not-sent', 'CAS_UNAVAILABLE', 'the CAS answered HTTP 503 and nothing else');
  }
  const text = `HTTP ${status}: the answer ${problem}`;
  if ((status >= 300 && status <= 399) || [404, 405, 407, 421].includes(status)) {
    return plain(
      'not-sent',
      'CAS_ENDPOINT_WRONG',
      `HTTP ${status}: no Conax service is there; check CONAX_BASE_URL, the paths of the mapping, and proxies`,
    );
  }
  if (status >= 400 && status <= 499 && status !== 408) {
    return { kind: 'refused', code: `HTTP_${status}`, description: text, review: true };
  }
  return plain('unknown', status >= 500 ? 'CAS_SERVER_ERROR' : 'CAS_ANSWER_UNREADABLE', text);
}

function plain(
  kind: 'unknown' | 'not-sent' | 'not-authorised' | 'try-later',
  code: ConaxCode,
  description: string,
): ConaxAnswer {
  return { kind, code, description };
}

const refusalCodes: ReadonlySet<string> = new Set(casRefusalCodes);

function refusal(code: string, description: string): ConaxAnswer {
  if (code === casTryLaterCode) return { kind: 'try-later', code, description };
  return { kind: 'refused', code: code.slice(0, 100), description, review: !refusalCodes.has(code) };
}

const knownCode = new RegExp(`(?<![A-Z_])(?:${[...casRefusalCodes, casTryLaterCode].join('|')})(?![A-Z_])`);

function faultAnswer(fault: XmlElement): ConaxAnswer {
  const part = (name: string): string => {
    const element = fault.children.find((child) => child.name === name);
    return element === undefined ? '' : wholeText(element);
  };
  const [code, text, detail] = [part('faultcode'), part('faultstring'), part('detail')];
  const said = [code, text, detail].filter((value, index, all) => value !== '' && all.indexOf(value) === index);
  const description = said.join(': ') || 'a SOAP Fault without a word';
  for (const place of [detail, text, code]) {
    const named = knownCode.exec(place)?.[0];
    if (named !== undefined) return refusal(named, description);
  }
  return { kind: 'refused', code: 'SOAP_FAULT', description, review: true };
}

function wholeText(element: XmlElement): string {
  const texts: string[] = [];
  const collect = ({ text, children }: XmlElement): void => {
    if (text.trim() !== '') texts.push(text.trim());
    for (const child of children) collect(child);
  };
  collect(element);
  return texts.join(' ');
}

function readFields(
  command: MappedCommand,
  content: XmlElement,
): { statusCode: string; message: string; referenceNumber: string | null } | null {
  const { statusCode, message, referenceNumber } = command.answer;
  const [code, second] = readAll(content, statusCode);
  if (code === undefined || code === '' || second !== undefined) return null;
  return {
    statusCode: code,
    message: readAll(content, message).join(' '),
    referenceNumber: readAll(content, referenceNumber)[0] || null,
  };
}

/** The texts of every element at the path; an element of another namespace is another element. */
function readAll(content: XmlElement, path: FieldPath | undefined): string[] {
  if (path === undefined) return [];
  let elements: XmlElement[] = [content];
  for (const step of path.steps) {
    elements = elements.flatMap((element) =>
      element.children.filter((child) => child.name === step.name && child.ns === step.ns),
    );
  }
  return elements.map((element) => element.text.trim());
}

function accepted(
  command: MappedCommand,
  asked: AskedDevice,
  content: XmlElement,
  referenceNumber: string | null,
): ConaxAnswer {
  const lists = answerLists[command.type] ?? [];
  const list = (name: string): string[] => [
    ...new Set(readAll(content, command.answer[name]).filter((text) => text !== '')),
  ];
  const activeServices = lists.includes('activeServices') ? list('activeServices') : null;
  let pairing = null;
  if (lists.includes('pairedSmartcards')) {
    pairing = { smartcards: list('pairedSmartcards'), setTopBoxes: list('pairedSetTopBoxes') };
    // Some answers name only the others of the pairing.
    const own = asked?.kind === 'smartcard' ? pairing.smartcards : pairing.setTopBoxes;
    const isPaired = pairing.smartcards.length + pairing.setTopBoxes.length > 0;
    if (asked !== null && isPaired && !own.includes(asked.caId)) own.push(asked.caId);
  }
  return { kind: 'accepted', referenceNumber, activeServices, pairing };
}

import type { CommandType } from '../planning/command.ts';
import { contraryTo, faultVersion, isOfTransport, nameOf, type SoapContent } from '../soap/envelope.ts';
import { isBlank, isEmptyMessage, isWebPage, mayBeSoap, readMessage } from '../soap/message.ts';
import { type XmlElement, XmlError } from '../soap/xml.ts';
import { type AnswerPath, elementsOn, findElement, textsAt } from '../soap/xml-path.ts';
import { type AskedDevice, misreadList } from './answer-lists.ts';
import type { AnswerShape, CasCommand } from './cas-definition.types.ts';
import type { ConaxAnswer } from './client.types.ts';
import type { ConaxCode } from './codes.ts';
import type { HttpOutcome } from './exchange.ts';
import { readFault } from './fault.ts';
import { answerLists } from './field-names.ts';

type Answered = Extract<HttpOutcome, { kind: 'answered' }>;
type PlainAnswer = Extract<ConaxAnswer, { kind: 'unknown' | 'not-sent' | 'not-authorised' }>;

const notRepeatable: ReadonlySet<CommandType> = new Set([
  'SEND_MAIL_MESSAGE_TO_CLIENT',
  'SEND_BARK_MESSAGE_TO_CLIENT',
  'SEND_REPEATING_BARK_MESSAGE_TO_CLIENT',
  'DISPLAY_FINGERPRINT',
]);

/** Whether doing the command twice does no harm: a message or fingerprint would show twice. */
export function isRepeatable(type: CommandType): boolean {
  return !notRepeatable.has(type);
}

/**
 * Returns what an HTTP exchange means for the command, however it ended (domain: "Sending"). Readable SOAP counts by what
 * it says, whatever the status. SOAP that cannot be read is unknown: the CAS got the command. Without SOAP, the status
 * decides. `messageId`: the UUID that the request sent.
 */
export function classify(command: CasCommand, asked: AskedDevice, outcome: HttpOutcome, messageId = ''): ConaxAnswer {
  if (outcome.kind === 'failed') {
    const { code, description } = outcome;
    return { kind: outcome.sent ? 'unknown' : 'not-sent', code, description };
  }
  const answer = soapAnswer(command, asked, outcome, messageId);
  // A gateway may put the reason why it lets nobody in into a Fault.
  const isRefusal = answer.kind === 'refused' || answer.kind === 'try-later';
  return (isRefusal ? refusedEntry(outcome.status) : null) ?? answer;
}

function soapAnswer(command: CasCommand, asked: AskedDevice, outcome: Answered, messageId: string): ConaxAnswer {
  const shape = command.answer;
  const isDone = outcome.status >= 200 && outcome.status <= 299;
  const mayBeEmpty = shape.emptySuccess && isDone;
  if (mayBeEmpty && shape.paths['statusCode'] === undefined && !outcome.endsByClose && isEmptyMessage(outcome)) {
    return accepted(command, asked, null, null);
  }
  let envelope: SoapContent;
  try {
    envelope = readMessage(outcome);
  } catch (error) {
    if (!(error instanceof XmlError)) throw error;
    // A page that repeats the request is no SOAP. But with 503 the CAS may have died after it did the command.
    const isPage = outcome.status !== 503 && isWebPage(outcome.body);
    return !isPage && mayBeSoap(outcome) ? unreadable(outcome, error.message) : withoutSoap(outcome, error.message);
  }
  const { version, content, headers } = envelope;
  const contrary = contraryTo(envelope, command.template.uses.has('messageId') ? messageId : '');
  if (contrary !== null) return unreadable(outcome, contrary);
  if (content === null) {
    const isSilent = version === command.soapVersion && headers.every(isOfTransport);
    if (mayBeEmpty && isSilent) return accepted(command, asked, null, null);
    return unreadable(outcome, 'has 0 elements in its SOAP body instead of one');
  }
  if (faultVersion(content) !== null) {
    const { code, isServer, ...fault } = readFault(shape, content);
    const description =
      version === command.soapVersion
        ? fault.description
        : `${fault.description} (a Fault of SOAP ${version}; the request was SOAP ${command.soapVersion}: look at the namespace of the template's Envelope)`;
    if (code !== null) return refusal(shape, code, description);
    if (isServer && isRepeatable(command.type)) return { kind: 'try-later', code: 'SOAP_SERVER_FAULT', description };
    return { kind: 'refused', code: 'SOAP_FAULT', description, review: true };
  }
  return contentAnswer(command, asked, outcome, version, content);
}

function contentAnswer(
  command: CasCommand,
  asked: AskedDevice,
  outcome: Answered,
  version: string,
  content: XmlElement,
): ConaxAnswer {
  const { element, success } = command.answer;
  if (version !== command.soapVersion) {
    return unreadable(outcome, `is a SOAP ${version} envelope, and the request was SOAP ${command.soapVersion}`);
  }
  if (element === null || content.ns !== element.ns || content.name !== element.name) {
    const expected = element === null ? 'an empty body' : nameOf(element);
    return unreadable(outcome, `holds ${nameOf(content)} instead of ${expected}`);
  }
  const fields = readFields(command.answer, content);
  if (fields === null) return unreadable(outcome, 'does not hold one status code at the path of conax.json');
  if (fields.statusCode !== null && !success.has(fields.statusCode)) {
    return refusal(command.answer, fields.statusCode, fields.message);
  }
  if (outcome.status < 200 || outcome.status > 299)
    return unreadable(outcome, `says ${fields.statusCode ?? 'success'}`);
  const misread = misreadList(command, asked, content);
  if (misread !== null) return unreadable(outcome, misread);
  return accepted(command, asked, content, fields.referenceNumber);
}

/** What the status alone means: the body has no SOAP. */
function withoutSoap(outcome: Answered, problem: string): ConaxAnswer {
  const { status } = outcome;
  const entry = refusedEntry(status);
  if (entry !== null) return entry;
  if (status === 503) {
    const body = isBlank(outcome.body) ? 'nothing else' : 'no SOAP';
    return plain('not-sent', 'CAS_UNAVAILABLE', `the CAS or a gateway answered HTTP 503 and ${body}`);
  }
  if ((status >= 300 && status <= 399) || [404, 405, 407, 421].includes(status)) {
    return plain(
      'not-sent',
      'CAS_ENDPOINT_WRONG',
      `HTTP ${status}: no Conax service is there; check CONAX_BASE_URL, the paths in conax.json, and proxies`,
    );
  }
  const answer = unreadable(outcome, problem);
  if (status < 400 || status > 499 || status === 408) return answer;
  return { ...answer, kind: 'refused', code: `HTTP_${status}`, review: true };
}

/** The answer to a status that lets nobody in; null for any other status. */
function refusedEntry(status: number): ConaxAnswer | null {
  if (status === 429) return plain('not-sent', 'CAS_TOO_MANY_REQUESTS', 'the CAS answered HTTP 429: too many requests');
  if (status !== 401 && status !== 403) return null;
  const description = `the CAS answered HTTP ${status}: check user, password and client certificate`;
  return plain('not-authorised', 'CAS_NOT_AUTHORISED', description);
}

function unreadable({ status, contentType }: Answered, problem: string): PlainAnswer {
  const type = contentType.trim() === '' ? 'without a content type' : contentType.trim().slice(0, 100);
  const text = `HTTP ${status}, ${type}: the answer ${problem}`;
  return plain('unknown', status >= 500 ? 'CAS_SERVER_ERROR' : 'CAS_ANSWER_UNREADABLE', text);
}

function plain(kind: PlainAnswer['kind'], code: ConaxCode, description: string): PlainAnswer {
  return { kind, code, description };
}

/** Returns what a code that is no success means: final, unless the CAS asks for a later try or refuses the login. */
function refusal(shape: AnswerShape, code: string, description: string): ConaxAnswer {
  if (shape.notAuthorised.has(code)) {
    const said = description === '' ? code : `${code}: ${description}`;
    return plain(
      'not-authorised',
      'CAS_NOT_AUTHORISED',
      `the CAS refuses the login with ${said}; check user and password`,
    );
  }
  if (shape.tryLater.has(code)) return { kind: 'try-later', code: code.slice(0, 100), description };
  return { kind: 'refused', code: code.slice(0, 100), description, review: !shape.refused.has(code) };
}

function readFields(
  { paths }: AnswerShape,
  content: XmlElement,
): { statusCode: string | null; message: string; referenceNumber: string | null } | null {
  const path = paths['statusCode'];
  const [code, second] = textsAt(content, path);
  if (path !== undefined && (!code || second !== undefined || hasOtherCode(paths, path, content, code))) return null;
  return {
    statusCode: code ?? null,
    message: textsAt(content, paths['message']).join(' '),
    referenceNumber: textsAt(content, paths['referenceNumber'])[0] || null,
  };
}

/** Whether the element of the status code is no plain text, or another element of its name has another text. */
function hasOtherCode(paths: AnswerShape['paths'], path: AnswerPath, content: XmlElement, code: string): boolean {
  const [element] = elementsOn(content, path).at(-1) ?? [content];
  if (path.at(-1)?.isAttribute || element === undefined) return false;
  const isNil = /^\s*(?:true|1)\s*$/.test(element.attributes['{http://www.w3.org/2001/XMLSchema-instance}nil'] ?? '');
  const declared = new Set(Object.values(paths).flatMap((one) => elementsOn(content, one).flat()));
  const other = findElement(
    content,
    (one) => one.name === element.name && !declared.has(one) && !['', code].includes(one.text.trim()),
  );
  return isNil || element.children.length > 0 || other !== null;
}

function accepted(
  command: CasCommand,
  asked: AskedDevice,
  content: XmlElement | null,
  referenceNumber: string | null,
): ConaxAnswer {
  const lists = answerLists[command.type] ?? [];
  const list = (name: string): string[] => {
    const texts = content === null ? [] : textsAt(content, command.answer.paths[name]);
    return [...new Set(texts.filter((text) => text !== ''))];
  };
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

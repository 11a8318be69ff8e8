import type { IncomingHttpHeaders } from 'node:http';
import { decodeText } from '../conax/charset.ts';
import { checkContent } from '../conax/content-model.ts';
import type { FieldPath } from '../conax/mapped-fields.ts';
import type { Mapping, MappedCommand } from '../conax/mapping.ts';
import { nameOf, readSoapBody } from '../conax/soap-envelope.ts';
import type { XmlElement } from '../conax/xml.ts';
import type { CommandType } from '../requests/command.ts';
import { pinSha256, type ReceivedFields } from './rules.ts';

/** A request as it was understood. */
export type ReceivedCall =
  | { readonly kind: 'command'; readonly command: MappedCommand; readonly fields: ReceivedFields }
  /** One of the 13, with a text that its type does not allow. */
  | {
      readonly kind: 'malformed';
      readonly command: MappedCommand;
      readonly fields: ReceivedFields;
      readonly problem: string;
    }
  /** No request that the WSDL allows at this path. */
  | { readonly kind: 'unreadable'; readonly problem: string };

/** Reads requests as strictly as the WSDL allows: element order, namespaces, SOAPAction, content type. */
export type ReadRequest = (path: string, headers: IncomingHttpHeaders, body: Buffer) => ReceivedCall;

export function createRequestReader(mapping: Mapping): ReadRequest {
  const byPath = Map.groupBy(Object.values(mapping.commands), (command) => command.path);
  return (path, headers, body) => {
    const contentType = headers['content-type'] ?? '';
    if (!/^text\/xml\s*(?:;|$)/i.test(contentType)) return unreadable('the content type is not text/xml');
    let content: XmlElement;
    try {
      content = readSoapBody(decodeText(body, contentType)).content;
    } catch (error) {
      return unreadable(`the request ${error instanceof Error ? error.message : String(error)}`);
    }
    const command = theFittest(
      content,
      (byPath.get(path) ?? []).filter(({ input }) => input.name === content.name && input.ns === content.ns),
    );
    if (command === undefined) return unreadable(`${nameOf(content)} is no operation of ${path}`);
    const action = headers['soapaction'];
    if (action !== `"${command.soapAction}"` && action !== command.soapAction) {
      return unreadable(`SOAPAction is ${String(action)} and has to be "${command.soapAction}"`);
    }
    const mistake = checkContent(content, command.input, { values: true });
    if (mistake?.kind === 'structure') return unreadable(mistake.message);
    const fields: Record<string, string[]> = {};
    for (const [field, fieldPath] of Object.entries(command.request)) fields[field] = textsAt(content, fieldPath);
    return mistake === null
      ? { kind: 'command', command, fields }
      : { kind: 'malformed', command, fields, problem: mistake.message };
  };
}

/** Several commands may share an element: their constants tell them apart, else the fields that are there. */
function theFittest(content: XmlElement, candidates: readonly MappedCommand[]): MappedCommand | undefined {
  if (candidates.length < 2) return candidates[0];
  const fieldCount = ({ request }: MappedCommand): number =>
    Object.values(request).filter((path) => textsAt(content, path).length > 0).length;
  return candidates
    .filter(({ constants }) => constants.every(({ path, text }) => textsAt(content, path)[0] === text))
    .toSorted((a, b) => fieldCount(b) - fieldCount(a))[0];
}

function unreadable(problem: string): ReceivedCall {
  return { kind: 'unreadable', problem };
}

function textsAt(content: XmlElement, path: FieldPath): string[] {
  let elements = [content];
  for (const step of path.steps) {
    elements = elements.flatMap(({ children }) =>
      children.filter(({ name, ns }) => name === step.name && ns === step.ns),
    );
  }
  // A copy: a text that is cut out of the request would keep the whole request in memory.
  return elements.map(({ text }) => (text.length < 13 ? text : Buffer.from(text, 'utf8').toString('utf8')));
}

/** The parameters as the journal shows them. A PIN is there only as its SHA-256. */
export function journalParameters(type: CommandType, fields: ReceivedFields): Record<string, unknown> {
  const parameters: Record<string, unknown> = {};
  // Only what is there: taking properties away again would make each of millions of entries several times as large.
  const put = (name: string, texts: readonly string[] | undefined, read: (text: string) => unknown): void => {
    const [text] = texts ?? [];
    if (text !== undefined) parameters[name] = read(text);
  };
  const putOneOrAll = (one: string, all: string, texts: readonly string[] = []): void => {
    if (texts.length > 1) parameters[all] = texts;
    else put(one, texts, asIs);
  };
  putOneOrAll('smartcard', 'smartcards', fields['smartcard']);
  put('existingSmartcard', fields['existingSmartcard'], asIs);
  if (type === 'CREATE_PAIRING' || type === 'ADD_TO_EXISTING_PAIRING') {
    parameters['smartcards'] = fields['smartcards'] ?? [];
    parameters['setTopBoxes'] = fields['setTopBoxes'] ?? [];
  }
  put('setTopBox', fields['setTopBox'], asIs);
  putOneOrAll('serviceCaId', 'serviceCaIds', fields['service']);
  put('message', fields['message'], asIs);
  for (const time of ['startAt', 'displayAt']) put(time, fields[time], isoTime);
  for (const number of ['durationSeconds', 'repetitions', 'intervalSeconds', 'x', 'y', 'height', 'slot']) {
    put(number, fields[number], Number);
  }
  put('pinSha256', fields['pin'], pinSha256);
  return parameters;
}

function asIs(text: string): string {
  return text;
}

function isoTime(text: string): string {
  const time = Date.parse(text);
  return Number.isNaN(time) ? text : new Date(time).toISOString();
}

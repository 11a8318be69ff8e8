import type { IncomingHttpHeaders } from 'node:http';
import { sampleFields } from '../conax-checks/samples.ts';
import { openValidator, type Validator } from '../conax-checks/wsdl-validator.ts';
import type { CasCommand, CasDefinition } from '../conax/cas-definition.types.ts';
import { listConditions } from '../conax/field-names.ts';
import { render } from '../conax/template.ts';
import type { CommandType } from '../planning/command.ts';
import { decodeText } from '../soap/charset.ts';
import { nameOf, readSoapBody, type SoapBody, type SoapVersion } from '../soap/envelope.ts';
import { pinSha256, type ReceivedFields } from './rules.ts';
import { createPattern, isBetter, type Matched, marker, type Pattern } from './template-tree.ts';

/** A request as it was understood. */
export type ReceivedCall =
  | { readonly kind: 'command'; readonly command: CasCommand; readonly fields: ReceivedFields }
  /** One of the 13, with a text that its type does not allow. */
  | {
      readonly kind: 'malformed';
      readonly command: CasCommand;
      readonly fields: ReceivedFields;
      readonly problem: string;
    }
  /** No request that the templates and the WSDL allow at this path. The Fault is of this version of SOAP. */
  | { readonly kind: 'unreadable'; readonly version: SoapVersion; readonly problem: string };

export interface RequestReader {
  /** Reads a request as strictly as the WSDL allows: element order, namespaces, SOAPAction, content type. */
  read(path: string, headers: IncomingHttpHeaders, body: Buffer): ReceivedCall;
  close(): void;
}

interface Candidate {
  readonly command: CasCommand;
  readonly pattern: Pattern;
  readonly validator: Validator | undefined;
}

const lists = new Set(Object.values(listConditions));
const contentTypes: Readonly<Record<SoapVersion, string>> = { '1.1': 'text/xml', '1.2': 'application/soap+xml' };

/** Makes the reader of the requests that the definition's templates write. Without a WSDL, only the templates count. */
export function createRequestReader(definition: CasDefinition): RequestReader {
  const commands = Object.values(definition.commands);
  const validators = new Map<string, Validator>();
  for (const { wsdlFile } of commands) {
    if (wsdlFile !== null && !validators.has(wsdlFile)) validators.set(wsdlFile, openValidator(wsdlFile));
  }
  const byPath = Map.groupBy(
    commands.map((command): Candidate => {
      const validator = command.wsdlFile === null ? undefined : validators.get(command.wsdlFile);
      return { command, pattern: patternOf(command), validator };
    }),
    ({ command }) => command.path,
  );
  return {
    read(path, headers, body) {
      const contentType = headers['content-type'] ?? '';
      const atPath = byPath.get(path) ?? [];
      const spoken = new Set(atPath.map(({ command }) => command.soapVersion));
      const version = [...spoken].find((one) => isOfType(contentType, contentTypes[one]));
      const [usual = '1.1'] = spoken;
      const unreadable = (problem: string): ReceivedCall => ({
        kind: 'unreadable',
        version: version ?? usual,
        problem,
      });
      if (version === undefined) {
        return unreadable(`the content type is not ${[...spoken].map((one) => contentTypes[one]).join(' or ')}`);
      }
      let text: string;
      let message: SoapBody;
      try {
        text = decodeText(body, contentType);
        message = readSoapBody(text);
      } catch (error) {
        return unreadable(`the request ${error instanceof Error ? error.message : String(error)}`);
      }
      const found = theFittest(atPath, message, version, actionOf(version, headers));
      if (typeof found === 'string') return unreadable(found.replace('$path', path));
      const { command, validator, fields } = found;
      const problems = validator?.validate(withoutDeclaration(text)) ?? [];
      const problem = problems.find((one) => !isOfValue(one.text));
      if (problem !== undefined) return unreadable(problem.text);
      const [malformed] = problems;
      return malformed === undefined
        ? { kind: 'command', command, fields }
        : { kind: 'malformed', command, fields, problem: malformed.text };
    },
    close() {
      for (const validator of validators.values()) validator.close();
    },
  };
}

function patternOf({ type, template }: CasCommand): Pattern {
  const samples = [true, false].flatMap((entitled) => sampleFields(type, marker, entitled));
  const texts = new Set(samples.map((values) => render(template, values)));
  // The one with the most fields first: most requests have it, or differ from it soon.
  const renderings = [...texts].toSorted((a, b) => b.length - a.length).map((text) => readSoapBody(text));
  return createPattern(renderings, lists);
}

type Found = Candidate & { readonly fields: ReceivedFields };

/** Several commands may share an element: SOAPAction, fixed texts and the fields that are there distinguish them. */
function theFittest(
  atPath: readonly Candidate[],
  message: SoapBody,
  version: SoapVersion,
  action: string | undefined,
): Found | string {
  const { content } = message;
  const same = atPath.filter(({ command: { body } }) => body.name === content.name && body.ns === content.ns);
  const [first] = same;
  if (first === undefined) return `${nameOf(content)} is no operation of $path`;
  if (message.version !== version) {
    return `the envelope is SOAP ${message.version} and the content type ${contentTypes[version]} is not`;
  }
  const spoken = same.filter(({ command }) => command.soapVersion === version);
  if (spoken.length === 0) {
    const { soapVersion } = first.command;
    return `${nameOf(content)} is spoken in SOAP ${soapVersion}, and the content type is not ${contentTypes[soapVersion]}`;
  }
  const meant = spoken.filter(({ command }) => command.soapAction === action);
  if (meant.length === 0) {
    const known = new Set(spoken.map(({ command }) => `"${command.soapAction}"`));
    return `SOAPAction is ${String(action)} and has to be ${[...known].join(' or ')}`;
  }
  let best: { readonly candidate: Candidate; readonly matched: Matched } | undefined;
  for (const candidate of meant) {
    const matched = candidate.pattern(message);
    if (best === undefined || isBetter(matched, best.matched)) best = { candidate, matched };
  }
  if (best === undefined || (meant.length > 1 && best.matched.contradictions > 0)) {
    const types = meant.map(({ command }) => command.type).join(', ');
    return `${nameOf(content)} has other fixed texts than the templates of ${types}`;
  }
  return { ...best.candidate, fields: best.matched.fields };
}

/** The action without quotation marks; SOAP 1.2 has it in the content type, and may leave it out if it is empty. */
function actionOf(version: SoapVersion, headers: IncomingHttpHeaders): string | undefined {
  if (version === '1.2') {
    const [, quoted, bare] = /;\s*action\s*=\s*(?:"([^"]*)"|([^\s;]+))/i.exec(headers['content-type'] ?? '') ?? [];
    return quoted ?? bare ?? '';
  }
  const header = headers['soapaction'];
  return Array.isArray(header) ? header.join() : header?.replace(/^"(.*)"$/, '$1');
}

function isOfType(contentType: string, wanted: string): boolean {
  return contentType.split(';', 1)[0]?.trim().toLowerCase() === wanted;
}

/** The text is decoded, so the charset in its declaration no longer applies. */
function withoutDeclaration(text: string): string {
  return text.replace(/^\uFEFF?<\?xml[^>]*\?>/, '');
}

function isOfValue(problem: string): boolean {
  return /: \[facet '|is not a valid value of the /.test(problem);
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

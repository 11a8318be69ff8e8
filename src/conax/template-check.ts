import type { CommandType } from '../planning/command.ts';
import type { CasCommand } from './cas-definition.types.ts';
import { mustBeSent, requestFields } from './field-names.ts';
import type { Report } from './mistakes.ts';
import { sampleFields } from './samples.ts';
import { nameOf, readSoapBody } from './soap-envelope.ts';
import type { FieldValues, Template } from './template.ts';
import { fileLimits, readXml, type XmlElement, XmlError } from './xml.ts';

/** What the envelope of a template says of itself. */
export interface Envelope extends Pick<CasCommand, 'soapVersion' | 'body' | 'headers'> {
  /** The lines of the envelope and of the element in its Body. */
  readonly lines: { readonly envelope: number; readonly body: number };
}

/** A text that nobody writes, and that could be a name as well: so a tag in a name shows. */
const marker = (field: string, n: number): string => `Tag_${field}_${n}_gaT`;
const anyMarker = /Tag_(\w+?)_\d_gaT/g;

/**
 * Renders samples of the template and checks what every CAS needs: well-formed XML, one element in one Body, each tag in a
 * text or in the value of an attribute, every field sent that must be, and no `?` of SoapUI. Returns what the envelope
 * says; null if no sample can be read. Reports one mistake several times if several samples have it.
 */
export function checkTemplate(type: CommandType, template: Template, report: Report): Envelope | null {
  let envelope = null as Envelope | null;
  for (const values of [...sampleFields(type, marker, true), ...sampleFields(type, marker, false)]) {
    const { text, lineOf } = template.trace(values);
    const mistake = (at: number, problem: string): void => report(template.file, lineOf(at), problem);
    const isDone = !checkLeftovers(text, mistake);
    try {
      const { version, at, content, headers } = readSoapBody(text, fileLimits);
      if (envelope !== null && nameOf(content) !== nameOf(envelope.body)) {
        mistake(content.at, 'the element in the Body depends on a field; write the same one for all');
      }
      envelope = {
        soapVersion: version,
        body: { ns: content.ns, name: content.name },
        headers: new Set([...(envelope?.headers ?? []), ...headers.map(nameOf)]),
        lines: { envelope: lineOf(at), body: lineOf(content.at) },
      };
      checkMarkers(text);
      // A tag that is a mistake, or a ?, may have been meant for the field.
      if (template.badLines.size === 0 && isDone) checkSent(type, template, values, text, lineOf(content.at), report);
    } catch (error) {
      if (!(error instanceof XmlError)) throw error;
      if (error instanceof MisplacedTag) mistake(error.position, error.message);
      else for (const one of malformedPlaces(text, error)) mistake(one.position, malformed(one));
    }
  }
  return envelope;
}

function malformed({ message }: XmlError): string {
  const prefix = /the prefix (\S+) is declared nowhere/.exec(message)?.[1];
  const remedy =
    prefix === undefined ? 'compare it with a request that works' : `write xmlns:${prefix}="…" at the Envelope`;
  return `the request ${message}; ${remedy}`;
}

/** Every place of a text that is not well formed; if it is, what else makes it no envelope. */
function malformedPlaces(text: string, other: XmlError): readonly XmlError[] {
  const places: XmlError[] = [];
  try {
    readXml(text, fileLimits, (place) => places.push(place));
  } catch (error) {
    if (!(error instanceof XmlError)) throw error;
  }
  return places.length > 0 ? places : [other];
}

/** A tag in a name, a namespace or a CDATA section: other samples may be no XML at all. */
class MisplacedTag extends XmlError {}

type Mistake = (at: number, problem: string) => void;

/** SoapUI writes `?` for every value that it does not know. Returns whether there is one. */
function checkLeftovers(text: string, mistake: Mistake): boolean {
  const remedy =
    'write a field or the text that the CAS wants, or remove it if it is optional; write &#63; if the CAS wants a question mark';
  let isLeft = false;
  const leftOver: Mistake = (at, place) => {
    isLeft = true;
    mistake(at, `${place} still has the ? of SoapUI; ${remedy}`);
  };
  for (const { 0: start, 1: element = '', 2: attributes = '', 3: leftover, index } of text.matchAll(
    /<([^\s<>/?!]+)([^<>]*)>(\s*\?\s*<\/)?/g,
  )) {
    if (leftover !== undefined) leftOver(index, `<${element}>`);
    for (const [, attribute = ''] of attributes.matchAll(/\s([^\s=]+)\s*=\s*(["'])\?\2/g)) {
      leftOver(index + start.indexOf(attribute), `${attribute} of <${element}>`);
    }
  }
  return isLeft;
}

/** @throws MisplacedTag if a tag stands where no text can be. */
function checkMarkers(text: string): void {
  for (const section of text.matchAll(/<!\[CDATA\[[\s\S]*?\]\]>/g)) {
    for (const tag of section[0].matchAll(anyMarker)) {
      throw new MisplacedTag(
        `{{${tag[1]}}} stands in a CDATA section, where it cannot be escaped; take the CDATA away`,
        section.index + tag.index,
      );
    }
  }
  const left = new Map<string, number>();
  for (const one of textsIn(text)) {
    for (const [tag] of one.matchAll(anyMarker)) left.set(tag, (left.get(tag) ?? 0) + 1);
  }
  for (const { 0: tag, 1: field, index } of text.matchAll(anyMarker)) {
    const times = left.get(tag) ?? 0;
    if (times === 0) {
      throw new MisplacedTag(
        `{{${field}}} stands where no text can, such as in a name; write it between two tags or in an attribute`,
        index,
      );
    }
    left.set(tag, times - 1);
  }
}

/** The fields that the command must send: named where the template sends them at times, else at the Body's element. */
function checkSent(
  type: CommandType,
  { file, uses }: Template,
  values: FieldValues,
  text: string,
  bodyLine: number,
  report: Report,
): void {
  const sent = textsIn(text).join(' ');
  for (const [field, count] of Object.entries(requestFields[type])) {
    const value = values[field];
    if (!mustBeSent(field, count) || value === null || value === undefined) continue;
    const isSent = typeof value === 'string' ? sent.includes(value) : value.every(({ caId }) => sent.includes(caId));
    if (isSent) continue;
    const tag = typeof value === 'string' ? `{{${field}}}` : `{{#${field}}}…{{caId}}…{{/${field}}}`;
    const used = uses.get(typeof value === 'string' ? field : `${field}.caId`);
    const how = used === undefined ? 'is never sent' : 'is not always sent';
    report(file, used ?? uses.get(field) ?? bodyLine, `${field} ${how}; write ${tag} where it belongs`);
  }
}

/** The texts of all elements and attributes. */
function textsIn(xml: string): string[] {
  const texts: string[] = [];
  const collect = (element: XmlElement): void => {
    texts.push(element.text, ...Object.values(element.attributes));
    for (const child of element.children) collect(child);
  };
  collect(readXml(xml, fileLimits));
  return texts;
}

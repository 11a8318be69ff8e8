import type { CommandType } from '../planning/command.ts';
import type { CasCommand } from './cas-definition.ts';
import { mustBeSent, requestFields } from './field-names.ts';
import type { Report } from './mistakes.ts';
import { sampleFields } from './samples.ts';
import { nameOf, readSoapBody } from './soap-envelope.ts';
import type { FieldValues, Template } from './template.ts';
import { fileLimits, readXml, type XmlElement, XmlError } from './xml.ts';

/** What the envelope of a template says of itself. */
export type Envelope = Pick<CasCommand, 'soapVersion' | 'body' | 'headers'>;

/** A text that nobody writes, and that could be a name as well: so a tag in a name shows. */
const marker = (field: string, n: number): string => `Tag_${field}_${n}_gaT`;
const anyMarker = /Tag_(\w+?)_\d_gaT/g;

/**
 * Renders samples of the template and checks what every CAS needs: well-formed XML, one element in one Body, each tag in a
 * text or in the value of an attribute, every field sent that must be, and no `?` of SoapUI. Returns what the envelope
 * says; null if it cannot be read. Reports one mistake several times if several samples have it.
 */
export function checkTemplate(type: CommandType, template: Template, report: Report): Envelope | null {
  const mistake: Mistake = (line, problem) => report(template.file, line, problem);
  const envelopes: Envelope[] = [];
  let isReadable = true;
  for (const values of [...sampleFields(type, marker, true), ...sampleFields(type, marker, false)]) {
    const { text, lineOf } = template.trace(values);
    try {
      const { version, content, headers } = readSoapBody(text, fileLimits);
      if (nameOf(content) !== nameOf(envelopes[0]?.body ?? content)) {
        mistake(lineOf(bodyStart(text)), 'the element in the Body depends on a field; write the same one for all');
      }
      envelopes.push({
        soapVersion: version,
        body: { ns: content.ns, name: content.name },
        headers: new Set([...(envelopes.at(-1)?.headers ?? []), ...headers.map(nameOf)]),
      });
      checkLeftovers(text, (at, problem) => mistake(lineOf(at), problem));
      checkMarkers(text);
      // A tag that is a mistake may have been meant for the field.
      if (template.badLines.size === 0) checkSent(type, template, values, text, lineOf, mistake);
    } catch (error) {
      if (!(error instanceof XmlError)) throw error;
      isReadable = false;
      const malformed = `what the template makes ${error.message}; compare it with a request that works`;
      mistake(lineOf(error.position), error instanceof MisplacedTag ? error.message : malformed);
    }
  }
  return isReadable ? (envelopes.at(-1) ?? null) : null;
}

/** A tag in a name, a namespace or a CDATA section: other samples may be no XML at all. */
class MisplacedTag extends XmlError {}

type Mistake = (line: number, problem: string) => void;

/** Where the element in the Body starts, in an envelope that can be read. */
function bodyStart(text: string): number {
  const body = /<(?:[^\s<>:]+:)?Body(?:\s[^<>]*)?>\s*(?=<)/.exec(text);
  return body === null ? 0 : body.index + body[0].length;
}

/** SoapUI writes `?` for every value that it does not know. */
function checkLeftovers(text: string, mistake: (at: number, problem: string) => void): void {
  const remedy =
    'write a field or the text that the CAS wants, or remove it if it is optional; write &#63; if the CAS wants a question mark';
  for (const { 0: start, 1: element = '', 2: attributes = '', 3: leftover, index } of text.matchAll(
    /<([^\s<>/?!]+)([^<>]*)>(\s*\?\s*<\/)?/g,
  )) {
    if (leftover !== undefined) mistake(index, `<${element}> still has the ? of SoapUI; ${remedy}`);
    for (const [, attribute = ''] of attributes.matchAll(/\s([^\s=]+)\s*=\s*(["'])\?\2/g)) {
      mistake(index + start.indexOf(attribute), `${attribute} of <${element}> still has the ? of SoapUI; ${remedy}`);
    }
  }
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
  { uses }: Template,
  values: FieldValues,
  text: string,
  lineOf: (position: number) => number,
  mistake: Mistake,
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
    mistake(used ?? uses.get(field) ?? lineOf(bodyStart(text)), `${field} ${how}; write ${tag} where it belongs`);
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

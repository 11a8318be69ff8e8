import type { CommandType } from '../requests/command.ts';
import type { CasCommand } from './cas-definition.ts';
import { mustBeSent, requestFields } from './field-names.ts';
import type { Report } from './mistakes.ts';
import { sampleFields } from './samples.ts';
import { nameOf, readSoapBody } from './soap-envelope.ts';
import type { FieldValues, Template } from './template.ts';
import { fileLimits, readXml, type XmlElement, XmlError } from './xml.ts';

/** What the envelope of a template says of itself. */
type Envelope = Pick<CasCommand, 'soapVersion' | 'body' | 'headers'>;

/** A text that nobody writes, and that could be a name as well: so a tag in a name shows. */
const marker = (field: string, n: number): string => `Tag_${field}_${n}_gaT`;
const anyMarker = /Tag_(\w+?)_\d_gaT/g;

/**
 * Renders samples of the template and checks what every CAS needs: well-formed XML, one element in one Body, each tag in a
 * text or in the value of an attribute, and every field sent that must be. Returns what the envelope says; null after a mistake.
 */
export function checkTemplate(type: CommandType, template: Template, report: Report): Envelope | null {
  const { file } = template;
  const seen = new Map<string, number>();
  const envelopes: Envelope[] = [];
  for (const values of [...sampleFields(type, marker, true), ...sampleFields(type, marker, false)]) {
    const { text, lineOf } = template.trace(values);
    const mistake = (at: number, problem: string): void => {
      if (!seen.has(problem)) seen.set(problem, lineOf(at));
    };
    try {
      const { version, content, headers } = readSoapBody(text, fileLimits);
      if (nameOf(content) !== nameOf(envelopes[0]?.body ?? content)) {
        mistake(0, 'the element in the Body depends on a field; write the same one for all');
      }
      envelopes.push({
        soapVersion: version,
        body: { ns: content.ns, name: content.name },
        headers: new Set([...(envelopes.at(-1)?.headers ?? []), ...headers.map(nameOf)]),
      });
      checkMarkers(type, values, text, mistake);
    } catch (error) {
      if (!(error instanceof XmlError)) throw error;
      mistake(error.position, `what the template makes ${error.message}; compare it with a request that works`);
    }
  }
  for (const [problem, line] of seen) report(file, line, problem);
  return seen.size > 0 ? null : (envelopes.at(-1) ?? null);
}

function checkMarkers(
  type: CommandType,
  values: FieldValues,
  text: string,
  mistake: (at: number, problem: string) => void,
): void {
  for (const section of text.matchAll(/<!\[CDATA\[[\s\S]*?\]\]>/g)) {
    for (const tag of section[0].matchAll(anyMarker)) {
      mistake(
        section.index + tag.index,
        `{{${tag[1]}}} stands in a CDATA section, where it cannot be escaped; take the CDATA away`,
      );
      return;
    }
  }
  const texts: string[] = [];
  const collect = (element: XmlElement): void => {
    texts.push(element.text, ...Object.values(element.attributes));
    for (const child of element.children) collect(child);
  };
  collect(readXml(text, fileLimits));
  const left = new Map<string, number>();
  for (const one of texts) for (const [tag] of one.matchAll(anyMarker)) left.set(tag, (left.get(tag) ?? 0) + 1);
  for (const { 0: tag, 1: field, index } of text.matchAll(anyMarker)) {
    const times = left.get(tag) ?? 0;
    if (times === 0) {
      mistake(
        index,
        `{{${field}}} stands where no text can, such as in a name; write it between two tags or in an attribute`,
      );
      return;
    }
    left.set(tag, times - 1);
  }
  const sent = texts.join(' ');
  for (const [field, count] of Object.entries(requestFields[type])) {
    const value = values[field];
    if (!mustBeSent(field, count) || value === null || value === undefined) continue;
    const isSent = typeof value === 'string' ? sent.includes(value) : value.every(({ caId }) => sent.includes(caId));
    if (isSent) continue;
    const tag = typeof value === 'string' ? `{{${field}}}` : `{{#${field}}}…{{caId}}…{{/${field}}}`;
    mistake(0, `${field} is not sent, or not always; write ${tag} where it belongs`);
  }
}

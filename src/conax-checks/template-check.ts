import type { CasCommand } from '../conax/cas-definition.types.ts';
import { commonFields, itemFields, mustBeSent, requestFields } from '../conax/field-names.ts';
import type { FieldValues } from '../conax/template.ts';
import type { CommandType } from '../planning/command.ts';
import { nearName } from '../platform/near-name.ts';
import { nameOf, type QName, readStructure } from '../soap/envelope.ts';
import { fileLimits, readXml, secondRoot, type XmlElement, XmlError } from '../soap/xml.ts';
import { reportMisplaced } from './misplaced-fields.ts';
import type { Report } from './mistakes.ts';
import { sampleFields } from './samples.ts';
import { type ParsedTemplate, trace } from './template-parser.ts';

/** What the envelope of a template says of itself. */
export interface Envelope extends Pick<CasCommand, 'soapVersion' | 'body'> {
  /** The elements in the Header, each once, and how often one message has them at most. */
  readonly headers: readonly (QName & { readonly times: number; readonly line: number })[];
  /** The lines of the envelope and of the element in its Body. */
  readonly lines: { readonly envelope: number; readonly body: number };
}

/** A text that nobody writes, and that could be a name as well: so a tag in a name shows. */
const marker = (field: string, n: number): string => `Tag_${field}_${n}_gaT`;
const anyMarker = /Tag_(\w+?)_\d_gaT/g;

/**
 * Renders samples of the template and checks what every CAS needs: well-formed XML, one element in one Body, each tag in a
 * text or in the value of an attribute, every field sent that must be, no leftover of SoapUI, and no processing
 * instruction. Returns what the envelope says, or seems to say; null if no sample has an element in a Body. Reports one
 * mistake several times if several samples have it. Warns of texts that look like tags, and of fields in elements that are
 * named for another one.
 * The devices of a list that run together in one text are a mistake; divided on purpose, they are a warning.
 * @param entitled whether entitlements end: then an ADD without its end would last for ever.
 */
export function checkTemplate(
  type: CommandType,
  template: ParsedTemplate,
  entitled: boolean,
  report: Report,
  warn: Report,
): Envelope | null {
  if (template.broken === 'rest') return null;
  let envelope = null as Envelope | null;
  for (const values of [...sampleFields(type, marker, true), ...sampleFields(type, marker, false)]) {
    const { text, lineOf } = trace(template, values);
    const mistake = (at: number, problem: string): void => report(template.file, lineOf(at), problem);
    checkLeftovers(text, mistake);
    checkBraces(type, text, mistake, (at, problem) => warn(template.file, lineOf(at), problem));
    checkInstructions(text, mistake);
    checkLists(text, mistake, (at, problem) => warn(template.file, lineOf(at), problem));
    let end = text.length;
    const onMalformed = (error: XmlError): void => {
      if (error.message === secondRoot) end = error.position;
      mistake(error.position, malformed(error));
    };
    const errors: XmlError[] = [];
    const root = readTolerantly(text, (error) => errors.push(error));
    const lost = errors.findIndex((error) => !isReadable(error));
    errors.slice(0, lost < 0 ? undefined : lost + 1).forEach(onMalformed);
    // After the place where the parser is lost, nothing is what it seems.
    if (root === null || lost >= 0) continue;
    let isSound = true;
    const { version, at, content, headers } = readStructure(root, (problem) => {
      isSound = false;
      onMalformed(problem);
    });
    reportMisplaced(root, fieldsOf(type), fieldsIn, (mark, from, problem) =>
      warn(template.file, lineOf(text.indexOf(mark, from)), problem),
    );
    const texts = textsIn(root);
    checkMarkers(text.slice(0, end), texts, mistake);
    if (content === null) {
      if (isSound) onMalformed(new XmlError('has 0 elements in its SOAP body instead of one', at));
      continue;
    }
    if (envelope !== null && nameOf(content) !== nameOf(envelope.body)) {
      mistake(content.at, 'the element in the Body depends on a field; write the same one for all');
    }
    envelope = {
      soapVersion: version,
      body: { ns: content.ns, name: content.name },
      headers: mostOf(envelope?.headers ?? [], headers, lineOf),
      lines: { envelope: lineOf(at), body: lineOf(content.at) },
    };
    // Where an element should end, the text may be cut.
    if (errors.some(({ message }) => message.endsWith(' is not closed'))) continue;
    // What a login or a route in the Header has of the card is not what the operation works on.
    const sent = root.children.filter(({ name }) => name !== 'Header').flatMap(textsIn);
    checkSent(
      type,
      template,
      entitled ? values : { ...values, entitledUntil: null },
      { sent, all: texts },
      envelope.lines.body,
      report,
    );
  }
  return envelope;
}

function fieldsOf(type: CommandType): string[] {
  return [...Object.keys(requestFields[type]), ...commonFields];
}

function fieldsIn(text: string): { field: string; mark: string }[] {
  return Array.from(text.matchAll(anyMarker), ([mark, field = '']) => ({ field, mark }));
}

/** The elements in the Header of all samples. */
function mostOf(
  known: Envelope['headers'],
  headers: readonly XmlElement[],
  lineOf: (position: number) => number,
): Envelope['headers'] {
  const own = [...Map.groupBy(headers, nameOf).values()].flatMap(([one, ...more]) =>
    // The line of a second one, if there is one: it is too much.
    one === undefined ? [] : { ns: one.ns, name: one.name, times: 1 + more.length, line: lineOf((more[0] ?? one).at) },
  );
  const all = [...own, ...known].toSorted((a, b) => b.times - a.times);
  return [...Map.groupBy(all, nameOf).values()].flatMap(([most]) => most ?? []);
}

/** Whether an element is known all the same: the parser goes on at the right place. */
export function isReadable({ message }: XmlError): boolean {
  return message === secondRoot || / is (?:not closed|declared nowhere)$|has a document type/.test(message);
}

/** Reads a text as well as it can; null if nothing can be made of it. */
function readTolerantly(text: string, onMalformed: (error: XmlError) => void): XmlElement | null {
  let isReported = false;
  try {
    return readXml(text, fileLimits, (error) => {
      isReported = true;
      onMalformed(error);
    });
  } catch (error) {
    if (!(error instanceof XmlError)) throw error;
    if (!isReported) onMalformed(error);
    return null;
  }
}

function malformed({ message }: XmlError): string {
  const prefix = /the prefix (\S+) is declared nowhere/.exec(message)?.[1];
  const remedy =
    prefix !== undefined
      ? `write xmlns:${prefix}="…" at the Envelope`
      : message === secondRoot
        ? 'keep one envelope'
        : 'compare it with a request that works';
  return `the request ${message.replace(/\.$/, '')}; ${remedy}`;
}

type Mistake = (at: number, problem: string) => void;

/** SoapUI writes `?` for every value that it does not know. */
function checkLeftovers(text: string, mistake: Mistake): void {
  const remedy =
    'write a field or the text that the CAS wants, or remove it if it is optional; write &#63; if the CAS wants a question mark';
  const leftOver: Mistake = (at, place) => mistake(at, `${place} still has the ? of SoapUI; ${remedy}`);
  for (const { 1: element = '', 2: attributes = '', 3: leftover, index } of text.matchAll(
    /<([^\s<>/?!]+)([^<>]*)>(\s*\?\s*<\/)?/g,
  )) {
    if (leftover !== undefined) leftOver(index, `<${element}>`);
    for (const { 1: attribute = '', index: at } of attributes.matchAll(/(?<=\s)([^\s=]+)\s*=\s*(["'])\?\2/g)) {
      leftOver(index + 1 + element.length + at, `${attribute} of <${element}>`);
    }
  }
}

/** What other programs replace, such as `${#Project#card}` of SoapUI, and tags with single braces: they are sent as they stand. */
function checkBraces(type: CommandType, text: string, mistake: Mistake, warning: Mistake): void {
  const fields = [...fieldsOf(type), ...itemFields];
  for (const { 0: leftover, 1: name, index } of text.matchAll(/\$\{[^{}<>]*\}|\{\s*([A-Za-z_][\w.]*)\s*\}/g)) {
    const field = name === undefined ? null : nearName(name, fields);
    const as = `${leftover} is sent as it stands`;
    if (name === undefined) {
      mistake(
        index,
        `${as}; write a field as {{name}}, or the text that the CAS wants; write &#123; for its brace if it wants this`,
      );
    } else if (field === null) warning(index, `${as}; a field is written {{name}}, a brace that the CAS wants &#123;`);
    else mistake(index, `${as}; write {{${field}}}; write &#123; if the CAS wants the brace`);
  }
}

/** SOAP 1.1 (section 3) and 1.2 (part 1, section 5) forbid processing instructions. */
function checkInstructions(text: string, mistake: Mistake): void {
  const withoutCdata = text.replaceAll(cdata, (section) => ' '.repeat(section.length));
  for (const { 0: start, index } of withoutCdata.matchAll(/<\?(?!xml\s)[^\s?>]*/g)) {
    mistake(index, `${start} is a processing instruction, which no SOAP message may have; remove it`);
  }
}

/**
 * Two devices of a list in one text or attribute: the CAS would take them for one. A line break does not divide them, as
 * it may only be how the template is written.
 */
function checkLists(text: string, mistake: Mistake, warn: Mistake): void {
  for (const { 1: list = '', 2: between = '', index } of text.matchAll(
    /Tag_(smartcards|setTopBoxes)_0_gaT([^<>"]*?)Tag_\1_1_gaT/g,
  )) {
    const divider = between.replaceAll(anyMarker, '').replaceAll(/\s*\n\s*/g, '');
    if (/[^\p{L}\p{N}]/u.test(divider)) {
      warn(
        index,
        `the devices of ${list} are sent in one text, with "${divider}" between them; look whether the CAS takes them for several`,
      );
    } else {
      const remedy = `write the element inside the section: {{#${list}}}<…>{{caId}}</…>{{/${list}}}`;
      mistake(index, `the devices of ${list} run together in one text, as if they were one; ${remedy}`);
    }
  }
}

/** A tag in a name, a namespace or a CDATA section, where no text can stand. */
function checkMarkers(text: string, texts: readonly string[], mistake: Mistake): void {
  const left = new Map<string, number>();
  for (const one of texts) {
    for (const [tag] of one.matchAll(anyMarker)) left.set(tag, (left.get(tag) ?? 0) + 1);
  }
  const sections = Array.from(text.matchAll(cdata), ({ 0: { length }, index }) => ({
    from: index,
    to: index + length,
  }));
  for (const { 0: tag, 1: field, index } of text.matchAll(anyMarker)) {
    const times = left.get(tag) ?? 0;
    left.set(tag, times - 1);
    if (sections.some(({ from, to }) => from < index && index < to)) {
      mistake(index, `{{${field}}} stands in a CDATA section, where it cannot be escaped; take the CDATA away`);
    } else if (times <= 0) {
      const remedy = 'write it between two tags or in an attribute';
      mistake(index, `{{${field}}} stands where no text can, such as in a name; ${remedy}`);
    }
  }
}

const cdata = /<!\[CDATA\[[\s\S]*?\]\]>/g;

/** The fields that the Body must send: named where the template sends them otherwise, else at the Body's element. */
function checkSent(
  type: CommandType,
  { file, uses, badLines }: ParsedTemplate,
  values: FieldValues,
  texts: { readonly sent: readonly string[]; readonly all: readonly string[] },
  bodyLine: number,
  report: Report,
): void {
  const [sent, all] = [texts.sent.join(' '), texts.all.join(' ')];
  for (const [field, count] of Object.entries(requestFields[type])) {
    const value = values[field];
    if (value === null || value === undefined) continue;
    if (!mustBeSent(field, count) && field !== 'entitledUntil') continue;
    const isIn = (those: string): boolean =>
      typeof value === 'string' ? those.includes(value) : value.every(({ caId }) => those.includes(caId));
    // A tag that is a mistake may have been meant for the field.
    if (isIn(sent) || sent.includes(`{${field}}`) || [...badLines.values()].some((line) => isNamed(field, line)))
      continue;
    const tag = typeof value === 'string' ? `{{${field}}}` : `{{#${field}}}…{{caId}}…{{/${field}}}`;
    const used = uses.get(typeof value === 'string' ? field : `${field}.caId`);
    const remedy = field === 'entitledUntil' ? ', or do not set ENTITLEMENT_MONTHS: no entitlement would end' : '';
    const how = used === undefined ? 'is never sent' : isIn(all) ? 'stands only in the Header' : 'is not always sent';
    report(
      file,
      used ?? uses.get(field) ?? bodyLine,
      `${field} ${how}; write ${tag} where it belongs${isIn(all) ? ' in the Body' : ''}${remedy}`,
    );
  }
}

function isNamed(field: string, line: string): boolean {
  return Array.from(line.matchAll(/\w+/g)).some(([word]) => nearName(word, [field]) !== null);
}

/** The texts of an element and those in it, and of their attributes. */
function textsIn({ text, attributes, children }: XmlElement): string[] {
  return [text, ...Object.values(attributes), ...children.flatMap(textsIn)];
}

import { XmlParseError } from 'libxml2-wasm';
import { render } from '../conax/template.ts';
import type { CommandType } from '../planning/command.ts';
import { nearName } from '../platform/near-name.ts';
import { fileLimits, readXml, type XmlElement, XmlError } from '../soap/xml.ts';
import type { Report } from './mistakes.ts';
import { sampleFields } from './samples.ts';
import { isReadable } from './template-check.ts';
import { type ParsedTemplate, trace } from './template-parser.ts';
import { type NamespaceMistakes, wrongNamespace, wrongNamespaceOf, type WrongNamespace } from './wrong-namespaces.ts';
import { type Problem, type Validator, withoutNamespace } from './wsdl-validator.ts';
import { writeLines } from './xml-lines.ts';

const samples: Readonly<Record<string, readonly string[]>> = {
  smartcard: ['01234567890'],
  existingSmartcard: ['01234567890'],
  smartcards: ['01234567890', '01234567891'],
  setTopBox: ['STB000001'],
  setTopBoxes: ['STB000001', 'STB000002'],
  service: ['101'],
  distributor: ['0FBD5F6A1B2C4D3E8F90A1B2C3D4E5F6'],
  message: ['Text of a message'],
  queueNumber: ['17'],
  startAt: ['2026-01-31T20:00:00Z'],
  displayAt: ['2026-01-31T20:00:00Z'],
  durationSeconds: ['20'],
  repetitions: ['2'],
  intervalSeconds: ['10'],
  x: ['1'],
  y: ['2'],
  height: ['3'],
  slot: ['4'],
  pin: ['1234'],
  requestNumber: ['12345'],
  now: ['2026-01-31T19:59:59.123Z'],
  messageId: ['urn:uuid:0fbd5f6a-1b2c-4d3e-8f90-a1b2c3d4e5f6'],
  username: ['user'],
  password: ['password'],
  entitledFrom: ['2026-01-31T19:59:59.123Z'],
  entitledUntil: ['2026-02-28T19:59:59.123Z'],
};
/** Whose form the service fixes; the others are the operator's numbers and texts, which a schema may limit further. */
const ofOurForm = new Set(['startAt', 'displayAt', 'now', 'messageId', 'entitledFrom', 'entitledUntil']);
const operatorTexts = new Set(Object.entries(samples).flatMap(([field, texts]) => (ofOurForm.has(field) ? [] : texts)));

/** Returns a realistic value of a field; `n` counts the devices of a list. */
export function sampleText(field: string, n: number): string {
  return samples[field.endsWith('Distributor') ? 'distributor' : field]?.[n] ?? field;
}

/**
 * Validates samples of a template, with as little, as much and every part of a command, against the WSDL. A value of the
 * operator that a schema limits further than the sample is a warning; everything else that does not fit is a mistake.
 * Returns whether the WSDL has the element in the Body.
 */
export function checkRequests(
  type: CommandType,
  template: ParsedTemplate,
  validator: Validator,
  entitled: boolean,
  { reportIn: report, warnIn: warn, namespaces }: RequestFindings,
): boolean {
  if (template.broken === 'list' || template.broken === 'rest') return true;
  let isDeclared = true;
  const mistakes = new Map<string, number>();
  const warnings = new Map<string, number>();
  const all = sampleFields(type, sampleText, entitled);
  // Only the largest one has every part.
  for (const values of template.broken === null ? all : all.slice(1, 2)) {
    const { text, lineOf } = trace(template, values);
    const message = readMessage(text);
    if (message === null) continue;
    const { problems, wrong } = problemsOf(validator, message);
    for (const [at, inWrongNamespace] of wrong) namespaces.addInTemplate(inWrongNamespace, template.file, lineOf(at));
    for (const { at, problem } of problems) {
      const kind = isOfOperator(problem, problems) ? warnings : mistakes;
      const line = lineOf(at);
      const said = withMeant(problem, validator);
      if (problem.undeclared !== null) isDeclared = false;
      // What stands there is a mistake already.
      if (!kind.has(said) && !template.badLines.has(line)) kind.set(said, line);
    }
  }
  const period = ['entitledFrom', 'entitledUntil'].filter((field) => template.uses.has(field));
  // What does not fit only because there is no period.
  const withPeriod = entitled || period.length === 0 ? null : problemTexts(type, template, validator);
  const [least] = sampleFields(type, sampleText, false);
  const withoutPeriod = least === undefined ? '' : render(template, least);
  for (const [text, line] of mistakes) {
    const field = period.find((one) => template.uses.get(one) === line) ?? period[0];
    const remedy =
      withPeriod === null || withPeriod.has(text) || isOfOrder(text, withoutPeriod)
        ? 'Compare it with a request of SoapUI'
        : `No command has a period, because ENTITLEMENT_MONTHS is not set; write {{#${field}}}…{{/${field}}} around the element of the period, or set ENTITLEMENT_MONTHS if the CAS demands it`;
    report(template.file, line, `does not fit the WSDL: ${text} ${remedy}`);
  }
  for (const [text, line] of warnings) {
    warn(template.file, line, `a sample does not fit the WSDL: ${text} Look whether your values do`);
  }
  return isDeclared;
}

/** The problems of all samples that have a period. */
function problemTexts(type: CommandType, template: ParsedTemplate, validator: Validator): ReadonlySet<string> {
  const texts = sampleFields(type, sampleText, true).flatMap((values) => {
    const message = readMessage(render(template, values));
    const problems = message === null ? [] : problemsOf(validator, message).problems;
    return problems.map(({ problem }) => withMeant(problem, validator));
  });
  return new Set(texts);
}

/** Whether an element that is expected stands in the request all the same: then the order is wrong. */
function isOfOrder(problem: string, request: string): boolean {
  const [, list = ''] = /Expected is(?: one of)? \( (.*) \)/.exec(problem) ?? [];
  const names = list.split(/,\s+/).map((name) => name.replace(/^.*\}/, ''));
  return names.some((name) => request.split(/[<>:/\s]/).includes(name) && name !== '');
}

interface RequestFindings {
  readonly reportIn: Report;
  readonly warnIn: Report;
  readonly namespaces: NamespaceMistakes;
}

/** A request, and the places where it is no XML: what is wrong there is known. */
interface Message {
  readonly root: XmlElement;
  readonly known: ReadonlySet<number>;
  /** The elements that are not closed: what follows them seems to be in them. */
  readonly unclosed: ReadonlySet<number>;
}

/** Reads a request whose elements are not closed or have no namespace; null if it is worse. */
function readMessage(text: string): Message | null {
  const known = new Set<number>();
  const unclosed = new Set<number>();
  try {
    const root = readXml(text, fileLimits, (error) => {
      if (!isReadable(error)) throw error;
      if (error.message.endsWith(' is not closed')) unclosed.add(error.position);
      known.add(error.position);
    });
    return { root, known, unclosed };
  } catch (error) {
    if (error instanceof XmlError) return null;
    throw error;
  }
}

interface PlacedProblem {
  readonly problem: Problem;
  readonly at: number;
}

const roundsMax = 20;

/**
 * What is wrong with a message. The validator says no more of an element after the first one in it that may not stand
 * there: so elements in a wrong namespace are corrected, others left out, and the rest is looked at again.
 */
function problemsOf(
  validator: Validator,
  { root, known, unclosed }: Message,
): { readonly problems: readonly PlacedProblem[]; readonly wrong: readonly (readonly [at: number, WrongNamespace])[] } {
  const problems = new Map<string, PlacedProblem>();
  const wrong = new Map<string, readonly [number, WrongNamespace]>();
  const namespaces = new Map<string, string>();
  const moved = new Map<XmlElement, string>();
  const leftOut = new Set<XmlElement>();
  for (let round = 1, isChanged = true; isChanged && round <= roundsMax; round += 1) {
    isChanged = false;
    const { text, byLine } = writeLines(root, {
      namespaceOf: (element) => moved.get(element) ?? namespaces.get(element.ns) ?? element.ns,
      isLeftOut: (element) => leftOut.has(element),
    });
    for (const problem of validate(validator, text)) {
      const element = byLine[problem.line] ?? root;
      const { at } = element;
      const is = wrongIn(problem, validator);
      if (is !== null) {
        if (!known.has(at)) wrong.set(`${at} ${is.is}`, [at, is]);
        if (is.isOfWsdl) moved.set(element, is.wanted);
        else namespaces.set(is.is, is.wanted);
        isChanged = true;
        continue;
      }
      const { unexpected } = problem;
      const parent = parentOf(root, element);
      const isSwallowed = unexpected !== null && parent !== null && unclosed.has(parent.at);
      if (!isSwallowed && !known.has(at)) problems.set(`${at} ${problem.text}`, { problem, at });
      // What is expected may be missing; if it comes later, this element is too much.
      const siblings = unexpected === null ? [] : (parent?.children ?? []);
      const isTooMuch = siblings
        .slice(siblings.indexOf(element) + 1)
        .some(({ name }) => unexpected?.expected.some((one) => one.name === name));
      if (isTooMuch || (unexpected !== null && unexpected.expected.length === 0)) {
        leftOut.add(element);
        isChanged = true;
      }
    }
  }
  return { problems: [...problems.values()], wrong: [...wrong.values()] };
}

/** A tag in a name is a mistake of the template already, and a sample there may be no name. */
function validate(validator: Validator, message: string): Problem[] {
  try {
    return validator.validate(message);
  } catch (error) {
    if (error instanceof XmlParseError) return [];
    throw error;
  }
}

function parentOf(outer: XmlElement, element: XmlElement): XmlElement | null {
  if (outer.children.includes(element)) return outer;
  return outer.children.map((child) => parentOf(child, element)).find((found) => found !== null) ?? null;
}

function wrongIn(problem: Problem, validator: Validator): WrongNamespace | null {
  if (problem.undeclared === null) return wrongNamespaceOf(problem, validator);
  return wrongNamespace(problem.undeclared, inputsOf(validator), validator.namespaces);
}

/** The text of a problem; for an element of the Body with the operation that was probably meant. */
function withMeant({ text, undeclared }: Problem, validator: Validator): string {
  if (undeclared === null) return withoutNamespace(text);
  const names = [...new Set(inputsOf(validator).map(({ name }) => name))];
  const meant = nearName(undeclared.name, names);
  const remedy = meant === null ? `Its operations take ${names.join(', ') || 'nothing'}.` : `Did you mean ${meant}?`;
  return `${text} ${remedy}`;
}

function inputsOf({ operations }: Validator) {
  return operations.flatMap(({ input }) => (input === null ? [] : [input]));
}

/** A value is refused twice: for its facet, and for its type. */
function isOfOperator(problem: Problem, problems: readonly PlacedProblem[]): boolean {
  const value = /[Tt]he value '([^']*)'|': '([^']*)' is not a valid value/.exec(problem.text);
  const text = value?.[1] ?? value?.[2];
  if (text === undefined || !operatorTexts.has(text)) return false;
  return problems.some(({ problem: one }) => one.line === problem.line && one.text.includes('[facet '));
}

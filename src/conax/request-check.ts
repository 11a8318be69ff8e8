import { XmlParseError } from 'libxml2-wasm';
import type { CommandType } from '../planning/command.ts';
import { nearName } from '../platform/near-name.ts';
import type { Report } from './mistakes.ts';
import { sampleFields } from './samples.ts';
import type { Template } from './template.ts';
import { type NamespaceMistakes, wrongNamespace, wrongNamespaceOf, type WrongNamespace } from './wrong-namespaces.ts';
import { type Problem, type Validator, withoutNamespace } from './wsdl-validator.ts';

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
  template: Template,
  validator: Validator,
  entitled: boolean,
  { reportIn: report, warnIn: warn, namespaces }: RequestFindings,
): boolean {
  let isDeclared = true;
  const mistakes = new Map<string, number>();
  const warnings = new Map<string, number>();
  for (const values of sampleFields(type, sampleText, entitled)) {
    const { text, lineOf } = template.trace(values);
    const { lines, positionOf } = oneTagALine(text);
    const { problems, wrong } = problemsOf(validator, lines);
    for (const [problem, inWrongNamespace] of wrong) {
      namespaces.addInTemplate(inWrongNamespace, template.file, lineOf(positionOf(problem.line)));
    }
    for (const problem of problems) {
      const kind = isOfOperator(problem, problems) ? warnings : mistakes;
      const line = lineOf(positionOf(problem.line));
      const said = withMeant(problem, validator);
      if (problem.undeclared !== null) isDeclared = false;
      // What stands there is a mistake already.
      if (!kind.has(said) && !template.badLines.has(line)) kind.set(said, line);
    }
  }
  // An element of the period that is not in a section.
  const mayNeedPeriod = !entitled && ['entitledFrom', 'entitledUntil'].some((field) => template.uses.has(field));
  for (const [text, line] of mistakes) {
    const months = mayNeedPeriod ? ', or set ENTITLEMENT_MONTHS if it is about the period' : '';
    report(template.file, line, `does not fit the WSDL: ${text} Compare it with a request of SoapUI${months}`);
  }
  for (const [text, line] of warnings) {
    warn(template.file, line, `a sample does not fit the WSDL: ${text} Look whether your values do`);
  }
  return isDeclared;
}

interface RequestFindings {
  readonly reportIn: Report;
  readonly warnIn: Report;
  readonly namespaces: NamespaceMistakes;
}

const namespacesMax = 5;

/** What a message has in wrong namespaces, and what else is wrong with it once these are right. */
function problemsOf(
  validator: Validator,
  message: string,
): { readonly problems: readonly Problem[]; readonly wrong: readonly (readonly [Problem, WrongNamespace])[] } {
  const wrong: (readonly [Problem, WrongNamespace])[] = [];
  let corrected = message;
  for (let round = 1; ; round += 1) {
    const found = validate(validator, corrected).map((problem) => [problem, wrongIn(problem, validator)] as const);
    const again = found.flatMap(([problem, is]) => (is === null ? [] : [[problem, is] as const]));
    wrong.push(...again);
    const unknown = again.map(([, is]) => is).filter(({ isOfWsdl }) => !isOfWsdl);
    if (unknown.length === 0 || round > namespacesMax) {
      return { problems: found.flatMap(([problem, is]) => (is === null ? [problem] : [])), wrong };
    }
    for (const { is, wanted } of unknown) {
      for (const quote of ['"', "'"])
        corrected = corrected.replaceAll(`${quote}${is}${quote}`, () => `${quote}${wanted}${quote}`);
    }
  }
}

/** What is no XML is a mistake of the template already. */
function validate(validator: Validator, message: string): Problem[] {
  try {
    return validator.validate(message);
  } catch (error) {
    if (error instanceof XmlParseError) return [];
    throw error;
  }
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
function isOfOperator(problem: Problem, problems: readonly Problem[]): boolean {
  const value = /[Tt]he value '([^']*)'|': '([^']*)' is not a valid value/.exec(problem.text);
  const text = value?.[1] ?? value?.[2];
  if (text === undefined || !operatorTexts.has(text)) return false;
  return problems.some((one) => one.line === problem.line && one.text.includes('[facet '));
}

/**
 * Puts a line break into every start tag. XML ignores it, and the line of an element then tells its position.
 */
function oneTagALine(text: string): { lines: string; positionOf: (line: number) => number } {
  const starts: { readonly line: number; readonly at: number }[] = [];
  let line = 1;
  const lines = text.replaceAll(/\n|<!\[CDATA\[[\s\S]*?\]\]>|<[^\s/>?!]+/g, (piece, at: number) => {
    if (piece.startsWith('<![')) line += piece.split('\n').length - 1;
    else line += 1;
    if (piece === '\n' || piece.startsWith('<![')) return piece;
    starts.push({ line, at });
    return `${piece}\n`;
  });
  return { lines, positionOf: (wanted) => starts.findLast((start) => start.line <= wanted)?.at ?? 0 };
}

import type { CommandType } from '../planning/command.ts';
import type { Report } from './mistakes.ts';
import { sampleFields } from './samples.ts';
import type { Template } from './template.ts';
import type { Problem, Validator } from './wsdl-validator.ts';

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
 */
export function checkRequests(
  type: CommandType,
  template: Template,
  validator: Validator,
  entitled: boolean,
  report: Report,
  warn: Report,
): void {
  const mistakes = new Map<string, number>();
  const warnings = new Map<string, number>();
  for (const values of sampleFields(type, sampleText, entitled)) {
    const { text, lineOf } = template.trace(values);
    const { lines, positionOf } = oneTagALine(text);
    const problems = validator.validate(lines);
    for (const problem of problems) {
      const kind = isOfOperator(problem, problems) ? warnings : mistakes;
      const line = lineOf(positionOf(problem.line));
      // What stands there is a mistake already.
      if (!kind.has(problem.text) && !template.badLines.has(line)) kind.set(problem.text, line);
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

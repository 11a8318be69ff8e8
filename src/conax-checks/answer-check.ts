import type { AnswerShape } from '../conax/cas-definition.types.ts';
import type { AnswerPath } from '../soap/xml-path.ts';
import { nameOf, type QName, soapNamespaces } from '../soap/envelope.ts';
import { escapeXml } from '../soap/xml.ts';
import { type ReportMember } from './answer-entry.ts';
import { type WrongNamespace, wrongNamespaceOf } from './wrong-namespaces.ts';
import { type Problem, type Validator, withoutNamespace } from './wsdl-validator.ts';

/** Validations for one path. Real answers need some ten: one for each element that comes before the wanted one. */
const triesMax = 400;

interface AnswerFindings {
  readonly report: ReportMember;
  /** What could not be checked, and why. */
  readonly unchecked: ReportMember;
  readonly inWrongNamespace: (member: string, wrong: WrongNamespace) => void;
}

/**
 * Checks the paths of an answer against the WSDL's schemas: an answer is written with nothing but the path, and the elements
 * that the validator expects before it are added until it is content. What can never be there is a mistake, and so is a
 * status code whose type takes none of the success codes, or is a number or boolean that the CAS writes in another way than a
 * list has it.
 */
export function checkAnswer(shape: AnswerShape, validator: Validator, findings: AnswerFindings): void {
  const { report, unchecked } = findings;
  if (!validator.hasSchemas || shape.element === null) return;
  const root = shape.element;
  const declared = validate(validator, element(root, ''));
  if (declared.some(({ undeclared }) => undeclared !== null)) {
    const [field = 'element'] = Object.keys(shape.paths);
    report(field, `the WSDL has no element ${nameOf(root)}; look at the answer in SoapUI, and at "namespaces"`);
    return;
  }
  if (declared.some(({ text }) => /abstract/.test(text))) {
    unchecked('element', `${nameOf(root)} is abstract, so its paths are not checked`);
    return;
  }
  for (const [field, path] of Object.entries(shape.paths)) {
    // Without success codes, which is a mistake of its own, the place is checked all the same.
    const codes = field === 'statusCode' ? [...shape.success] : [];
    const texts = codes.length > 0 ? codes : ['1'];
    checkPath(shape, field, path, texts, validator, findings);
  }
  const { statusCode } = shape.paths;
  if (statusCode !== undefined) checkForms(shape, statusCode, validator, findings);
}

/** The code that a CAS writes for the same number or boolean; and a form that only such a type takes as well. */
function usualForm(code: string): { readonly usual: string; readonly odd: string; readonly type: string } | null {
  const [, sign = '', digits] = /^([+-]?)0*(\d+)$/.exec(code) ?? [];
  if (digits === undefined) return null;
  const usual = `${sign === '-' && digits !== '0' ? '-' : ''}${digits}`;
  if (usual !== code) return { usual, odd: `${usual.startsWith('-') ? '-' : '+'}00${digits}`, type: 'a number' };
  return digits === '0' || digits === '1'
    ? { usual: digits === '0' ? 'false' : 'true', odd: digits === '0' ? '1' : '0', type: 'a boolean' }
    : null;
}

/** Codes are compared as texts: one of a number or boolean must be written as the CAS writes it. */
function checkForms(shape: AnswerShape, path: AnswerPath, validator: Validator, { report }: AnswerFindings): void {
  const takes = (text: string): boolean => problemOf(validator, path, text) === null;
  for (const list of ['success', 'refused', 'tryLater', 'notAuthorised'] as const) {
    for (const code of shape[list]) {
      const form = usualForm(code);
      if (form === null || shape[list].has(form.usual)) continue;
      const { usual, odd, type } = form;
      if (![code, usual, odd].every(takes) || takes('x')) continue;
      const remedy = `write "${usual}" into "${list}", also beside "${code}" if the CAS writes that`;
      report('statusCode', `its type is ${type}, which is usually written ${usual}, not ${code}; ${remedy}`);
    }
  }
}

function checkPath(
  shape: AnswerShape,
  field: string,
  path: AnswerPath,
  texts: readonly string[],
  validator: Validator,
  findings: AnswerFindings,
  corrections = 0,
): void {
  const { report, unchecked, inWrongNamespace } = findings;
  const problems = texts.map((text) => problemOf(validator, path, text));
  const [problem] = problems;
  if (problem === undefined || problem === null || problems.includes(null)) return;
  switch (problem.kind) {
    case 'namespace': {
      const { depth, wrong } = problem;
      inWrongNamespace(field, wrong);
      const corrected = path.map((step, index) => (index === depth ? { ...step, ns: wrong.wanted } : step));
      if (corrections < path.length) checkPath(shape, field, corrected, texts, validator, findings, corrections + 1);
      return;
    }
    case 'too many':
      return unchecked(field, 'could not be checked: too much may stand before it');
    case 'container':
      // With all in it.
      if (field.startsWith('ignored')) return;
      return report(field, 'has elements in it and no text; write the path down to the element with the text');
    case 'place':
      return report(
        field,
        `the WSDL has no such place: ${withoutNamespace(problem.text)} Look at the answer in SoapUI`,
      );
    case 'text':
      if (field === 'statusCode' && shape.success.size > 0) {
        report(
          field,
          `its type takes none of the success codes ${texts.join(', ')}: ${withoutNamespace(problem.text)} Correct "success"`,
        );
      }
  }
}

type PathProblem =
  /** A step that may never stand there, or a text that its type does not take. */
  | { readonly kind: 'place' | 'text'; readonly text: string }
  | { readonly kind: 'namespace'; readonly depth: number; readonly wrong: WrongNamespace }
  | { readonly kind: 'container' | 'too many' }
  | null;

function problemOf(validator: Validator, path: AnswerPath, text: string): PathProblem {
  const budget = { tries: triesMax };
  // Outermost first: what comes before a step is the same whatever it holds.
  let before: readonly (readonly QName[])[] = [];
  for (let depth = 2; depth <= path.length; depth += 1) {
    const { isAttribute } = path[depth - 1] ?? { isAttribute: false };
    const result = isAttribute
      ? { before: [...before, []], problem: null }
      : place(validator, path.slice(0, depth), before, text, budget);
    if (result.problem !== null) return result.problem;
    before = result.before;
  }
  const names = path.map((step) => `'${nameOf(step)}'`);
  const about = (problem: Problem): boolean => names.some((name) => problem.text.includes(`Element ${name}`));
  for (const { text: said } of validate(validator, written(path, before, text)).filter(about)) {
    if (said.includes('element-only')) return { kind: 'container' };
    if (/attribute '[^']*': The attribute|content is not allowed|not allowed, because/.test(said)) {
      return { kind: 'place', text: said };
    }
    if (/facet|not a valid value|must be|fixed/.test(said) && said.includes(names.at(-1) ?? '')) {
      return { kind: 'text', text: said };
    }
  }
  return null;
}

/** Finds the elements that must come before the last step of a path. */
function place(
  validator: Validator,
  path: AnswerPath,
  before: readonly (readonly QName[])[],
  text: string,
  budget: { tries: number },
): { readonly before: readonly (readonly QName[])[]; readonly problem: PathProblem } {
  const last = path.at(-1);
  const wanted = last === undefined ? '' : nameOf(last);
  let first: Problem | undefined;
  let wrong: WrongNamespace | null = null;
  const search = (added: readonly QName[]): readonly QName[] | null => {
    budget.tries -= 1;
    const problems = validate(validator, written(path, [...before, added], text));
    const own = problems.find(({ unexpected }) => unexpected !== null && nameOf(unexpected.element) === wanted);
    if (own === undefined) {
      const refused = problems.find((problem) => /Element content is not allowed/.test(problem.text));
      first ??= refused;
      return refused === undefined ? added : null;
    }
    first ??= own;
    wrong ??= wrongNamespaceOf(own, validator);
    for (const name of own.unexpected?.expected ?? []) {
      if (budget.tries <= 0 || added.length >= 30) return null;
      if (added.filter((one) => nameOf(one) === nameOf(name)).length > 1) continue;
      const found = search([...added, name]);
      if (found !== null) return found;
    }
    return null;
  };
  const found = search([]);
  if (found !== null) return { before: [...before, found], problem: null };
  if (wrong !== null) return { before, problem: { kind: 'namespace', depth: path.length - 1, wrong } };
  return { before, problem: budget.tries <= 0 ? { kind: 'too many' } : { kind: 'place', text: first?.text ?? '' } };
}

/** Writes an answer that has nothing but the path, and before each of its steps the elements of `before`. */
function written(path: AnswerPath, before: readonly (readonly QName[])[], text: string): string {
  const [step, next] = path;
  if (step === undefined) throw new Error('a path has a step');
  if (next === undefined) return element(step, escapeXml(text));
  if (next.isAttribute) {
    const name = next.ns === '' ? next.name : `a:${next.name}`;
    const declared = next.ns === '' ? '' : ` xmlns:a="${escapeXml(next.ns)}"`;
    return element(step, '', `${declared} ${name}="${escapeXml(text)}"`);
  }
  const siblings = (before[0] ?? []).map((sibling) => element(sibling, ''));
  return element(step, siblings.join('') + written(path.slice(1), before.slice(1), text));
}

function element({ ns, name }: QName, content: string, attributes = ''): string {
  if (ns === '') return `<${name}${attributes}>${content}</${name}>`;
  return `<n:${name} xmlns:n="${escapeXml(ns)}"${attributes}>${content}</n:${name}>`;
}

function validate(validator: Validator, answer: string): Problem[] {
  const soap = soapNamespaces['1.1'];
  return validator.validate(`<s:Envelope xmlns:s="${soap}"><s:Body>${answer}</s:Body></s:Envelope>`);
}

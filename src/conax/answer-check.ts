import type { AnswerPath, AnswerShape, QName, ReportMember } from './answer-shape.ts';
import { nameOf, soapNamespaces } from './soap-envelope.ts';
import type { Problem, Validator } from './wsdl-validator.ts';
import { escapeXml } from './xml.ts';

/** Validations for one path. Real answers need some ten: one for each element that comes before the wanted one. */
const triesMax = 400;

/**
 * Checks the paths of an answer against the WSDL's schemas: an answer is written with nothing but the path, and the elements
 * that the validator expects before it are added until it is content. What can never be there is a mistake, and so is a
 * status code whose type takes none of the success codes.
 */
export function checkAnswer(
  shape: AnswerShape,
  validator: Validator,
  report: ReportMember,
  unchecked: ReportMember,
): void {
  if (!validator.hasSchemas || shape.element === null) return;
  const root = shape.element;
  const declared = validate(validator, element(root, ''));
  if (declared.some(({ text }) => text.startsWith('the WSDL has no element'))) {
    const [field = 'element'] = Object.keys(shape.paths);
    report(field, `the WSDL has no element ${nameOf(root)}; look at the answer in SoapUI, and at "namespaces"`);
    return;
  }
  if (declared.some(({ text }) => /abstract/.test(text))) {
    unchecked('element', `${nameOf(root)} is abstract, so its paths are not checked`);
    return;
  }
  for (const [field, path] of Object.entries(shape.paths)) {
    const texts = field === 'statusCode' ? [...shape.success] : ['1'];
    const problems = texts.map((text) => problemOf(validator, path, text));
    if (problems.includes(null)) continue;
    const [problem] = problems;
    if (problem === 'too many') unchecked(field, 'could not be checked: too much may stand before it');
    else if (problem && /element-only/.test(problem.text)) {
      report(field, 'has elements in it and no text; write the path down to the element with the text');
    } else if (problem?.isText === false)
      report(field, `the WSDL has no such place: ${problem.text} Look at the answer in SoapUI`);
    else if (field === 'statusCode' && problem) {
      report(field, `its type takes none of the success codes ${texts.join(', ')}: ${problem.text} Correct "success"`);
    }
  }
}

type PathProblem = { readonly text: string; readonly isText: boolean } | 'too many' | null;

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
  for (const problem of validate(validator, written(path, before, text)).filter(about)) {
    if (
      /attribute '[^']*': The attribute|content is not allowed|not allowed, because|element-only/.test(problem.text)
    ) {
      return { text: problem.text, isText: false };
    }
    if (/facet|not a valid value|must be|fixed/.test(problem.text) && problem.text.includes(names.at(-1) ?? '')) {
      return { text: problem.text, isText: true };
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
  const search = (added: readonly QName[]): readonly QName[] | null => {
    budget.tries -= 1;
    const problems = validate(validator, written(path, [...before, added], text));
    const own = problems.find((problem) =>
      problem.text.startsWith(`Element '${wanted}': This element is not expected`),
    );
    if (own === undefined) {
      const refused = problems.find((problem) => /Element content is not allowed/.test(problem.text));
      first ??= refused;
      return refused === undefined ? added : null;
    }
    first ??= own;
    for (const name of expectedIn(own.text)) {
      if (budget.tries <= 0 || added.length >= 30) return null;
      if (added.filter((one) => nameOf(one) === nameOf(name)).length > 1) continue;
      const found = search([...added, name]);
      if (found !== null) return found;
    }
    return null;
  };
  const found = search([]);
  if (found !== null) return { before: [...before, found], problem: null };
  return { before, problem: budget.tries <= 0 ? 'too many' : { text: first?.text ?? '', isText: false } };
}

/** The names in "Expected is one of ( {ns}a, {ns}b )."; wildcards are left out. */
function expectedIn(text: string): QName[] {
  const list = /Expected is(?: one of)? \( (.*) \)/.exec(text)?.[1] ?? '';
  return list.split(/,\s+/).flatMap((name) => {
    const [, ns = '', local] = /^(?:\{([^*#]*)\})?([\p{L}_][\p{L}\p{N}._-]*)$/u.exec(name) ?? [];
    return local === undefined ? [] : [{ ns, name: local }];
  });
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

import type { AnswerPath, AnswerShape, AnswerStep, QName, ReportMember } from './answer-shape.ts';
import { nameOf, soapNamespaces } from './soap-envelope.ts';
import type { Problem, Validator } from './wsdl-check.ts';
import { escapeXml } from './xml.ts';

/** An element of an answer that is tried out on the validator. */
interface Tried {
  readonly step: QName;
  readonly attribute?: AnswerStep | undefined;
  readonly text?: string | undefined;
  readonly children: readonly Tried[];
}

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
  const { element } = shape;
  const declared = validate(validator, { step: element, children: [] });
  if (declared.some(({ text }) => text.startsWith('the WSDL has no element'))) {
    const [field = 'element'] = Object.keys(shape.paths);
    report(field, `the WSDL has no element ${nameOf(element)}; look at the answer in SoapUI, and at "namespaces"`);
    return;
  }
  if (declared.some(({ text }) => /abstract/.test(text))) {
    unchecked('element', `${nameOf(element)} is abstract, so its paths are not checked`);
    return;
  }
  for (const [field, path] of Object.entries(shape.paths)) {
    const texts = field === 'statusCode' ? [...shape.success] : ['1'];
    const problems = texts.map((text) => problemOf(validator, path, text));
    if (problems.includes(null)) continue;
    const [problem] = problems;
    if (problem === 'too many') unchecked(field, 'could not be checked: too much may stand before it');
    else if (problem?.isText === false)
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
  for (const problem of validate(validator, chain(path, before, text)).filter(about)) {
    if (/attribute '[^']*': The attribute|content is not allowed|not allowed, because/.test(problem.text)) {
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
    const problems = validate(validator, chain(path, [...before, added], text));
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

function chain(path: AnswerPath, before: readonly (readonly QName[])[], text: string): Tried {
  const [step, next, ...rest] = path;
  if (step === undefined) throw new Error('a path has a step');
  if (next === undefined) return { step, text, children: [] };
  if (next.isAttribute) return { step, attribute: next, text, children: [] };
  const siblings = (before[0] ?? []).map((sibling) => ({ step: sibling, children: [] }));
  return { step, children: [...siblings, chain([next, ...rest], before.slice(1), text)] };
}

function validate(validator: Validator, tried: Tried): Problem[] {
  const soap = soapNamespaces['1.1'];
  return validator.validate(`<s:Envelope xmlns:s="${soap}"><s:Body>${written(tried)}</s:Body></s:Envelope>`);
}

function written({ step, attribute, text = '', children }: Tried): string {
  const [name, ns] = step.ns === '' ? [step.name, ''] : [`n:${step.name}`, ` xmlns:n="${escapeXml(step.ns)}"`];
  if (attribute !== undefined) {
    const [own, declared] =
      attribute.ns === '' ? [attribute.name, ''] : [`a:${attribute.name}`, ` xmlns:a="${escapeXml(attribute.ns)}"`];
    return `<${name}${ns}${declared} ${own}="${escapeXml(text)}"/>`;
  }
  return `<${name}${ns}>${children.length > 0 ? children.map(written).join('') : escapeXml(text)}</${name}>`;
}

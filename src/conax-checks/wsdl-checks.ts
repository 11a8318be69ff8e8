import type { AnswerShape, CasCommand } from '../conax/cas-definition.types.ts';
import { didYouMean, nearName } from '../platform/near-name.ts';
import { nameOf, type QName, soapNamespaces } from '../soap/envelope.ts';
import { checkAnswer } from './answer-check.ts';
import { type ReportMember } from './answer-entry.ts';
import type { Report } from './mistakes.ts';
import { checkRequests } from './request-check.ts';
import type { Envelope } from './template-check.ts';
import type { ParsedTemplate } from './template-parser.ts';
import { type NamespaceMistakes, wrongNamespace } from './wrong-namespaces.ts';
import type { WsdlOperation } from './wsdl-operations.ts';
import type { Validator } from './wsdl-validator.ts';

/** Takes what is found about a command: at a member of its entry in conax.json, or at a line of its template. */
export interface Findings {
  readonly report: ReportMember;
  readonly warn: ReportMember;
  /** Takes that the WSDL answers the request with another element: perhaps it is the request of another command. */
  readonly wrongAnswer: (problem: string) => void;
  /** What could not be checked, and why. */
  readonly unchecked: ReportMember;
  readonly reportIn: Report;
  readonly warnIn: Report;
  readonly namespaces: NamespaceMistakes;
}

/** The parts of a command that its WSDL says something about. */
export interface CheckedCommand extends Pick<CasCommand, 'type' | 'answer'> {
  /** That of conax.json. */
  readonly soapAction: string | undefined;
  /** null if there is none that can be read. */
  readonly template: ParsedTemplate | null;
  /** Whether every request has a UsernameToken. */
  readonly hasToken: boolean;
  /** null if no sample of the template is an envelope: then its elements and the answer are checked alone. */
  readonly envelope: Envelope | null;
}

/** How the WSDL of a command takes it. */
export interface Bound {
  /** That of conax.json, else that of the WSDL; undefined if the WSDL has several. */
  readonly soapAction: string | undefined;
  /** The operations with this action and the element in the Body; with each, if the WSDL has several. */
  readonly operations: readonly WsdlOperation[];
}

/**
 * Checks a command against the WSDL of its area.
 * @param entitled whether entitlements end, so that every ADD has a period.
 */
export function checkAgainstWsdl(
  wsdlFile: string,
  validator: Validator,
  command: CheckedCommand,
  entitled: boolean,
  findings: Findings,
): Bound {
  const { type, template, envelope, soapAction } = command;
  const { operations } = validator;
  let isDeclared = true;
  const isUnknownRpc = envelope === null && operations.some(({ style }) => style === 'rpc');
  if (envelope !== null && isRpc(operations, 'input', envelope.body)) {
    const { name } = envelope.body;
    const problem = `${name} is an rpc operation, whose messages no schema describes: they are not checked`;
    findings.unchecked('template', problem);
  } else {
    if (envelope !== null) noteGap('template', 'request', envelope.body, validator, findings);
    if (template !== null && validator.hasSchemas && !isUnknownRpc)
      isDeclared = checkRequests(type, template, validator, entitled, findings);
  }
  const taking = envelope === null ? [] : operationsTaking(envelope.body, operations);
  const fitting = taking.filter((operation) => operation.soapVersion === envelope?.soapVersion);
  const ofAction = fitting.filter((operation) => operation.soapAction === soapAction);
  const meant = ofAction.length > 0 ? ofAction : fitting;
  const answer = checkRoot(command.answer, meant, command, validator, findings);
  if (answer !== null && !isRpc(operations, 'output', answer.element)) {
    const atAnswer =
      (to: ReportMember): ReportMember =>
      (member, problem) =>
        to(`answer.${member}`, problem);
    if (answer.element !== null) noteGap('answer', 'answer', answer.element, validator, findings);
    checkAnswer(answer, validator, {
      report: atAnswer(findings.report),
      unchecked: atAnswer(findings.unchecked),
      inWrongNamespace: (member, wrong) => findings.namespaces.addInAnswer(wrong, ['commands', type, 'answer', member]),
    });
  }
  if (template === null || envelope === null) return { soapAction, operations: [] };
  checkHeaders(template.file, envelope, meant, findings);
  checkToken(template.file, command.hasToken, envelope, meant, findings);
  const own = { ...envelope, file: template.file };
  const those = { operations, taking, fitting };
  const action = actionOf(wsdlFile, soapAction, own, those, findings, isDeclared, validator.missingWsdls);
  const bound = fitting.filter((operation) => action === undefined || operation.soapAction === action);
  return { soapAction: action, operations: bound };
}

/** Notes that the message of an element is not checked, or only in part. */
function noteGap(member: string, message: string, element: QName, validator: Validator, { unchecked }: Findings): void {
  const gap = validator.gapOf(element);
  if (gap === null) return;
  const how = gap.isWhole ? 'is not checked' : 'is checked only in part';
  const { length } = gap.missing;
  const why =
    length > 0
      ? `${gap.missing.join(', ')} ${length === 1 ? 'is' : 'are'} missing`
      : 'its schema cannot be read; the line of the schema says why';
  unchecked(member, `the ${message} ${how}: ${why}`);
}

/** Whether an element is the message of an operation of rpc style, which no schema declares. */
function isRpc(operations: readonly WsdlOperation[], side: 'input' | 'output', element: QName | null): boolean {
  const those = operations.filter((operation) => operation[side]?.name === element?.name);
  return (
    those.some(({ style }) => style === 'rpc') &&
    !those.some(({ style, [side]: message }) => style === 'document' && message?.ns === element?.ns)
  );
}

/** The operations that take the element of a Body; those of another namespace if there are no others. */
function operationsTaking(body: QName, operations: readonly WsdlOperation[]): WsdlOperation[] {
  const named = operations.filter(({ input }) => input?.name === body.name);
  const exact = named.filter(({ input }) => input?.ns === body.ns);
  return exact.length > 0 ? exact : named;
}

/**
 * Checks the element in the Body of the answer against the operations of the request. Returns the answer with the element
 * that the WSDL has; null if that cannot be told.
 */
function checkRoot(
  answer: AnswerShape,
  fitting: readonly WsdlOperation[],
  { type }: Pick<CheckedCommand, 'type'>,
  { operations, namespaces }: Validator,
  findings: Findings,
): AnswerShape | null {
  const { element, paths } = answer;
  if (element === null) return answer;
  const outputsOf = (those: readonly WsdlOperation[]): (QName | null)[] => those.map(({ output }) => output);
  const isSame = (output: QName | null): boolean => output !== null && nameOf(output) === nameOf(element);
  // What an operation answers may be in a file that is missing, or in one of several parts.
  if (fitting.some(({ output, isAnswerEmpty }) => output === null && !isAnswerEmpty)) return answer;
  const outputs = outputsOf(fitting.length > 0 ? fitting : operations);
  if (outputs.length === 0 || outputs.some(isSame)) return answer;
  const known = outputs.flatMap((output) => output ?? []);
  const wrong = wrongNamespace(element, known, namespaces);
  if (wrong !== null) {
    const fields = Object.keys(paths);
    for (const field of fields.length === 0 ? ['element'] : fields)
      findings.namespaces.addInAnswer(wrong, ['commands', type, 'answer', field]);
    return withRoot(answer, { ns: wrong.wanted, name: element.name });
  }
  if (fitting.length === 0) return answer;
  const said = new Set(outputs.map((output) => (output === null ? 'nothing' : nameOf(output))));
  const request = fitting[0]?.input?.name ?? '';
  findings.wrongAnswer(
    `the WSDL answers ${request} with ${[...said].join(', ')}, not with ${nameOf(element)}; correct the paths, or the template if it has the request of another command`,
  );
  const [only] = known;
  return only === undefined || known.length > 1 ? null : withRoot(answer, only);
}

function withRoot(answer: AnswerShape, root: QName): AnswerShape {
  const paths = Object.entries(answer.paths).map(([field, path]) => [
    field,
    [{ ...root, isAttribute: false }, ...path.slice(1)],
  ]);
  return { ...answer, element: root, paths: Object.fromEntries(paths) as AnswerShape['paths'] };
}

function actionOf(
  wsdlFile: string,
  soapAction: string | undefined,
  { file, body, lines, soapVersion }: Envelope & { readonly file: string },
  those: Readonly<Record<'operations' | 'taking' | 'fitting', readonly WsdlOperation[]>>,
  { report, warn, reportIn, warnIn }: Findings,
  isDeclared: boolean,
  missing: readonly string[],
): string | undefined {
  const { operations, taking, fitting } = those;
  const named = fitting.map(({ port, name, soapAction: action }) => `${port}/${name} "${action}"`).join(', ');
  const actions = new Set(fitting.map((operation) => operation.soapAction));
  if (fitting.length === 0 && taking.length > 0) {
    const ports = [...new Set(taking.map(({ port }) => port))].join(', ');
    const other = taking[0]?.soapVersion ?? soapVersion;
    // Somebody who writes the action may know better than the WSDL.
    (soapAction === undefined ? reportIn : warnIn)(
      file,
      lines.envelope,
      `the envelope is SOAP ${soapVersion}, and the WSDL takes ${body.name} in SOAP ${other} only (${ports}); the namespace of SOAP ${other} is ${soapNamespaces[other]}`,
    );
  }
  if (soapAction !== undefined) {
    if (fitting.length > 0 && !actions.has(soapAction)) {
      const meant = nearName(soapAction, [...actions]);
      const right = (meant === null ? [...actions] : [meant]).map((action) => `"${action}"`).join(' or ');
      const remedy = `write ${right}, or keep it if the CAS wants this one`;
      warn('soapAction', `"${soapAction}" is sent, and ${wsdlFile} says ${named}; ${remedy}`);
    }
    return soapAction;
  }
  if (actions.size > 1) {
    report('soapAction', `is missing, and the WSDL has several: ${named}; write the one of your port and operation`);
  } else if (taking.length === 0 && missing.length > 0) {
    const files = missing.join(', ');
    report(
      'soapAction',
      `is missing, and so is ${files}, which may have it; put the file beside its WSDL, or write it`,
    );
  } else if (taking.length === 0 && isDeclared) {
    const known = [...new Set(operations.flatMap(({ input }) => (input === null ? [] : [nameOf(input)])))];
    report(
      'soapAction',
      `is missing, and no operation of ${wsdlFile} takes ${nameOf(body)}; write it, or correct the Body: the WSDL takes ${known.join(', ') || 'nothing'}`,
    );
  }
  return actions.size > 1 ? undefined : [...actions][0];
}

/** What no WSDL declares, as standards of their own fix it: WS-Security, WS-Addressing and their like. */
const standardHeaders =
  /^http:\/\/(?:docs\.oasis-open\.org\/|schemas\.xmlsoap\.org\/ws\/|www\.w3\.org\/\d{4}\/\d\d\/addressing)/;

/** Compares the Header of a template with what the binding demands for its operation. */
function checkHeaders(
  file: string,
  { headers, lines }: Envelope,
  fitting: readonly WsdlOperation[],
  { reportIn, warnIn }: Findings,
): void {
  if (fitting.length === 0) return;
  const demanded = new Set(fitting.flatMap((operation) => operation.headers.map(nameOf)));
  const sent = new Set(headers.map(nameOf));
  for (const name of demanded) {
    if (!sent.has(name)) warnIn(file, lines.envelope, `the WSDL demands the header ${name}; add it to the Header`);
  }
  for (const header of headers) {
    const name = nameOf(header);
    if (!demanded.has(name)) {
      if (standardHeaders.test(header.ns)) continue;
      const meant = didYouMean(
        header.name,
        [...demanded].map((one) => one.replace(/^.*\}/, '')),
      );
      warnIn(file, header.line, `the WSDL declares no header ${name}; ${meant}look whether the CAS takes it`);
    } else if (header.times > 1 && !(header.name === 'Security' && standardHeaders.test(header.ns))) {
      reportIn(file, header.line, `the header ${name} is sent ${header.times} times; remove all but one`);
    }
  }
}

/** Warns if each port demands a UsernameToken by a policy, and the template has none, or cannot make the one demanded. */
function checkToken(
  file: string,
  hasToken: boolean,
  { lines }: Envelope,
  fitting: readonly WsdlOperation[],
  { warnIn }: Findings,
): void {
  const [token] = fitting.flatMap((operation) => operation.token ?? []);
  if (token === undefined || fitting.some((operation) => operation.token === null)) return;
  const demand = `a policy of the WSDL demands a UsernameToken${token.isHashed ? ' with a digest' : ''} (${token.file}:${token.line})`;
  if (token.isHashed) {
    warnIn(file, lines.envelope, `${demand}, and the service makes no digest; send through a gateway that makes it`);
  } else if (!hasToken) {
    const remedy = 'write it with {{username}} and {{password}} as in docs/conax.md';
    warnIn(file, lines.envelope, `${demand}, and the Header has no Security with one; ${remedy}`);
  }
}

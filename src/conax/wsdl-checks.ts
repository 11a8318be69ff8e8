import type { CommandType } from '../planning/command.ts';
import { checkAnswer } from './answer-check.ts';
import type { QName, ReportMember } from './answer-shape.ts';
import type { CasCommand } from './cas-definition.ts';
import type { Report } from './mistakes.ts';
import { checkRequests } from './request-check.ts';
import { nameOf } from './soap-envelope.ts';
import type { Envelope } from './template-check.ts';
import type { Validator } from './wsdl-validator.ts';
import type { WsdlOperation } from './wsdl-operations.ts';

/** Takes what is found about a command: at a member of its entry in conax.json, or at a line of its template. */
export interface Findings {
  readonly report: ReportMember;
  readonly warn: ReportMember;
  /** What could not be checked, and why. */
  readonly unchecked: ReportMember;
  readonly reportIn: Report;
  readonly warnIn: Report;
}

/** The parts of a command that its WSDL says something about. */
export interface CheckedCommand extends Pick<CasCommand, 'type' | 'answer'> {
  /** That of conax.json. */
  readonly soapAction: string | undefined;
  /** null if the template cannot be read: then the answer is checked alone. */
  readonly request: (Envelope & Pick<CasCommand, 'template'>) | null;
}

/**
 * Checks a command against the WSDL of its area. Returns its SOAPAction: that of conax.json, else that of the WSDL.
 * @param entitled whether entitlements end, so that every ADD has a period.
 */
export function checkAgainstWsdl(
  wsdlFile: string,
  validator: Validator,
  command: CheckedCommand,
  entitled: boolean,
  findings: Findings,
): string {
  const { type, answer, request } = command;
  const { operations } = validator;
  const { report, warn, unchecked, reportIn, warnIn } = findings;
  const atAnswer =
    (to: ReportMember): ReportMember =>
    (member, problem) =>
      to(`answer.${member}`, problem);
  if (!isRpc(operations, 'output', answer.element)) {
    checkAnswer(answer, validator, atAnswer(report), atAnswer(unchecked));
  }
  if (request === null) return '';
  if (isRpc(operations, 'input', request.body)) {
    unchecked(
      'template',
      `${request.body.name} is an rpc operation, whose messages no schema describes: they are not checked`,
    );
  } else if (validator.hasSchemas) {
    checkRequests(type, request.template, validator, entitled, reportIn, warnIn);
  }
  return actionOf({ ...command, ...request, wsdlFile }, command.soapAction, operations, report, warn);
}

/** Whether an element is the message of an operation of rpc style, which no schema declares. */
function isRpc(operations: readonly WsdlOperation[], side: 'input' | 'output', element: QName | null): boolean {
  const those = operations.filter((operation) => operation[side]?.name === element?.name);
  return (
    those.some(({ style }) => style === 'rpc') &&
    !those.some(({ style, [side]: message }) => style === 'document' && message?.ns === element?.ns)
  );
}

function actionOf(
  {
    body,
    headers,
    soapVersion,
    wsdlFile,
    answer,
    type,
  }: Omit<CheckedCommand, 'request'> & Envelope & { readonly wsdlFile: string },
  soapAction: string | undefined,
  operations: readonly WsdlOperation[],
  report: ReportMember,
  warn: ReportMember,
): string {
  const taking = operations.filter(({ input }) => input?.ns === body.ns && input.name === body.name);
  const fitting = taking.filter((operation) => operation.soapVersion === soapVersion);
  const named = fitting.map(({ port, name, soapAction: action }) => `${port}/${name} "${action}"`).join(', ');
  const actions = new Set(fitting.map((operation) => operation.soapAction));
  warnAboutHeaders(type, headers, fitting, warn);
  const outputs = fitting.map(({ output }) => output);
  if (
    answer.element !== null &&
    outputs.length > 0 &&
    outputs.every((output) => output === null || nameOf(output) !== nameOf(answer.element ?? output))
  ) {
    const said = outputs.map((output) => (output === null ? 'nothing' : nameOf(output)));
    report(
      'answer',
      `the WSDL answers ${body.name} with ${[...new Set(said)].join(', ')}, not with ${nameOf(answer.element)}; correct the paths`,
    );
  }
  if (soapAction !== undefined) {
    if (fitting.length > 0 && !actions.has(soapAction)) {
      warn('soapAction', `"${soapAction}" is sent, and ${wsdlFile} says ${named}`);
    }
    return soapAction;
  }
  if (actions.size === 1) return [...actions][0] ?? '';
  if (actions.size > 1) {
    report('soapAction', `is missing, and the WSDL has several: ${named}; write the one of your port`);
  } else if (taking.length > 0) {
    const other = taking.map(({ port }) => port).join(', ');
    report(
      'soapAction',
      `is missing, and only ports of another SOAP version take ${body.name}: ${other}; correct the Envelope's namespace`,
    );
  } else {
    const known = [...new Set(operations.flatMap(({ input }) => (input === null ? [] : [nameOf(input)])))];
    report(
      'soapAction',
      `is missing, and no operation of ${wsdlFile} takes ${nameOf(body)}; write it, or correct the Body: the WSDL takes ${known.join(', ') || 'nothing'}`,
    );
  }
  return '';
}

function warnAboutHeaders(
  type: CommandType,
  sent: ReadonlySet<string>,
  operations: readonly WsdlOperation[],
  warn: ReportMember,
): void {
  const missing = operations.flatMap(({ headers, file, line }) =>
    headers.filter((header) => !sent.has(nameOf(header))).map((header) => `${nameOf(header)} (${file}:${line})`),
  );
  if (missing.length === 0) return;
  warn(
    'template',
    `${type} is sent without the header ${[...new Set(missing)].join(', ')} that the WSDL demands; add it to the Header`,
  );
}

import type { CommandType } from '../requests/command.ts';
import { checkAnswer } from './answer-check.ts';
import type { ReportMember } from './answer-shape.ts';
import type { CasCommand } from './cas-definition.ts';
import type { Report } from './mistakes.ts';
import { checkRequests } from './request-check.ts';
import { nameOf } from './soap-envelope.ts';
import { openValidator, type Validator } from './wsdl-check.ts';
import type { WsdlOperation } from './wsdl-operations.ts';

export interface WsdlChecks {
  /** Checks a command and returns its SOAPAction: that of conax.json, else that of the WSDL. */
  check(command: CasCommand, soapAction: string | undefined, report: ReportMember, warn: ReportMember): string;
  close(): void;
}

/**
 * Checks commands against the WSDLs of their areas; each WSDL is read once.
 * @param entitled whether entitlements end, so that every ADD has a period.
 */
export function createWsdlChecks(
  entitled: boolean,
  report: Report,
  warn: Report,
  addWarning: (warning: string) => void,
): WsdlChecks {
  const opened = new Map<string, Validator | string>();
  const open = (file: string): Validator | string => {
    let validator = opened.get(file);
    if (validator === undefined) {
      try {
        validator = openValidator(file);
        for (const warning of validator.warnings) addWarning(warning);
      } catch (error) {
        validator = error instanceof Error ? error.message : String(error);
      }
      opened.set(file, validator);
    }
    return validator;
  };
  return {
    check(command, soapAction, reportMember, warnMember) {
      const { type, template, wsdlFile } = command;
      if (wsdlFile === null) {
        if (soapAction !== undefined || command.soapVersion === '1.2') return soapAction ?? '';
        reportMember(
          'soapAction',
          'is missing, and the area has no wsdl that says it; write it, or "" if the CAS wants none',
        );
        return '';
      }
      const validator = open(wsdlFile);
      if (typeof validator === 'string') {
        reportMember(
          'area',
          `its wsdl ${wsdlFile} cannot be read: ${validator}; correct the file or its name, or leave out "wsdl" to check nothing`,
        );
        return '';
      }
      const action = actionOf(command, soapAction, validator.operations, reportMember, warnMember);
      const taking = validator.operations.filter(({ input }) => input?.name === command.body.name);
      const isRpc =
        taking.some(({ style }) => style === 'rpc') &&
        !taking.some(({ style, input }) => style === 'document' && input?.ns === command.body.ns);
      if (isRpc)
        warnMember(
          'template',
          `${command.body.name} is an rpc operation, whose messages no schema describes: they are not checked`,
        );
      else if (validator.hasSchemas) {
        checkRequests(type, template, validator, entitled, report, warn);
        checkAnswer(command.answer, validator, answerMember(reportMember), answerMember(warnMember));
      }
      return action;
    },
    close: () => {
      for (const validator of opened.values()) if (typeof validator !== 'string') validator.close();
    },
  };
}

function answerMember(report: ReportMember): ReportMember {
  return (member, problem) => report(`answer.${member}`, problem);
}

function actionOf(
  { body, headers, soapVersion, wsdlFile, answer, type }: CasCommand,
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
      warn('soapAction', `"${soapAction}" is sent, and ${String(wsdlFile)} says ${named}`);
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
      `is missing, and no operation of ${String(wsdlFile)} takes ${nameOf(body)}; write it, or correct the Body: the WSDL takes ${known.join(', ') || 'nothing'}`,
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

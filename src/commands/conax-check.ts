import { type CasInspection, defaultCasFile, inspectCas } from '../conax-checks/cas-definition.ts';
import { CasDefinitionError } from '../conax-checks/mistakes.ts';
import { indented, sampleRequests } from '../conax-tools/show-request.ts';
import { soapOpinions } from '../conax-tools/soap-opinion.ts';
import { answerWarnings } from '../conax-tools/answer-warnings.ts';
import type { CasCommand } from '../conax/cas-definition.types.ts';
import { createMask, type Mask } from '../platform/masking.ts';
import { type CommandType, commandTypes } from '../planning/command.ts';
import { readSettings } from '../settings.ts';
import { ExitCode } from './exit-codes.ts';
import { oneOf } from './options.ts';
import { print, printJson } from './output.ts';

/**
 * Prints what is wrong with conax.json, templates and WSDLs, and if it is asked for what would be sent for each command, or
 * for one. The exit code is 1 if anything is wrong, and 4 if nothing is, but the request or answer of a command was not
 * checked: nobody must take that for right.
 */
export async function check(options: {
  readonly command?: string;
  readonly requests?: boolean;
  readonly json?: boolean;
}): Promise<void> {
  const { CONAX_MAPPING_FILE: file = defaultCasFile, ENTITLEMENT_MONTHS: months } = readSettings(['mapping']);
  const only = options.command === undefined ? null : oneOf('--command', options.command, commandTypes);
  const inspection = await inspect(file, months > 0);
  const isShown = options.json === true || options.requests === true || only !== null;
  const shown = isShown ? commandTypes.filter((type) => only === null || type === only) : [];
  await (options.json
    ? printJson(checkJson(file, inspection, shown, months > 0))
    : print(checkText(file, inspection, shown, months > 0)));
  if (inspection.mistakes.length > 0) process.exitCode = ExitCode.failed;
  else if (inspection.uncheckedCommands.length > 0) process.exitCode = ExitCode.unchecked;
}

async function inspect(file: string, entitled: boolean): Promise<CasInspection> {
  try {
    const inspection = inspectCas(file, entitled);
    if (inspection.mistakes.length > 0) return inspection;
    const commands = Object.values(inspection.commands);
    // A file that is missing is named already.
    const opinions = (await soapOpinions(commands)).filter((opinion) => !opinion.includes('ENOENT'));
    return { ...inspection, warnings: [...inspection.warnings, ...answerWarnings(commands), ...opinions] };
  } catch (error) {
    if (!(error instanceof CasDefinitionError)) throw error;
    return {
      basicAuth: true,
      commands: {},
      unsupported: new Map(),
      secrets: [],
      mistakes: error.mistakes,
      unchecked: [],
      uncheckedCommands: [],
      warnings: [],
    };
  }
}

function checkJson(
  file: string,
  { commands, unsupported, secrets, mistakes, unchecked, uncheckedCommands, warnings }: CasInspection,
  shown: readonly CommandType[],
  entitled: boolean,
) {
  const hide = createMask(secrets, 'words');
  return {
    file,
    mistakes,
    unchecked,
    unchecked_commands: uncheckedCommands,
    warnings,
    unsupported: Object.fromEntries(unsupported),
    commands: shown.flatMap((type) => {
      const command = commands[type];
      if (command === undefined) return [];
      const { area, path, wsdlFile, template, body, soapAction, soapVersion } = command;
      return [
        {
          command: type,
          area,
          path: hide(path),
          wsdl: wsdlFile,
          template: template.file,
          operation: body.name,
          soap_action: soapAction,
          soap_version: soapVersion,
          requests: sampleRequests(command, entitled, hide),
        },
      ];
    }),
  };
}

function checkText(file: string, inspection: CasInspection, shown: readonly CommandType[], entitled: boolean): string {
  const { commands, unsupported, secrets, mistakes, unchecked, warnings } = inspection;
  const hide = createMask(secrets, 'words');
  const blocks = shown.flatMap((type) => {
    const command = commands[type];
    if (unsupported.has(type)) return [];
    return command === undefined
      ? `${type}\n  cannot be shown: see what is to fix`
      : commandText(command, entitled, hide);
  });
  const list = (title: string, lines: readonly string[]): string[] =>
    lines.length === 0 ? [] : [[title, ...lines.map((line) => `- ${line}`)].join('\n')];
  return [
    ...blocks,
    ...(unsupported.size === 0 ? [] : [unsupportedLine(unsupported)]),
    ...list(`${unchecked.length} not checked:`, unchecked),
    ...list(`${warnings.length} to know:`, warnings),
    ...list(`${mistakes.length} to fix:`, mistakes),
    ...(mistakes.length > 0 ? [] : [`${file}: ${verdict(inspection)}`]),
  ].join('\n\n');
}

function verdict({ unchecked, uncheckedCommands }: CasInspection): string {
  if (unchecked.length === 0) return 'nothing is wrong';
  const what =
    uncheckedCommands.length === 0 ? '' : `, and these commands are unchecked: ${uncheckedCommands.join(', ')}`;
  return `nothing is wrong in what was checked; see above what was not${what}`;
}

function unsupportedLine(unsupported: CasInspection['unsupported']): string {
  const byReason = Map.groupBy(unsupported, ([, why]) => why);
  const named = [...byReason].map(([why, own]) => `${own.map(([type]) => type).join(', ')} (${why})`);
  return `not supported by the CAS, and refused with FEATURE_NOT_AVAILABLE: ${named.join('; ')}`;
}

function commandText(command: CasCommand, entitled: boolean, hide: Mask): string {
  const { type, area, path, wsdlFile, template, body, soapAction, soapVersion } = command;
  const { smallest, largest } = sampleRequests(command, entitled, hide);
  const request = (title: string, xml: string): string[] => [
    `  ${title}`,
    ...indented(xml)
      .split('\n')
      .map((line) => `    ${line}`),
  ];
  return [
    type,
    `  area        ${area}, ${wsdlFile === null ? 'without a WSDL' : wsdlFile}`,
    `  path        ${hide(path)}`,
    `  operation   ${body.name}`,
    `  SOAPAction  ${JSON.stringify(soapAction)}`,
    `  SOAP        ${soapVersion}`,
    `  template    ${template.file}`,
    ...(smallest === largest
      ? request('request', smallest)
      : [...request('smallest request', smallest), ...request('largest request', largest)]),
  ].join('\n');
}

import { readFileSync } from 'node:fs';
import { dirname, resolve as resolvePath } from 'node:path';
import { fileURLToPath } from 'node:url';
import { decodeText as decodeUtf8 } from '../platform/text.ts';
import type { CommandType } from '../requests/command.ts';
import { type AnswerShape, parseAnswerShape, type QName } from './answer-shape.ts';
import { type CasFileCommand, type ReadCasFile, readCasFile } from './cas-file.ts';
import { declaredEncoding, decodeText } from './charset.ts';
import { CasDefinitionError, type Report } from './mistakes.ts';
import { parseTemplate, type Template } from './template.ts';
import { checkTemplate } from './template-check.ts';
import { createWsdlChecks } from './wsdl-checks.ts';

/** The definition that comes with the project: setting CONAX_MAPPING_FILE names another. */
export const defaultCasFile = fileURLToPath(new URL('../../schemas/conax/conax.json', import.meta.url));

export type SoapVersion = '1.1' | '1.2';

/** Where a command goes, what is sent, and how the answer is read. */
export interface CasCommand {
  readonly type: CommandType;
  readonly area: string;
  /** The path after the base URL, with a leading slash. */
  readonly path: string;
  readonly wsdlFile: string | null;
  readonly soapAction: string;
  readonly soapVersion: SoapVersion;
  /** The element in the SOAP body of the request. */
  readonly body: QName;
  /** The elements in the SOAP header of the request, as {namespace}name. */
  readonly headers: ReadonlySet<string>;
  readonly template: Template;
  readonly answer: AnswerShape;
}

/** How a CAS is spoken to. */
export interface CasDefinition {
  readonly file: string;
  /** Whether user and password are sent as HTTP Basic. */
  readonly basicAuth: boolean;
  /** Every command that is not `unsupported`. */
  readonly commands: Readonly<Partial<Record<CommandType, CasCommand>>>;
  /** Why the CAS does not have a command, for people. */
  readonly unsupported: ReadonlyMap<CommandType, string>;
  /** What could not be checked. */
  readonly warnings: readonly string[];
}

/** What could be read of a definition, whatever is wrong with it. */
export interface CasInspection extends Omit<CasDefinition, 'file'> {
  /** Each with file, line, problem and remedy. */
  readonly mistakes: readonly string[];
}

/**
 * Reads conax.json and its templates, and checks that they fit each other and the WSDLs.
 * @param entitled whether entitlements end (ENTITLEMENT_MONTHS), so that every ADD has a period.
 * @throws CasDefinitionError with all mistakes: file, line, problem, remedy.
 */
export async function loadCasDefinition(file: string, entitled = true): Promise<CasDefinition> {
  const { mistakes, ...definition } = inspectCas(file, entitled);
  if (mistakes.length > 0) throw new CasDefinitionError(file, mistakes, definition.warnings);
  return { file, ...definition };
}

/** The same for people who look for mistakes. @throws CasDefinitionError only if conax.json itself cannot be read. */
export function inspectCas(file: string, entitled = true): CasInspection {
  const { content, mistakes: ofFile, lineOf } = readCasFile(file);
  const mistakes = new Set(ofFile);
  const warnings = new Set<string>();
  const report: Report = (at, line, problem) => mistakes.add(`${at}:${line}: ${problem}`);
  const at = (path: readonly PropertyKey[], problem: string): void =>
    report(file, lineOf(path), `${path.join('.')}: ${problem}`);
  const warn: Report = (of, line, problem) => warnings.add(`${of}:${line}: ${problem}`);
  for (const [name, area] of content.areas) {
    if (area === null || area.wsdl !== undefined) continue;
    warn(file, lineOf(['areas', name]), `areas.${name}: has no wsdl, so its requests and answers are not checked`);
  }
  const wsdls = createWsdlChecks(entitled, report, warn, (warning) => warnings.add(warning));
  const commands: Partial<Record<CommandType, CasCommand>> = {};
  for (const [type, entry] of content.commands) {
    const area = content.areas.get(entry.area);
    if (area === undefined) {
      at(['commands', type, 'area'], `"${entry.area}" is no area; it is one of ${[...content.areas.keys()].join(', ')}`);
    }
    const answer = parseAnswerShape(type, entry.answer, content.answers, content.namespaces, (member, problem) => {
      // Those of all commands are missing once, not for each of them.
      const isOfAll = member === 'success' && entry.answer.success === undefined;
      at(isOfAll ? ['answers', member] : ['commands', type, 'answer', member], problem);
    });
    const template = readTemplate(file, type, entry, lineOf, report);
    if (template === null || !area) continue;
    const checked = checkTemplate(type, template, report);
    if (checked === null) continue;
    const command: CasCommand = {
      type,
      area: entry.area,
      path: area.path,
      wsdlFile: area.wsdl === undefined ? null : resolvePath(dirname(file), area.wsdl),
      soapAction: entry.soapAction ?? '',
      ...checked,
      template,
      answer,
    };
    const member = (name: string): PropertyKey[] => ['commands', type, ...name.split('.')];
    const soapAction = wsdls.check(
      command,
      entry.soapAction,
      (name, problem) => at(member(name), problem),
      (name, problem) => warn(file, lineOf(member(name)), `commands.${type}.${name}: ${problem}`),
    );
    commands[type] = { ...command, soapAction };
  }
  wsdls.close();
  const { basicAuth, unsupported } = content;
  return { basicAuth, commands, unsupported, mistakes: [...mistakes], warnings: [...warnings] };
}

function readTemplate(
  casFile: string,
  type: CommandType,
  entry: CasFileCommand,
  lineOf: ReadCasFile['lineOf'],
  report: Report,
): Template | null {
  const file = resolvePath(dirname(casFile), entry.template);
  let text: string;
  try {
    const bytes = readFileSync(file);
    // What the XML declaration names counts; a file without one is read as strictly as every other text file.
    text = declaredEncoding(bytes) === undefined ? decodeUtf8(bytes, file) : decodeText(bytes, '');
  } catch (error) {
    const path = ['commands', type, 'template'];
    report(
      casFile,
      lineOf(path),
      `${path.join('.')}: ${file} ${error instanceof Error ? error.message : String(error)}`,
    );
    return null;
  }
  return parseTemplate(file, text, type, report);
}

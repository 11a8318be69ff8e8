import { readFileSync } from 'node:fs';
import { dirname, resolve as resolvePath } from 'node:path';
import { fileURLToPath } from 'node:url';
import { messageOf } from '../platform/errors.ts';
import { decodeText as decodeUtf8 } from '../platform/text.ts';
import type { CommandType } from '../planning/command.ts';
import { type AnswerShape, parseAnswerShape, type QName, type ReportMember } from './answer-shape.ts';
import { type CasFileArea, codeLists, readCasFile } from './cas-file.ts';
import { declaredEncoding, decodeText } from './charset.ts';
import { CasDefinitionError, type Report } from './mistakes.ts';
import { parseTemplate, type Template } from './template.ts';
import { checkTemplate } from './template-check.ts';
import { openValidator, type Validator } from './wsdl-validator.ts';
import { checkAgainstWsdl, type Findings } from './wsdl-checks.ts';

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
  /** What was not checked and why, each with file and line. */
  readonly unchecked: readonly string[];
  /** What people should look at. */
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
  if (mistakes.length > 0)
    throw new CasDefinitionError(file, mistakes, [...definition.unchecked, ...definition.warnings]);
  return { file, ...definition };
}

/** The same for people who look for mistakes. @throws CasDefinitionError only if conax.json itself cannot be read. */
export function inspectCas(file: string, entitled = true): CasInspection {
  const { content, mistakes: ofFile, lineOf } = readCasFile(file);
  const mistakes = new Set(ofFile);
  const warnings = new Set<string>();
  const unchecked = new Set<string>();
  const noteIn =
    (notes: Set<string>): Report =>
    (of, line, problem) =>
      notes.add(`${of}:${line}: ${problem}`);
  const at =
    (notes: Set<string>): ReportAt =>
    (path, problem) =>
      noteIn(notes)(file, lineOf(path), `${path.join('.')}: ${problem}`);
  const reportIn = noteIn(mistakes);
  const areas = openAreas(file, content.areas, at(mistakes), at(unchecked));
  const commands: Partial<Record<CommandType, CasCommand>> = {};
  for (const [type, entry] of content.commands) {
    const member =
      (notes: Set<string>): ReportMember =>
      (name, problem) =>
        at(notes)(['commands', type, ...name.split('.')], problem);
    const findings: Findings = {
      report: member(mistakes),
      warn: member(warnings),
      unchecked: member(unchecked),
      reportIn,
      warnIn: noteIn(warnings),
    };
    if (!content.areas.has(entry.area)) {
      findings.report('area', `"${entry.area}" is no area; it is one of ${[...content.areas.keys()].join(', ')}`);
    }
    const lists = { ...content.answers, ...content.areas.get(entry.area)?.answers };
    const answer = parseAnswerShape(type, entry.answer, lists, content.namespaces, (name, problem) => {
      // What is wrong with the lists of all commands is reported once, not for each command.
      const isOfAll = Object.hasOwn(codeLists, name) && !Object.hasOwn(entry.answer, name);
      if (isOfAll) at(mistakes)(['answers', name], problem);
      else findings.report(`answer.${name}`, problem);
    });
    const ofTemplate = mistakes.size;
    const template = readTemplate(resolvePath(dirname(file), entry.template), type, findings);
    const envelope = template === null ? null : checkTemplate(type, template, reportIn);
    const isShown = mistakes.size === ofTemplate;
    const request = template === null || envelope === null ? null : { ...envelope, template };
    const area = areas.get(entry.area);
    if (area === undefined) continue;
    const { path, wsdlFile, validator } = area;
    let { soapAction } = entry;
    if (wsdlFile !== null && validator !== null) {
      soapAction = checkAgainstWsdl(wsdlFile, validator, { type, answer, soapAction, request }, entitled, findings);
    } else if (wsdlFile === null && soapAction === undefined && request?.soapVersion === '1.1') {
      const remedy = 'write it, or "" if the CAS wants none';
      findings.report('soapAction', `is missing, and the area has no wsdl that says it; ${remedy}`);
    }
    if (request === null || !isShown) continue;
    commands[type] = { type, area: entry.area, path, wsdlFile, soapAction: soapAction ?? '', ...request, answer };
  }
  // Areas may share one.
  for (const validator of new Set([...areas.values()].map((area) => area.validator))) {
    for (const line of validator?.unchecked ?? []) unchecked.add(line);
    validator?.close();
  }
  const { basicAuth, unsupported } = content;
  return {
    basicAuth,
    commands,
    unsupported,
    mistakes: [...mistakes],
    unchecked: [...unchecked],
    warnings: [...warnings],
  };
}

interface CasArea {
  readonly path: string;
  readonly wsdlFile: string | null;
  /** null if there is no WSDL, or none that can be read. */
  readonly validator: Validator | null;
}

type ReportAt = (path: readonly string[], problem: string) => void;

/** Opens the WSDLs of the areas, each once. */
function openAreas(
  file: string,
  entries: ReadonlyMap<string, CasFileArea | null>,
  report: ReportAt,
  unchecked: ReportAt,
): Map<string, CasArea> {
  const areas = new Map<string, CasArea>();
  for (const [name, area] of entries) {
    if (area === null) continue;
    const { path, wsdl } = area;
    const wsdlFile = wsdl === undefined ? null : resolvePath(dirname(file), wsdl);
    let validator: Validator | null = null;
    if (wsdlFile === null) unchecked(['areas', name], 'has no wsdl, so its requests and answers are not checked');
    try {
      const same = [...areas.values()].find((one) => one.wsdlFile === wsdlFile);
      if (wsdlFile !== null) validator = same?.validator ?? openValidator(wsdlFile);
    } catch (error) {
      const remedy = 'correct the file or its name, or leave out "wsdl" to check nothing';
      report(['areas', name, 'wsdl'], `${wsdlFile} cannot be read: ${messageOf(error)}; ${remedy}`);
    }
    areas.set(name, { path, wsdlFile, validator });
  }
  return areas;
}

function readTemplate(file: string, type: CommandType, { report, reportIn }: Findings): Template | null {
  let text: string;
  try {
    const bytes = readFileSync(file);
    // What the XML declaration names counts; a file without one is read as strictly as every other text file.
    text = declaredEncoding(bytes) === undefined ? decodeUtf8(bytes, file) : decodeText(bytes, '');
  } catch (error) {
    report(
      'template',
      `${file} cannot be read: ${messageOf(error)}; correct its name, which is relative to conax.json, or the file`,
    );
    return null;
  }
  return parseTemplate(file, text, type, reportIn);
}

import { isAscii, isUtf8 } from 'node:buffer';
import { dirname, resolve as resolvePath } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { CasCommand, CasDefinition } from '../conax/cas-definition.types.ts';
import { createMask, type Mask } from '../platform/masking.ts';
import type { CommandType } from '../planning/command.ts';
import { messageOf } from '../platform/errors.ts';
import { FileError, readBytes } from '../platform/files.ts';
import { nearName } from '../platform/near-name.ts';
import { decodeText as decodeUtf8 } from '../platform/text.ts';
import { declaredEncoding, decodeText } from '../soap/charset.ts';
import { parseAnswerShape, type ReportMember } from './answer-entry.ts';
import { type CasFileCommand, codeLists, readCasFile, type ReadCasFile } from './cas-file.ts';
import type { ReportAt } from './json-members.ts';
import { reportMisplacedLists } from './misplaced-fields.ts';
import { CasDefinitionError, inOrder, type Report } from './mistakes.ts';
import { reportSameRequests, type SentCommand } from './same-requests.ts';
import { checkSecurity, isSecretName } from './security-check.ts';
import { checkTemplate, type Envelope } from './template-check.ts';
import { type ParsedTemplate, parseTemplate } from './template-parser.ts';
import { createNamespaceMistakes } from './wrong-namespaces.ts';
import { checkAgainstWsdl, type Findings } from './wsdl-checks.ts';
import { openValidator, type Validator } from './wsdl-validator.ts';

/** What could be read of a definition, whatever is wrong with it. */
export interface CasInspection extends Omit<CasDefinition, 'file'> {
  /** Each with file, line, problem and remedy. */
  readonly mistakes: readonly string[];
  /** The commands whose request or answer is not checked, or only in part; `unchecked` says why. */
  readonly uncheckedCommands: readonly CommandType[];
}

/** The definition that comes with the project: setting CONAX_MAPPING_FILE names another. */
export const defaultCasFile = fileURLToPath(new URL('../../schemas/conax/conax.json', import.meta.url));

/**
 * Reads conax.json and its templates, and checks that they fit each other and the WSDLs.
 * @param entitled whether entitlements end (ENTITLEMENT_MONTHS), so that every ADD has a period; null if that is not known,
 * as in the simulator: then an ADD may have one or not.
 * @throws CasDefinitionError with all mistakes: file, line, problem, remedy.
 */
export async function loadCasDefinition(file: string, entitled: boolean | null = null): Promise<CasDefinition> {
  const { mistakes, uncheckedCommands: _, ...definition } = inspectCas(file, entitled);
  if (mistakes.length > 0)
    throw new CasDefinitionError(file, mistakes, [...definition.unchecked, ...definition.warnings]);
  return { file, ...definition };
}

/** The same for people who look for mistakes. @throws CasDefinitionError only if conax.json itself cannot be read. */
export function inspectCas(casFile: string, entitled: boolean | null = null): CasInspection {
  const file = resolvePath(casFile);
  const content = readCasFile(file);
  const mistakes = new Set(content.mistakes);
  const warnings = new Set<string>();
  const unchecked = new Set<string>();
  const noteIn =
    (notes: Set<string>): Report =>
    (of, line, problem) =>
      notes.add(`${of}:${line}: ${problem}`);
  const at =
    (notes: Set<string>): ReportAt =>
    (path, problem) => {
      // A member that is wrong is not missing, and what follows from it is no mistake of its own.
      if (content.isReported(path) && /^is missing|is not in "namespaces"/.test(problem)) return;
      // A list whose only entry is wrong is not missing.
      if (content.isReportedWithin(path) && problem.startsWith('is missing')) return;
      noteIn(notes)(file, content.lineOf(path), `${path.join('.')}: ${problem}`);
    };
  const reportIn = noteIn(mistakes);
  const namespaces = createNamespaceMistakes(reportIn, at(mistakes));
  const areas = openAreas(file, content, at(mistakes), at(unchecked));
  const secrets = new Set(pathSecrets(content, at(warnings)));
  const commands: Partial<Record<CommandType, CasCommand>> = {};
  const uncheckedCommands = new Set<CommandType>();
  const sent: SentCommand[] = [];
  const wrongAnswers = new Map<CommandType, string>();
  /** By area: the addresses of the ports that take its commands. */
  const addresses = new Map<string, Set<string>>();
  for (const [type, entry] of content.commands) {
    const member =
      (notes: Set<string>): ReportMember =>
      (name, problem) =>
        at(notes)(['commands', type, ...name.split('.')], problem);
    const findings: Findings = {
      report: member(mistakes),
      warn: member(warnings),
      wrongAnswer: (problem) => wrongAnswers.set(type, problem),
      unchecked: (name, problem) => {
        uncheckedCommands.add(type);
        member(unchecked)(name, problem);
      },
      reportIn,
      warnIn: noteIn(warnings),
      namespaces,
    };
    const ofArea = content.areas.get(entry.area ?? '')?.answers ?? {};
    const lists = { ...content.answers, ...ofArea };
    // What is wrong with the lists of all commands, or of an area, is reported once, not for each command.
    const placeOf = (name: string): readonly string[] => {
      if (!Object.hasOwn(codeLists, name) || Object.hasOwn(entry.answer, name))
        return ['commands', type, 'answer', name];
      return Object.hasOwn(ofArea, name) ? ['areas', entry.area ?? '', 'answers', name] : ['answers', name];
    };
    const answer = parseAnswerShape(type, entry.answer, lists, content.namespaces, (name, problem) =>
      at(mistakes)(placeOf(name), problem),
    );
    for (const list of Object.keys(codeLists) as (keyof typeof codeLists)[]) {
      const problem = emptyList(list, [entry.answer[list], ofArea[list]], content.answers[list]);
      if (problem !== null) at(warnings)(placeOf(list), problem);
    }
    reportMisplacedLists(answer, (name, problem) => findings.warn(`answer.${name}`, problem));
    const ofTemplate = mistakes.size;
    const template =
      entry.template === undefined ? null : readTemplate(resolvePath(dirname(file), entry.template), type, findings);
    const security = template === null ? null : checkSecurity(type, template, reportIn, noteIn(warnings));
    for (const secret of security?.secrets ?? []) secrets.add(secret);
    // What does not fit is quoted.
    const hide = createMask(security?.secrets ?? [], 'words');
    const hidden = { ...findings, reportIn: hiding(hide, reportIn), warnIn: hiding(hide, findings.warnIn) };
    const envelope =
      template === null ? null : checkTemplate(type, template, entitled === true, hidden.reportIn, hidden.warnIn);
    const isShown = mistakes.size === ofTemplate;
    const area = areaOf(entry, areas, envelope, findings);
    let { soapAction } = entry;
    let operations: SentCommand['operations'] = [];
    if (area?.validator) {
      const checked = { type, answer, soapAction, template, envelope, hasToken: security?.hasToken ?? false };
      const bound = checkAgainstWsdl(area.wsdlFile ?? '', area.validator, checked, entitled ?? true, hidden);
      ({ soapAction, operations } = bound);
      const known = addresses.get(entry.area ?? '') ?? [];
      addresses.set(entry.area ?? '', new Set([...known, ...operations.map(({ address }) => address)]));
    } else if (area?.wsdlFile === null && soapAction === undefined && envelope?.soapVersion === '1.1') {
      const remedy = 'write it, or "" if the CAS wants none';
      findings.report('soapAction', `is missing, and the area has no wsdl that says it; ${remedy}`);
    }
    if (area?.wsdlFile === null) uncheckedCommands.add(type);
    if (area === undefined || template === null || envelope === null) continue;
    const { path, wsdlFile } = area;
    // Without the action of one of several operations, nobody knows what the command does.
    if (soapAction !== undefined || new Set(operations.map(({ name }) => name)).size < 2)
      sent.push({ type, path, soapAction: soapAction ?? '', template, answer, operations });
    if (!isShown) continue;
    const { soapVersion, body } = envelope;
    const request = { soapAction: soapAction ?? '', soapVersion, body, template };
    commands[type] = { type, area: entry.area ?? '', path, wsdlFile, ...request, answer };
  }
  const hideAll = createMask([...secrets], 'words');
  for (const [name, { path, wsdlFile }] of areas) {
    const problem = otherPath(path, [...(addresses.get(name) ?? [])]);
    if (problem !== null) at(warnings)(['areas', name, 'path'], hideAll(`${problem} of ${wsdlFile}; ${elsewhere}`));
  }
  const copies = reportSameRequests(sent, (type, problem, isMeant) =>
    at(isMeant ? warnings : mistakes)(['commands', type, 'template'], hideAll(problem)),
  );
  // A template that was copied is the mistake, and not the answer that its command expects.
  for (const [type, problem] of wrongAnswers)
    if (!copies.has(type)) at(mistakes)(['commands', type, 'answer'], problem);
  namespaces.reportAll(content.namespaces);
  // Areas may share one.
  for (const validator of new Set([...areas.values()].map((area) => area.validator))) {
    for (const line of validator?.mistakes ?? []) mistakes.add(line);
    for (const line of validator?.unchecked ?? []) unchecked.add(line);
    validator?.close();
  }
  const { basicAuth, unsupported } = content;
  return {
    basicAuth,
    commands,
    unsupported,
    secrets: [...secrets],
    mistakes: inOrder(mistakes, file),
    uncheckedCommands: [...uncheckedCommands],
    unchecked: inOrder(unchecked, file),
    warnings: inOrder(warnings, file),
  };
}

const elsewhere = 'correct it, or keep it if the CAS is at another place than its WSDL says';

/**
 * Says that the path of an area is none of the addresses that its ports have. The start of an address may be in
 * CONAX_BASE_URL. null if one fits, or if no address has a path.
 */
function otherPath(path: string, addresses: readonly string[]): string | null {
  const paths = addresses.flatMap((address) =>
    /^https?:/i.test(address) && URL.canParse(address) ? new URL(address).pathname : [],
  );
  const own = path.replace(/\?.*$/s, '');
  if (own === '' || paths.some((one) => one === '/' || one.endsWith(own))) return null;
  return paths.length === 0 ? null : `"${own}" is not the path of the address ${addresses.join(', ')}`;
}

/** What is lost by a list that has no codes; null if nothing is. `own`: those of the command and of its area. */
function emptyList(
  list: keyof typeof codeLists,
  own: readonly (readonly string[] | undefined)[],
  common: readonly string[] | undefined,
): string | null {
  const given = own.find((codes) => codes !== undefined);
  // Without codes of success, every answer would be a refusal: that is a mistake.
  if (list === 'success' || (given ?? common)?.length !== 0) return null;
  if (given !== undefined && (common?.length ?? 0) > 0)
    return 'is empty, so the codes of the list for all commands do not count; leave it out to keep them';
  return list === 'notAuthorised'
    ? 'is empty, so a wrong user or password refuses every command for good; write "FailedAuthentication" and the codes that the CAS has for it, or leave the list out'
    : null;
}

interface CasArea {
  readonly path: string;
  readonly wsdlFile: string | null;
  /** null if there is no WSDL, or none that can be read. */
  readonly validator: Validator | null;
}

function hiding(hide: Mask, report: Report): Report {
  return (file, line, problem) => report(file, line, hide(problem));
}

/** The secrets in the queries of the areas' paths. Fields stand in templates only, and proxies log addresses. */
function pathSecrets({ areas }: ReadCasFile, warn: ReportAt): string[] {
  return [...areas].flatMap(([area, { path = '' }]) =>
    [...new URLSearchParams(path.split('?')[1])].flatMap(([name, value]) => {
      if (value === '' || !isSecretName(name)) return [];
      const remedy = 'look whether the CAS takes it in the request; it is masked in everything that is kept or shown';
      warn(['areas', area, 'path'], `has a secret in its query (${name}), which proxies may log; ${remedy}`);
      return [value];
    }),
  );
}

/** Opens the WSDLs of the areas, each once. */
function openAreas(file: string, content: ReadCasFile, report: ReportAt, unchecked: ReportAt): Map<string, CasArea> {
  const areas = new Map<string, CasArea>();
  for (const [name, { path = '', wsdl }] of content.areas) {
    const wsdlFile = wsdl === undefined ? null : resolvePath(dirname(file), wsdl);
    let validator: Validator | null = null;
    if (wsdlFile === null && !content.isReported(['areas', name, 'wsdl']))
      unchecked(['areas', name], 'has no wsdl, so its requests and answers are not checked');
    try {
      const same = [...areas.values()].find((one) => one.wsdlFile === wsdlFile);
      if (wsdlFile !== null) validator = same?.validator ?? openValidator(wsdlFile);
    } catch (error) {
      report(['areas', name, 'wsdl'], `${messageOf(error)}, or leave out "wsdl" to check nothing`);
    }
    areas.set(name, { path, wsdlFile, validator });
  }
  return areas;
}

/** The area of a command. If its name is wrong, the one whose WSDL takes the request, so that this is still checked. */
function areaOf(
  { area = '' }: CasFileCommand,
  areas: ReadonlyMap<string, CasArea>,
  envelope: Envelope | null,
  { report }: Findings,
): CasArea | undefined {
  const named = areas.get(area);
  if (named !== undefined) return named;
  const takes = ({ validator }: CasArea): boolean =>
    validator?.operations.some(({ input }) => input?.name === envelope?.body.name && input?.ns === envelope?.body.ns) ??
    false;
  const meant = [...areas].find(([, one]) => takes(one))?.[0] ?? nearName(area, [...areas.keys()]);
  const remedy = meant === null ? '' : `did you mean ${meant}? `;
  if (area !== '' && areas.size > 0)
    report('area', `"${area}" is no area; ${remedy}it is one of ${[...areas.keys()].join(', ')}`);
  return meant === null ? undefined : areas.get(meant);
}

/** Charsets of one byte a character: whatever the bytes are, they are text in it. */
const oneByte = /^(?:iso-?8859|windows-125|cp125|latin|us-ascii|ascii)/i;

function readTemplate(file: string, type: CommandType, { report, reportIn, warnIn }: Findings): ParsedTemplate | null {
  let bytes: Buffer;
  try {
    bytes = readBytes(file);
  } catch (error) {
    report('template', `${messageOf(error)} (names are relative to conax.json)`);
    return null;
  }
  try {
    // What the XML declaration names counts; a file without one is read as strictly as every other text file.
    const charset = declaredEncoding(bytes);
    const isMislabelled = oneByte.test(charset ?? '') && isUtf8(bytes) && !isAscii(bytes);
    const text = charset === undefined || isMislabelled ? decodeUtf8(bytes, 'it') : decodeText(bytes, '');
    if (isMislabelled) {
      const [first = ''] = /[^\p{ASCII}]/u.exec(text) ?? [];
      const sentAs = new TextDecoder(charset).decode(Buffer.from(first));
      const remedy = 'write encoding="UTF-8"';
      reportIn(file, 1, `is UTF-8, and declares ${charset}: "${first}" would be sent as "${sentAs}"; ${remedy}`);
    }
    return parseTemplate(file, text, type, reportIn, warnIn);
  } catch (error) {
    const line = /\(line (\d+)\)/.exec(messageOf(error))?.[1] ?? 1;
    const remedy = error instanceof FileError ? '' : '; correct its XML declaration, and save it as UTF-8';
    reportIn(file, Number(line), messageOf(error).replace(/^it /, '') + remedy);
    return null;
  }
}

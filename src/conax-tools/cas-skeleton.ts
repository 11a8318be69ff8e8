import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative, resolve as resolvePath, sep } from 'node:path';
import { applyEdits, modify, type ParseError, parse } from 'jsonc-parser';
import { isObject } from '../conax-checks/json-members.ts';
import { casRefusalCodes, casTryLaterCode } from '../conax/codes.ts';
import { type CommandType, commandTypes } from '../planning/command.ts';
import { FileError, fileError, readBytes } from '../platform/files.ts';
import { readTextFile } from '../platform/text.ts';
import { guessAnswer } from './answer-guesses.ts';
import { type PrefixOf, schemaInstance, writeTemplate } from './template-writer.ts';
import type { OutlineOperation, WsdlOutline } from './wsdl-outline.ts';

export interface Chosen {
  readonly operation: OutlineOperation;
  readonly command: CommandType;
}

export interface Skeleton {
  /** By path: what is written there. */
  readonly files: ReadonlyMap<string, string | Buffer>;
  /** What was guessed, for each file. */
  readonly guessed: readonly string[];
  /** What a person must look at: `file:line: problem; remedy`. */
  readonly unsure: readonly string[];
  /** Fields that a new template does not send, each with the commands: `startAt: SEND_MAIL_MESSAGE_TO_CLIENT`. */
  readonly notSent: readonly string[];
  /** Commands of a conax.json that was there, which stay as they were. */
  readonly staying: readonly string[];
  /** Commands that conax.json declares as unsupported: no operation was chosen for them. */
  readonly unsupported: readonly CommandType[];
}

/** A file is there that must not be overwritten; the message names them all. */
export class FilesExistError extends Error {
  override readonly name = 'FilesExistError';
}

interface Area {
  readonly path?: string;
  readonly wsdl?: string;
}

interface CasFileContent {
  readonly namespaces?: Readonly<Record<string, string>>;
  readonly basicAuth?: boolean;
  readonly answers?: unknown;
  readonly areas?: Readonly<Record<string, Area>>;
  readonly commands?: Readonly<Record<string, unknown>>;
}

/**
 * Makes the templates of the chosen operations and their part of conax.json. A conax.json that is there is added to: its
 * areas, commands and lists of codes stay, so each WSDL can be added by itself.
 *
 * @throws FilesExistError if a template or command is there already, unless `force` is set; FileError if conax.json is
 * there and cannot be read.
 */
export function makeSkeleton(
  wsdl: { readonly file: string; readonly outline: WsdlOutline },
  chosen: readonly Chosen[],
  directory: string,
  force: boolean,
): Skeleton {
  const casFile = join(directory, 'conax.json');
  const before = existsSync(casFile) ? readTextFile(casFile) : '{}\n';
  const content = contentOf(casFile, before);
  const templateFile = (command: CommandType): string => join(directory, 'requests', `${command}.xml`);
  const copies = copiesOf(wsdl.outline.files, directory);
  if (!force) assertNew(chosen, content, directory, templateFile, copies);
  const wsdlFile = [...copies.keys()][0] ?? wsdl.file;

  const prefixOf = prefixesOf(wsdl.outline.prefixes, content.namespaces ?? {});
  const files = new Map<string, string | Buffer>(copies);
  const guessed: string[] = [];
  const notSent: { readonly field: string; readonly command: CommandType }[] = [];
  const unsure: string[] = [];
  const areas: Record<string, Area> = {};
  const commands: Record<string, unknown> = {};
  const namespaces = new Set<string>();
  const codes = new Set<string>();
  const codeTypes = new Set<string>();
  let sendsLogin = false;
  for (const { operation, command } of chosen) {
    const file = templateFile(command);
    const template = writeTemplate(command, operation, prefixOf);
    files.set(file, template.text);
    guessed.push(`${file}: ${template.guessed.join(', ') || 'nothing'}`);
    notSent.push(...template.notSent.map((field) => ({ field, command })));
    unsure.push(...template.unsure.map(({ line, problem }) => `${file}:${Math.max(1, line)}: ${problem}`));
    const answer = guessAnswer(command, operation, prefixOf);
    for (const ns of answer.namespaces) namespaces.add(ns);
    for (const code of answer.codes) codes.add(code);
    if (answer.codeType !== null) codeTypes.add(answer.codeType);
    sendsLogin ||= template.text.includes('{{password}}');
    unsure.push(...answer.unsure.map((problem) => `${casFile}: commands.${command}.answer: ${problem}`));
    const area = areaFor(wsdlFile, directory, operation, { ...content.areas, ...areas });
    areas[area.name] = area.entry;
    commands[command] = {
      area: area.name,
      template: `requests/${command}.xml`,
      // That of the WSDL is sent; written here, it would stay if the WSDL is replaced.
      ...(operation.isAmbiguous ? { soapAction: operation.soapAction } : {}),
      answer: answer.entry,
    };
  }
  const answers = codeLists([...codes], [...codeTypes]);
  let json = before;
  const set = (path: readonly string[], value: unknown): void => {
    const formattingOptions = { insertSpaces: true, tabSize: 2, eol: '\n' };
    json = applyEdits(json, modify(json, [...path], value, { formattingOptions }));
  };
  for (const ns of namespaces) set(['namespaces', prefixOf(ns)], ns);
  if (content.answers === undefined) {
    set(['answers'], answers.lists);
    unsure.push(...answers.unsure.map((problem) => `${casFile}: answers: ${problem}`));
  }
  const staying = Object.keys(content.commands ?? {}).filter(
    (type) => commands[type] === undefined && isWritten(content.commands?.[type]),
  );
  if (sendsLogin && content.basicAuth !== false) {
    if (staying.length === 0) set(['basicAuth'], false);
    unsure.push(
      staying.length === 0
        ? `${casFile}: basicAuth: false, as the templates send user and password; write true if the CAS wants HTTP Basic as well`
        : `${casFile}: basicAuth: the new templates send user and password, and so does HTTP Basic for all commands; write false if ${staying.join(', ')} need no HTTP Basic`,
    );
  }
  for (const [name, entry] of Object.entries(areas))
    if (content.areas?.[name] === undefined) set(['areas', name], entry);
  for (const [name, entry] of Object.entries(commands)) set(['commands', name], entry);
  const isLeft = (type: CommandType): boolean => commands[type] === undefined && !isWritten(content.commands?.[type]);
  const unsupported = commandTypes.filter(isLeft);
  for (const type of unsupported) {
    if (content.commands?.[type] !== undefined) continue;
    set(['commands', type], { unsupported: `conax init: no operation of ${basename(wsdl.file)} was chosen for it` });
  }
  files.set(casFile, json.endsWith('\n') ? json : `${json}\n`);
  const byField = Map.groupBy(notSent, ({ field }) => field);
  const unsent = [...byField].map(([field, those]) => `${field}: ${those.map(({ command }) => command).join(', ')}`);
  return { files, guessed, unsure, notSent: unsent, staying, unsupported };
}

/** Writes the files, and the directories that they need. @throws FileError */
export function writeFiles(files: Skeleton['files']): void {
  for (const [file, text] of files) {
    makeDirectory(dirname(file));
    try {
      writeFileSync(file, text);
    } catch (error) {
      throw fileError(file, 'written', error);
    }
  }
}

/** Node's `recursive` never returns below /proc, where a directory is there and takes no other. */
function makeDirectory(path: string): void {
  if (existsSync(path)) return;
  const around = dirname(path);
  makeDirectory(around);
  try {
    mkdirSync(path);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT'))
      throw fileError(path, 'written', error);
    throw new FileError(`${path} cannot be made: ${around} takes no directory; choose another one`, { cause: error });
  }
}

/** What cannot be read must not be added to. */
function contentOf(file: string, json: string): CasFileContent {
  const errors: ParseError[] = [];
  const content: unknown = parse(json, errors, { disallowComments: true });
  if (errors.length === 0 && isObject(content)) return content;
  throw new FileError(
    `${file} is no JSON that can be added to; correct what conax check says, or choose another directory`,
  );
}

function assertNew(
  chosen: readonly Chosen[],
  content: CasFileContent,
  directory: string,
  templateFile: (command: CommandType) => string,
  copies: ReadonlyMap<string, Buffer>,
): void {
  for (const [file, bytes] of copies) {
    if (!existsSync(file) || readBytes(file).equals(bytes)) continue;
    throw new FilesExistError(
      `${file} is another file than the one of the WSDL. Nothing was written; choose another directory, or overwrite it with --force`,
    );
  }
  const found = chosen.filter(
    ({ command }) => existsSync(templateFile(command)) || isWritten(content.commands?.[command]),
  );
  if (found.length === 0) return;
  throw new FilesExistError(
    `${directory} already has ${found.map(({ command }) => command).join(', ')}. Nothing was written; choose another directory, or overwrite template and entry of these with --force`,
  );
}

/**
 * The WSDL, which comes first, and what it refers to, as they are copied into the directory: so it stays whole wherever it
 * is moved. None if the WSDL lies in it already.
 */
function copiesOf(wsdlFiles: readonly string[], directory: string): Map<string, Buffer> {
  const isInside = (file: string, folder: string): boolean => !relative(folder, file).startsWith('..');
  const [wsdlFile = ''] = wsdlFiles;
  if (isInside(wsdlFile, resolvePath(directory))) return new Map();
  let base = dirname(wsdlFile);
  while (!wsdlFiles.every((file) => isInside(file, base))) base = dirname(base);
  return new Map(wsdlFiles.map((file) => [join(directory, 'wsdl', relative(base, file)), readBytes(file)]));
}

/** Whether conax.json has the command: one that is only declared as unsupported is replaced. */
function isWritten(entry: unknown): boolean {
  return entry !== undefined && !(isObject(entry) && 'unsupported' in entry);
}

/** An area of the same path and WSDL is used whatever its name; a new one gets the name of the file. */
function areaFor(
  wsdlFile: string,
  directory: string,
  { path, port }: OutlineOperation,
  areas: Readonly<Record<string, Area>>,
): { readonly name: string; readonly entry: Area } {
  const wsdl = relative(resolvePath(directory), resolvePath(wsdlFile)).split(sep).join('/');
  const same = Object.entries(areas).find(([, area]) => area.path === path && area.wsdl === wsdl);
  if (same !== undefined) return { name: same[0], entry: same[1] };
  const base = basename(wsdlFile).replace(/\.[^.]*$/, '');
  const names = [base, `${base}-${port}`];
  for (let n = 2; ; n += 1) {
    const name = names.shift() ?? `${base}-${n}`;
    if (areas[name] === undefined) return { name, entry: { path, wsdl } };
  }
}

/** Which of the schema's status codes mean what, as far as their names say it. */
function codeLists(
  codes: readonly string[],
  types: readonly string[],
): {
  readonly lists: Readonly<Record<string, readonly string[]>>;
  readonly unsure: readonly string[];
} {
  const success = codes.filter((code) => /^(?:ok|success(?:ful)?|done|accepted|completed|0+)$/i.test(code));
  const known: readonly string[] = casRefusalCodes;
  const refused = codes.filter((code) => known.includes(code));
  const tryLater = codes.filter((code) => code === casTryLaterCode);
  const rest = codes.filter((code) => ![...success, ...refused, ...tryLater].includes(code));
  const unsure: string[] = [];
  if (success.length !== 1) {
    const type = types.length === 0 ? '' : ` (${types.join('; ')})`;
    unsure.push(`success: write the status codes that mean success; the WSDL does not say which${type}`);
  }
  if (rest.length > 0) {
    unsure.push(
      `${rest.join(', ')}: write each into refused, tryLater or notAuthorised; one that is in no list refuses and is for review`,
    );
  } else if (codes.length === 0) {
    unsure.push(
      'refused, tryLater, notAuthorised: write the codes that the CAS documents; one that is in no list refuses and is for review',
    );
  }
  return { lists: { success, refused, tryLater }, unsure };
}

/** Prefixes of conax.json if it has one, else of the WSDL, else a word of the namespace; each namespace has its own. */
function prefixesOf(ofWsdl: ReadonlyMap<string, string>, ofFile: Readonly<Record<string, string>>): PrefixOf {
  const prefixes = new Map(Object.entries(ofFile).map(([prefix, ns]) => [ns, prefix]));
  const taken = new Set([...Object.keys(ofFile), 'soap', 'xsi']);
  prefixes.set(schemaInstance, 'xsi');
  return (ns) => {
    const known = prefixes.get(ns);
    if (known !== undefined) return known;
    const words = ns
      .split(/[^A-Za-z\d-]+/)
      .filter((word) => /^[A-Za-z][A-Za-z-]+$/.test(word) && !/^(?:www|com|org|net|https?|urn)$/.test(word));
    const wanted = ofWsdl.get(ns) ?? words.at(-1)?.toLowerCase() ?? 'cas';
    let prefix = wanted;
    for (let n = 2; taken.has(prefix); n += 1) prefix = `${wanted}${n}`;
    taken.add(prefix);
    prefixes.set(ns, prefix);
    return prefix;
  };
}

import {
  findNodeAtLocation,
  getNodeValue,
  type Node,
  type ParseError,
  type ParseErrorCode,
  parseTree,
  printParseErrorCode,
} from 'jsonc-parser';
import { z } from 'zod';
import { type CommandType, commandTypes } from '../planning/command.ts';
import { messageOf } from '../platform/errors.ts';
import { didYouMean, nearName } from '../platform/near-name.ts';
import { readTextFile, TextError } from '../platform/text.ts';
import { answerFields, type AnswerEntry, type Namespaces } from './answer-entry.ts';
import { type AsFarAsRight, isObject, readMembers } from './json-members.ts';
import { CasDefinitionError, lineAt } from './mistakes.ts';

const codes = z.array(
  z
    .string({ error: ({ input }) => `write a status code as text, such as "${typeof input === 'number' ? input : 0}"` })
    .trim()
    .min(1, 'write a status code'),
  'write a list of status codes, such as ["0"]',
);
/** The lists of status codes, which `answers`, an area and a command may have. */
export const codeLists = {
  success: codes.optional(),
  /** Known refusals; any other code refuses, too, and is for review. */
  refused: codes.optional(),
  tryLater: codes.optional(),
  /** They refuse the login, and so pause sending. */
  notAuthorised: codes.optional(),
};

/** A text that must say something. */
const text = (remedy: string) => z.string(remedy).trim().min(1, remedy);
const flag = (remedy: string) => z.boolean(remedy);
const answerPath = text('write a path such as prefix:Response/prefix:StatusCode');
const object = (what: string) => z.record(z.string(), z.unknown(), `write an object with ${what}`);

const hasNoField = (given: string): boolean => !/\{\{/.test(given);
const noField = 'fields stand in templates only: write the text itself, without a secret';

const areaSchema = z.strictObject({
  path: z
    .string('write the path after CONAX_BASE_URL, such as "/authorization"')
    .refine(hasNoField, { error: noField, abort: true })
    .regex(
      /^\/[\w./~%!$&'()*+,;=:@-]*(?:\?[\w./~%!$&'()*+,;=:@?-]*)?$/,
      'start with / and use only characters of a URL',
    ),
  wsdl: text('write the name of the WSDL file, relative to conax.json').optional(),
  answers: z.strictObject(codeLists).optional(),
});

const commandSchema = z.strictObject({
  area: text('write one of the names in "areas"'),
  template: text('write the file with the whole envelope, relative to conax.json'),
  soapAction: z
    .string('write the SOAPAction as text, or leave it out to send that of the WSDL')
    .refine(hasNoField, { error: noField, abort: true })
    .regex(/^[!#-~]*$/, 'use visible ASCII characters without quotation marks')
    .optional(),
  answer: z.strictObject({
    ...Object.fromEntries(answerFields.map((field) => [field, answerPath.optional()])),
    element: answerPath.optional(),
    ignored: z.array(answerPath, 'write a list of paths').optional(),
    ...codeLists,
    emptySuccess: flag('write true if an answer with nothing in its body is a success, else false').optional(),
  }),
});

const unsupportedSchema = z.strictObject({
  unsupported: text('write why the CAS does not have the command, for people'),
});

const casFileSchema = z.strictObject({
  namespaces: z
    .record(z.string(), text('write the address of a namespace'), 'write an object with prefixes and their namespaces')
    .default({}),
  basicAuth: flag('write true to send user and password as HTTP Basic, false if only the templates send them').default(
    true,
  ),
  answers: z.strictObject(codeLists).default({}),
  areas: object('the areas by their names'),
  commands: object('the 13 commands by their names'),
});

export type CasFileArea = AsFarAsRight<z.infer<typeof areaSchema>>;
export interface CasFileCommand extends AsFarAsRight<Omit<z.infer<typeof commandSchema>, 'answer'>> {
  readonly answer: AnswerEntry & Readonly<Record<string, unknown>>;
}

export interface ReadCasFile {
  readonly namespaces: Namespaces;
  readonly basicAuth: boolean;
  readonly answers: Pick<AnswerEntry, keyof typeof codeLists>;
  readonly areas: ReadonlyMap<string, CasFileArea>;
  readonly commands: ReadonlyMap<CommandType, CasFileCommand>;
  /** Why the CAS does not have a command. */
  readonly unsupported: ReadonlyMap<CommandType, string>;
  /** Each with file and line. */
  readonly mistakes: readonly string[];
  /** The line of a member, or of the nearest one around it that is there. */
  readonly lineOf: (path: readonly PropertyKey[]) => number;
  /** Whether something is wrong already with a member or one around it, or with the JSON of the file. */
  readonly isReported: (path: readonly string[]) => boolean;
  /** Whether something is wrong already with a member of it, or with an entry of its list. */
  readonly isReportedWithin: (path: readonly string[]) => boolean;
}

/**
 * Reads conax.json. Every member that is right is there, whatever is wrong with others. @throws CasDefinitionError if
 * there is nothing to read.
 */
export function readCasFile(file: string): ReadCasFile {
  let source: string;
  try {
    source = readTextFile(file);
  } catch (error) {
    // A text that is not UTF-8 is there, and has its remedy.
    const remedy =
      error instanceof TextError
        ? ''
        : '; correct CONAX_MAPPING_FILE, or write the file with npx conax-provisioning conax init';
    throw new CasDefinitionError(file, [`${messageOf(error)}${remedy}`]);
  }
  const errors: ParseError[] = [];
  const tree = parseTree(source, errors, { disallowComments: true });
  const mistakes = errors.map(
    ({ error, offset }) => `${file}:${lineAt(source, offset)}: is no JSON: ${jsonProblem(error)}`,
  );
  if (tree?.type !== 'object') {
    if (mistakes.length === 0) mistakes.push(`${file}:1: is no JSON object; compare it with schemas/conax/conax.json`);
    throw new CasDefinitionError(file, mistakes);
  }
  const lineOf = (path: readonly PropertyKey[]): number => lineAt(source, nearest(tree, path).offset);
  for (const key of twice(tree)) {
    mistakes.push(`${file}:${lineAt(source, key.offset)}: "${String(key.value)}" is there twice; remove one`);
  }
  const json: unknown = getNodeValue(tree);
  if (isOldMapping(json)) {
    throw new CasDefinitionError(file, [
      `${file}:1: is a mapping file of paths, which request templates have replaced; docs/conax.md says how to move in ten minutes`,
    ]);
  }
  const isBroken = errors.some(({ error }) => !harmless.has(printParseErrorCode(error)));
  const reported = new Set<string>();
  const report = (path: readonly string[], problem: string, place = path): void => {
    reported.add(path.join('.'));
    mistakes.push(`${file}:${lineOf(place)}: ${place.join('.') || 'the file'}: ${problem}`);
  };
  /** What is missing may stand where no JSON could be read. */
  const reportUnlessBroken: typeof report = (path, problem, place) => {
    if (!isBroken || !problem.startsWith('is missing')) report(path, problem, place);
  };
  const { areas = {}, commands = {}, ...common } = readMembers(casFileSchema, json, [], reportUnlessBroken);
  const supported = new Map<CommandType, CasFileCommand>();
  const unsupported = new Map<CommandType, string>();
  for (const [name, entry] of Object.entries(commands)) {
    const at = ['commands', name];
    const meant = nearName(name, commandTypes);
    const type = commandTypes.find((one) => one === name) ?? (meant !== null && meant in commands ? null : meant);
    if (type !== name)
      report(at, `is no command; ${didYouMean(name, commandTypes)}write one of ${commandTypes.join(', ')}`);
    if (type === null) continue;
    if (isUnsupported(entry)) {
      const { unsupported: why = '' } = readMembers(unsupportedSchema, entry, at, reportUnlessBroken);
      unsupported.set(type as CommandType, why);
    } else {
      const { answer = {}, ...rest } = readMembers(commandSchema, entry, at, reportUnlessBroken);
      supported.set(type as CommandType, { ...rest, answer });
    }
  }
  for (const type of commandTypes) {
    if (supported.has(type) || unsupported.has(type) || reported.has('commands')) continue;
    const remedy =
      'write it with npx conax-provisioning conax init, copy it from schemas/conax of the project, or write { "unsupported": "why" } if the CAS does not have it';
    reportUnlessBroken(['commands', type], `is missing; ${remedy}`);
  }
  return {
    namespaces: { ...prefixesOfWrong(json), ...common.namespaces },
    basicAuth: common.basicAuth ?? true,
    answers: common.answers ?? {},
    areas: new Map(
      Object.entries(areas).map(([name, area]) => [
        name,
        readMembers(areaSchema, area, ['areas', name], reportUnlessBroken),
      ]),
    ),
    commands: supported,
    unsupported,
    mistakes,
    lineOf,
    isReported: (path) => isBroken || path.some((_, index) => reported.has(path.slice(0, index + 1).join('.'))),
    isReportedWithin: (path) => [...reported].some((one) => one.startsWith(`${path.join('.')}.`)),
  };
}

/** Mistakes after which everything is still read: comments, and commas too many or too few. */
const harmless = new Set(['InvalidCommentToken', 'CommaExpected', 'PropertyNameExpected', 'ValueExpected']);

/** Every prefix in "namespaces", as one whose namespace is wrong. */
function prefixesOfWrong(json: unknown): Namespaces {
  const written = isObject(json) ? json['namespaces'] : null;
  return Object.fromEntries(Object.keys(isObject(written) ? written : {}).map((prefix) => [prefix, null]));
}

/** Whether an entry says that the CAS does not have the command, perhaps with a misspelt name. */
function isUnsupported(entry: unknown): boolean {
  if (!isObject(entry)) return false;
  const isMeant = Object.keys(entry).some((name) => nearName(name, ['unsupported']) !== null);
  return 'unsupported' in entry || (isMeant && !('template' in entry));
}

function jsonProblem(error: ParseErrorCode): string {
  const code = printParseErrorCode(error);
  if (code === 'InvalidCommentToken') return 'it has a comment; remove it';
  const words = code.replaceAll(/\B[A-Z]/g, (letter) => ` ${letter}`).toLowerCase();
  return `${words}; look for a comma, a quotation mark or a bracket that is missing or too much, here or before`;
}

function nearest(tree: Node, path: readonly PropertyKey[]): Node {
  for (let length = path.length; length > 0; length -= 1) {
    const keys = path.slice(0, length).map((key) => (/^\d+$/.test(String(key)) ? Number(key) : String(key)));
    const node = findNodeAtLocation(tree, keys);
    if (node !== undefined) return node;
  }
  return tree;
}

/** The keys that an object has a second time: of two, the last counts, without a word. */
function twice(node: Node): Node[] {
  const children = node.children ?? [];
  if (node.type !== 'object') return children.flatMap(twice);
  const seen = new Set<unknown>();
  return children.flatMap((property) => {
    const [key, value] = property.children ?? [];
    const inner = value === undefined ? [] : twice(value);
    if (key === undefined || !seen.has(key.value)) {
      seen.add(key?.value);
      return inner;
    }
    return [key, ...inner];
  });
}

function isOldMapping(json: unknown): boolean {
  const commands = isObject(json) ? json['commands'] : null;
  if (!isObject(commands)) return false;
  const entries = Object.values(commands).filter(isObject);
  return (
    entries.some((command) => 'request' in command || 'operation' in command) &&
    !entries.some((command) => 'template' in command)
  );
}

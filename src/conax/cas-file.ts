import {
  findNodeAtLocation,
  type Node,
  type ParseError,
  type ParseErrorCode,
  parseTree,
  printParseErrorCode,
} from 'jsonc-parser';
import { z } from 'zod';
import { messageOf } from '../platform/errors.ts';
import { readTextFile } from '../platform/text.ts';
import { type CommandType, commandTypes } from '../planning/command.ts';
import { answerFields } from './answer-shape.ts';
import { CasDefinitionError, didYouMean, lineAt } from './mistakes.ts';

const codes = z.array(z.string().trim().min(1, 'write a status code'));
/** The lists of status codes, which `answers`, an area and a command may have. */
export const codeLists = {
  success: codes.optional().describe('status codes that mean success'),
  refused: codes.optional().describe('status codes that are known refusals; any other refuses, too, and is for review'),
  tryLater: codes.optional().describe('status codes after which the command is tried again'),
  notAuthorised: codes.optional().describe('status codes that refuse the login, and so pause sending'),
};
const answerPath = z.string().min(1, 'write a path such as prefix:Response/prefix:StatusCode');

const areaSchema = z.strictObject({
  path: z
    .string()
    .regex(
      /^\/[\w./~%!$&'()*+,;=:@-]*(?:\?[\w./~%!$&'()*+,;=:@?-]*)?$/,
      'start with / and use only characters of a URL',
    )
    .describe('after CONAX_BASE_URL, with the query if there is one'),
  wsdl: z.string().min(1).optional().describe('the WSDL file, relative to conax.json'),
  answers: z.strictObject(codeLists).optional().describe('lists that replace those of all areas'),
});

const commandSchema = z.strictObject({
  area: z.string().describe('one of "areas"'),
  template: z.string().min(1).describe('the file with the whole envelope, relative to conax.json'),
  soapAction: z
    .string()
    .regex(/^[!#-~]*$/, 'use visible ASCII characters without quotation marks')
    .optional()
    .describe('the SOAPAction; without it, that of the WSDL'),
  answer: z.strictObject({
    ...Object.fromEntries(answerFields.map((field) => [field, answerPath.optional()])),
    element: answerPath.optional().describe('the element in the SOAP body, if no path names it'),
    ...codeLists,
    emptySuccess: z.boolean().optional().describe('an answer with nothing in its body is a success'),
  }),
});

const unsupportedSchema = z.strictObject({
  unsupported: z.string().trim().min(1, 'write why, for people').describe('why the CAS does not have the command'),
});

const casFileSchema = z.strictObject({
  namespaces: z.record(z.string(), z.string().min(1)).default({}).describe('prefixes of the answers’ paths'),
  basicAuth: z.boolean().default(true).describe('false: user and password stand in the templates only'),
  answers: z.strictObject(codeLists).default({}),
  areas: z.record(z.string(), z.unknown()),
  commands: z.record(z.string(), z.unknown()),
});

export type CasFileArea = z.infer<typeof areaSchema>;
export type CasFileCommand = z.infer<typeof commandSchema>;

export interface ReadCasFile {
  readonly content: Omit<z.infer<typeof casFileSchema>, 'areas' | 'commands'> & {
    /** null: its entry is wrong. */
    readonly areas: ReadonlyMap<string, CasFileArea | null>;
    /** Those whose entries are right. */
    readonly commands: ReadonlyMap<CommandType, CasFileCommand>;
    /** Why the CAS does not have a command. */
    readonly unsupported: ReadonlyMap<CommandType, string>;
  };
  /** Each with file and line. */
  readonly mistakes: readonly string[];
  /** The line of a member, or of the nearest one around it that is there. */
  readonly lineOf: (path: readonly PropertyKey[]) => number;
}

/** Reads conax.json; a wrong area or command hides no mistake of another. @throws CasDefinitionError if nothing can be read. */
export function readCasFile(file: string): ReadCasFile {
  let text: string;
  try {
    text = readTextFile(file);
  } catch (error) {
    throw new CasDefinitionError(file, [
      `${messageOf(error)}; correct CONAX_MAPPING_FILE or the file, or write one with conax init`,
    ]);
  }
  const errors: ParseError[] = [];
  const tree = parseTree(text, errors, { disallowComments: true });
  if (errors.length > 0 || tree === undefined) {
    throw new CasDefinitionError(
      file,
      errors.map(({ error, offset }) => `${file}:${lineAt(text, offset)}: is no JSON: ${jsonProblem(error)}`),
    );
  }
  const lineOf = (path: readonly PropertyKey[]): number => lineAt(text, nearest(tree, path).offset);
  const mistakes = twice(tree).map(
    (key) => `${file}:${lineAt(text, key.offset)}: "${String(key.value)}" is there twice; remove one`,
  );
  const json: unknown = JSON.parse(text);
  if (isOldMapping(json)) {
    throw new CasDefinitionError(file, [
      `${file}:1: is a mapping file of paths, which request templates have replaced; docs/conax.md says how to move in ten minutes`,
    ]);
  }
  function parse<T>(schema: z.ZodType<T>, value: unknown, at: readonly string[]): T | null {
    const parsed = schema.safeParse(value);
    if (parsed.success) return parsed.data;
    for (const issue of parsed.error.issues) {
      const path = [...at, ...issue.path];
      const isUnknown = issue.code === 'unrecognized_keys';
      const line = lineOf(isUnknown ? [...path, issue.keys[0] ?? ''] : path);
      const remedy = isUnknown ? '; remove it, or correct its name' : '';
      mistakes.push(`${file}:${line}: ${path.join('.') || 'the file'}: ${issue.message}${remedy}`);
    }
    return null;
  }
  const content = parse(casFileSchema, json, []);
  if (content === null) throw new CasDefinitionError(file, mistakes);
  const areas = new Map(
    Object.entries(content.areas).map(([name, area]) => [name, parse(areaSchema, area, ['areas', name])]),
  );
  const commands = new Map<CommandType, CasFileCommand>();
  const unsupported = new Map<CommandType, string>();
  for (const type of commandTypes) {
    const entry = content.commands[type];
    const at = ['commands', type];
    if (entry === undefined) {
      const remedy =
        'write it with conax init, copy it from schemas/conax of the project, or write { "unsupported": "why" } if the CAS does not have it';
      mistakes.push(`${file}:${lineOf(at)}: ${at.join('.')}: is missing; ${remedy}`);
    } else if (typeof entry === 'object' && entry !== null && 'unsupported' in entry) {
      const parsed = parse(unsupportedSchema, entry, at);
      if (parsed !== null) unsupported.set(type, parsed.unsupported);
    } else {
      const parsed = parse(commandSchema, entry, at);
      if (parsed !== null) commands.set(type, parsed);
    }
  }
  for (const name of Object.keys(content.commands)) {
    if (commandTypes.some((type) => type === name)) continue;
    const at = ['commands', name];
    mistakes.push(
      `${file}:${lineOf(at)}: ${at.join('.')}: is no command; ${didYouMean(name, commandTypes)}write one of ${commandTypes.join(', ')}`,
    );
  }
  return { content: { ...content, areas, commands, unsupported }, mistakes, lineOf };
}

function jsonProblem(error: ParseErrorCode): string {
  const code = printParseErrorCode(error);
  if (code === 'InvalidCommentToken') return 'it has a comment; remove it';
  const words = code.replaceAll(/\B[A-Z]/g, (letter) => ` ${letter}`).toLowerCase();
  return `${words}; look for a comma, a quotation mark or a bracket that is missing or too much, here or before`;
}

function nearest(tree: Node, path: readonly PropertyKey[]): Node {
  for (let length = path.length; length > 0; length -= 1) {
    const node = findNodeAtLocation(tree, path.slice(0, length) as (string | number)[]);
    if (node !== undefined) return node;
  }
  return tree;
}

/** The keys that an object has a second time: JSON.parse takes the last, without a word. */
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
  const commands = typeof json === 'object' && json !== null && 'commands' in json ? json.commands : null;
  if (typeof commands !== 'object' || commands === null) return false;
  return Object.values(commands).some(
    (command: unknown) =>
      typeof command === 'object' && command !== null && ('request' in command || 'operation' in command),
  );
}

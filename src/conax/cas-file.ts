import { findNodeAtLocation, type Node, type ParseError, parseTree, printParseErrorCode } from 'jsonc-parser';
import { z } from 'zod';
import { readTextFile } from '../platform/text.ts';
import { type CommandType, commandTypes } from '../requests/command.ts';
import { answerFields } from './answer-shape.ts';
import { CasDefinitionError, lineAt } from './mistakes.ts';

const codes = z.array(z.string().trim().min(1, 'write a status code'));
const codeLists = {
  success: codes.optional().describe('status codes that mean success'),
  refused: codes.optional().describe('status codes that are known refusals; any other refuses, too, and is for review'),
  tryLater: codes.optional().describe('status codes after which the command is tried again'),
};
const answerPath = z.string().min(1, 'write a path such as prefix:Response/prefix:StatusCode');

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

/** The form of conax.json. */
export const casFileSchema = z.strictObject({
  namespaces: z.record(z.string(), z.string().min(1)).default({}).describe('prefixes of the answers’ paths'),
  basicAuth: z.boolean().default(true).describe('false: user and password stand in the templates only'),
  answers: z.strictObject(codeLists).default({}),
  areas: z.record(
    z.string(),
    z.strictObject({
      path: z
        .string()
        .regex(/^\/[\w./~%!$&'()*+,;=:@-]*$/, 'start with / and use only characters of a URL path')
        .describe('after CONAX_BASE_URL'),
      wsdl: z.string().min(1).optional().describe('the WSDL file, relative to conax.json'),
    }),
  ),
  commands: z.record(z.enum(commandTypes as [CommandType, ...CommandType[]]), commandSchema),
});

export type CasFile = z.infer<typeof casFileSchema>;
export type CasFileCommand = CasFile['commands'][CommandType];

export interface ReadCasFile {
  readonly content: CasFile;
  /** The line of a member, or of the nearest one around it that is there. */
  readonly lineOf: (path: readonly PropertyKey[]) => number;
}

/** Reads conax.json. @throws CasDefinitionError with every mistake and its line. */
export function readCasFile(file: string): ReadCasFile {
  let text: string;
  try {
    text = readTextFile(file);
  } catch (error) {
    throw new CasDefinitionError(file, [error instanceof Error ? error.message : String(error)]);
  }
  const errors: ParseError[] = [];
  const tree = parseTree(text, errors, { disallowComments: true });
  if (errors.length > 0 || tree === undefined) {
    throw new CasDefinitionError(
      file,
      errors.map(({ error, offset }) => `${file}:${lineAt(text, offset)}: is no JSON: ${printParseErrorCode(error)}`),
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
  const parsed = casFileSchema.safeParse(json);
  if (!parsed.success) {
    for (const issue of parsed.error.issues) {
      const path = issue.code === 'unrecognized_keys' ? [...issue.path, issue.keys[0] ?? ''] : issue.path;
      const problem = isMissingCommand(json, issue.path)
        ? 'is missing; write it with conax init, or copy it from schemas/conax of the project'
        : issue.message;
      mistakes.push(`${file}:${lineOf(path)}: ${issue.path.join('.') || 'the file'}: ${problem}`);
    }
  }
  if (mistakes.length > 0 || !parsed.success) throw new CasDefinitionError(file, mistakes);
  return { content: parsed.data, lineOf };
}

function isMissingCommand(json: unknown, path: readonly PropertyKey[]): boolean {
  const [member, command, more] = path;
  if (member !== 'commands' || command === undefined || more !== undefined) return false;
  const { commands } = json as { commands?: Readonly<Record<PropertyKey, unknown>> };
  return commands?.[command] === undefined;
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

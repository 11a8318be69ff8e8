import { dirname, resolve as resolvePath } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { readTextFile } from '../platform/text.ts';
import { type CommandType, commandTypes } from '../requests/command.ts';
import type { ElementModel } from './content-model.ts';
import { type FieldPath, type MappedFields, mapAnswer, mapRequest } from './mapped-fields.ts';
import { type Operation, readWsdl } from './wsdl.ts';

/** The mapping file that comes with the project: setting CONAX_MAPPING_FILE names another. */
export const defaultMappingFile = fileURLToPath(new URL('../../schemas/conax/conax-mapping.json', import.meta.url));

/** Where and how a command is spoken, made from the mapping file and the WSDL of its area. */
export interface MappedCommand {
  readonly type: CommandType;
  readonly area: string;
  /** The path behind the base URL, with a leading slash. */
  readonly path: string;
  readonly wsdlFile: string;
  readonly operation: string;
  readonly soapAction: string;
  readonly input: ElementModel;
  readonly output: ElementModel;
  readonly request: MappedFields;
  /** Elements that are always sent with the same text. */
  readonly constants: readonly { readonly path: FieldPath; readonly text: string }[];
  readonly answer: MappedFields;
}

export interface Mapping {
  readonly file: string;
  readonly commands: Readonly<Record<CommandType, MappedCommand>>;
}

/** The mapping file and the WSDLs do not fit together; the message names every mistake. */
export class MappingError extends Error {
  override readonly name = 'MappingError';
  readonly mistakes: readonly string[];
  constructor(file: string, mistakes: readonly string[]) {
    super(`CONAX_MAPPING_FILE ${file}: ${mistakes.length} to mend:\n${mistakes.map((line) => `- ${line}`).join('\n')}`);
    this.mistakes = mistakes;
  }
}

const elementPath = z
  .string()
  .regex(
    /^[^/[\]\s]+(?:\[\])?(?:\/[^/[\]\s]+(?:\[\])?)*$/,
    'write element names with / between them, [] behind a repeated one',
  );
const fields = z.record(z.string(), elementPath);

const commandSchema = z.strictObject({
  area: z.string().describe('one of "areas"'),
  operation: z.string().min(1).describe('the operation of the area’s WSDL'),
  soapAction: z
    .string()
    .regex(/^[!#-~]*$/, 'use visible ASCII characters without quotation marks')
    .optional()
    .describe('the SOAPAction header; without it, what the WSDL says'),
  request: fields.describe('field -> path of its element below the body’s element'),
  constants: z.record(elementPath, z.string()).default({}).describe('path -> text that is always sent'),
  response: fields.describe('field -> path of its element below the body’s element'),
});

/** The form of the mapping file. */
export const mappingSchema = z.strictObject({
  areas: z.record(
    z.string(),
    z.strictObject({
      path: z
        .string()
        .regex(/^\/[\w./~%!$&'()*+,;=:@-]*$/, 'begin with / and use only characters of a URL path')
        .describe('behind CONAX_BASE_URL'),
      wsdl: z.string().min(1).describe('the WSDL file, relative to the mapping file'),
    }),
  ),
  commands: z.record(z.enum(commandTypes as [CommandType, ...CommandType[]]), commandSchema),
});

type MappingFile = z.infer<typeof mappingSchema>;

/**
 * Reads the mapping file and its WSDLs, and checks that they fit: every command has its operation, every field that
 * must be sent has its element, lists stand where the WSDL repeats. Throws one MappingError that names all mistakes.
 */
export async function loadMapping(file: string): Promise<Mapping> {
  const content = readMappingFile(file);
  const mistakes: string[] = [];
  const wsdls = new Map<string, ReadonlyMap<string, Operation>>();
  for (const [area, { wsdl }] of Object.entries(content.areas)) {
    try {
      wsdls.set(area, await readWsdl(resolvePath(dirname(file), wsdl)));
    } catch (error) {
      mistakes.push(`areas.${area}.wsdl: ${messageOf(error)}`);
    }
  }
  const commands: Partial<Record<CommandType, MappedCommand>> = {};
  for (const type of commandTypes) {
    const entry = content.commands[type];
    const area = content.areas[entry.area];
    if (area === undefined) {
      mistakes.push(`commands.${type}.area: ${entry.area} is none of ${Object.keys(content.areas).join(', ')}`);
      continue;
    }
    const operations = wsdls.get(entry.area);
    if (operations === undefined) continue;
    const operation = operations.get(entry.operation);
    if (operation === undefined) {
      const known = [...operations.keys()].join(', ');
      mistakes.push(`commands.${type}.operation: ${area.wsdl} has no ${entry.operation}, but ${known}`);
      continue;
    }
    try {
      commands[type] = {
        type,
        area: entry.area,
        path: area.path,
        wsdlFile: resolvePath(dirname(file), area.wsdl),
        operation: operation.name,
        soapAction: entry.soapAction ?? operation.soapAction,
        input: operation.input,
        output: operation.output,
        ...mapRequest(type, operation.input, entry.request, entry.constants, mistakes),
        answer: mapAnswer(type, operation.output, entry.response, mistakes),
      };
    } catch (error) {
      mistakes.push(`commands.${type}: ${area.wsdl}: ${messageOf(error)}`);
    }
  }
  if (mistakes.length > 0) throw new MappingError(file, mistakes);
  return { file, commands: commands as Record<CommandType, MappedCommand> };
}

function readMappingFile(file: string): MappingFile {
  let json: unknown;
  try {
    json = JSON.parse(readTextFile(file));
  } catch (error) {
    throw new MappingError(file, [messageOf(error)]);
  }
  const parsed = mappingSchema.safeParse(json);
  if (parsed.success) return parsed.data;
  throw new MappingError(
    file,
    parsed.error.issues.map((issue) => `${issue.path.join('.') || 'the file'}: ${issue.message}`),
  );
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

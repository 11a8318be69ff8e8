import { join, resolve as resolvePath } from 'node:path';
import { type Chosen, FilesExistError, makeSkeleton, type Skeleton, writeFiles } from '../conax-tools/cas-skeleton.ts';
import { commandLike } from '../conax-tools/command-guesses.ts';
import { type OutlineOperation, readOutline, type WsdlOutline } from '../conax-tools/wsdl-outline.ts';
import { messageOf } from '../platform/errors.ts';
import { didYouMean } from '../platform/near-name.ts';
import { quoted } from '../platform/terminal-text.ts';
import { commandTypes } from '../planning/command.ts';
import { UsageError } from './exit-codes.ts';
import { print, printJson, printList, report } from './output.ts';

export interface InitOptions {
  readonly wsdl: string;
  readonly out?: string;
  readonly operation: readonly string[];
  readonly force?: boolean;
  readonly json?: boolean;
}

/** Writes templates and conax.json for the chosen operations of a WSDL; without any, prints what it has. */
export async function init(options: InitOptions): Promise<void> {
  const wsdlFile = resolvePath(options.wsdl);
  const outline = outlineOf(options.wsdl, wsdlFile);
  if (options.operation.length === 0) return list(options, outline);
  const { out } = options;
  if (out === undefined) throw new UsageError('--out is missing: give the directory to write to');
  const chosen = chosenOf(options.operation, outline.operations);
  const skeleton = skeletonOf(() => makeSkeleton({ file: wsdlFile, outline }, chosen, out, options.force === true));
  writeFiles(skeleton.files);
  const shown = { ...skeleton, files: [...skeleton.files.keys()], remarks: outline.remarks };
  await (options.json ? printJson(shown) : print(writtenText(skeleton, outline.remarks, out)));
}

function outlineOf(given: string, file: string): WsdlOutline {
  try {
    return readOutline(file);
  } catch (error) {
    throw new UsageError(`--wsdl ${given}: ${messageOf(error)}`);
  }
}

function skeletonOf(make: () => Skeleton): Skeleton {
  try {
    return make();
  } catch (error) {
    throw error instanceof FilesExistError ? new UsageError(error.message) : error;
  }
}

/** @throws UsageError with what is wrong with each. */
function chosenOf(given: readonly string[], operations: readonly OutlineOperation[]): Chosen[] {
  const names = operations.map(({ name }) => name);
  const mistakes: string[] = [];
  const chosen: Chosen[] = [];
  for (const text of given) {
    const [, name = '', commandName = ''] = /^(.*)=(.*)$/.exec(text) ?? [];
    const operation = operations.find((one) => one.name === name);
    const command = commandTypes.find((type) => type === commandName);
    const earlier = chosen.find((one) => one.command === command);
    const problems: string[] = [];
    if (!text.includes('=')) problems.push('write NAME=COMMAND');
    else {
      if (operation === undefined)
        problems.push(`${didYouMean(name, names)}the operations are ${names.join(', ') || 'none'}`);
      if (command === undefined)
        problems.push(`${didYouMean(commandName, commandTypes)}the commands are ${commandTypes.join(', ')}`);
      if (earlier !== undefined) problems.push(`${commandName} is chosen twice; choose one operation for it`);
    }
    if (problems.length > 0) mistakes.push(`--operation is ${JSON.stringify(text)}: ${problems.join('; ')}`);
    else if (operation !== undefined && command !== undefined) chosen.push({ operation, command });
  }
  if (mistakes.length > 0) throw new UsageError(mistakes.join('\n'));
  return chosen;
}

async function list(options: InitOptions, { operations, remarks }: WsdlOutline): Promise<void> {
  const rows = operations.map((operation) => ({ operation, like: commandLike(operation.name) }));
  if (options.json) {
    const shown = rows.map(({ operation: { name, port, path, soapAction, soapVersion }, like }) => ({
      name,
      port,
      path,
      soap_action: soapAction,
      soap_version: soapVersion,
      looks_like: like,
    }));
    return printJson({ operations: shown, remarks });
  }
  await printList(rows, {
    columns: [
      ['operation', ({ operation }) => operation.name],
      ['looks like', ({ like }) => like],
      ['port', ({ operation }) => operation.port],
      ['SOAP', ({ operation }) => operation.soapVersion],
      ['path', ({ operation }) => operation.path],
    ],
    nothing: 'The WSDL has no SOAP operations.',
    json: null,
  });
  for (const remark of remarks) report(`- ${remark}`);
  const first = rows.filter(({ like }, index) => like !== null && rows.findIndex((row) => row.like === like) === index);
  const others = rows.filter((row) => row.like !== null && !first.includes(row));
  const guesses = first.map(({ operation, like }) => `  --operation ${quoted(operation.name)}=${like}`);
  const names = `--wsdl ${quoted(options.wsdl)} --out ${quoted(options.out ?? 'DIRECTORY')}`;
  const line = [`npx --no conax-provisioning conax init ${names}`, ...guesses];
  const missing = commandTypes.filter((type) => !rows.some(({ like }) => like === type));
  if (missing.length > 0) report(`No operation looks like ${missing.join(', ')}.`);
  for (const { operation, like } of others) report(`${operation.name} looks like ${like} as well; choose one.`);
  report(`\nNothing was written. Correct the names and run:\n${line.join(' \\\n')}`);
}

function writtenText(
  { files, guessed, unsure, notSent, staying, unsupported }: Skeleton,
  remarks: readonly string[],
  out: string,
): string {
  const section = (title: string, lines: readonly string[]): string[] =>
    lines.length === 0 ? [] : [`${title}\n${lines.map((line) => `- ${line}`).join('\n')}`];
  return [
    ...section('Written:', [...files.keys()]),
    ...section('Guessed by the names of elements; look at each:', guessed),
    ...section('For you to write or look at:', unsure),
    ...section('Fields that the new templates do not send; if the CAS has a place for one, write it there:', notSent),
    ...section('About the WSDL:', remarks),
    ...(staying.length === 0
      ? []
      : [`As they were in the conax.json that was there, with their templates: ${staying.join(', ')}`]),
    ...(unsupported.length === 0
      ? []
      : [`Declared as unsupported, and refused until you choose an operation: ${unsupported.join(', ')}`]),
    `Next: CONAX_MAPPING_FILE=${quoted(join(out, 'conax.json'))} npx --no conax-provisioning conax check`,
  ].join('\n\n');
}

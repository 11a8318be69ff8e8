import { createInterface } from 'node:readline/promises';
import { Command } from 'commander';
import type { z } from 'zod';
import { auditedHandler } from '../features/audit/record.ts';
import { localUser } from '../operations/actor.ts';
import {
  type CommandLine,
  commandsOf,
  type Feature,
  type Follow,
  type FurtherCommand,
  type InputSchema,
  inputSchemaOf,
  type Question,
  routeOf,
} from '../operations/operation.ts';
import { addFields, addOnce, fieldsOf, type WithFields } from './command-fields.ts';
import { givenInput } from './command-input.ts';
import { dataText, emptyText } from './data-text.ts';
import { NotFoundError, UsageError } from './exit-codes.ts';
import { follow } from './follow.ts';
import { inputOf, operated } from './operation.ts';
import { casPatterns, withContext } from './operation-context.ts';
import { print, printJson, report } from './output.ts';
import { readSettings } from '../settings.ts';

/** The command of a feature, with a subcommand for each of its commands. The handlers run in this process. */
export function featureCommand(feature: Feature): Command {
  const group = new Command(feature.name).description(feature.summary);
  for (const one of commandsOf(feature)) {
    const [, verb] = one.name.split(' ');
    const command = verb === undefined ? group : group.command(verb);
    addCommand(command.summary(one.summary).description(`${one.summary}. ${one.description}`), one);
  }
  return group;
}

/** Adds the fields of an input to a command that is no operation's, and does `act` with what it is given. */
export function onInput<T>(
  command: Command,
  input: InputSchema & z.ZodType<T>,
  cli: CommandLine,
  act: (given: T) => Promise<void>,
): void {
  const one: WithFields = { operation: { input }, fixed: {}, cli };
  const fields = fieldsOf(one);
  addFields(command, fields, cli);
  command.action(async () => {
    const { input: given, names } = await givenInput(command, fields, one);
    const read: T = inputOf(input as z.ZodType<T>, given, names);
    await operated(names, () => act(read));
  });
}

/** What every command of an operation may be given, besides the operation's fields. */
interface Options {
  readonly by?: string;
  readonly json?: boolean;
  readonly timeout?: string;
  readonly yes?: boolean;
  readonly wait?: boolean;
  readonly follow?: boolean;
}

function addCommand(command: Command, one: FurtherCommand): void {
  const { unless } = one.cli;
  addFields(command, fieldsOf(one), one.cli);
  if (unless !== undefined) {
    command.option(`--${unless.option}`, `${unless.does.summary}.`);
    addFields(command, fieldsOf(unless.does), unless.does.cli);
    addOptions(command, unless.does);
  }
  addOptions(command, one);
  command.option('--json', 'Print JSON: the same data as the HTTP call.');
  command.action(async () => {
    const isOther = unless !== undefined && command.opts<Record<string, unknown>>()[unless.option] === true;
    await perform(command, isOther ? unless.does : one);
  });
}

function addOptions(command: Command, { cli, operation }: FurtherCommand): void {
  const add = (flags: string, text: string, fallback?: string): void =>
    addOnce(command, command.createOption(flags, text).default(fallback));
  if (cli.ask !== undefined) add('--yes', 'Do not ask before.');
  if (cli.follow?.onlyIfAsked === true) add('--follow', 'Wait for its end.');
  if (cli.follow?.onlyIfAsked === false) add('--no-wait', 'Do not wait for its end.');
  if (cli.waits === true) add('--timeout <seconds>', 'How long to wait for the outcome.', '60');
  if (routeOf(operation).method === 'POST') add('--by <name>', 'Who does it.', localUser());
}

async function perform(command: Command, one: FurtherCommand): Promise<void> {
  const { operation, cli } = one;
  const options = command.opts<Options>();
  const timeoutMs = cli.waits === true ? timeoutOf(options.timeout ?? '') : 0;
  const { input: given, names } = await givenInput(command, fieldsOf(one), one);
  const input = inputOf(inputSchemaOf(operation, casPatterns), given, names);
  if (cli.settings !== undefined) readSettings(['database', 'rules', ...cli.settings(input as never)]);
  const handle = auditedHandler(operation, 'cli');
  const by = { user: options.by ?? localUser(), unit: null };
  await withContext(by, timeoutMs, async (context) => {
    if (cli.ask !== undefined) await ask(await operated(names, async () => await cli.ask?.(context, input)), options);
    const made = await operated(names, () => handle(context, input));
    const following = followed(cli, options);
    const output = following === null ? made : await follow(context, following, made);
    await show(one, input, output, options.json === true);
    const failure = (following ?? cli).failure?.(output, input) ?? null;
    if (failure !== null) throw new Error(failure);
  });
}

function followed({ follow: following }: CommandLine, options: Options): Follow | null {
  if (following === undefined) return null;
  return (following.onlyIfAsked ? options.follow === true : options.wait !== false) ? following : null;
}

async function show({ cli }: FurtherCommand, input: object, output: object, json: boolean): Promise<void> {
  const empty = emptyText(output);
  if (json) await printJson(output);
  else if (empty !== null) report(cli.empty ?? empty);
  else await print(cli.text?.(output as never, input as never) ?? dataText(output, process.stdout.columns));
}

/** @throws NotFoundError if there is nothing to do, UsageError if nobody can be asked. */
async function ask(asked: Question | undefined, { yes }: Options): Promise<void> {
  if (asked === undefined) return;
  report(asked.shown);
  if (asked.nothing !== null) throw new NotFoundError(asked.nothing);
  if (yes === true) return;
  if (!process.stdin.isTTY) throw new UsageError('Nobody can be asked whether to start: add --yes');
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await terminal.question(`${asked.question} [y/N] `);
  terminal.close();
  if (!/^y(es)?$/i.test(answer.trim())) throw new Error('Nothing was started');
}

/** In milliseconds. */
function timeoutOf(timeout: string): number {
  if (/^\d{1,5}$/.test(timeout) && Number(timeout) >= 1 && Number(timeout) <= 86_400) return Number(timeout) * 1_000;
  throw new UsageError(`--timeout is ${JSON.stringify(timeout)}: give seconds from 1 to 86400`);
}

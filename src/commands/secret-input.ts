import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { messageOf } from '../platform/errors.ts';
import { readStandardInput, readTextFile, replacedBytesIn } from '../platform/text.ts';
import { UsageError } from './exit-codes.ts';

/** Where a secret comes from; neither: from the terminal. No option takes the secret itself. */
export interface SecretSource {
  readonly file: string | undefined;
  readonly stdin: boolean | undefined;
}

/**
 * A secret from a file or standard input, without its last line break, or asked for twice at the terminal, unseen.
 * @param what as the questions and errors name it: "password".
 * @param options the options that name a source, for the error without a terminal.
 * @throws UsageError if it cannot be read.
 */
export async function secretFrom(what: string, { file, stdin }: SecretSource, options: string): Promise<string> {
  if (file !== undefined) {
    try {
      return withoutLastLineBreak(readTextFile(file));
    } catch (error) {
      throw new UsageError(`--${what.toLowerCase()}-file: ${messageOf(error)}`);
    }
  }
  if (stdin === true) return withoutLastLineBreak(await readStandardInput());
  if (!process.stdin.isTTY) throw new UsageError(`There is no terminal to ask for the ${what}: give ${options}`);
  const question = `${what.slice(0, 1).toUpperCase()}${what.slice(1)}: `;
  const [secret = '', again] = await askUnseen(what, [question, 'The same again: ']);
  const problem = replacedBytesIn(secret);
  if (problem !== null) throw new UsageError(`The ${what} cannot be used: ${problem}`);
  if (secret !== again) throw new UsageError(`The two ${what}s differ: try again`);
  return secret;
}

/**
 * Asks on standard error, so that what the command prints stays data. The terminal stops showing what is typed before
 * the first question is there, and shows it again after the last answer: what is typed ahead is not shown either.
 */
async function askUnseen(what: string, questions: readonly string[]): Promise<string[]> {
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const terminal = createInterface({ input: process.stdin, output: nowhere, terminal: true, historySize: 0 });
  const typed = terminal[Symbol.asyncIterator]();
  const answers: string[] = [];
  try {
    for (const question of questions) {
      process.stderr.write(question);
      const answer = await typed.next();
      process.stderr.write('\n');
      if (answer.done === true) throw new UsageError(`No ${what} was given`);
      answers.push(answer.value);
    }
  } finally {
    terminal.close();
  }
  return answers;
}

function withoutLastLineBreak(read: string): string {
  return read.replace(/\r?\n$/, '');
}

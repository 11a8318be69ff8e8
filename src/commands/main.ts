import { reportAndExitCode, UsageError } from './exit-codes.ts';
import { endWithReader } from './output.ts';
import { createProgram, withAllMistakes } from './program.ts';
import { endAtSignalsAsProcess1 } from './signals.ts';
import { replacedBytesIn } from '../platform/text.ts';

/** Does what the command line of this process asks for, and sets its exit code. */
export async function main(): Promise<void> {
  endWithReader();
  endAtSignalsAsProcess1();
  const program = await createProgram(process.argv[2]);
  try {
    for (const [index, argument] of process.argv.slice(2).entries()) {
      const problem = replacedBytesIn(argument);
      if (problem !== null) throw new UsageError(`Argument ${index + 1}, ${JSON.stringify(argument)}: ${problem}`);
    }
    await program.parseAsync();
  } catch (error) {
    process.exitCode = reportAndExitCode(withAllMistakes(program, error));
  }
}

#!/usr/bin/env -S node --disable-warning=TimeoutNegativeWarning
import { reportAndExitCode, UsageError } from './commands/exit-codes.ts';
import { endWithReader } from './commands/output.ts';
import { createProgram, withAllMistakes } from './commands/program.ts';
import { endAtSignalsAsProcess1 } from './commands/signals.ts';
import { replacedBytesIn } from './platform/text.ts';

endWithReader();
endAtSignalsAsProcess1();
const program = createProgram();
try {
  for (const [index, argument] of process.argv.slice(2).entries()) {
    const problem = replacedBytesIn(argument);
    if (problem !== null) throw new UsageError(`Argument ${index + 1}, ${JSON.stringify(argument)}: ${problem}`);
  }
  await program.parseAsync();
} catch (error) {
  process.exitCode = reportAndExitCode(withAllMistakes(program, error));
}

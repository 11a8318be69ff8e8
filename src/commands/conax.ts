import { Command } from 'commander';
import { questions } from '../planning/command.ts';
import type { InitOptions } from './conax-init.ts';
import type { TryOptions } from './conax-try.ts';
import { ExitCode } from './exit-codes.ts';

/**
 * `conax`: the files that define what is sent to the CAS. No part needs database or Kafka. What each part does is
 * loaded when it runs: other commands need not wait for WSDLs and SOAP.
 */
export function conaxCommand(): Command {
  const conax = new Command('conax').description(
    'makes, checks and tries conax.json and the request templates, which say how the CAS is spoken to',
  );
  conax
    .command('check')
    .description(
      'checks conax.json, the templates and the WSDLs against each other; shows requests filled with samples',
    )
    .option('--requests', 'show the request of every command, filled with samples')
    .option('--command <name>', 'show the request of this command; mistakes are still those of all')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `\nExit codes: ${ExitCode.done} nothing is wrong, ${ExitCode.failed} there are mistakes, ${ExitCode.unchecked} nothing is wrong in what was checked, but requests or answers were not checked.`,
    )
    .action(async (options: { command?: string; requests?: boolean; json?: boolean }) =>
      (await import('./conax-check.ts')).check(options),
    );
  conax
    .command('init')
    .description('writes request templates and a conax.json from a WSDL; without --operation lists its operations')
    .requiredOption('--wsdl <file>', 'the WSDL of the CAS; what it imports lies beside it')
    .option('--out <directory>', 'where conax.json and requests/ are written; a conax.json there is added to')
    .option(
      '--operation <name=command>',
      'an operation and the command that it is for; give it several times, also for one operation',
      (text: string, all: readonly string[]) => [...all, text],
      [],
    )
    .option('--force', 'overwrite templates and commands that are there')
    .option('--json', 'print JSON')
    .action(async (options: InitOptions) => (await import('./conax-init.ts')).init(options));
  conax
    .command('try')
    .description('sends one GET command to the CAS of CONAX_BASE_URL; shows request, answer and what the answer means')
    .argument('<command>', questions.join(', '))
    .option('--smartcard <ca id>', 'the smart card to ask about')
    .option('--set-top-box <ca id>', 'the set-top box to ask about')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      `\nExit codes: ${ExitCode.done} the CAS accepted it, ${ExitCode.failed} anything else, ${ExitCode.usage} wrong usage.`,
    )
    .action(async (name: string, options: TryOptions) => (await import('./conax-try.ts')).tryCommand(name, options));
  return conax;
}

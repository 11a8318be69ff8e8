#!/usr/bin/env -S node --disable-warning=TimeoutNegativeWarning
import { Command } from 'commander';
import { eventsCommand } from './commands/events.ts';
import { fingerprintCommand } from './commands/fingerprint.ts';
import { importCommand } from './commands/import.ts';
import { infoCommand } from './commands/info.ts';
import { messageCommand } from './commands/message.ts';
import { migrateCommand } from './commands/migrate.ts';
import { pairCommand } from './commands/pair.ts';
import { pinCommand } from './commands/pin.ts';
import { providerCommand } from './commands/provider.ts';
import { replayCommand } from './commands/replay.ts';
import { queueCommand } from './commands/queue.ts';
import { reconcileCommand } from './commands/reconcile.ts';
import { requestsCommand } from './commands/requests.ts';
import { resyncCommand } from './commands/resync.ts';
import { runsCommand } from './commands/runs.ts';
import { schedulesCommand } from './commands/schedules.ts';
import { retentionCommand } from './commands/retention.ts';
import { serveCommand } from './commands/serve.ts';
import { endAtSignalsAsProcess1 } from './commands/signals.ts';
import { simulatorCommand } from './commands/simulator.ts';
import { usersCommand } from './commands/users.ts';
import { ExitCode, reportAndExitCode } from './commands/exit-codes.ts';

const program = new Command('conax-provisioning')
  .description("Turns CRM.COM actions on subscriptions into Conax Contego commands, in each card's order.")
  .addHelpText(
    'after',
    `\nExit codes: ${ExitCode.done} done, ${ExitCode.failed} failed, ${ExitCode.usage} wrong usage or settings, ${ExitCode.notFound} not found.\nSettings come from the environment; docs/settings.md describes them.`,
  );

for (const command of [
  serveCommand,
  migrateCommand,
  simulatorCommand,
  requestsCommand,
  runsCommand,
  resyncCommand,
  reconcileCommand,
  schedulesCommand,
  queueCommand,
  eventsCommand,
  providerCommand,
  usersCommand,
  importCommand,
  replayCommand,
  pairCommand,
  infoCommand,
  messageCommand,
  fingerprintCommand,
  pinCommand,
  retentionCommand,
]) {
  program.addCommand(command());
}
throwOnWrongUsage(program);
endAtSignalsAsProcess1();

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = reportAndExitCode(error);
}

/** Without it commander ends the process by itself, with 1. A command that is added whole inherits nothing. */
function throwOnWrongUsage(command: Command): void {
  command.exitOverride().showHelpAfterError('Add --help to see what it takes.');
  for (const subcommand of command.commands) throwOnWrongUsage(subcommand);
}

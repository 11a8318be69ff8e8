import { Command } from 'commander';
import { FEATURES } from '../features/features.ts';
import type { Feature } from '../operations/operation.ts';
import { conaxCommand } from './conax.ts';
import { featureCommand } from './feature-command.ts';
import { importCommand } from './import.ts';
import { migrateCommand } from './migrate.ts';
import { addReplayWork } from './replay.ts';
import { addRetentionRun } from './retention.ts';
import { serveCommand } from './serve.ts';
import { simulatorCommand } from './simulator.ts';
import packageJson from '../../package.json' with { type: 'json' };
import { SettingsError } from '../platform/environment.ts';
import { visible } from '../platform/terminal-text.ts';
import { misspeltSettings, readSettings, SERVICE_SETTINGS, type SettingGroup } from '../settings.ts';
import { ExitCode } from './exit-codes.ts';
import { report } from './output.ts';

/** Every command, and the settings that it reads in any case. */
const COMMANDS: readonly (readonly [name: string, make: () => Command, settings: readonly SettingGroup[]])[] = [
  ['serve', serveCommand, SERVICE_SETTINGS],
  ['migrate', migrateCommand, ['database', 'kafka', 'log']],
  ['simulator', simulatorCommand, ['simulator', 'mapping', 'log']],
  ...FEATURES.map((feature) => [feature.name, () => featureCommandOf(feature), ['database', 'rules']] as const),
  ['import', importCommand, ['database']],
  ['conax', conaxCommand, []],
];

function featureCommandOf(feature: Feature): Command {
  const command = featureCommand(feature);
  if (feature.name === 'replay') addReplayWork(command);
  if (feature.name === 'retention') addRetentionRun(command);
  return command;
}

/**
 * The command line, before it reads its arguments. With the name of a command it has that command alone, which takes less
 * time; with another name, or none, it has all of them. Wrong usage throws a CommanderError, after its message was printed.
 */
export function createProgram(alone?: string): Command {
  const named = COMMANDS.filter(([name]) => name === alone);
  const program = new Command('conax-provisioning')
    .description("Turns CRM.COM actions on subscriptions into Conax Contego commands, in each card's order.")
    .version(packageJson.version, '--version', 'prints the version')
    .addHelpText(
      'after',
      `\nExit codes: ${ExitCode.done} done, ${ExitCode.failed} failed, ${ExitCode.usage} wrong usage or settings, ${ExitCode.notFound} not found.\nSettings come from the environment; docs/settings.md describes them.`,
    );
  program.hook('preAction', () => misspeltSettings().forEach((hint) => report(hint)));
  for (const [, make, settings] of named.length > 0 ? named : COMMANDS) {
    const command = make();
    let running = false;
    command.hook('preAction', () => void (running = true));
    program.addCommand(command);
    settingsOf.set(command, { settings, isRunning: () => running });
  }
  prepare(program);
  return program;
}

const settingsOf = new WeakMap<Command, { settings: readonly SettingGroup[]; isRunning: () => boolean }>();

/**
 * The same error, with every mistake in all settings of the command that was run: a command reads some of its settings
 * only after it has read its arguments by others.
 */
export function withAllMistakes(program: Command, error: unknown): unknown {
  if (!(error instanceof SettingsError)) return error;
  const run = program.commands.map((command) => settingsOf.get(command)).find((one) => one?.isRunning());
  try {
    readSettings([...new Set([...(run?.settings ?? []), ...(error.groups as readonly SettingGroup[])])]);
    return error;
  } catch (whole) {
    return whole;
  }
}

/** A command that is added whole inherits nothing. */
function prepare(command: Command): void {
  // Without the override commander ends the process by itself, with 1.
  command.exitOverride().showHelpAfterError('Add --help to see what it takes.');
  // Its messages repeat arguments.
  command.configureOutput({ writeErr: (text) => process.stderr.write(visible(text)) });
  for (const subcommand of command.commands) prepare(subcommand);
}

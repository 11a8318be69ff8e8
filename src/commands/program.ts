import { Command } from 'commander';
import type { Feature } from '../operations/operation.ts';
import packageJson from '../../package.json' with { type: 'json' };
import { SettingsError } from '../platform/environment.ts';
import { visible } from '../platform/terminal-text.ts';
import { misspeltSettings, readSettings, SERVICE_SETTINGS, type SettingGroup } from '../settings.ts';
import { ExitCode } from './exit-codes.ts';
import { report } from './output.ts';

/** Every command, and the settings that it reads in any case. A command loads its modules only if it is asked for. */
const COMMANDS: Readonly<Record<string, readonly [make: () => Promise<Command>, settings: readonly SettingGroup[]]>> = {
  serve: [async () => (await import('./serve.ts')).serveCommand(), SERVICE_SETTINGS],
  migrate: [async () => (await import('./migrate.ts')).migrateCommand(), ['database', 'kafka', 'log']],
  simulator: [async () => (await import('./simulator.ts')).simulatorCommand(), ['simulator', 'mapping', 'log']],
  audit: ofFeature(async () => (await import('../features/audit/audit.ts')).audit),
  fingerprint: ofFeature(async () => (await import('../features/utilities/screens.ts')).fingerprint),
  info: ofFeature(async () => (await import('../features/utilities/info.ts')).info),
  message: ofFeature(async () => (await import('../features/utilities/screens.ts')).message),
  overview: ofFeature(async () => (await import('../features/overview/overview.ts')).overview),
  pair: ofFeature(async () => (await import('../features/utilities/pair.ts')).pair),
  pin: ofFeature(async () => (await import('../features/utilities/pin.ts')).pin),
  provider: ofFeature(async () => (await import('../features/provider/provider.ts')).provider),
  queue: ofFeature(async () => (await import('../features/queue/queue.ts')).queue),
  reconcile: ofFeature(async () => (await import('../features/reconcile/reconcile.ts')).reconcile),
  replay: ofFeature(
    async () => (await import('../features/replay/replay.ts')).replay,
    async (command) => (await import('./replay.ts')).addReplayWork(command),
  ),
  requests: ofFeature(async () => (await import('../features/requests/requests.ts')).requests),
  resync: ofFeature(async () => (await import('../features/resync/resync.ts')).resync),
  retention: ofFeature(
    async () => (await import('../features/retention/retention.ts')).retention,
    async (command) => (await import('./retention.ts')).addRetentionRun(command),
  ),
  runs: ofFeature(async () => (await import('../features/runs/runs.ts')).runs),
  schedules: ofFeature(async () => (await import('../features/schedules/schedules.ts')).schedules),
  users: ofFeature(async () => (await import('../features/users/users.ts')).users),
  events: ofFeature(async () => (await import('../features/waiting-events/waiting-events.ts')).waitingEvents),
  why: ofFeature(async () => (await import('../features/why/why.ts')).why),
  import: [async () => (await import('./import.ts')).importCommand(), ['database']],
  conax: [async () => (await import('./conax.ts')).conaxCommand(), []],
};

/** The command of a feature. `more` adds commands that are no operations. */
function ofFeature(
  load: () => Promise<Feature>,
  more: (command: Command) => Promise<unknown> = () => Promise.resolve(),
): (typeof COMMANDS)[string] {
  const make = async (): Promise<Command> => {
    const command = (await import('./feature-command.ts')).featureCommand(await load());
    await more(command);
    return command;
  };
  return [make, ['database', 'rules']];
}

/**
 * The command line, before it reads its arguments. With the name of a command it has that command alone, which takes less
 * time; with another name, or none, it has all of them. Wrong usage throws a CommanderError, after its message was printed.
 */
export async function createProgram(alone?: string): Promise<Command> {
  const named = Object.entries(COMMANDS).filter(([name]) => name === alone);
  const program = new Command('conax-provisioning')
    .description("Turns CRM.COM actions on subscriptions into Conax Contego commands, in each card's order.")
    .version(packageJson.version, '--version', 'prints the version')
    .addHelpText(
      'after',
      `\nExit codes: ${ExitCode.done} done, ${ExitCode.failed} failed, ${ExitCode.usage} wrong usage or settings, ${ExitCode.notFound} not found.\nSettings come from the environment; docs/settings.md describes them.`,
    );
  program.hook('preAction', () => misspeltSettings().forEach((hint) => report(hint)));
  for (const [, [make, settings]] of named.length > 0 ? named : Object.entries(COMMANDS)) {
    const command = await make();
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

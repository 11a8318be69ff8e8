import { type Command, Option } from 'commander';
import { localUser } from '../operations/actor.ts';
import { addUser, resetPassword } from '../users/changes.ts';
import { generatePassword, passwordProblem } from '../users/passwords.ts';
import { type Role, ROLES, usernameOf } from '../users/user.ts';
import { withDatabase } from './database.ts';
import { NotFoundError, UsageError } from './exit-codes.ts';
import { print, printJson } from './output.ts';
import { secretFrom } from './secret-input.ts';

/** Adds the commands of `users` that take a password: `add` and `reset-password`. */
export function addPasswordCommands(users: Command): void {
  withPassword(users.command('add').argument('<username>', 'letters, digits and . _ @ -, in any case'))
    .description('adds a user; its password is asked for, or comes from a file, standard input or chance')
    .addOption(
      new Option('--role <role>', 'viewer reads, operator also makes requests, admin may do everything')
        .choices(ROLES)
        .makeOptionMandatory(),
    )
    .requiredOption('--organisation <name>', 'what the user gives as organisation when logging in')
    .option('--unit <name>', "the unit that the user's requests are noted with")
    .option('--by <name>', 'who adds it', localUser())
    .option('--json', 'print JSON')
    .action(async (given: string, options: AddOptions) => {
      const username = checkedName(given);
      const organisation = checkedText('--organisation', options.organisation);
      const unit = options.unit === undefined ? null : checkedText('--unit', options.unit);
      const { password, generated } = await passwordFrom(options);
      const { role, by } = options;
      const added = await withDatabase((db) => addUser(db, { username, role, organisation, unit, password, by }));
      if (!added) {
        throw new Error(`There is a user ${username} already: take another name, or see users reset-password, enable`);
      }
      await printDone(`user ${username} is added`, { username, role, organisation, unit }, generated, options.json);
    });
  withPassword(users.command('reset-password').argument('<username>'))
    .description('gives a user another password: its tokens end at once')
    .option('--by <name>', 'who does it', localUser())
    .option('--json', 'print JSON')
    .action(async (given: string, options: PasswordOptions & { by: string; json?: boolean }) => {
      const username = checkedName(given);
      const { password, generated } = await passwordFrom(options);
      const reset = await withDatabase((db) => resetPassword(db, { username, password, by: options.by }));
      if (!reset) throw noSuchUser(username);
      await printDone(`the password of ${username} is reset`, { username }, generated, options.json);
    });
}

interface PasswordOptions {
  readonly passwordFile?: string;
  readonly passwordStdin?: boolean;
  readonly generate?: boolean;
}

interface AddOptions extends PasswordOptions {
  readonly role: Role;
  readonly organisation: string;
  readonly unit?: string;
  readonly by: string;
  readonly json?: boolean;
}

/** No option takes the password itself: arguments stand in the list of processes and in the shell's history. */
function withPassword(command: Command): Command {
  return command
    .addOption(
      new Option('--password-file <path>', 'reads the password from a file, without its last line break').conflicts([
        'passwordStdin',
        'generate',
      ]),
    )
    .addOption(
      new Option('--password-stdin', 'reads it from standard input, without its last line break').conflicts('generate'),
    )
    .addOption(new Option('--generate', 'makes one up and prints it, once'));
}

async function passwordFrom(options: PasswordOptions): Promise<{ password: string; generated: string | null }> {
  if (options.generate) {
    const generated = generatePassword();
    return { password: generated, generated };
  }
  const { passwordFile: file, passwordStdin: stdin } = options;
  const password = await secretFrom('password', { file, stdin }, '--password-file, --password-stdin or --generate');
  const problem = passwordProblem(password);
  if (problem !== null) throw new UsageError(problem);
  return { password, generated: null };
}

function checkedName(given: string): string {
  const username = usernameOf(given);
  if (username !== null) return username;
  throw new UsageError(
    `The username is ${JSON.stringify(given)}: give 1 to 64 letters, digits and . _ @ -, a letter or digit first`,
  );
}

function checkedText(name: string, value: string): string {
  if (value.trim() !== '' && value.length <= 100 && !/\p{Cc}/u.test(value)) return value;
  throw new UsageError(
    `${name} is ${JSON.stringify(value)}: give 1 to 100 characters, none of them a control character`,
  );
}

function noSuchUser(username: string): NotFoundError {
  return new NotFoundError(`There is no user ${username}: see users list`);
}

/** Prints what was done; a password only if it was made up here and nobody knows it yet. */
function printDone(done: string, facts: object, generated: string | null, json = false): Promise<void> {
  if (json) return printJson({ ...facts, ...(generated === null ? {} : { password: generated }) });
  return print(generated === null ? done : `${done}; its password, shown only now: ${generated}`);
}

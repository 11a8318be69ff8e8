/** Runs inside the image, by `node --eval`, which needs neither a shell nor a mount. Prints a `View` as JSON. */
import { existsSync, lstatSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import type { Command, CommanderError } from 'commander';
import type * as program from '../../src/commands/program.ts';

export interface View {
  /** Node's version. */
  readonly node: string;
  /** `uid:gid` of the process. */
  readonly user: string;
  /** From /etc/passwd; null if it has no line for the user. */
  readonly userName: string | null;
  /** /proc/self/status: the capabilities that the process can ever have, and whether it can gain rights by a program. */
  readonly rights: string;
  /** Below /app; the mode as in stat. */
  readonly files: readonly { readonly path: string; readonly bytes: number; readonly mode: number }[];
  /** Directories that took a file. */
  readonly writable: readonly string[];
  readonly npmSettings: readonly string[];
  /** `name@version` of every component of the bill of materials. */
  readonly components: readonly string[];
  /** Every command, `''` for the program itself, and how its --help ended. */
  readonly helps: readonly { readonly line: string; readonly exitCode: number; readonly output: string }[];
}

// Not a literal: the type checker would look for it on the machine that it runs on.
const modulePath = '/app/src/commands/program.ts';
const { createProgram } = (await import(modulePath)) as typeof program;

const view: View = {
  node: process.version,
  user: `${process.getuid?.()}:${process.getgid?.()}`,
  userName: nameOfUser(),
  rights: readFileSync('/proc/self/status', 'utf8')
    .match(/^(?:CapBnd|NoNewPrivs):.*$/gm)!
    .join(' ')
    .replaceAll('\t', ''),
  files: readdirSync('/app', { recursive: true, encoding: 'utf8' }).map((path) => {
    const { size, mode } = lstatSync(`/app/${path}`);
    return { path, bytes: size, mode };
  }),
  writable: ['/', '/app', '/tmp', '/var/tmp', '/run', '/home'].filter((directory) => {
    try {
      writeFileSync(`${directory}/written`, '');
      return true;
    } catch {
      return false;
    }
  }),
  npmSettings: ['/', '/app', '/root', '/home/node', '/usr/local/etc', '/build/dependencies']
    .flatMap((directory) => [`${directory}/.npmrc`, `${directory}/npmrc`])
    .filter((file) => existsSync(file)),
  components: (
    JSON.parse(readFileSync('/app/sbom.cdx.json', 'utf8')) as { components: { name: string; version: string }[] }
  ).components.map(({ name, version }) => `${name}@${version}`),
  helps: await Promise.all(linesOf(await createProgram()).map((names) => helpOf(names))),
};
console.log(JSON.stringify(view));

function nameOfUser(): string | null {
  try {
    return userInfo().username;
  } catch {
    return null;
  }
}

/** The names that lead to the command and to each command below it. */
function linesOf(command: Command): string[][] {
  return [[], ...command.commands.flatMap((one) => linesOf(one).map((names) => [one.name(), ...names]))];
}

/** In this process: loading the program takes a second, and there are dozens of commands. */
async function helpOf(names: readonly string[]): Promise<View['helps'][number]> {
  const whole = await createProgram();
  const command = names.reduce((found, name) => found.commands.find((one) => one.name() === name) ?? found, whole);
  let output = '';
  command.configureOutput({ writeOut: (text) => (output += text) });
  const line = names.join(' ');
  try {
    await whole.parseAsync([...names, '--help'], { from: 'user' });
    return { line, exitCode: 1, output: 'it ran instead' };
  } catch (error) {
    return { line, exitCode: (error as CommanderError).exitCode ?? 1, output: output || String(error) };
  }
}

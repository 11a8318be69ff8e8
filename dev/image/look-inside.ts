/** Runs inside the image, by `node --eval`, which needs neither a shell nor a mount. Prints a `View` as JSON. */
import { existsSync, lstatSync, readdirSync, writeFileSync } from 'node:fs';

export interface View {
  /** Node's version. */
  readonly node: string;
  /** `uid:gid` of the process. */
  readonly user: string;
  /** Below /app; the mode as in stat. */
  readonly files: readonly { readonly path: string; readonly bytes: number; readonly mode: number }[];
  /** Directories that took a file. */
  readonly writable: readonly string[];
  readonly npmSettings: readonly string[];
  /** Every command, `''` for the program itself, and how its --help ended. */
  readonly helps: readonly { readonly line: string; readonly exitCode: number; readonly output: string }[];
}

const view: View = {
  node: process.version,
  user: `${process.getuid?.()}:${process.getgid?.()}`,
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
  helps: await helpsOf(),
};
console.log(JSON.stringify(view));

async function helpsOf(): Promise<View['helps']> {
  const helps: View['helps'][number][] = [];
  const waiting = [''];
  for (let line = waiting.shift(); line !== undefined; line = waiting.shift()) {
    const help = await helpOf(line);
    helps.push(help);
    const [, listed = ''] = help.output.split('\nCommands:\n');
    for (const [, name] of listed.matchAll(/^ {2}([a-z][a-z-]*)/gm)) {
      // Three levels would be new: it is a wrong help, which the caller reports.
      if (name !== 'help' && line.split(' ').length < 3) waiting.push(`${line} ${name}`.trim());
    }
  }
  return helps;
}

/** Loads the program again for each command, in this process: its modules, which take most of the time, only once. */
async function helpOf(line: string): Promise<View['helps'][number]> {
  const write = process.stdout.write.bind(process.stdout);
  let output = '';
  process.stdout.write = (text) => {
    output += text.toString();
    return true;
  };
  // Commander takes the arguments of a program under --eval from another place.
  process.execArgv = [];
  process.argv = [process.execPath, '/app/src/cli.ts', ...line.split(' ').filter(Boolean), '--help'];
  process.exitCode = 0;
  try {
    await import(`file:///app/src/cli.ts?${encodeURIComponent(line)}`);
  } finally {
    process.stdout.write = write;
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.removeAllListeners(signal);
  const exitCode: number = process.exitCode;
  process.exitCode = 0;
  return { line, exitCode, output };
}

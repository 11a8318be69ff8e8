import type { Explanation } from '../../../src/features/why/explanation.ts';
import type { FindingCode } from '../../../src/features/why/finding-codes.ts';
import { runCli } from '../../support/cli.ts';
import { eventually } from '../../support/scene.ts';

/** A support desk at the command line of a service. */
export interface Desk {
  /** What `why` prints with --json, or the call answers. */
  why(of: string, ...options: string[]): Promise<Explanation>;
  /** Asks until the finding is there. */
  until(code: FindingCode, of: string, ...options: string[]): Promise<Explanation>;
  /** The words of the command that `why` prints for people with this finding. */
  command(code: FindingCode, of: string, ...options: string[]): Promise<string[]>;
  /** What `why` prints for people. */
  text(of: string, ...options: string[]): Promise<string>;
  /** Everything that `why` printed or answered. */
  readonly printed: string[];
}

/**
 * Opens a desk. With `call`, which makes the call of that path, `why` and `until` use the API: a command takes a second of CPU,
 * and `until` asks several times.
 */
export function openDesk(
  env: Readonly<Record<string, string>>,
  call?: (path: string) => Promise<{ readonly data: Explanation }>,
): Desk {
  const printed: string[] = [];
  const print = async (of: string, options: readonly string[]): Promise<string> => {
    const { stdout, stderr, exitCode } = await runCli(['why', of, ...options], env);
    if (exitCode !== 0) throw new Error(stderr);
    printed.push(stdout);
    return stdout;
  };
  const why = async (of: string, ...options: string[]): Promise<Explanation> => {
    if (call === undefined) return JSON.parse(await print(of, ['--json', ...options])) as Explanation;
    const ask = String(!options.includes('--no-ask'));
    const { data } = await call(`/why?${new URLSearchParams({ of, ask }).toString()}`);
    printed.push(JSON.stringify(data));
    return data;
  };
  return {
    printed,
    why,
    until: (code, of, ...options) =>
      eventually(async () => {
        const shown = await why(of, ...options);
        return shown.findings.some((one) => one.code === code) ? shown : undefined;
      }, `the finding ${code} of ${of}`),
    text: (of, ...options) => print(of, options),
    async command(code, of, ...options) {
      const lines = (await print(of, options)).split('\n');
      const line = lines.slice(lines.findIndex((one) => one.slice(2).split(' ')[0] === code)).find(isCommand) ?? '';
      const [npx, no, name, ...words] = wordsOf(line.trim());
      if (npx !== 'npx' || no !== '--no' || name !== 'conax-provisioning') throw new Error(`${code} names no command`);
      return words;
    },
  };
}

const isCommand = (line: string): boolean => line.startsWith('    npx ');

/** The words of a command line, as a shell takes them. */
function wordsOf(line: string): string[] {
  return [...line.matchAll(/(?:[^\s'\\]|'[^']*'|\\.)+/g)].map(([word]) =>
    word.replaceAll(
      /'([^']*)'|\\(.)/g,
      (_, quoted: string | undefined, escaped: string | undefined) => quoted ?? escaped ?? '',
    ),
  );
}

/** The codes of the findings; NOTHING_NEW, which every known subscription has, left out. */
export function codesOf({ findings }: Explanation): FindingCode[] {
  return findings.map(({ code }) => code).filter((code) => code !== 'NOTHING_NEW');
}

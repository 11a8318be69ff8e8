import { execFile } from 'node:child_process';
import { join } from 'node:path';

const OLDEST_JAVA = 17;

/** Flags that make a JVM start fast and stay small; a development stack never runs long enough to want the second JIT. */
export const LEAN_JVM = ['-Xmx512m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-XX:-UsePerfData'] as const;

export type Java = { readonly command: string; readonly version: string };

/** A Java that is new enough: `$JAVA_HOME/bin/java`, else `java` on the PATH; undefined if there is none. */
export async function findJava(env: NodeJS.ProcessEnv): Promise<Java | undefined> {
  const home = env['JAVA_HOME'];
  const candidates = home === undefined || home === '' ? ['java'] : [join(home, 'bin', 'java'), 'java'];
  for (const command of candidates) {
    const said = await output(command, ['-version'], env);
    const version = /version "([\w.+-]+)"/.exec(said ?? '')?.[1];
    if (version !== undefined && Number.parseInt(version, 10) >= OLDEST_JAVA) return { command, version };
  }
  return undefined;
}

/** Whether `mvn` is on the PATH. */
export async function hasMaven(env: NodeJS.ProcessEnv): Promise<boolean> {
  return (await output('mvn', ['--version'], env)) !== undefined;
}

/** What a command printed on both streams; undefined when it could not be run or failed. */
function output(command: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<string | undefined> {
  return new Promise((resolve) => {
    execFile(command, args, { env, timeout: 20_000 }, (error, stdout, stderr) =>
      resolve(error === null ? stdout + stderr : undefined),
    );
  });
}

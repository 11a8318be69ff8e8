import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';

/** podman or Docker, by their command lines, which take the same words for what is used here. */
export interface Engine {
  /** `podman 5.4.2`. */
  readonly description: string;
  /** Runs a command of the engine. @throws Error with what it wrote when its exit code is not 0. */
  run(args: readonly string[], withinMs?: number): Promise<string>;
  /** Runs a container as an operator with strict rules would. It is removed by `removeContainers`. */
  start(container: ContainerOptions): Promise<Container>;
  /** A container that somebody else started and removes. */
  container(name: string): Container;
  /** Removes the containers that were started here, by their names. */
  removeContainers(): Promise<void>;
}

export interface ContainerOptions {
  readonly image: string;
  /** `uid:gid`; left out: the image's own user. */
  readonly user?: string;
  readonly entrypoint?: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

export interface Container {
  /** Resolves with the exit code. @throws Error with its output when it runs on after `withinMs`. */
  ended(withinMs: number): Promise<number>;
  /** Sends SIGTERM. */
  terminate(): Promise<void>;
  /** What it wrote so far, standard output and error. */
  logs(): Promise<string>;
  /** Seconds of CPU that its first process has used; null if this machine does not show the process. */
  cpuSeconds(): Promise<number | null>;
}

const ENGINES = ['podman', 'docker'] as const;
const COMMAND_WITHIN_MS = 120_000;
const OUTPUT_BYTES_MAX = 64 * 1024 * 1024;
/** USER_HZ, which is 100 on every Linux. */
const TICKS_PER_SECOND = 100;

/**
 * Finds a container engine that answers: the one that is named, or the first of podman and docker.
 * @throws Error that says what each answered.
 */
export async function findEngine(named: string | undefined): Promise<Engine> {
  const refusals: string[] = [];
  for (const program of named === undefined ? ENGINES : [named]) {
    try {
      // The client may be installed without an engine: `info` asks the engine.
      await execute(program, ['info']);
      return engineOf(program, (await execute(program, ['--version'])).stdout.trim());
    } catch (error) {
      refusals.push(`${program}: ${error instanceof Error ? error.message.trim() : String(error)}`);
    }
  }
  throw new Error(
    `No container engine answers, so the image was NOT tested. Start podman or Docker, or name one with --engine.\n${refusals.join('\n')}`,
  );
}

function engineOf(program: string, description: string): Engine {
  const started: string[] = [];
  const run = async (args: readonly string[], withinMs = COMMAND_WITHIN_MS): Promise<string> =>
    (await execute(program, args, withinMs)).stdout;
  // podman mounts its own tmpfs on /tmp, /run and /var/tmp of a read-only root, and adds the user to /etc/passwd. Docker
  // does neither.
  const bare = description.startsWith('podman') ? ['--read-only-tmpfs=false', '--passwd=false'] : [];
  return {
    description,
    run,
    async start({ image, user, entrypoint, args, env = {} }) {
      const strict = ['--read-only', '--cap-drop=ALL', '--security-opt=no-new-privileges', '--network=host', ...bare];
      // A name, because a container that cannot start stays, and no id of it is printed.
      const name = `conax-provisioning-test-${randomUUID()}`;
      started.push(name);
      await run([
        'run',
        '--detach',
        '--name',
        name,
        ...strict,
        ...(user === undefined ? [] : ['--user', user]),
        ...(entrypoint === undefined ? [] : ['--entrypoint', entrypoint]),
        ...Object.entries(env).flatMap(([key, value]) => ['--env', `${key}=${value}`]),
        image,
        ...args,
      ]);
      return containerOf(name);
    },
    container: containerOf,
    async removeContainers() {
      for (const name of started.splice(0)) await run(['rm', '--force', name]);
    },
  };

  function containerOf(name: string): Container {
    const logs = async (): Promise<string> => {
      const { stdout, stderr } = await execute(program, ['logs', name]);
      return stdout + stderr;
    };
    return {
      logs,
      async cpuSeconds() {
        const pid = (await run(['inspect', '--format', '{{.State.Pid}}', name])).trim();
        try {
          // After the program's name in parentheses: user and system time are the 12th and 13th.
          const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
          return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
        } catch {
          return null;
        }
      },
      terminate: async () => void (await run(['kill', '--signal', 'SIGTERM', name])),
      async ended(withinMs) {
        const abort = new AbortController();
        const late = pause(withinMs, null, { signal: abort.signal }).catch(() => null);
        const code = await Promise.race([run(['wait', name], withinMs + COMMAND_WITHIN_MS), late]);
        abort.abort();
        if (code === null) throw new Error(`A container still runs after ${withinMs} ms; it wrote:\n${await logs()}`);
        return Number(code);
      },
    };
  }
}

/** Runs a program. @throws Error with what it wrote if its exit code is not 0, or it takes longer. */
export function execute(program: string, args: readonly string[], withinMs = COMMAND_WITHIN_MS) {
  return new Promise<{ stdout: string; stderr: string }>((resolve, reject) => {
    execFile(program, args, { timeout: withinMs, maxBuffer: OUTPUT_BYTES_MAX }, (error, stdout, stderr) => {
      if (error === null) resolve({ stdout, stderr });
      else if (error.code === 'ENOENT') reject(new Error('there is no such program on the PATH'));
      else reject(new Error(`"${program} ${args[0]}" ended with ${error.code ?? error.signal}:\n${stderr || stdout}`));
    });
  });
}

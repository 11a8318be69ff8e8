import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { dockerEngineAnswers, startContainer } from './containers.ts';
import { downloaded, isDownloaded } from './download.ts';
import { findJava } from './java.ts';
import { kafkaDownload, startKafka } from './kafka.ts';
import {
  type ChangeSettings,
  PART_NAMES,
  type How,
  type PartContext,
  type PartControl,
  type PartName,
  type PrintLine,
  type RunningPart,
} from './part.ts';
import { othersCanEnter, startPostgres } from './postgres.ts';
import { REGISTRY_DOWNLOAD, startRegistry } from './registry.ts';

export type { How, PartControl, PartName } from './part.ts';

export type StackOptions = {
  /** Which servers are wanted; default: all three. */
  readonly parts?: readonly PartName[];
  /** Told what goes on, one line at a time; default: nothing is printed. */
  readonly print?: PrintLine;
  /** Default: the environment of this process. */
  readonly env?: NodeJS.ProcessEnv;
  /** Native parts keep their data here, for the next stack, durably; default: a fresh directory, removed at the end. */
  readonly dataDir?: string;
  /** For a test that needs other listeners, say: changes the settings of a Kafka that is started natively. */
  readonly kafkaSettings?: ChangeSettings;
};

export type StackPart = {
  readonly name: PartName;
  /** For people: without a password. */
  readonly address: string;
  readonly how: How;
  /** From the call of `startStack` until the part answered. */
  readonly startedInMs: number;
};

export type Stack = {
  /** Reading the address of a part that was not asked for throws. */
  readonly databaseUrl: string;
  readonly kafkaBrokers: string;
  readonly schemaRegistryUrl: string;
  readonly parts: readonly StackPart[];
  /** Stops what was started and removes its data. Safe to call twice. */
  stop(): Promise<void>;
  /** For outage tests. A part that the environment named cannot be controlled. */
  readonly control: Readonly<Record<PartName, PartControl>>;
};

type Started = { readonly running: RunningPart; readonly part: StackPart };

const ENVIRONMENT_NAMES = {
  postgres: 'DATABASE_URL',
  kafka: 'KAFKA_BROKERS',
  registry: 'SCHEMA_REGISTRY_URL',
} as const satisfies Record<PartName, string>;

/**
 * Finds or starts the servers that the service needs: what the environment names is used, the rest is started on free
 * ports, all at the same time, as containers where a Docker engine answers and as native processes on 127.0.0.1 where
 * none does, and is ready when this resolves.
 *
 * Nothing started here outlives this process, however it ends (see `supervisor.ts`); so there is no signal handler to
 * install, and `stop` is needed only to go on without the stack.
 *
 * @throws when a part cannot be started, after stopping the others.
 */
export async function startStack(options: StackOptions = {}): Promise<Stack> {
  const env = options.env ?? process.env;
  const print = options.print ?? (() => undefined);
  const wanted = PART_NAMES.filter((name) => options.parts?.includes(name) ?? true);
  const missing = wanted.filter((name) => given(name, env) === undefined);
  const startedAt = performance.now();

  const directory = options.dataDir ?? (missing.length === 0 ? undefined : await temporaryDirectory());
  const throwAway = options.dataDir === undefined;
  const engine = missing.length > 0 ? dockerEngineAnswers(env) : Promise.resolve(false);
  const removeData = async () => {
    if (throwAway && directory !== undefined) await rm(directory, { recursive: true, force: true, maxRetries: 3 });
  };

  const starting = await Promise.allSettled(
    wanted.map(async (name): Promise<Started> => {
      const url = given(name, env);
      const context: PartContext = {
        directory: join(directory ?? '', name),
        throwAway,
        removeWhenOrphaned: throwAway && directory !== undefined ? [directory] : [],
        env,
        kafkaSettings: options.kafkaSettings ?? ((settings) => settings),
        print: (line) => print(`${name}: ${line}`),
      };
      const { how, running } =
        url === undefined
          ? await startMissing(name, context, await engine)
          : { how: 'given' as const, running: givenPart(name, url) };
      const startedInMs = Math.round(performance.now() - startedAt);
      print(`${name}: ${how}, ${running.address} (${(startedInMs / 1_000).toFixed(1)} s)`);
      return { running, part: { name, address: running.address, how, startedInMs } };
    }),
  );
  const started = starting.filter((one) => one.status === 'fulfilled').map((one) => one.value);
  const close = async () => {
    await Promise.all(started.map(({ running }) => running.close()));
    await removeData();
  };
  const failures = starting.filter((one) => one.status === 'rejected').map((one) => one.reason as Error);
  if (failures.length > 0) {
    await close();
    throw failures.length === 1 ? failures[0] : new Error([...new Set(failures.map((f) => f.message))].join('\n'));
  }
  return assemble(started, close);
}

function assemble(started: readonly Started[], close: () => Promise<void>): Stack {
  const named = (name: PartName): RunningPart => {
    const found = started.find(({ part }) => part.name === name);
    if (found === undefined) throw new Error(`${name} is not among the parts that this stack was asked for.`);
    return found.running;
  };
  return {
    get databaseUrl() {
      return named('postgres').url;
    },
    get kafkaBrokers() {
      return named('kafka').url;
    },
    get schemaRegistryUrl() {
      return named('registry').url;
    },
    parts: started.map(({ part }) => part),
    stop: close,
    control: {
      get postgres() {
        return named('postgres').control;
      },
      get kafka() {
        return named('kafka').control;
      },
      get registry() {
        return named('registry').control;
      },
    },
  };
}

async function startMissing(
  name: PartName,
  context: PartContext,
  engineAnswers: boolean,
): Promise<{ how: How; running: RunningPart }> {
  if (engineAnswers) {
    try {
      return { how: 'container', running: await startContainer(name, context) };
    } catch (error) {
      // An engine that cannot fetch images, for one: the other way may still work.
      context.print(`no container: ${error instanceof Error ? error.message : String(error)}; trying a native process`);
    }
  }
  return { how: 'native', running: await startNatively(name, context) };
}

async function startNatively(name: PartName, context: PartContext): Promise<RunningPart> {
  if (name === 'postgres') return startPostgres(context);
  const java = await findJava(context.env);
  const download = name === 'kafka' ? kafkaDownload(java) : REGISTRY_DOWNLOAD;
  if (java === undefined) {
    throw new Error(
      'Kafka and the schema registry need either a Docker engine (none answers here) or Java 17 or newer' +
        `${isDownloaded(download, context.env) ? '' : ' with Maven'}: start or install one of the two, ` +
        'or name running servers in KAFKA_BROKERS and SCHEMA_REGISTRY_URL.',
    );
  }
  const installed = await downloaded(download, context.env, context.print);
  return name === 'kafka' ? startKafka(context, java, installed) : startRegistry(context, java, installed);
}

function given(name: PartName, env: NodeJS.ProcessEnv): string | undefined {
  const value = env[ENVIRONMENT_NAMES[name]];
  return value === undefined || value === '' ? undefined : value;
}

function givenPart(name: PartName, url: string): RunningPart {
  const refuse = () =>
    Promise.reject(new Error(`${name} was named by ${ENVIRONMENT_NAMES[name]}: only who started it can stop it.`));
  return {
    url,
    address: withoutPassword(url),
    control: { stop: refuse, kill: refuse, start: refuse },
    close: () => Promise.resolve(),
  };
}

function withoutPassword(url: string): string {
  return url.replace(/\/\/[^/@]*@/, '//');
}

/** A fresh directory that also the account which PostgreSQL runs as can enter. */
async function temporaryDirectory(): Promise<string> {
  const base = process.getuid?.() === 0 && !(await othersCanEnter(tmpdir())) ? '/tmp' : tmpdir();
  const directory = await mkdtemp(join(base, 'conax-stack-'));
  if (process.getuid?.() === 0) await chmod(directory, 0o711);
  return directory;
}

import { fork } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { freePort } from '../stack/ports.ts';
import { connectInspector, type Inspector } from './inspector.ts';

/** An instance of the service, a process of its own that can be started again and again. It ends with this process. */
export interface Instance {
  readonly name: string;
  readonly url: string;
  /** How often it was started. */
  readonly starts: number;
  /** Ends that nobody asked for, with what they gave; it is started again after them. */
  readonly falls: readonly string[];
  /** Resolves when it serves HTTP. */
  start(): Promise<void>;
  /** Ends it; resolves with its exit code, or the signal that ended it. */
  end(how: 'SIGTERM' | 'SIGKILL'): Promise<string>;
  signal(name: 'SIGSTOP' | 'SIGCONT'): void;
  /** Null if it is not there, or stands still. */
  look(): Promise<InstanceLook | null>;
  /** Writes what it holds on its heap to the file; it stands still for a second or two meanwhile. False if it is not there. */
  writeHeap(file: string): Promise<boolean>;
}

/** What an instance holds, after a full garbage collection. */
export interface InstanceLook {
  readonly startedAt: number;
  readonly heapMb: number;
  readonly rssMb: number;
  readonly externalMb: number;
  readonly sockets: number;
  readonly timers: number;
  readonly handles: number;
  /** Of the event loop, since the last look. */
  readonly lagP99Ms: number;
}

const PROCESS = fileURLToPath(new URL('../../test/crash/service-process.ts', import.meta.url));
const STARTS_WITHIN_MS = 60_000;
const STOPS_WITHIN_MS = 40_000;
const RESTARTS_AFTER_MS = 1_000;
const HEAP_WITHIN_MS = 30_000;

/** The lag is taken before the collection that comes with the look would count. */
const LOOK = `(() => {
  const lag = globalThis.soakLag ??= process.getBuiltinModule('node:perf_hooks').monitorEventLoopDelay({ resolution: 20 });
  lag.enable();
  const { heapUsed, rss, external } = process.memoryUsage();
  const open = process.getActiveResourcesInfo();
  const count = (name) => open.filter((one) => one === name).length;
  const seen = {
    heapMb: heapUsed / 2 ** 20, rssMb: rss / 2 ** 20, externalMb: external / 2 ** 20,
    sockets: count('TCPSocketWrap'), timers: count('Timeout'), handles: open.length,
    lagP99Ms: lag.percentile(99) / 1e6,
  };
  lag.reset();
  return seen;
})()`;

/** Names it and reserves its ports; it is started by `start`. What it writes goes to the end of the log file. */
export async function newInstance(
  name: string,
  env: Readonly<Record<string, string>>,
  logFile: string,
): Promise<Instance> {
  const port = await freePort();
  const inspectorPort = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const falls: string[] = [];
  let starts = 0;
  let startedAt = 0;
  let asked = false;
  let child: ReturnType<typeof fork> | null = null;
  let ended: Promise<string> = Promise.resolve('never started');
  let inspector: Inspector | null = null;

  function launch(): void {
    starts += 1;
    asked = false;
    const log = openSync(logFile, 'a');
    const started = fork(PROCESS, [], {
      env: { PATH: process.env['PATH'] ?? '', ...env, HTTP_PORT: String(port) },
      execArgv: ['--disable-warning=TimeoutNegativeWarning', `--inspect=127.0.0.1:${inspectorPort}`],
      stdio: ['ignore', log, log, 'ipc'],
    });
    closeSync(log);
    child = started;
    startedAt = Date.now();
    ended = new Promise((resolve) => {
      started.once('exit', (code, signal) => {
        const how = signal ?? String(code);
        child = null;
        inspector?.close();
        inspector = null;
        resolve(how);
        if (asked) return;
        falls.push(`${name} ended with ${how} at ${new Date().toISOString()}`);
        // As whatever runs it would do.
        void pause(RESTARTS_AFTER_MS).then(() => (asked ? undefined : launch()));
      });
    });
  }

  return {
    name,
    url,
    falls,
    get starts() {
      return starts;
    },
    async start() {
      launch();
      const until = performance.now() + STARTS_WITHIN_MS;
      while (!(await lives(url))) {
        if (performance.now() > until) throw new Error(`${name} does not serve HTTP after ${STARTS_WITHIN_MS} ms`);
        await pause(100);
      }
    },
    async end(how) {
      asked = true;
      // A process that is looked into waits at its end until nobody looks any more.
      inspector?.close();
      inspector = null;
      child?.kill(how);
      const late = setTimeout(() => child?.kill('SIGKILL'), STOPS_WITHIN_MS);
      const gave = await ended;
      clearTimeout(late);
      return gave;
    },
    signal: (signal) => void child?.kill(signal),
    async look() {
      const seen = await evaluate<Omit<InstanceLook, 'startedAt'>>(LOOK);
      return seen === null ? null : { startedAt, ...seen };
    },
    async writeHeap(file) {
      const write = `process.getBuiltinModule('node:v8').writeHeapSnapshot(${JSON.stringify(file)})`;
      return (await evaluate<string>(write, HEAP_WITHIN_MS)) !== null;
    },
  };

  /** Null if it is not there, or stands still. */
  async function evaluate<T>(expression: string, withinMs?: number): Promise<T | null> {
    if (asked) return null;
    try {
      inspector ??= await connectInspector(inspectorPort);
      return await inspector.evaluate<T>(expression, withinMs);
    } catch {
      inspector?.close();
      inspector = null;
      return null;
    }
  }
}

async function lives(url: string): Promise<boolean> {
  try {
    const answer = await fetch(`${url}/health/live`, { signal: AbortSignal.timeout(1_000) });
    await answer.arrayBuffer();
    return answer.ok;
  } catch {
    return false;
  }
}

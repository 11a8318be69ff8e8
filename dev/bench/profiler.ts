import { writeFileSync } from 'node:fs';

/** Takes CPU profiles of another Node process that was started with `--inspect`. */
export interface Profiler {
  start(): Promise<void>;
  /** Ends the profile, keeps it in the file for Chrome's developer tools, and gives its summary as lines. */
  stop(file: string): Promise<string[]>;
  /** What lives on the heap after a full collection, in megabytes. */
  heapMb(): Promise<number>;
  close(): void;
}

interface CallFrame {
  readonly functionName: string;
  readonly url: string;
  readonly lineNumber: number;
}
interface Profile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: CallFrame;
    readonly hitCount: number;
    readonly children?: readonly number[];
  }[];
}

const INTERVAL_US = 500;
const LINES = 12;

/** Connects to the inspector of the process; `port` is that of its `--inspect`. */
export async function connectProfiler(port: number): Promise<Profiler> {
  const targets = (await (await fetch(`http://127.0.0.1:${port}/json`)).json()) as { webSocketDebuggerUrl: string }[];
  const socket = new WebSocket(targets[0]?.webSocketDebuggerUrl ?? '');
  await new Promise((resolve, reject) => {
    socket.addEventListener('open', resolve, { once: true });
    socket.addEventListener('error', () => reject(new Error('The inspector refuses the connection')), { once: true });
  });
  const waiting = new Map<number, (result: unknown) => void>();
  socket.addEventListener('message', ({ data }) => {
    const { id, result } = JSON.parse(String(data)) as { id?: number; result?: unknown };
    if (id !== undefined) waiting.get(id)?.(result);
  });
  let last = 0;
  const call = <T>(method: string, params: object = {}): Promise<T> =>
    new Promise((resolve) => {
      last += 1;
      waiting.set(last, (result) => resolve(result as T));
      socket.send(JSON.stringify({ id: last, method, params }));
    });
  await call('Profiler.enable');
  await call('Profiler.setSamplingInterval', { interval: INTERVAL_US });
  return {
    start: () => call('Profiler.start'),
    stop: async (file) => {
      const { profile } = await call<{ profile: Profile }>('Profiler.stop');
      writeFileSync(file, JSON.stringify(profile));
      return summary(profile);
    },
    heapMb: async () => {
      await call('HeapProfiler.collectGarbage');
      const { usedSize } = await call<{ usedSize: number }>('Runtime.getHeapUsage');
      return usedSize / 2 ** 20;
    },
    close: () => socket.close(),
  };
}

/** How busy the process was, and where its time went: by package or folder, by function alone, by function with all it calls. */
function summary(profile: Profile): string[] {
  const total = profile.nodes.reduce((sum, { hitCount }) => sum + hitCount, 0);
  const idle = profile.nodes
    .filter(({ callFrame }) => callFrame.functionName === '(idle)')
    .reduce((sum, { hitCount }) => sum + hitCount, 0);
  const busy = total - idle;
  const places = new Map<string, number>();
  const own = new Map<string, number>();
  for (const { callFrame, hitCount } of profile.nodes) {
    if (callFrame.functionName === '(idle)') continue;
    add(places, placeOf(callFrame), hitCount);
    add(own, nameOf(callFrame), hitCount);
  }
  const share = (hits: number): string => `${((100 * hits) / busy).toFixed(1).padStart(5)} %`;
  const top = (counts: Map<string, number>): string[] =>
    [...counts]
      .toSorted((a, b) => b[1] - a[1])
      .slice(0, LINES)
      .map(([name, hits]) => `  ${share(hits)}  ${name}`);
  return [
    `busy ${((100 * busy) / total).toFixed(0)} % of the time; of that, by place:`,
    ...top(places),
    'by function, alone:',
    ...top(own),
    'by function of src/, with what it calls:',
    ...top(inclusive(profile)),
  ];
}

function inclusive({ nodes }: Profile): Map<string, number> {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const counts = new Map<string, number>();
  const walk = (id: number, above: ReadonlySet<string>): number => {
    const node = byId.get(id);
    if (!node) return 0;
    const name = nameOf(node.callFrame);
    const inside = new Set([...above, name]);
    const hits = (node.children ?? []).reduce((sum, child) => sum + walk(child, inside), node.hitCount);
    if (node.callFrame.url.includes('/src/') && !above.has(name)) add(counts, name, hits);
    return hits;
  };
  const [root] = nodes;
  if (root) walk(root.id, new Set());
  return counts;
}

function add(counts: Map<string, number>, name: string, hits: number): void {
  counts.set(name, (counts.get(name) ?? 0) + hits);
}

function nameOf({ functionName, url, lineNumber }: CallFrame): string {
  const file = url.split('/').slice(-3).join('/');
  return `${functionName || '(anonymous)'}${file === '' ? '' : ` ${file}:${lineNumber + 1}`}`;
}

function placeOf({ functionName, url }: CallFrame): string {
  const dependency = /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1];
  if (dependency !== undefined) return dependency;
  const room = /\/src\/([^/]+)/.exec(url)?.[1];
  if (room !== undefined) return `src/${room}`;
  if (url.startsWith('node:')) return 'node';
  return functionName.startsWith('(') ? functionName : 'native functions';
}

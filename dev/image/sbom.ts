/**
 * Prints what the image contains besides its base, as CycloneDX: the packages below the directory that is the argument, and
 * those that the web console's files are built from. Runs in the image's build, in a directory with package.json,
 * package-lock.json and `console`. The same inputs give the same text.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

interface Component {
  readonly 'bom-ref': string;
  readonly name: string;
  readonly scope: string;
  readonly properties: readonly { readonly name: string; readonly value: string }[];
}

interface Bom {
  serialNumber?: string;
  metadata: { timestamp?: string; component: { name: string; type: string } };
  components: Component[];
  dependencies: { readonly ref: string; readonly dependsOn: readonly string[] }[];
}

const OUTPUT_BYTES_MAX = 64 * 1024 * 1024;
/** `import … from 'react-dom/client'`, but neither relative imports nor Node's own modules. */
const IMPORT = /from '(?!node:)(@[\w.-]+\/[\w.-]+|\w[\w.-]*)/g;

const [installed = '.'] = process.argv.slice(2);
const bom = JSON.parse(
  execFileSync('npm', ['sbom', '--sbom-format=cyclonedx', '--package-lock-only'], {
    encoding: 'utf8',
    maxBuffer: OUTPUT_BYTES_MAX,
  }),
) as Bom;
const dependsOn = new Map(bom.dependencies.map((dependency) => [dependency.ref, dependency.dependsOn]));

const contained = new Set([...inConsole(), ...installedPackages()]);
bom.components = bom.components
  .filter((component) => contained.has(component['bom-ref']))
  .map((component) => ({
    ...component,
    scope: 'required',
    properties: component.properties.filter(({ name }) => name !== 'cdx:npm:package:development'),
  }));
const refs = new Set(bom.components.map((component) => component['bom-ref']));
bom.dependencies = bom.dependencies
  .filter(({ ref }, index) => index === 0 || refs.has(ref))
  .map(({ ref, dependsOn: all }) => ({ ref, dependsOn: all.filter((one) => refs.has(one)) }));
Object.assign(bom.metadata.component, {
  name: (JSON.parse(readFileSync('package.json', 'utf8')) as { name: string }).name,
  type: 'application',
});
delete bom.serialNumber;
delete bom.metadata.timestamp;
console.log(JSON.stringify(bom, null, 1));

/** `name@version` of each package of the lock file that is there. */
function installedPackages(): Set<string> {
  const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8')) as {
    packages: Readonly<Record<string, { readonly version: string }>>;
  };
  const paths = Object.entries(packages).filter(([path]) => path !== '' && existsSync(join(installed, path)));
  return new Set(paths.map(([path, { version }]) => `${path.split('node_modules/').at(-1)}@${version}`));
}

/** The packages that the console imports, with all that they need; without types, which no browser gets. */
function inConsole(): Set<string> {
  const files = globSync('console/**/*.{ts,tsx}').filter((file) => !/\/dist\/|vite\.config/.test(file));
  const imported = new Set(
    files.flatMap((file) => [...readFileSync(file, 'utf8').matchAll(IMPORT)].map(([, name]) => name ?? '')),
  );
  const nameOf = new Map(bom.components.map((component) => [component['bom-ref'], component.name]));
  const [root] = bom.dependencies;
  const found = new Set((root?.dependsOn ?? []).filter((ref) => imported.has(nameOf.get(ref) ?? '')));
  for (const ref of found) {
    for (const next of dependsOn.get(ref) ?? []) if (!nameOf.get(next)?.startsWith('@types/')) found.add(next);
  }
  return found;
}

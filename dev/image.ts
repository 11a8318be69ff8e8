/**
 * `npm run test:image`: builds the image, holds it to docs/image.md, and removes what it started. It runs as a user id
 * that nobody knows, with a read-only root, without capabilities and without new privileges, against real servers: an
 * event of the CRM goes through Kafka, the service and the CAS simulator, and its outcome comes back; then SIGTERM. podman
 * also runs the pods of the Helm chart, and Docker Compose, if it is there, docker-compose.yml as a whole.
 *
 * Options: `--engine podman|docker` (default: the first that answers), `--build-image NAME` and `--runtime-image NAME`
 * (default: those of the Dockerfile), `--build-option OPTION` (as often as needed: handed to the engine's `build` as it
 * is), `--keep` (the image stays), `--image NAME` (tests an image that was built before), `--if-possible` (exit code 0, with a
 * sentence, if no engine answers or the base images cannot be had). Needs Linux, whose containers can
 * share the host's network; a `DATABASE_URL` in the environment must name an empty database. Exit code 0 only if all was seen.
 */
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { playCompose } from './image/compose.ts';
import { problemsOfImage } from './image/contents.ts';
import { messageOf } from '../src/platform/errors.ts';
import { type Engine, findEngine } from './image/engine.ts';
import { playInContainers } from './image/play.ts';

/** Neither has a line in the image's /etc/passwd. OpenShift draws such a number too, in group 0. */
const UNKNOWN_USER = '54321:0';
const OPENSHIFT_USER = '1000680000:0';

const print = (line: string): void => console.log(line);
const { values } = parseArgs({
  options: {
    engine: { type: 'string' },
    'build-image': { type: 'string' },
    'runtime-image': { type: 'string' },
    'build-option': { type: 'string', multiple: true, default: [] },
    image: { type: 'string' },
    keep: { type: 'boolean', default: false },
    'if-possible': { type: 'boolean', default: false },
  },
});

let engine: Engine;
try {
  engine = await findEngine(values.engine);
  if (values['if-possible']) await requireBases();
} catch (error) {
  console.error(messageOf(error));
  process.exit(values['if-possible'] ? 0 : 1);
}
print(engine.description);
const image = values.image ?? `conax-provisioning:test-${randomBytes(4).toString('hex')}`;
const problems: string[] = [];
/** Labels that the build is told; another build's are unknown here. */
const built: Readonly<Record<string, string>> = values.image === undefined ? labelsOfCheckout() : {};
try {
  if (values.image === undefined) await build();
  problems.push(...(await problemsOfImage(engine, image, UNKNOWN_USER, built, print)));
  for (const user of [undefined, OPENSHIFT_USER]) {
    const env = { NODE_DEBUG_NATIVE: 'COMPILE_CACHE' };
    const container = await engine.start({ image, args: ['--help'], env, ...(user === undefined ? {} : { user }) });
    const exitCode = await container.ended(30_000);
    // Node takes nothing that was compiled with other options, and says so only here.
    if (user === undefined && !/reading cache from \/app\/compiled\/.*\.\.\. success/.test(await container.logs()))
      problems.push('Node does not take what was compiled for the image: it was compiled with other options');
    if (exitCode !== 0)
      problems.push(`as ${user ?? 'its own user'} it ends with ${exitCode}: ${await container.logs()}`);
  }
  problems.push(...(await playInContainers(engine, image, UNKNOWN_USER, print)));
  problems.push(...(await playCompose(image, print)));
} catch (error) {
  problems.push(messageOf(error));
} finally {
  await engine.removeContainers();
  if (values.image === undefined && !values.keep)
    await engine.run(['rmi', '--force', image]).catch((error: unknown) => print(String(error)));
}
for (const problem of problems) console.error(`PROBLEM: ${problem}`);
print(problems.length === 0 ? 'the image keeps its promises' : `${problems.length} problems with the image`);
if (values.keep) print(`the image stays: ${image}`);
process.exit(problems.length === 0 ? 0 : 1);

/** @throws Error that says that the image was not tested, if the engine neither has nor can fetch a base image. */
async function requireBases(): Promise<void> {
  const dockerfile = readFileSync('Dockerfile', 'utf8');
  const named = [...dockerfile.matchAll(/^ARG (BUILD|RUNTIME)_IMAGE=(.+)$/gm)].map(([, stage, base]) =>
    stage === 'BUILD' ? (values['build-image'] ?? base) : (values['runtime-image'] ?? base),
  );
  for (const base of new Set(named.map(String))) {
    try {
      await engine.run(['image', 'inspect', base]).catch(() => engine.run(['pull', base], 300_000));
    } catch (cause) {
      throw new Error(`${engine.description} cannot fetch ${base}, so the image was NOT tested.\n${messageOf(cause)}`, {
        cause,
      });
    }
  }
}

async function build(): Promise<void> {
  const startedAt = performance.now();
  const bases = (['build-image', 'runtime-image'] as const).flatMap((name) => {
    const base = values[name];
    return base === undefined ? [] : ['--build-arg', `${name.toUpperCase().replace('-', '_')}=${base}`];
  });
  const labels = Object.entries(built).flatMap(([name, value]) => ['--build-arg', `${name.toUpperCase()}=${value}`]);
  await engine.run(['build', '--tag', image, ...bases, ...labels, ...values['build-option'], '.'], 900_000);
  print(`built in ${((performance.now() - startedAt) / 1000).toFixed(1)} s`);
}

/** The commit and its time: the same checkout makes the same labels. */
function labelsOfCheckout(): { revision: string; created: string } {
  const [revision = '', created = ''] = execFileSync('git', ['log', '-1', '--format=%H %cI'], { encoding: 'utf8' })
    .trim()
    .split(' ');
  return { revision, created };
}

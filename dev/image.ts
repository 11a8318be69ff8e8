/**
 * `npm run test:image`: builds the image, holds it to docs/image.md, and removes what it started. It runs as a user id
 * that nobody knows, with a read-only root, without capabilities and without new privileges, against real servers: an
 * event of the CRM goes through Kafka, the service and the CAS simulator, and its outcome comes back; then SIGTERM.
 *
 * Options: `--engine podman|docker` (default: the first that answers), `--build-image NAME` and `--runtime-image NAME`
 * (default: those of the Dockerfile), `--build-option OPTION` (as often as needed: handed to the engine's `build` as it
 * is), `--keep` (the image stays), `--image NAME` (tests an image that was built before). Needs Linux, whose containers can
 * share the host's network; a `DATABASE_URL` in the environment must name an empty database. Exit code 0 only if all was seen.
 */
import { randomBytes } from 'node:crypto';
import { parseArgs } from 'node:util';
import { problemsOfImage } from './image/contents.ts';
import { type Engine, findEngine } from './image/engine.ts';
import { playInContainers } from './image/play.ts';

/** Neither has a line in the image's /etc/passwd. OpenShift draws such a number too, in group 0. */
const UNKNOWN_USER = '54321:54321';
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
  },
});

let engine: Engine;
try {
  engine = await findEngine(values.engine);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}
print(engine.description);
const image = values.image ?? `conax-provisioning:test-${randomBytes(4).toString('hex')}`;
const problems: string[] = [];
try {
  if (values.image === undefined) await build();
  problems.push(...(await problemsOfImage(engine, image, UNKNOWN_USER, print)));
  for (const user of [undefined, OPENSHIFT_USER]) {
    const container = await engine.start({ image, args: ['--help'], ...(user === undefined ? {} : { user }) });
    const exitCode = await container.ended(30_000);
    if (exitCode !== 0)
      problems.push(`as ${user ?? 'its own user'} it ends with ${exitCode}: ${await container.logs()}`);
  }
  problems.push(...(await playInContainers(engine, image, UNKNOWN_USER, print)));
} catch (error) {
  problems.push(error instanceof Error ? error.message : String(error));
} finally {
  await engine.removeContainers();
  if (values.image === undefined && !values.keep)
    await engine.run(['rmi', '--force', image]).catch((error: unknown) => print(String(error)));
}
for (const problem of problems) console.error(`PROBLEM: ${problem}`);
print(problems.length === 0 ? 'the image keeps its promises' : `${problems.length} problems with the image`);
if (values.keep) print(`the image stays: ${image}`);
process.exit(problems.length === 0 ? 0 : 1);

async function build(): Promise<void> {
  const startedAt = performance.now();
  const bases = (['build-image', 'runtime-image'] as const).flatMap((name) => {
    const base = values[name];
    return base === undefined ? [] : ['--build-arg', `${name.toUpperCase().replace('-', '_')}=${base}`];
  });
  await engine.run(['build', '--tag', image, ...bases, ...values['build-option'], '.'], 900_000);
  print(`built in ${((performance.now() - startedAt) / 1000).toFixed(1)} s`);
}

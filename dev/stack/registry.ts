import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Download } from './download.ts';
import { classArchive } from './class-archive.ts';
import { LEAN_JVM, type Java } from './java.ts';
import { startNativePart } from './native-part.ts';
import type { PartContext, RunningPart } from './part.ts';
import { freePort } from './ports.ts';

/** The newest Apicurio Registry that runs on Java 17. */
export const REGISTRY_VERSION = '3.0.9';

/** Where Apicurio Registry speaks the API of Confluent's registry. */
export const CONFLUENT_API_PATH = '/apis/ccompat/v7';

/** Apicurio Registry, unpacked. */
export const REGISTRY_DOWNLOAD: Download = {
  title: `Apicurio Registry ${REGISTRY_VERSION}`,
  directory: `apicurio-registry-${REGISTRY_VERSION}`,
  wanted: { artifact: `io.apicurio:apicurio-registry-app:${REGISTRY_VERSION}:tar.gz:all` },
  prepare: async (directory, run) => {
    const archive = (await readdir(directory)).find((name) => name.endsWith('.tar.gz'));
    if (archive === undefined) throw new Error(`Maven copied no archive of Apicurio Registry ${REGISTRY_VERSION}.`);
    await run('tar', ['-xzf', join(directory, archive), '-C', directory]);
    await rm(join(directory, archive));
  },
};

/** Starts the registry from the download in `installed`, with its schemas in a file. */
export async function startRegistry(context: PartContext, java: Java, installed: string): Promise<RunningPart> {
  await mkdir(context.directory, { recursive: true });
  const archive = classArchive(installed, java);
  return startNativePart(context, async () => {
    const port = await freePort();
    const url = `http://127.0.0.1:${port}${CONFLUENT_API_PATH}`;
    return {
      name: 'Apicurio Registry',
      url,
      address: url,
      command: {
        command: java.command,
        args: [
          ...archive.flags,
          ...LEAN_JVM,
          '-Dquarkus.http.host=127.0.0.1',
          `-Dquarkus.http.port=${port}`,
          '-Dquarkus.http.access-log.enabled=false',
          `-Dapicurio.datasource.url=jdbc:h2:file:${join(context.directory, 'schemas')};WRITE_DELAY=0`,
          '-Dapicurio.datasource.jdbc.initial-size=1',
          '-Dapicurio.datasource.jdbc.min-size=1',
          '-Dapicurio.datasource.jdbc.max-size=8',
          '-jar',
          join(installed, `apicurio-registry-app-${REGISTRY_VERSION}-runner.jar`),
        ],
        logFile: join(context.directory, 'registry.log'),
        orphanSignal: 'SIGKILL',
        removeWhenOrphaned: context.removeWhenOrphaned,
      },
      probe: () => listsSubjects(url),
      stopSignal: 'SIGTERM',
      killSignal: 'SIGKILL',
      ...(archive.keep === undefined ? {} : { afterCleanEnd: archive.keep }),
    };
  });
}

/** Resolves when the registry lists its subjects. */
export async function listsSubjects(url: string): Promise<void> {
  const answer = await fetch(`${url}/subjects`, { signal: AbortSignal.timeout(5_000) });
  await answer.arrayBuffer();
  if (answer.status !== 200) throw new Error(`the registry answered ${answer.status}`);
}

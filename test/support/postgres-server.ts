import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PartControl } from '../../dev/stack/part.ts';
import { startPostgres } from '../../dev/stack/postgres.ts';

/** A PostgreSQL server that a test may stop, kill and misconfigure. */
export interface OwnServer {
  /** Of its database `conax`. */
  readonly url: string;
  /** Its data directory, for what is read when it starts. */
  readonly data: string;
  readonly control: PartControl;
  close(): Promise<void>;
}

export async function startOwnServer(): Promise<OwnServer> {
  const directory = await mkdtemp(join(tmpdir(), 'conax-postgres-'));
  const context = { directory: join(directory, 'server'), throwAway: true, removeWhenOrphaned: [directory] };
  // PostgreSQL may run as another account.
  await chmod(directory, 0o755);
  const part = await startPostgres({
    ...context,
    print: () => {},
    env: process.env,
    kafkaSettings: (settings) => settings,
  });
  return {
    url: part.url,
    data: join(context.directory, 'data'),
    control: part.control,
    close: async () => {
      await part.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';

/** A file of the archive while it is written, under a name that ends with `.part`. */
export interface Volume {
  write(lines: readonly string[]): Promise<void>;
  /** Renames the file after every line is on the disk, also for a power cut. Resolves with its path. */
  seal(): Promise<string>;
  /** Removes it. */
  discard(): Promise<void>;
}

const ENDING = '.jsonl.gz';
const UNFINISHED = `${ENDING}.part`;
/** Nobody writes to a volume that has not changed for so long. */
const ABANDONED_MS = 3_600_000;

/**
 * Starts a volume of gzipped JSON lines in the existing directory. Only its owner may read it, because it has customer
 * data. Volumes never overwrite each other.
 */
export function beginVolume(directory: string, kind: string, firstKey: number): Volume {
  const time = new Date().toISOString().replace(/[-:]|\.\d+/g, '');
  const path = join(directory, `${kind}-${time}-${firstKey}-${crypto.randomUUID().slice(0, 8)}${ENDING}`);
  const part = path.slice(0, -ENDING.length) + UNFINISHED;
  const gzip = createGzip();
  // `flush`: fsync before it is closed.
  const written = pipeline(gzip, createWriteStream(part, { flags: 'wx', mode: 0o600, flush: true }));
  // Who writes or seals next sees the failure.
  written.catch(() => {});
  return {
    async write(lines) {
      if (lines.length === 0) return;
      if (!gzip.write(lines.map((line) => `${line}\n`).join(''))) await Promise.race([once(gzip, 'drain'), written]);
    },
    async seal() {
      gzip.end();
      await written;
      await rename(part, path);
      await syncDirectory(directory);
      return path;
    },
    async discard() {
      gzip.destroy();
      await written.catch(() => {});
      await rm(part, { force: true });
    },
  };
}

/** What is wrong with the directory as an archive, with the remedy; null if nothing is. */
export async function problemOfArchive(directory: string): Promise<string | null> {
  const found = await stat(directory).catch(() => null);
  if (found === null)
    return `The archive directory ${JSON.stringify(directory)} does not exist: create it, or mount it`;
  return found.isDirectory() ? null : `The archive directory ${JSON.stringify(directory)} is a file: name a directory`;
}

/** Removes volumes that a process left unfinished when it was killed: none of their rows was removed. */
export async function clearAbandonedVolumes(directory: string): Promise<void> {
  for (const name of await readdir(directory)) {
    if (!name.endsWith(UNFINISHED)) continue;
    const path = join(directory, name);
    const found = await stat(path).catch(() => null);
    if (found !== null && Date.now() - found.mtimeMs > ABANDONED_MS) await rm(path, { force: true });
  }
}

/** Else a power cut may leave the rows removed and the directory without the new name. */
async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

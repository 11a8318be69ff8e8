import { createReadStream, readFileSync } from 'node:fs';
import { isAbsolute } from 'node:path';
import { messageOf } from './errors.ts';

/** A file cannot be used; the message names it, the problem and the remedy. */
export class FileError extends Error {
  override readonly name: string = 'FileError';
}

/** Reads a file that people name. @throws FileError */
export function readBytes(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw fileError(path, 'read', error);
  }
}

/** Reads a large file that people name, piece by piece. @throws FileError */
export async function* readPieces(path: string): AsyncGenerator<Buffer> {
  const pieces = createReadStream(path, { highWaterMark: 1 << 20 }) as AsyncIterable<Buffer>;
  try {
    yield* pieces;
  } catch (error) {
    throw fileError(path, 'read', error);
  }
}

/** The operating system's error about a file, in words: Node names the file only for some errors, and no remedy. */
export function fileError(path: string, use: 'read' | 'written', cause: unknown): FileError {
  const code = cause instanceof Error && 'code' in cause ? cause.code : null;
  return new FileError(`${path} cannot be ${use}: ${problemOf(code, path, use) ?? messageOf(cause)}`, { cause });
}

function problemOf(code: unknown, path: string, use: 'read' | 'written'): string | null {
  const from = isAbsolute(path) ? '' : ` from the directory ${process.cwd()}`;
  switch (code) {
    case 'EISDIR':
      return 'it is a directory; name a file';
    case 'ENOENT':
    case 'ENOTDIR':
      return `there is no such ${use === 'read' ? 'file' : 'directory'}${from}; correct the name`;
    case 'EACCES':
    case 'EPERM':
      return `this user may not ${use === 'read' ? 'read' : 'write'} it; change its permissions or its owner`;
    case 'EROFS':
      return 'the file system is read-only; choose another directory';
    case 'ENOSPC':
      return 'the disk is full; make room or choose another directory';
    default:
      return null;
  }
}

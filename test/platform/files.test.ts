import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FileError, fileError, readBytes, readPieces } from '../../src/platform/files.ts';
import { readSettings } from '../../src/settings.ts';

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'conax-files-'));
});
afterAll(() => rmSync(directory, { recursive: true }));

async function piecesOf(path: string): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of readPieces(path)) pieces.push(piece);
  return Buffer.concat(pieces);
}

describe('a file that cannot be read is named with the problem and the remedy', () => {
  test.each([
    ['a directory', '.', 'it is a directory; name a file'],
    ['nothing', 'gone.txt', 'there is no such file; correct the name'],
    ['below a file', 'file/gone.txt', 'there is no such file; correct the name'],
  ])('%s', async (_what, name, problem) => {
    writeFileSync(join(directory, 'file'), '');
    const path = join(directory, name);
    const error = new FileError(`${path} cannot be read: ${problem}`);
    expect(() => readBytes(path)).toThrow(error);
    await expect(piecesOf(path)).rejects.toThrow(error);
  });

  test('one that another user may not read', () => {
    const path = join(directory, 'secret');
    const denied = Object.assign(new Error('EACCES: permission denied'), { code: 'EACCES' });
    // Not seen by reading it: nothing is forbidden to root.
    expect(fileError(path, 'read', denied).message).toBe(
      `${path} cannot be read: this user may not read it; change its permissions or its owner`,
    );
  });

  test('a name that is relative, with the directory that it starts from', () => {
    expect(() => readBytes('gone.txt')).toThrow(
      `gone.txt cannot be read: there is no such file from the directory ${process.cwd()}; correct the name`,
    );
  });

  test('the file of a setting', () => {
    const env = { CONAX_BASE_URL: 'http://cas', CONAX_USERNAME: 'sms', CONAX_PASSWORD_FILE: directory };
    expect(() => readSettings(['conax'], env)).toThrow(
      `CONAX_PASSWORD_FILE: ${directory} cannot be read: it is a directory; name a file`,
    );
  });
});

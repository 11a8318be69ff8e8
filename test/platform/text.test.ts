import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { loadCasDefinition } from '../../src/conax-checks/cas-definition.ts';
import { decodeText, readTextFile } from '../../src/platform/text.ts';
import { readSettings } from '../../src/settings.ts';

const directory = mkdtempSync(join(tmpdir(), 'conax-text-'));
afterAll(() => rmSync(directory, { recursive: true }));

const MARK = Buffer.from([0xef, 0xbb, 0xbf]);
/** `Καλημέρα` in ISO-8859-7. */
const GREEK = Buffer.from([0xca, 0xe1, 0xeb, 0xe7, 0xec, 0xdd, 0xf1, 0xe1]);

function file(name: string, ...bytes: (string | Uint8Array)[]): string {
  const path = join(directory, name);
  writeFileSync(path, Buffer.concat(bytes.map((one) => Buffer.from(one))));
  return path;
}

describe('a text file', () => {
  test('is read as it is, without a byte order mark at its start', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.boolean(), (text, marked) => {
        const plain = text.replace(/^\uFEFF/, '');
        fc.pre(!/^[^\0]\0|^\0[^\0]/.test(plain));
        expect(decodeText(Buffer.concat([marked ? MARK : Buffer.of(), Buffer.from(plain)]), 'x')).toBe(plain);
      }),
    );
    expect(readTextFile(file('marked', MARK, 'one\r\ntwo'))).toBe('one\r\ntwo');
  });

  test('that is not UTF-8 is refused with the file, the byte, its position and its line', () => {
    const path = file('greek', 'one\nαβ', GREEK);
    expect(() => readTextFile(path)).toThrow(
      `${path} is not UTF-8: byte 0xCA at position 8 (line 2); save it as UTF-8`,
    );
    for (const [bytes, position] of [
      [[0xc0, 0x80], 0],
      [[0x41, 0xed, 0xa0, 0x80], 1],
      [[0x41, 0xf4, 0x90, 0x80, 0x80], 1],
      [[0xe2, 0x82], 0],
      [[0x41, 0x80], 1],
    ] as const) {
      expect(() => decodeText(Uint8Array.from(bytes), 'it')).toThrow(`at position ${position} `);
    }
  });

  test.each([
    ['UTF-16 with a mark', Buffer.from('\uFEFFa', 'utf16le')],
    ['big-endian UTF-16', Buffer.from('\uFEFFa', 'utf16le').swap16()],
    ['UTF-16 without a mark', Buffer.from('{"a":1}', 'utf16le')],
  ])('in %s is called that, with the remedy', (_name, bytes) => {
    expect(() => decodeText(bytes, 'cards.txt')).toThrow(
      'cards.txt is UTF-16, as Windows PowerShell writes it: save it as UTF-8, for instance with "Out-File -Encoding utf8"',
    );
  });
});

describe('settings', () => {
  const settings = { CONAX_BASE_URL: 'http://127.0.0.1:1', CONAX_USERNAME: 'sms' };
  const passwordOf = (path: string): unknown =>
    readSettings(['conax'], { ...settings, CONAX_PASSWORD_FILE: path }).CONAX_PASSWORD;

  test('from a file come without its byte order mark and its last line break', () => {
    expect(passwordOf(file('password', MARK, 's3cret\r\n'))).toBe('s3cret');
  });

  test('from a file that is not UTF-8, or UTF-16, are refused without their value', () => {
    const greek = file('greek password', 's3cret', GREEK);
    expect(() => passwordOf(greek)).toThrow(`CONAX_PASSWORD_FILE: ${greek} is not UTF-8`);
    expect(() => passwordOf(file('utf16', Buffer.from('\uFEFFs3cret', 'utf16le')))).toThrow('is UTF-16');
  });

  test('of which Node replaced bytes are refused', () => {
    expect(() => readSettings(['conax'], { ...settings, CONAX_PASSWORD: 's3cret\uFFFD' })).toThrow(
      /CONAX_PASSWORD cannot be used: it has bytes that are not UTF-8(?![^]*s3cret)/,
    );
  });
});

describe('conax.json', () => {
  test('that is not UTF-8 is refused with the place', async () => {
    const path = file('conax.json', '{\n"', GREEK);
    await expect(loadCasDefinition(path)).rejects.toThrow('byte 0xCA at position 3 (line 2)');
  });
});

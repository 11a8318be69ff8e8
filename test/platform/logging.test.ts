import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { duplicateKeys } from '../support/json-keys.ts';

const LOGGING = fileURLToPath(new URL('../../src/platform/logging.ts', import.meta.url));

/** The lines that a program logs; the log goes to the process's own standard output. */
function logged(program: string): string[] {
  const code = `import { createLogger } from ${JSON.stringify(LOGGING)}; const log = createLogger('trace'); ${program}`;
  const printed = execFileSync(process.execPath, ['--input-type=module', '--eval', code], { encoding: 'utf8' });
  return printed.trimEnd().split('\n');
}

const fields = (line: string | undefined): Record<string, unknown> => JSON.parse(line ?? '') as Record<string, unknown>;

test('no line has a key twice, whatever its logger and its call name', () => {
  const lines = logged(`
    log.info({ level: 1, time: 2, msg: 3, pid: 4 }, 'own names');
    const child = log.child({ part: 'a', partition: 1 }).child({ part: 'b', level: 'c' });
    child.warn({ part: 'line', part_: 5, partition: 7 }, 'taken names');
    child.child({ err: 'bound' }).error(new Error('thrown'));
    child.error(new Error('thrown'), 'said %s', 'so');
    child.info('%d of %d', 1, 2);
    child.info({ a: { part: 1 } });
  `);
  expect(lines.flatMap((line) => duplicateKeys(line))).toEqual([]);
  const [own, taken, bound, said, plain, bare] = lines.map(fields);
  expect(own).toMatchObject({ level: 'info', level_: 1, time_: 2, msg_: 3, msg: 'own names' });
  expect(taken).toMatchObject({ part: 'b', part__: 'line', part_: 5, partition: 1, partition_: 7 });
  expect(bound).toMatchObject({ err: 'bound', err_: { message: 'thrown' }, msg: 'thrown' });
  expect(said).toMatchObject({ part: 'b', err: { message: 'thrown' }, msg: 'said so' });
  expect(plain).toMatchObject({ level: 'info', part: 'b', msg: '1 of 2' });
  expect(bare).toMatchObject({ part: 'b', a: { part: 1 } });
});

test('what a terminal obeys is written as an escape, with the same value', () => {
  const text = 'a\u001B[31m\u009B1m\u202E\u2028\u200B b';
  const [line = ''] = logged(`log.info({ text: ${JSON.stringify(text)} }, ${JSON.stringify(text)})`);
  expect(line).toMatch(/^[\x20-\x7E]+$/);
  expect(fields(line)).toMatchObject({ text, msg: text });
});

test('secrets are masked in lines and in what a child binds', () => {
  const lines = logged(`log.child({ token: 's3cret' }).info({ password: 's3cret', of: { pin: 's3cret' } }, 'x')`);
  expect(lines.join('')).not.toContain('s3cret');
});

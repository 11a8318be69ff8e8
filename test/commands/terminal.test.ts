import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import packageJson from '../../package.json' with { type: 'json' };
import { type Database, openDatabase } from '../../src/platform/database.ts';
import { pauseProvider } from '../../src/dispatch/provider.ts';
import { type Ran, runCli, startCli } from '../support/cli.ts';
import { createTestDatabase } from '../support/database.ts';

/** Turns the text after it, moves the cursor, clears the screen. */
const HOSTILE = '\u202Eevil\u001B[2J\u009B1A\u2028\u200B\u0007';
const RAW = /(?![\n\t])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;

let db: Database;
let env: { DATABASE_URL: string };
let directory: string;
let drop: () => Promise<unknown>;
beforeAll(async () => {
  const database = await createTestDatabase();
  env = { DATABASE_URL: database.url };
  db = openDatabase({ url: database.url, maxConnections: 2, applicationName: 'test' });
  drop = () => database.drop();
  directory = mkdtempSync(join(tmpdir(), 'conax-terminal-'));
  await run(['queue', 'add', '--type', 'MAIL', '--message', 'Hello', '--card', '20000000001', '--by', HOSTILE]);
  await db.query('update communication_queue set message = jsonb_set(message, $1, to_jsonb($2::text))', [
    '{message}',
    `Hi ${HOSTILE}`,
  ]);
});
afterAll(async () => {
  await db.close();
  await drop();
  rmSync(directory, { recursive: true });
});

const run = (args: readonly string[]): Promise<Ran> => runCli(args, env);

function file(name: string, ...parts: (string | Buffer)[]): string {
  const path = join(directory, name);
  writeFileSync(path, Buffer.concat(parts.map((part) => Buffer.from(part))));
  return path;
}

describe('the command line', () => {
  test('says its version', async () => {
    expect(await runCli(['--version'])).toMatchObject({ exitCode: 0, stdout: `${packageJson.version}\n`, stderr: '' });
  });

  test('shows what a terminal would obey as its code, under titles, and escapes it in JSON', async () => {
    const { stdout } = await run(['queue', 'list']);
    expect(stdout).toMatch(/^number +state +type +to +run +message +detail\n1 +PENDING +MAIL +20000000001/);
    expect(stdout).toContain('Hi \\u{202e}evil\\u{1b}[2J\\u{9b}1A\\u{2028}\\u{200b}\\u{7}');
    expect(stdout).not.toMatch(RAW);
    expect((await run(['queue', 'show', '1'])).stdout).not.toMatch(RAW);
    const entry = { message: { message: `Hi ${HOSTILE}` } };
    for (const [args, data] of [
      [['queue', 'list', '--json'], { entries: [entry] }],
      [['queue', 'show', '1', '--json'], entry],
    ] as const) {
      const json = (await run([...args])).stdout;
      expect(json).not.toMatch(RAW);
      expect(JSON.parse(json)).toMatchObject(data);
    }
  });

  test('shows hostile arguments in its errors as their codes', async () => {
    for (const args of [['requests', 'show', `x${HOSTILE}`], [HOSTILE], ['requests', `--${HOSTILE}`]]) {
      const { stderr } = await run(args);
      expect(stderr).toContain('\\u{202e}evil');
      expect(stderr).not.toMatch(RAW);
    }
  });

  test.each([
    ['requests list --state REJECTED', 'There are no such requests.'],
    ['runs list', 'There are no such runs.'],
    ['schedules list', 'There are no schedules.'],
    ['queue list --state COMPLETED', 'There are no such entries in the queue.'],
    ['events held', 'No event is held.'],
    ['events dead-letters', 'There are no such dead letters.'],
    ['users list', 'There are no users.'],
    ['replay list', 'There are no replays.'],
  ])('says on standard error that nothing was found: %s', async (line, says) => {
    expect(await run(line.split(' '))).toEqual({ exitCode: 0, signal: null, stdout: '', stderr: `${says}\n` });
  });

  test('ends quietly, as SIGPIPE ends others, if nobody reads on', async () => {
    const cli = fileURLToPath(new URL('../../src/cli.ts', import.meta.url));
    const child = spawn(process.execPath, [cli, 'queue', 'list', '--json'], {
      env: { PATH: process.env['PATH'] ?? '', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    child.stdout.destroy();
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    const exitCode = await new Promise((resolve) => child.once('close', resolve));
    expect({ exitCode, stderr: stderr.replaceAll(/^.*(?:Timeout|--trace-warnings).*\n/gm, '') }).toEqual({
      exitCode: 141,
      stderr: '',
    });
  });
});

describe('text that is not UTF-8', () => {
  /** `Καλημέρα` in ISO-8859-7. */
  const GREEK = Buffer.from([0xca, 0xe1, 0xeb, 0xe7, 0xec, 0xdd, 0xf1, 0xe1]);

  test('is refused as an argument', async () => {
    // A shell makes the bytes: Node itself passes arguments as UTF-8.
    const command = `exec "$0" "$1" queue add --type MAIL --card 20000000001 --message "$(printf '\\312\\341')"`;
    const cli = fileURLToPath(new URL('../../src/cli.ts', import.meta.url));
    const child = spawn('sh', ['-c', command, process.execPath, cli], {
      env: { PATH: process.env['PATH'] ?? '', ...env },
    });
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    expect(await new Promise((resolve) => child.once('close', resolve))).toBe(2);
    expect(stderr).toMatch(/Argument 8, .*: it has bytes that are not UTF-8/);
    expect(await db.query('select from communication_queue')).toHaveLength(1);
  });

  test('is refused in a list of cards and in a secret, with the place', async () => {
    const cards = file('cards.txt', '20000000001\n2000', GREEK);
    expect(await run(['runs', 'message', '--type', 'BARK', '--message', 'x', '--cards', cards, '--yes'])).toMatchObject(
      {
        exitCode: 2,
        stderr: `--cards: ${cards} is not UTF-8: byte 0xCA at position 16 (line 2); save it as UTF-8\n`,
      },
    );
    const pin = file('pin.txt', GREEK);
    expect(await run(['pin', 'set', '--card', '20000000001', '--pin-file', pin])).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining(`--pin-file: ${pin} is not UTF-8`) as string,
    });
  });

  test('is one rejected line of an import, and UTF-16 refuses the whole file', async () => {
    const path = file('import.jsonl', '\uFEFF\n{"id":"', GREEK, '"}\n');
    expect(await run(['import', path])).toMatchObject({ exitCode: 1 });
    const reject = JSON.parse(readFileSync(`${path}.rejects.jsonl`, 'utf8')) as object;
    expect(reject).toMatchObject({
      line: 2,
      text: null,
      problems: [{ problem: 'is not UTF-8: byte 0xCA at position 7 of the line' }],
    });
    const utf16 = file('utf16.jsonl', Buffer.from('\uFEFF{}\n', 'utf16le'));
    expect(await run(['import', utf16])).toMatchObject({
      exitCode: 2,
      stderr: `${utf16} is UTF-16, as Windows PowerShell writes it: save it as UTF-8, for instance with "Out-File -Encoding utf8"\n`,
    });
  });
});

describe('a command that waits', () => {
  test('says why nothing is sent: no instance runs, then sending is paused', async () => {
    const running = startCli(['runs', 'queue', '--yes'], env);
    const told = running.told(/no instance of the service sends now: start it/);
    await told;
    await pauseProvider(db, { reason: 'maintenance', by: `anna${HOSTILE}` });
    await running.told(/sending is paused since \S+ by anna\\u\{202e\}evil.*: maintenance/);
    running.signal('SIGINT');
    const { exitCode, stderr } = await running.ended;
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/Run \d+ continues/);
    expect(stderr).not.toMatch(RAW);
    expect(stderr.match(/sending is paused/g)).toHaveLength(1);
  });
});

describe('a neighbour that refuses the connection', () => {
  const away = {
    DATABASE_URL: 'postgres://me:s3cret@127.0.0.1:1/x',
    KAFKA_BROKERS: '127.0.0.1:2',
    SCHEMA_REGISTRY_URL: 'http://127.0.0.1:3/apis',
  };
  test.each([
    ['requests show 1', {}, 'PostgreSQL at 127.0.0.1:1 refused the connection (ECONNREFUSED)'],
    ['retention status', {}, 'PostgreSQL at 127.0.0.1:1 refused the connection (ECONNREFUSED)'],
    ['migrate --wait 0', {}, 'PostgreSQL at 127.0.0.1:1 refused the connection (ECONNREFUSED)'],
    ['replay plan --topic x', { DATABASE_URL: null }, 'Kafka at 127.0.0.1:2 refused the connection (ECONNREFUSED)'],
  ])('is named, with its address and no password: %s', async (line, own, says) => {
    const { exitCode, stderr } = await runCli(line.split(' '), { ...away, ...('DATABASE_URL' in own ? env : {}) });
    expect({ exitCode, stderr }).toEqual({ exitCode: 1, stderr: `${says}\n` });
  });
});

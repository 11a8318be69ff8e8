import { readFileSync } from 'node:fs';
import { CommanderError, type Command } from 'commander';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import packageJson from '../../package.json' with { type: 'json' };
import { createProgram } from '../../src/commands/program.ts';
import { openDatabase } from '../../src/platform/database.ts';
import { addUser } from '../../src/users/changes.ts';
import { runCli } from '../support/cli.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

/** Arguments with which each command has nothing to say against its usage. */
const ARGUMENTS: Readonly<Record<string, string>> = {
  serve: '',
  migrate: '',
  simulator: '',
  'requests show': '1',
  'requests list': '--state PENDING',
  'requests refusals': '',
  overview: '',
  'audit list': '',
  'provider history': '',
  'events list': '',
  'requests withdraw': '1',
  'requests process': '1',
  'runs message': '--type BARK --message x --all --yes',
  'runs fingerprint': '--x 1 --y 1 --height 1 --slot 1 --all --yes',
  'runs queue': '--yes',
  'runs start': '--kind QUEUE --parameters {} --selection {} --yes',
  'runs estimate': '--kind QUEUE --parameters {} --selection {}',
  'runs list': '',
  'runs show': '1',
  'runs stop': '1',
  'runs resume': '1',
  'runs cards': '1',
  resync: '--subscription S1 --yes',
  'reconcile run': '--all --yes',
  'reconcile show': '1',
  'reconcile fix': '1',
  'schedules add': 'x --kind QUEUE --cron * --selection {}',
  'schedules list': '',
  'schedules enable': 'x',
  'schedules disable': 'x',
  'schedules remove': 'x',
  'schedules history': 'x',
  'schedules times': '*',
  'queue add': '--type MAIL --message x --card 20000000001',
  'queue list': '',
  'queue show': '1',
  'queue remove': '1',
  'events held': '',
  'events dead-letters': '',
  'events show': '1',
  'events preview': '1',
  'events release': '1',
  'events discard': '1 --reason x',
  'provider pause': '',
  'provider resume': '',
  'provider status': '',
  'users add': 'anna --role viewer --organisation x --generate',
  'users list': '',
  'users disable': 'anna',
  'users enable': 'anna',
  'users reset-password': 'anna --generate',
  why: '20000000001',
  import: 'package.json',
  'replay plan': '--topic x',
  'replay run': '--reason x',
  'replay outcomes': '--request 1 --reason x --topic x',
  'replay list': '',
  'replay show': '1',
  'replay plan-rows': '1',
  'replay stop': '1',
  'replay resume': '1',
  'pair create': '--card 20000000001 --stb x',
  'pair add': '--to 20000000001 --stb x',
  'pair status': '--card 20000000001',
  info: '--card 20000000001',
  'message send': '--type MAIL --message x --card 20000000001',
  'message mail': 'x --card 20000000001',
  'message bark': 'x --card 20000000001',
  'message repeating-bark': 'x --card 20000000001 --repetitions 1 --interval 10',
  fingerprint: '--x 1 --y 1 --height 1 --slot 1 --card 20000000001',
  'pin reset': '--card 20000000001',
  'pin set': '--card 20000000001 --pin-file package.json',
  'pin change-key': '',
  'retention run': '',
  'retention status': '',
  'conax check': '',
  'conax init': '--wsdl package.json',
  'conax try': 'GET_ACTIVE_SUBSCRIPTIONS --smartcard 20000000001',
};

function leaves(command: Command, path: string): [string, Command][] {
  if (command.commands.length === 0) return [[path, command]];
  return command.commands.flatMap((one) => leaves(one, `${path} ${one.name()}`.trim()));
}

const ALL = leaves(await createProgram(), '');

function argumentsOf(name: string): string[] {
  const given = ARGUMENTS[name]?.split(' ').filter(Boolean) ?? [];
  return given.map((one) => (one === '*' ? '0 8 * * *' : name === 'pin set' && one === 'package.json' ? PIN : one));
}
/** A file that has four digits and a line break. */
const PIN = new URL('fixtures/pin.txt', import.meta.url).pathname;

test('the image starts Node with the options of npm start', () => {
  const dockerfile = readFileSync(new URL('../../Dockerfile', import.meta.url), 'utf8');
  const [, entryPoint = ''] = /^ENTRYPOINT (.*)$/m.exec(dockerfile) ?? [];
  const options = (words: readonly string[]): string[] => words.filter((word) => word.startsWith('--'));
  expect(options(JSON.parse(entryPoint) as string[])).toEqual(options(packageJson.scripts.start.split(' ')));
});

describe('every command', () => {
  test('is in this test', () => {
    expect(ALL.map(([name]) => name).toSorted()).toEqual(Object.keys(ARGUMENTS).toSorted());
  });

  test.each([...new Set(ALL.map(([name]) => name.split(' ')[0] ?? ''))])(
    'is made without the others if it is asked for: %s',
    async (name) => {
      expect((await createProgram(name)).commands.map((command) => command.name())).toEqual([name]);
    },
  );

  test.each([undefined, '--version', 'help', 'sreve'])('is there if none of them is asked for: %s', async (asked) => {
    expect(leaves(await createProgram(asked), '').map(([name]) => name)).toEqual(ALL.map(([name]) => name));
  });

  test.each(ALL)('refuses an unknown option before it does anything: %s', async (name) => {
    const program = await createProgram(name.split(' ')[0]);
    const quiet = { writeOut: () => {}, writeErr: () => {} };
    for (const [, command] of leaves(program, '')) command.configureOutput(quiet);
    const parsed = program.parseAsync(['node', 'cli', ...name.split(' '), ...argumentsOf(name), '--nonsense']);
    await expect(parsed).rejects.toSatisfy(
      (error) => error instanceof CommanderError && error.code === 'commander.unknownOption',
    );
  });

  test.concurrent.each(ALL.filter(([name]) => !/^(simulator|conax check|conax init)$/.test(name)))(
    'without its settings ends with 2, and one message has all that are missing: %s',
    async (name) => {
      const { exitCode, stdout, stderr } = await runCli([...name.split(' '), ...argumentsOf(name)]);
      expect({ name, exitCode, stdout }).toEqual({ name, exitCode: 2, stdout: '' });
      const missing = name === 'conax try' ? ['CONAX_BASE_URL'] : ['DATABASE_URL'];
      if (/^(serve|migrate|events show|events preview|replay plan|replay outcomes)$/.test(name)) {
        missing.push('KAFKA_BROKERS', 'SCHEMA_REGISTRY_URL');
      }
      if (name === 'serve') missing.push('CONAX_BASE_URL');
      const named = [...stderr.matchAll(/^ {2}(\w+) is not set/gm)].map(([, setting]) => setting);
      expect(named).toEqual(missing);
    },
  );

  test('tells all mistakes at once, those between settings too, and shows no password of an address', async () => {
    const env = {
      SMARTCARD_CA_ID_PATTERN: '(',
      DATABASE_URL: 'mysql://me:s3cret@db/x',
      CONAX_BASE_URL: 'ftp://me:s3cret@cas',
      LEASE_MS: '1000',
      CONAX_USERNAME: 'sms',
    };
    const served = await runCli(['serve'], env);
    expect(served.exitCode).toBe(2);
    for (const name of Object.keys(env)) expect(served.stderr).toContain(`  ${name} `);
    expect(served.stderr).not.toContain('s3cret');
    const paired = await runCli(['pair', 'create', '--card', '1'], { SMARTCARD_CA_ID_PATTERN: '(' });
    expect(paired.stderr).toMatch(/DATABASE_URL is not set[^]*SMARTCARD_CA_ID_PATTERN is/);
  });
});

/** Those that change nothing. */
const READING = [
  'requests show',
  'requests list',
  'runs list',
  'runs show',
  'runs cards',
  'reconcile show',
  'reconcile fix',
  'schedules list',
  'schedules history',
  'schedules times',
  'queue list',
  'queue show',
  'events held',
  'events dead-letters',
  'events show',
  'events list',
  'requests refusals',
  'overview',
  'audit list',
  'provider history',
  'provider status',
  'users list',
  'replay list',
  'replay show',
  'replay plan-rows',
  'retention status',
];
/** Some of those that write. */
const WRITING = [
  'provider pause',
  'users disable',
  'schedules remove',
  'queue add',
  'pin change-key',
  'pair create',
  'info',
];

describe('on a server that takes no writes', () => {
  let database: TestDatabase;
  let env: Record<string, string>;
  beforeAll(async () => {
    database = await createTestDatabase();
    const db = openDatabase({ url: database.url, maxConnections: 1, applicationName: 'test' });
    await db.query(
      `insert into schedule (name, kind, parameters, selection, cron, time_zone, next_at, created_by_user, updated_by_user)
       values ('x', 'QUEUE', '{}', '{}', '* * * * *', 'UTC', now(), 'x', 'x')`,
    );
    await addUser(db, { username: 'anna', role: 'viewer', organisation: 'x', unit: null, password: ANNAS, by: 'test' });
    await db.query(`alter database ${new URL(database.url).pathname.slice(1)} set default_transaction_read_only = on`);
    await db.close();
    env = {
      DATABASE_URL: database.url,
      KAFKA_BROKERS: '127.0.0.1:1',
      SCHEMA_REGISTRY_URL: 'http://127.0.0.1:1',
      PIN_KEY: '0'.repeat(64),
    };
  });
  afterAll(() => database.drop());

  test.concurrent.each(READING)('%s reads, or says that there is no such thing', async (name) => {
    const { exitCode, stderr } = await runCli([...name.split(' '), ...argumentsOf(name)], env);
    const lists = /list|held|dead-letters|status|history|refusals|overview|times/.test(name);
    expect({ name, exitCode, stderr }).toMatchObject({ name, exitCode: lists ? 0 : 3 });
    expect(stderr).not.toContain('takes no writes');
  });

  test.concurrent.each(WRITING)('%s fails with one sentence', async (name) => {
    const { exitCode, stderr, stdout } = await runCli([...name.split(' '), ...argumentsOf(name)], env);
    expect({ name, exitCode, stderr, stdout }).toMatchObject({ name, exitCode: 1, stdout: '' });
    expect(stderr).toMatch(
      /PostgreSQL at [^ ]+ takes no writes \(it is a standby, or was made read-only\), and this command has to write: repeat it once the primary is back\n$/,
    );
  });
});

const ANNAS = 'correct horse battery';

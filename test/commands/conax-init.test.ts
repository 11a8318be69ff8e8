import { execFile } from 'node:child_process';
import { cpSync, existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { defaultCasFile } from '../../src/conax-checks/cas-definition.ts';
import { acme, directoryWith } from '../conax-tools/support.ts';
import { changed } from '../conax-checks/changed-definition.ts';
import { runCli } from '../support/cli.ts';

/** Types a command into a shell in the checkout. */
async function inShell(command: string): Promise<{ readonly exitCode: number; readonly stdout: string }> {
  const cwd = join(import.meta.dirname, '../..');
  return new Promise((resolve) => {
    execFile('sh', ['-c', command], { cwd }, (error, stdout) =>
      resolve({ exitCode: error === null ? 0 : Number(error.code), stdout }),
    );
  });
}

describe('conax init', () => {
  test('without --operation lists what the operations look like and writes nothing', async () => {
    const directory = directoryWith(acme);
    const out = join(directory, 'conax');
    const { exitCode, stdout, stderr } = await runCli([
      'conax',
      'init',
      '--wsdl',
      join(directory, 'acme.wsdl'),
      '--out',
      out,
    ]);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^ListEntitlements +GET_ACTIVE_SUBSCRIPTIONS +CasPort +1\.1 +\/cas\/soap$/m);
    expect(stdout).toMatch(/^GetVersion +-/m);
    expect(stderr).toMatch(/^No operation looks like ADD_SUBSCRIPTIONS, /m);
    expect(stderr).toContain('--operation ResetPin=UPDATE_CA_PIN_TO_DEFAULT_VALUE');
    expect(existsSync(out)).toBe(false);
  });

  test('writes what it was told to, and says what is left to do and to run', async () => {
    const wsdl = join(directoryWith(acme), 'acme.wsdl');
    const out = join(wsdl, '..', 'conax');
    const chosen = [
      '--operation',
      'SetEntitlement=ADD_SUBSCRIPTIONS',
      '--operation',
      'SetEntitlement=CANCEL_SUBSCRIPTIONS',
    ];
    const { exitCode, stdout } = await runCli(['conax', 'init', '--wsdl', wsdl, '--out', out, ...chosen]);
    expect(exitCode).toBe(0);
    expect(readFileSync(join(out, 'requests/CANCEL_SUBSCRIPTIONS.xml'), 'utf8')).toContain('{{smartcard}}');
    expect(stdout).toContain(
      `- ${out}/requests/ADD_SUBSCRIPTIONS.xml:16: Action (string, one of GRANT, REVOKE); write`,
    );
    expect(stdout).toMatch(
      /Declared as unsupported, and refused until you choose an operation: (?:[A-Z_]+, ){10}[A-Z_]+\n\nNext: CONAX_MAPPING_FILE=\S+ npx --no conax-provisioning conax check\n$/,
    );
  });

  test('prints commands that a shell runs as they are, also if two operations look alike and names have a blank', async () => {
    const alike = (name: string): string =>
      (acme[name] ?? '').replaceAll('ResetPin', 'ClearPin').replaceAll('ChangePin', 'ResetPin');
    const directory = directoryWith({
      "the CAS's/acme.wsdl": alike('acme.wsdl'),
      "the CAS's/acme.xsd": alike('acme.xsd'),
    });
    const out = join(directory, 'our files');
    const given = ['--wsdl', join(directory, "the CAS's/acme.wsdl"), '--out', out];
    const listed = await runCli(['conax', 'init', ...given]);
    expect(listed.stderr).toMatch(/^ResetPin looks like UPDATE_CA_PIN_TO_DEFAULT_VALUE as well; choose one\.$/m);
    const written = await inShell(listed.stderr.slice(listed.stderr.indexOf('npx ')));
    expect(written).toMatchObject({ exitCode: 0, stdout: expect.stringContaining(`${out}/conax.json`) });
    const checked = await inShell(written.stdout.slice(written.stdout.indexOf('CONAX_MAPPING_FILE')));
    expect(checked).toMatchObject({ exitCode: 1, stdout: expect.stringContaining('answers.success: is missing') });
  });

  test('into a directory that cannot be made ends at once, and names it', async () => {
    const wsdl = join(directoryWith(acme), 'acme.wsdl');
    const chosen = ['--operation', 'SendMail=SEND_MAIL_MESSAGE_TO_CLIENT'];
    const ran = await runCli(['conax', 'init', '--wsdl', wsdl, '--out', '/proc/conax', ...chosen]);
    expect(ran.exitCode).not.toBe(0);
    expect(ran.stderr).toContain('/proc/conax cannot be made: /proc takes no directory; choose another one');
  });

  test('into the conax.json of another CAS lists the commands that stay, and the fields that nothing sends', async () => {
    const wsdl = join(directoryWith(acme), 'acme.wsdl');
    const out = join(wsdl, '..', 'conax');
    cpSync(dirname(defaultCasFile), out, { recursive: true });
    const chosen = ['--operation', 'SendMail=SEND_MAIL_MESSAGE_TO_CLIENT', '--force'];
    const { exitCode, stdout } = await runCli(['conax', 'init', '--wsdl', wsdl, '--out', out, ...chosen]);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(
      /Fields that the new templates do not send; .*:\n- smartcardDistributor: SEND_MAIL_MESSAGE_TO_CLIENT\n- startAt: SEND_MAIL_MESSAGE_TO_CLIENT\n- queueNumber: /,
    );
    expect(stdout).toMatch(
      /As they were in the conax\.json that was there.*: ADD_SUBSCRIPTIONS, (?:[A-Z_]+, ){10}[A-Z_]+\n/,
    );
    expect(stdout).not.toMatch(/As they were.*SEND_MAIL_MESSAGE_TO_CLIENT/);
  });

  test('adds to no conax.json that is broken', async () => {
    const wsdl = join(directoryWith(acme), 'acme.wsdl');
    const out = directoryWith({ 'conax.json': '{ "areas": ' });
    const ran = await runCli([
      'conax',
      'init',
      '--wsdl',
      wsdl,
      '--out',
      out,
      '--operation',
      'SendMail=SEND_MAIL_MESSAGE_TO_CLIENT',
    ]);
    expect(ran.exitCode).toBe(2);
    expect(ran.stderr).toMatch(/conax\.json is no JSON that can be added to; correct what conax check says/);
    expect(readFileSync(join(out, 'conax.json'), 'utf8')).toBe('{ "areas": ');
  });

  test.each([
    [
      ['--wsdl', 'nowhere.wsdl'],
      /--wsdl nowhere\.wsdl: \S+nowhere\.wsdl cannot be read: there is no such file; correct/,
    ],
    [['--wsdl', 'src'], /--wsdl src: \S+src cannot be read: it is a directory; name a file/],
    [['--wsdl', 'package.json'], /--wsdl package\.json: \S+package\.json:1: is no XML: /],
    [['--operation', 'ResetPin=UPDATE_CA_PIN_TO_DEFAULT_VALUE'], /--out is missing/],
    [['--out', 'x', '--operation', 'Reset=UPDATE_CA_PIN_TO_DEFAULT_VALUE'], /the operations are .*ResetPin, ChangePin/],
    [
      [
        '--out',
        'x',
        ...['ResetPn=RESET', 'ResetPin', 'ChangePin=ADD_SUBSCRIPTION'].flatMap((one) => ['--operation', one]),
      ],
      /"ResetPn=RESET": did you mean ResetPin\? .*; the commands are ADD_SUBSCRIPTIONS, .*\n--operation is "ResetPin": write NAME=COMMAND\n.*"ChangePin=ADD_SUBSCRIPTION": did you mean ADD_SUBSCRIPTIONS\?/,
    ],
    [
      [
        '--out',
        'x',
        ...['ResetPin', 'ChangePin'].flatMap((one) => ['--operation', `${one}=UPDATE_CA_PIN_TO_DEFAULT_VALUE`]),
      ],
      /"ChangePin=UPDATE_CA_PIN_TO_DEFAULT_VALUE": UPDATE_CA_PIN_TO_DEFAULT_VALUE is chosen twice/,
    ],
  ])('wrong usage ends with 2, says what is right, and writes nothing: %j', async (args, says) => {
    const directory = directoryWith(acme);
    const wsdl = args.includes('--wsdl') ? [] : ['--wsdl', join(directory, 'acme.wsdl')];
    const ran = await runCli(['conax', 'init', ...wsdl, ...args]);
    expect({ exitCode: ran.exitCode, stdout: ran.stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(ran.stderr).toMatch(says);
    expect(existsSync('x')).toBe(false);
  });
});

test('conax check warns about a success without the status code that the WSDL has', async () => {
  const statusCode = /"statusCode": "(pin:UpdateCaPinToGivenValueResponse)\/[^"]*"/g;
  const file = changed([['conax.json', statusCode, '"element": "$1"']]);
  const { exitCode, stdout } = await runCli(['conax', 'check'], { CONAX_MAPPING_FILE: file });
  expect(exitCode).toBe(0);
  expect(stdout).toMatch(
    /ca-pin\.wsdl:1: UPDATE_CA_PIN_TO_GIVEN_VALUE takes \S+ alone as a success, and the WSDL has in it \S+StatusCode, which/,
  );
});

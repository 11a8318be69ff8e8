/** A service whose conax.json declares what its CAS does not have, and how its CAS refuses a login. */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { defaultCasFile } from '../../src/conax-checks/cas-definition.ts';
import { runCli } from '../support/cli.ts';
import { act, callsOf, callTexts, eventually, household, outcomeOf, spoil } from '../support/scene.ts';
import { CREATE, startWebWorld, tellHousehold, type WebWorld } from '../web-api/support.ts';

const UNSUPPORTED = [
  'CREATE_PAIRING',
  'GET_ACTIVE_SUBSCRIPTIONS',
  'GET_PAIRING_STATUS_FOR_CARD',
  'DISPLAY_FINGERPRINT',
  'UPDATE_CA_PIN_TO_GIVEN_VALUE',
];

const directory = mkdtempSync(join(tmpdir(), 'other-cas-'));
let world: WebWorld;

beforeAll(async () => {
  cpSync(dirname(defaultCasFile), directory, { recursive: true });
  const file = join(directory, 'conax.json');
  const content = JSON.parse(readFileSync(file, 'utf8')) as {
    answers: object;
    commands: Record<string, object>;
  };
  for (const command of UNSUPPORTED) content.commands[command] = { unsupported: 'not bought' };
  Object.assign(content.answers, { notAuthorised: ['LOGIN_REFUSED'] });
  writeFileSync(file, JSON.stringify(content));
  world = await startWebWorld({ CONAX_MAPPING_FILE: file });
});
afterAll(async () => {
  await world.close();
  rmSync(directory, { recursive: true });
});

const cli = (...args: string[]) => runCli(args, { DATABASE_URL: world.env['DATABASE_URL'] ?? '' });
const says = (command: string): RegExp =>
  new RegExp(`${command} is declared as unsupported \\(not bought\\).*; if the CAS has it, write its template`);

test('a command that the CAS does not have is refused at once, by its name, and the rest of its event goes on', async () => {
  const card = '36000000001';
  const made = await act(world, household('S0000036001', card, ['1001']), { action: 'S:BECOME_SUBSCRIBER' });
  expect((await outcomeOf(world, made)).value).toMatchObject({
    outcome: 'PARTLY_PROVISIONED',
    requests: [
      { type: 'CREATE_PAIRING', outcome: 'REJECTED', errorCode: 'FEATURE_NOT_AVAILABLE' },
      { type: 'ADD_SUBSCRIPTIONS', outcome: 'COMPLETED', errorCode: null },
    ],
  });
  expect(callTexts(await callsOf(world, card))).toEqual(['ADD_SUBSCRIPTIONS 1001 OK effect']);
});

test('a login that is refused by a status code pauses sending; the request waits, and goes out after the resume', async () => {
  const card = '36000000003';
  await spoil(world, { match: { smartcard: card }, times: 1, fault: 'status:LOGIN_REFUSED' });
  const made = await act(world, household('S0000036003', card, ['1001']), { action: 'S:BECOME_SUBSCRIBER' });
  const pausedReason = await eventually(async () => {
    const shown = JSON.parse((await cli('provider', 'status', '--json')).stdout) as { paused_reason: string | null };
    return shown.paused_reason ?? undefined;
  }, 'the pause');
  expect(pausedReason).toMatch(/^CAS_NOT_AUTHORISED: the CAS refuses the login with LOGIN_REFUSED: /);
  expect((await cli('provider', 'resume', '--by', 'anna')).stdout).toBe('resumed\n');
  expect((await outcomeOf(world, made)).value).toMatchObject({
    requests: [{ type: 'CREATE_PAIRING' }, { type: 'ADD_SUBSCRIPTIONS', outcome: 'COMPLETED' }],
  });
  expect(callTexts(await callsOf(world, card))).toEqual([
    'ADD_SUBSCRIPTIONS 1001 LOGIN_REFUSED',
    'ADD_SUBSCRIPTIONS 1001 OK effect',
  ]);
});

test('the Web API, the utilities and a reconcile say so as well', async () => {
  const card = '36000000002';
  await tellHousehold(world, 'S0000036002', card, ['1001']);
  const pin = await world.post(`${CREATE}/reset_pin_to_given_value`, {
    subscription_identifier: { number: 'S0000036002' },
    smartcard_ca_id: card,
    pin: '4711',
    process_immediately: true,
  });
  expect(pin).toMatchObject({
    code: 'OK',
    data: {
      life_cycle_state: 'REJECTED',
      error_code: 'FEATURE_NOT_AVAILABLE',
      error_description: expect.stringMatching(says('UPDATE_CA_PIN_TO_GIVEN_VALUE')) as string,
    },
  });
  for (const [args, command] of [
    [['info'], 'GET_ACTIVE_SUBSCRIPTIONS'],
    [['pair', 'status'], 'GET_PAIRING_STATUS_FOR_CARD'],
    [['fingerprint', ...'--x 1 --y 1 --height 1 --slot 1'.split(' ')], 'DISPLAY_FINGERPRINT'],
  ] as const) {
    const ran = await cli(...args, '--card', card);
    expect(ran.exitCode).toBe(1);
    expect(ran.stdout + ran.stderr).toMatch(says(command));
  }
  const list = join(directory, 'cards');
  writeFileSync(list, card);
  const { id: run } = JSON.parse((await cli('reconcile', 'run', '--cards', list, '--yes', '--json')).stdout) as {
    id: number;
  };
  const shown = await cli('reconcile', 'show', String(run));
  expect(shown.stdout).toMatch(/NOT_READABLE {2}FEATURE_NOT_AVAILABLE: GET_ACTIVE_SUBSCRIPTIONS is declared/);
  expect(await (await fetch(`${world.service.url}/health/ready`)).json()).toMatchObject({ status: 'ready' });
  expect(callTexts(await callsOf(world, card))).toEqual(['ADD_SUBSCRIPTIONS 1001 OK effect']);
});

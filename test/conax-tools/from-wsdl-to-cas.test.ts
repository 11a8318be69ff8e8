/** What docs/conax.md promises: from the WSDL of a CAS of another style to its 13 commands, with one word written by hand. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { inspectCas } from '../../src/conax-checks/cas-definition.ts';
import { commandLike } from '../../src/conax-tools/command-guesses.ts';
import { readOutline } from '../../src/conax-tools/wsdl-outline.ts';
import type { ConaxCall } from '../../src/conax/client.types.ts';
import type { CommandType } from '../../src/planning/command.ts';
import { startSoapServer } from '../conax/servers/soap-server.ts';
import { call, calls, card, everyCommand, openClient, said, startCas } from '../conax/support.ts';
import { lagoon } from './lagoon.ts';
import { directoryWith, initialised } from './support.ts';

const login = { username: 'sms', password: 'a long password' };

/** The conax.json that `conax init` writes for lagoon, with its success code: the check finds nothing in it. */
function followed(): { readonly file: string; readonly unsure: readonly string[] } {
  const directory = directoryWith(lagoon);
  const wsdl = join(directory, 'lagoon.wsdl');
  const choice = readOutline(wsdl).operations.flatMap(({ name }): [string, CommandType][] => {
    const like = commandLike(name);
    return like === null ? [] : [[name, like]];
  });
  const { unsure } = initialised(wsdl, join(directory, 'conax'), [
    ...choice,
    ['SendOsd', 'SEND_REPEATING_BARK_MESSAGE_TO_CLIENT'],
  ]);
  const file = join(directory, 'conax/conax.json');
  writeFileSync(file, readFileSync(file, 'utf8').replace('"success": []', '"success": ["0"]'));
  for (const entitled of [true, false]) {
    const { mistakes, warnings, unchecked } = inspectCas(file, entitled);
    expect([...mistakes, ...warnings, ...unchecked]).toEqual([]);
  }
  return { file, unsure: unsure.map((line) => line.replace(/^.*?\/conax\//, '')) };
}

test('the check finds nothing wrong, with and without a period, and init says what a person must look at', () => {
  const { unsure } = followed();
  const answer = (type: string): string => `conax.json: commands.${type}.answer: `;
  expect(unsure).toEqual([
    `${answer('GET_ACTIVE_SUBSCRIPTIONS')}ignored: look whether Products/Product/Name never say that an entry does not count`,
    expect.stringMatching(/GET_ACTIVE_SUBSCRIPTIONS.*one page of several, as the WSDL has HasMore, Count .* PageSize/),
    expect.stringMatching(/^conax\.json: commands\.UPDATE_CA_PIN_TO_DEFAULT_VALUE\.answer: the WSDL names no answer/),
    expect.stringMatching(/^conax\.json: commands\.UPDATE_CA_PIN_TO_GIVEN_VALUE\.answer: the WSDL names no answer/),
    expect.stringMatching(/^conax\.json: answers: success: /),
    expect.stringMatching(/^conax\.json: answers: refused, tryLater, notAuthorised: /),
    expect.stringMatching(/^conax\.json: basicAuth: false/),
  ]);
});

test('the simulator gets every command as a CAS of the usual style does, and an end only if entitlements end', async () => {
  const { file } = followed();
  const usual = await startCas();
  onTestFinished(() => usual.close());
  for (const type of everyCommand) await usual.client.call(calls[type]);
  for (const entitlementMonths of [0, 3]) {
    const cas = await startCas({ ...login, entitlementMonths }, { mappingFile: file });
    onTestFinished(() => cas.close());
    for (const type of everyCommand)
      expect([type, said((await cas.client.call(calls[type])).answer)]).toEqual([type, 'accepted']);
    const seen = async (one: typeof cas) =>
      (await one.journal()).map(({ command, parameters, effect }) => ({ command, parameters, effect }));
    expect(await seen(cas)).toEqual(await seen(usual));
    await cas.client.call(calls.ADD_SUBSCRIPTIONS);
    const { ends = {} } = (await cas.view('GET', `cards/${card}`)) as { ends?: object };
    expect(Object.keys(ends)).toEqual(entitlementMonths === 0 ? [] : ['101']);
  }
});

test('the package soap reads every command, and its lists are understood; a list that goes on is not', async () => {
  const { file } = followed();
  let count = 1;
  const done = { 't:ResultCode': 0, 't:ResultText': 'done', 't:TicketNo': 'T-1' };
  const pair = { 't:SmartCardNo': [card], 't:StbId': ['STB1'] };
  const server = await startSoapServer(
    { '/lagoon/v3': join(file, '../wsdl/lagoon.wsdl') },
    (operation) => {
      const products = {
        't:Products': { 't:Product': [{ 't:Name': 'Sport', 't:ProductId': '101' }] },
        't:Count': count,
      };
      return {
        ...done,
        ...(operation === 'QueryProducts' ? products : operation.startsWith('QueryBinding') ? pair : {}),
      };
    },
    '1.2',
  );
  onTestFinished(() => server.close());
  const client = await openClient(server.url, { mappingFile: file, ...login });
  onTestFinished(() => client.close());
  const received: string[] = [];
  const mail = { ...calls.SEND_MAIL_MESSAGE_TO_CLIENT.command, queueNumber: '77' } as ConaxCall['command'];
  for (const one of [...Object.values(calls), call(mail)]) {
    const { answer } = await client.call(one);
    // The package answers with an element of its own if the WSDL has an empty message.
    const isPin = one.command.type.startsWith('UPDATE_CA_PIN');
    expect([one, said(answer)]).toEqual([one, isPin ? 'unknown CAS_ANSWER_UNREADABLE' : 'accepted']);
    const [got] = server.received();
    expect(got?.headers).toEqual({ Security: { UsernameToken: { Username: 'sms', Password: 'a long password' } } });
    received.push(`${got?.operation} ${JSON.stringify(got?.arguments).replaceAll('"', '')}`);
  }
  const shown = 'MessageText:Film & more <20:15>,StartTime:2026-01-31T20:00:00.000Z';
  expect(received).toEqual([
    'AuthorizeProduct {SmartCard:00000000001,ProductId:101}',
    'DeauthorizeProduct {SmartCard:00000000001,ProductId:101}',
    'BindDevices {SmartCardNo:[00000000001,00000000002],StbId:[STB1,STB2]}',
    'AddToBinding {BoundCard:00000000001,SmartCardNo:[00000000003],StbId:[STB3]}',
    'QueryProducts {SmartCard:00000000001}',
    'QueryBindingByCard {SmartCard:00000000001}',
    'QueryBindingByStb {StbId:STB1}',
    `SendEmail {SmartCard:00000000001,${shown}}`,
    `SendOsd {SmartCard:00000000001,${shown},DurationSeconds:20}`,
    `SendOsd {SmartCard:00000000001,${shown},DurationSeconds:20,RepeatCount:3,IntervalSeconds:60}`,
    'ShowFingerprint {SmartCard:00000000001,DisplayTime:2026-01-31T23:59:59.000Z,DurationSeconds:15,Position:{X:100,Y:200},Height:30,Slot:4}',
    'ResetPin {SmartCard:00000000001}',
    'SetPin {SmartCard:00000000001,Pin:4711}',
    `SendEmail {SmartCard:00000000001,${shown},QueueNo:77}`,
  ]);
  const ask = async () => (await client.call(calls.GET_ACTIVE_SUBSCRIPTIONS)).answer;
  expect(await ask()).toMatchObject({ activeServices: ['101'] });
  count = 2;
  expect(await ask()).toMatchObject({ kind: 'unknown', description: expect.stringContaining('has Count "2"') });
});

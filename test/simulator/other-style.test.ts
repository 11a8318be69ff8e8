import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { answerLists, listConditions, requestFields } from '../../src/conax/field-names.ts';
import type { ConaxCall } from '../../src/conax/client.types.ts';
import { startSimulator } from '../../src/simulator/simulator.ts';
import { type Cas, call, calls, everyCommand, said, startCas } from '../conax/support.ts';

/**
 * A CAS of another style: SOAP 1.2, one operation for all commands, told apart by a fixed text, values by their keys,
 * results in attributes, success is 0.
 */
async function writeDefinition(directory: string, statusCode: boolean): Promise<string> {
  await mkdir(join(directory, 'requests'), { recursive: true });
  const commands = everyCommand.map((type) => {
    const fields = Object.keys(requestFields[type]).filter((field) => listConditions[field] === undefined);
    const pairs = fields.map((field) => {
      const pair = (value: string): string => `<c:Pair c:key="${field}"><c:Value>${value}</c:Value></c:Pair>`;
      if (/^(?:smartcards|setTopBoxes)$/.test(field)) return `{{#${field}}}${pair('{{caId}}')}{{/${field}}}`;
      return `{{#${field}}}${pair(`no. {{${field}}}`)}{{/${field}}}`;
    });
    const envelope = `<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body><c:Call xmlns:c="urn:cas">
      <Command>${type.toLowerCase()}</Command>
      ${pairs.join('\n')}
    </c:Call></s:Body></s:Envelope>`;
    const paths = Object.fromEntries((answerLists[type] ?? []).map((list) => [list, `r:Result/${list}/@no`]));
    const plain = statusCode
      ? { statusCode: 'r:Result/@code', message: 'r:Result/Text' }
      : { element: 'r:Result', emptySuccess: Object.keys(paths).length === 0 };
    return { type, envelope, entry: { area: 'all', template: `requests/${type}.xml`, answer: { ...plain, ...paths } } };
  });
  for (const { type, envelope } of commands) await writeFile(join(directory, 'requests', `${type}.xml`), envelope);
  const file = join(directory, 'conax.json');
  const definition = {
    namespaces: { r: 'urn:results' },
    answers: { success: ['0', '00'], refused: ['7', 'CLIENT_NOT_FOUND'], tryLater: ['9'] },
    areas: { all: { path: '/cas' } },
    commands: Object.fromEntries(commands.map(({ type, entry }) => [type, { ...entry, soapAction: 'urn:call' }])),
  };
  await writeFile(file, JSON.stringify(definition));
  return file;
}

let directory: string;
let usual: Cas;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'other-style-'));
  usual = await startCas();
  for (const type of everyCommand) await usual.client.call(calls[type]);
});
afterAll(async () => {
  await usual.close();
  await rm(directory, { recursive: true });
});

/** What does not depend on how a CAS is spoken to. */
async function seen(cas: Cas): Promise<object[]> {
  const entries = await cas.journal();
  return entries.map(({ command, parameters, effect }) => ({ command, parameters, effect }));
}

describe('a CAS of another style', () => {
  let cas: Cas;
  beforeAll(async () => {
    const mappingFile = await writeDefinition(join(directory, 'codes'), true);
    cas = await startCas({}, { mappingFile });
  });
  afterAll(() => cas.close());

  it('sees the same parameters of all 13 commands as the usual one, and answers in its own codes', async () => {
    for (const type of everyCommand)
      expect([type, said((await cas.client.call(calls[type])).answer)]).toEqual([type, 'accepted']);
    expect(await seen(cas)).toEqual((await seen(usual)).slice(0, everyCommand.length));
    expect(new Set((await cas.journal()).map(({ statusCode }) => statusCode))).toEqual(new Set(['0']));
    expect(await cas.view('GET', 'cards')).toEqual(await usual.view('GET', 'cards'));
  });

  it('answers lists by its paths', async () => {
    await cas.client.call(calls.ADD_SUBSCRIPTIONS);
    const active = await cas.client.call(calls.GET_ACTIVE_SUBSCRIPTIONS);
    expect(active.answer).toMatchObject({ activeServices: ['101'] });
    const paired = await cas.client.call(calls.GET_PAIRING_STATUS_FOR_CARD);
    expect(paired.answer).toMatchObject({ pairing: { setTopBoxes: ['STB1', 'STB2', 'STB3'] } });
  });

  it('refuses with the code of the rules if it has it, and else with its own first one', async () => {
    await cas.view('PUT', 'settings', { inventory: 'listed' });
    expect(said((await cas.client.call(calls.ADD_SUBSCRIPTIONS)).answer)).toBe('refused CLIENT_NOT_FOUND');
    await cas.view('PUT', 'settings', { inventory: 'open' });
    const { command } = calls.SEND_MAIL_MESSAGE_TO_CLIENT;
    const tooLong = call({ ...command, message: 'x'.repeat(142) } as ConaxCall['command']);
    expect(said((await cas.client.call(tooLong)).answer)).toBe('refused 7');
    await cas.view('POST', 'faults', { times: 1, fault: 'status:9' });
    expect(said((await cas.client.call(calls.ADD_SUBSCRIPTIONS)).answer)).toBe('try-later 9');
  });

  it('says Faults in its version of SOAP', async () => {
    await cas.view('POST', 'faults', { times: 1, fault: 'soap-fault' });
    expect(said((await cas.client.call(calls.ADD_SUBSCRIPTIONS)).answer)).toBe('try-later SOAP_SERVER_FAULT');
    await cas.view('POST', 'faults', { times: 1, fault: 'soap-fault:CLIENT_NOT_FOUND' });
    const inDetail = await cas.client.call(calls.ADD_SUBSCRIPTIONS);
    expect(said(inDetail.answer)).toBe('refused CLIENT_NOT_FOUND');
    // Nothing of another CAS stands in it.
    expect(inDetail.responseBody).toContain(
      '<soap:Detail><ServiceFault xmlns="urn:results"><code>CLIENT_NOT_FOUND</code><Text>CLIENT_NOT_FOUND</Text>',
    );
    await cas.view('POST', 'faults', { times: 1, fault: 'soap-fault-code:CLIENT_NOT_FOUND' });
    const asCode = await cas.client.call(calls.ADD_SUBSCRIPTIONS);
    expect(said(asCode.answer)).toBe('refused CLIENT_NOT_FOUND');
    expect(asCode.responseBody).toContain(
      '<soap:Fault xmlns:c="urn:results"><soap:Code><soap:Value>soap:Sender</soap:Value><soap:Subcode><soap:Value>c:CLIENT_NOT_FOUND<',
    );
    await cas.view('POST', 'faults', { times: 1, fault: 'other-element' });
    expect((await cas.client.call(calls.ADD_SUBSCRIPTIONS)).responseBody).not.toContain('conax.com');
  });

  it('does not take a request of the usual style, or a command that no template has', async () => {
    const { requestBody } = await usual.client.call(calls.ADD_SUBSCRIPTIONS);
    const own = (await cas.client.call(calls.ADD_SUBSCRIPTIONS)).requestBody ?? '';
    const post = async (body: string, contentType: string): Promise<string> =>
      (await fetch(`${cas.url}/cas`, { method: 'POST', body, headers: { 'content-type': contentType } })).text();
    const soap12 = 'application/soap+xml; charset=utf-8; action="urn:call"';
    expect(await post(own, soap12)).toContain('code="0"');
    expect(await post(own, 'text/xml')).toMatch(/soap:Sender.*content type is not application\/soap\+xml/);
    expect(await post(own, 'application/soap+xml; action="urn:other"')).toMatch(/SOAPAction is urn:other/);
    expect(await post(requestBody ?? '', soap12)).toMatch(/soap:Sender.*no operation of/);
    expect(await post(own.replace('add_subscriptions', 'add_all'), soap12)).toMatch(/other fixed texts/);
  });
});

describe('a CAS without status codes', () => {
  it('says with an empty answer that all is done, and refuses with a Fault', async () => {
    const mappingFile = await writeDefinition(join(directory, 'empty'), false);
    const cas = await startCas({}, { mappingFile });
    try {
      for (const type of everyCommand)
        expect([type, said((await cas.client.call(calls[type])).answer)]).toEqual([type, 'accepted']);
      expect(await seen(cas)).toEqual((await seen(usual)).slice(0, everyCommand.length));
      await cas.view('PUT', 'settings', { inventory: 'listed' });
      expect(said((await cas.client.call(calls.ADD_SUBSCRIPTIONS)).answer)).toBe('refused CLIENT_NOT_FOUND');
      expect((await cas.journal()).at(-1)).toMatchObject({ statusCode: 'SOAP_FAULT', effect: false });
    } finally {
      await cas.close();
    }
  });
});

it('a definition with a mistake refuses the start', async () => {
  const mappingFile = join(directory, 'nowhere.json');
  await expect(startSimulator({ port: 0, mappingFile })).rejects.toThrow(/CONAX_MAPPING_FILE .*1 to fix/);
});

/** PIN and password, in a template that puts them into odd places, and a CAS that repeats the request in odd ways. */
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { escapeXml } from '../../src/conax/xml.ts';
import { foundIn, needlesOf } from '../secrecy/traces.ts';
import { calls, http, type Listener, listen, onRequests, openClient, said, soap } from './support.ts';

const template = `<?xml version="1.0" encoding="UTF-8"?>
<!-- Comments are not sent: {{pin}} {{password}} -->
<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:o="urn:example:odd">
  <s:Header>
    <o:Login user="{{username}}" secret='{{password}}' both="{{username}}:{{password}}@example"/>
    <o:Secret>{{password}}</o:Secret>
    <o:Hint pin="{{pin}}">first {{pin}}, then {{pin}}</o:Hint>
  </s:Header>
  <s:Body>
    <o:SetPin card="{{smartcard}}" pin='{{pin}}'>
      <!-- {{pin}} -->
      <o:Twice>{{pin}}{{pin}}</o:Twice>
      <o:Inside>before{{pin}}after{{password}}</o:Inside>
      <o:Between>{{smartcard}}{{pin}}{{requestNumber}}</o:Between>
      <o:LikeBase64>Zm9vYmFy{{pin}}Zm9vYmFy==</o:LikeBase64>
      <o:LikeReference>&#38;#{{pin}};</o:LikeReference>
      {{#pin}}<o:Section>{{pin}}</o:Section>{{/pin}}
    </o:SetPin>
  </s:Body>
</s:Envelope>
`;
const pin = '8305172946612937';
const username = 'crm';
const password = 'Tr0ub4dor<sesame>&more';
const passwordNeedles = [...needlesOf(password), ...needlesOf(escapeXml(password))];
const needles = [...needlesOf(pin), ...passwordNeedles];

let directory: string;
let mappingFile: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'odd-secrets-'));
  await cp(join(import.meta.dirname, '../../schemas/conax'), directory, { recursive: true });
  mappingFile = join(directory, 'conax.json');
  const definition = JSON.parse(await readFile(mappingFile, 'utf8')) as {
    namespaces: Record<string, string>;
    areas: Record<string, { path: string }>;
    commands: Record<string, object>;
  };
  definition.namespaces['odd'] = 'urn:example:odd';
  definition.areas['odd'] = { path: '/odd' };
  definition.commands['UPDATE_CA_PIN_TO_GIVEN_VALUE'] = {
    area: 'odd',
    template: 'requests/odd.xml',
    soapAction: 'urn:example:odd:SetPin',
    answer: { statusCode: 'odd:Done/odd:Code', message: 'odd:Done/odd:Text', referenceNumber: 'odd:Done/odd:Number' },
  };
  definition.commands['ADD_SUBSCRIPTIONS'] = {
    ...definition.commands['UPDATE_CA_PIN_TO_GIVEN_VALUE'],
    template: 'requests/no-pin.xml',
  };
  await writeFile(mappingFile, JSON.stringify(definition));
  await writeFile(join(directory, 'requests/odd.xml'), template);
  await writeFile(join(directory, 'requests/no-pin.xml'), template.replaceAll('pin}}', 'service}}'));
});
afterAll(() => rm(directory, { recursive: true }));

const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
const bodyOf = (request: string): string =>
  Buffer.from(request.slice(request.indexOf('\r\n\r\n') + 4), 'latin1').toString('utf8');
const done = (code: string, text: string, number = 'R-1'): string =>
  http(soap(`<Done xmlns="urn:example:odd"><Code>${code}</Code><Text>${text}</Text><Number>${number}</Number></Done>`));
const fault = (text: string): string =>
  http(soap(`<s:Fault><faultcode>s:Client</faultcode><faultstring>${text}</faultstring></s:Fault>`), 'HTTP/1.1 500 X');

/** What the CAS answers to a request, and what the call must come to. */
const conduct: Readonly<Record<string, readonly [(request: string) => string, RegExp]>> = {
  'is silent about it': [() => done('OK', ''), /^accepted$/],
  'repeats both in a success': [() => done('OK', `${pin} ${escaped(password)}`, pin), /^accepted$/],
  'repeats the request in a fault': [(request) => fault(escaped(bodyOf(request))), /^refused SOAP_FAULT$/],
  'repeats the request as the answer': [(request) => http(bodyOf(request)), /^unknown CAS_ANSWER_UNREADABLE$/],
  'repeats the whole HTTP request on an error page': [
    (request) => http(`<html>${request}</html>`, 'HTTP/1.1 400 Bad'),
    /^refused HTTP_400$/,
  ],
  'repeats the request as base64': [
    (request) => fault(Buffer.from(bodyOf(request)).toString('base64')),
    /^refused SOAP_FAULT$/,
  ],
  'repeats the password as base64 beside other text': [
    () => fault(`login ${Buffer.from(`user=crm;secret=${password}`).toString('base64')} failed`),
    /^refused SOAP_FAULT$/,
  ],
  'repeats both in hexadecimal': [
    () => fault(`${Buffer.from(pin).toString('hex')} ${Buffer.from(password).toString('hex')}`),
    /^refused SOAP_FAULT$/,
  ],
  'repeats both in character references': [
    () => fault(Array.from(`${pin} ${password}`, (c) => `&#${c.codePointAt(0)};`).join('')),
    /^refused SOAP_FAULT$/,
  ],
  'repeats both escaped twice': [
    () => fault(Array.from(`${pin} ${password}`, (c) => `&amp;#${c.codePointAt(0)};`).join('')),
    /^refused SOAP_FAULT$/,
  ],
  'puts both into the status code': [() => done(`${pin}-Tr0ub4dor&lt;sesame>&amp;more`, ''), /^refused /],
  'breaks off in the middle of it': [(request) => http(bodyOf(request)).slice(0, -40), /^unknown /],
};

describe('a template with PIN and password in odd places, to a CAS that', () => {
  let cas: Listener;
  let request = '';
  let answer: (request: string) => string;
  beforeAll(async () => {
    cas = await listen((socket) =>
      onRequests(socket, (whole) => {
        request = whole;
        socket.end(answer(whole), 'utf8');
      }),
    );
  });
  afterAll(() => cas.close());

  it.each(Object.entries(conduct))('%s, leaves no trace of either', async (_how, [act, outcome]) => {
    answer = act;
    const client = await openClient(cas.url, { mappingFile, username, password });
    const exchange = await client.call({ ...calls.UPDATE_CA_PIN_TO_GIVEN_VALUE, pin });
    await client.close();
    // The CAS got both, in every place, and the comments stayed here.
    expect(bodyOf(request).split(pin)).toHaveLength(12);
    expect(bodyOf(request).split('Tr0ub4dor')).toHaveLength(5);
    expect(bodyOf(request)).not.toContain('<!--');
    expect(said(exchange.answer)).toMatch(outcome);
    expect(exchange.requestBody).toContain('<o:Inside>before****after****</o:Inside>');
    expect(foundIn(JSON.stringify(exchange), needles)).toEqual([]);
  });

  it.each(Object.entries(conduct))('%s, leaves no trace of the password of another command', async (_how, [act]) => {
    answer = act;
    const client = await openClient(cas.url, { mappingFile, username, password });
    const exchange = await client.call(calls.ADD_SUBSCRIPTIONS);
    await client.close();
    expect(bodyOf(request).split('Tr0ub4dor')).toHaveLength(5);
    expect(exchange.requestBody).toContain('<o:Inside>before101after****</o:Inside>');
    expect(foundIn(JSON.stringify(exchange), passwordNeedles)).toEqual([]);
  });

  it('cannot be asked, leaves no trace of either in the error', async () => {
    const client = await openClient(cas.url, { mappingFile, username, password });
    const exchange = await client.call({ ...calls.UPDATE_CA_PIN_TO_GIVEN_VALUE, pin: `${pin}\u0000` });
    await client.close();
    expect(said(exchange.answer)).toBe('invalid COMMAND_NOT_ENCODABLE');
    expect(foundIn(JSON.stringify(exchange), needles)).toEqual([]);
  });

  it('is not there, leaves no trace of either', async () => {
    const gone = await listen(() => undefined);
    await gone.close();
    const client = await openClient(gone.url, { mappingFile, username, password });
    const exchange = await client.call({ ...calls.UPDATE_CA_PIN_TO_GIVEN_VALUE, pin });
    await client.close();
    expect(exchange.answer.kind).toBe('not-sent');
    expect(foundIn(JSON.stringify(exchange), needles)).toEqual([]);
  });
});

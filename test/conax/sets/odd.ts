/** A definition of a CAS whose templates put PIN and password into odd places, and answers that repeat them in odd ways. */
import { cp, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { http, soap } from '../support.ts';

/** A second secret, for which there is no setting. */
export const apiKey = 'K3y-of-0ther-door';
const template = `<?xml version="1.0" encoding="UTF-8"?>
<!-- Comments are not sent: {{pin}} {{password}} -->
<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:o="urn:example:odd">
  <s:Header>
    <o:Login user="{{username}}" secret='{{password}}' both="{{username}}:{{password}}@example"/>
    <o:Secret>{{password}}</o:Secret>
    <o:ApiKey>${apiKey}</o:ApiKey>
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
export const pin = '8305172946612937';
export const username = 'crm';
export const password = 'Tr0ub4dor<sesame>&more';

/** Writes the definition: two commands have odd templates, of which one carries no PIN. @returns the path of conax.json. */
export async function writeOddDefinition(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'odd-secrets-'));
  await cp(join(import.meta.dirname, '../../../schemas/conax'), directory, { recursive: true });
  const file = join(directory, 'conax.json');
  const definition = JSON.parse(await readFile(file, 'utf8')) as {
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
  await writeFile(file, JSON.stringify(definition));
  await writeFile(join(directory, 'requests/odd.xml'), template);
  await writeFile(join(directory, 'requests/no-pin.xml'), template.replaceAll('pin}}', 'service}}'));
  return file;
}

const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
/** The body of an HTTP request as it arrived. */
export const bodyOf = (request: string): string =>
  Buffer.from(request.slice(request.indexOf('\r\n\r\n') + 4), 'latin1').toString('utf8');
/** The answer of a CAS that does it. */
export const done = (code: string, text: string, number = 'R-1'): string =>
  http(soap(`<Done xmlns="urn:example:odd"><Code>${code}</Code><Text>${text}</Text><Number>${number}</Number></Done>`));
const fault = (text: string): string =>
  http(soap(`<s:Fault><faultcode>s:Client</faultcode><faultstring>${text}</faultstring></s:Fault>`), 'HTTP/1.1 500 X');

/** What the CAS answers to a request, where `own` is the PIN that it repeats, and what the call must come to. */
export const conduct: Readonly<Record<string, readonly [(request: string, own: string) => string, RegExp]>> = {
  'is silent about it': [() => done('OK', ''), /^accepted$/],
  'repeats both in a success': [(_request, own) => done('OK', `${own} ${escaped(password)}`, own), /^accepted$/],
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
    (_request, own) => fault(`${Buffer.from(own).toString('hex')} ${Buffer.from(password).toString('hex')}`),
    /^refused SOAP_FAULT$/,
  ],
  'repeats both in character references': [
    (_request, own) => fault(Array.from(`${own} ${password}`, (c) => `&#${c.codePointAt(0)};`).join('')),
    /^refused SOAP_FAULT$/,
  ],
  'repeats both escaped twice': [
    (_request, own) => fault(Array.from(`${own} ${password}`, (c) => `&amp;#${c.codePointAt(0)};`).join('')),
    /^refused SOAP_FAULT$/,
  ],
  'puts both into the status code': [(_request, own) => done(`${own}-Tr0ub4dor&lt;sesame>&amp;more`, ''), /^refused /],
  'breaks off in the middle of it': [(request) => http(bodyOf(request)).slice(0, -40), /^unknown /],
};

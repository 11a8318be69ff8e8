import { createClientAsync } from 'soap';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Cas, calls, ownCommands, startCas } from '../conax/support.ts';

let cas: Cas;
let good: string;
beforeAll(async () => {
  cas = await startCas();
  good = (await cas.client.call(calls.ADD_SUBSCRIPTIONS)).requestBody ?? '';
});
afterAll(() => cas.close());

const action = '"http://www.conax.com/cas/authorization/v1/AddSubscriptions"';

async function post(
  body: string,
  headers: Record<string, string> = {},
  path = '/authorization',
): Promise<[number, string]> {
  const response = await fetch(`${cas.url}${path}`, {
    method: 'POST',
    body,
    headers: { 'content-type': 'text/xml; charset=utf-8', soapaction: action, ...headers },
  });
  return [response.status, await response.text()];
}

describe('a request that the WSDL does not allow is a Fault that says why', () => {
  it('and one that it allows is not', async () => {
    expect(await post(good)).toEqual([200, expect.stringContaining('StatusCode>OK<')]);
  });

  it.each<[string, (xml: string) => string, string]>([
    [
      'elements in another order',
      (xml) =>
        xml.replace(/(<area:CaClientIds>.*<\/area:CaClientIds>)(<area:ProductIds>.*<\/area:ProductIds>)/, '$2$1'),
      'ProductIds.*not expected. Expected is .*CaClientIds',
    ],
    [
      'an element too many',
      (xml) => xml.replace('</area:ProductIds>', '</area:ProductIds><area:Extra/>'),
      'Extra.*is not expected',
    ],
    [
      'an element too few',
      (xml) => xml.replace(/<area:ProductIds>.*<\/area:ProductIds>/, ''),
      'Missing child element.*ProductIds',
    ],
    [
      'an empty list',
      (xml) => xml.replace(/<area:ProductId>.*<\/area:ProductId>/, ''),
      'Missing child element.*ProductId ',
    ],
    [
      'another namespace',
      (xml) => xml.replaceAll('xsd/authorization/v1', 'xsd/authorization/v2'),
      'is no operation of',
    ],
    [
      'an operation of another area',
      (xml) => xml.replaceAll('AddSubscriptions', 'CreatePairing'),
      'is no operation of',
    ],
    [
      'text between the elements',
      (xml) => xml.replace('<area:ProductIds>', 'hello<area:ProductIds>'),
      'Character content other than whitespace',
    ],
    ['no XML', () => 'hello', 'not well formed'],
    ['a document type', (xml) => xml.replace('?>', '?><!DOCTYPE a>'), 'document type'],
  ])('%s', async (_name, change, expected) => {
    const changed = change(good);
    expect(changed).not.toBe(good);
    expect(await post(changed)).toEqual([500, expect.stringMatching(new RegExp(`soap:Client.*${expected}`))]);
  });

  it('another SOAPAction, or none', async () => {
    const [status, text] = await post(good, { soapaction: '"other"' });
    expect([status, text]).toEqual([500, expect.stringContaining('SOAPAction is')]);
  });

  it('another content type', async () => {
    const [status, text] = await post(good, { 'content-type': 'application/soap+xml' });
    expect([status, text]).toEqual([500, expect.stringContaining('the content type is not text/xml')]);
  });

  it('is journaled without a command, and changes nothing', async () => {
    await post('hello');
    expect((await cas.journal()).at(-1)).toMatchObject({
      command: null,
      parameters: {},
      statusCode: 'SOAP_FAULT',
      effect: false,
    });
  });

  it('a path that no area has is 404', async () => {
    expect((await post(good, {}, '/elsewhere'))[0]).toBe(404);
  });
});

it('a text out of its type is INPUT_VALIDATION_ERROR, no Fault', async () => {
  const [status, text] = await post(good.replace('>00000000001<', `>${'1'.repeat(31)}<`));
  expect([status, text]).toEqual([200, expect.stringContaining('INPUT_VALIDATION_ERROR')]);
});

it('several cards and products in one request are all served', async () => {
  const many = good
    .replace('</area:CaClientIds>', '<area:CaClientId>00000000009</area:CaClientId></area:CaClientIds>')
    .replace('</area:ProductIds>', '<area:ProductId>202</area:ProductId></area:ProductIds>');
  expect((await post(many))[0]).toBe(200);
  expect(await cas.view('GET', 'cards/00000000009')).toMatchObject({ entitlements: ['101', '202'] });
  expect((await cas.journal()).at(-1)?.parameters).toEqual({
    smartcards: ['00000000001', '00000000009'],
    serviceCaIds: ['101', '202'],
  });
});

it('a plain SOAP client made from the WSDL alone is served', async () => {
  const commands = await ownCommands();
  const client = await createClientAsync(
    commands.GET_ACTIVE_SUBSCRIPTIONS.wsdlFile ?? '',
    { disableCache: true },
    `${cas.url}/authorization`,
  );
  const methods = client as unknown as Record<string, (body: object) => Promise<[object]>>;
  const request = { CaClientIds: { CaClientId: ['00000000007'] }, ProductIds: { ProductId: ['303'] } };
  const [added] = (await methods['AddSubscriptionsAsync']?.({ AddSubscriptionsRequest: request })) ?? [];
  expect(added).toMatchObject({ StatusCode: 'OK' });
  const [active] =
    (await methods['GetActiveSubscriptionsAsync']?.({
      GetActiveSubscriptionsRequest: { CaClientId: '00000000007' },
    })) ?? [];
  expect(active).toMatchObject({ StatusCode: 'OK', ProductIds: { ProductId: ['303'] } });
});

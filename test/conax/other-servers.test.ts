/** The project's own requests, held against SOAP stacks of others: Apache CXF and the package `soap` as servers. */
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ConaxAnswer, ConaxClient } from '../../src/conax/client.types.ts';
import { type CxfServers, type ReadCall, startCxf } from './servers/cxf.ts';
import { expectedByOwnWsdls, leavesOf, leavesOfArguments, variants } from './servers/expected.ts';
import { type SoapServer, startSoapServer } from './servers/soap-server.ts';
import { call, card, device, openClient } from './support.ts';

const wsdls = join(import.meta.dirname, '../../schemas/conax/wsdl');
const areas = ['authorization', 'pairing', 'user-text-messaging', 'fingerprinting', 'ca-pin'];
const wsdlOf = (area: string): string => join(wsdls, `${area}.wsdl`);
/** What both servers answer to an operation that only does something. */
const done: ConaxAnswer = { kind: 'accepted', referenceNumber: 'R-1', activeServices: null, pairing: null };
const answerTo: Readonly<Record<string, ConaxAnswer>> = {
  GetActiveSubscriptions: { ...done, activeServices: ['101', '0102'] },
  GetPairingStatusForCard: { ...done, pairing: { smartcards: [card], setTopBoxes: ['STB1', 'STB2'] } },
  GetPairingStatusForPairingModule: { ...done, pairing: { smartcards: [card], setTopBoxes: ['STB1', 'STB2'] } },
};
const lists: Readonly<Record<string, object>> = {
  GetActiveSubscriptions: { ProductIds: { ProductId: ['101', '0102'] } },
  GetPairingStatusForCard: {
    CaClientIds: { CaClientId: [card] },
    PairingModuleIds: { PairingModuleId: ['STB1', 'STB2'] },
  },
  GetPairingStatusForPairingModule: {
    CaClientIds: { CaClientId: [card] },
    PairingModuleIds: { PairingModuleId: ['STB1', 'STB2'] },
  },
};

function answerXml(area: string, operation: string): string {
  const common = 'http://www.conax.com/cas/xsd/common-types/v1';
  const listed = Object.entries(lists[operation] ?? {}).map(([name, items]) => {
    const [[item, values]] = Object.entries(items as Record<string, string[]>) as [[string, string[]]];
    return `<${name}>${values.map((value) => `<${item}>${value}</${item}>`).join('')}</${name}>`;
  });
  return (
    `<${operation}Response xmlns="http://www.conax.com/cas/xsd/${area}/v1" xmlns:c="${common}">` +
    `<c:StatusCode>OK</c:StatusCode><c:Message>done</c:Message><c:ReferenceNumber>R-1</c:ReferenceNumber>` +
    `${listed.join('')}</${operation}Response>`
  );
}

describe('Apache CXF, which reads the WSDLs and validates', () => {
  let cxf: CxfServers;
  let client: ConaxClient;
  beforeAll(async () => {
    cxf = await startCxf();
    for (const area of areas) await cxf.publish(`/${area}`, { wsdl: wsdlOf(area) });
    for (const { area, operation } of Object.values(variants).map(expectedByOwnWsdls)) {
      await cxf.answer(`/${area}`, operation, answerXml(area, operation));
    }
    client = await openClient(cxf.url);
  });
  afterAll(async () => {
    await client.close();
    await cxf.close();
  });

  it.each(Object.keys(variants))('receives %s as it was meant, and its answer is understood', async (name) => {
    const meant = variants[name] ?? call({ type: 'ADD_SUBSCRIPTIONS', smartcard: card, service: device('1') });
    const { area, operation, leaves } = expectedByOwnWsdls(meant);
    const { answer } = await client.call(meant);
    const [got, ...more] = (await cxf.received(`/${area}`)) as ReadCall[];
    expect(answer).toEqual(answerTo[operation] ?? done);
    expect(more).toEqual([]);
    expect(got?.operation).toBe(`{http://www.conax.com/cas/wsdl/${area}/v1}${operation}`);
    expect(got?.headers).toEqual([]);
    expect(got?.body.map(({ name: element }) => element)).toEqual([
      `{http://www.conax.com/cas/xsd/${area}/v1}${operation}`,
    ]);
    expect(got?.body.map((element) => leavesOf(element, `http://www.conax.com/cas/xsd/${area}/v1`))).toEqual([leaves]);
  });

  it('receives any text exactly', async () => {
    const text = fc.string({ unit: 'binary', minLength: 1, maxLength: 129 }).filter((one) => {
      const fits = /^(?:[\t\n\r\u0020-\uD7FF\uE000-\uFFFD]|[\u{10000}-\u{10FFFF}])*$/u.test(one);
      return fits && Array.from(one).length <= 129;
    });
    await fc.assert(
      fc.asyncProperty(text, async (message) => {
        const meant = call({
          type: 'SEND_MAIL_MESSAGE_TO_CLIENT',
          smartcard: device(card),
          message,
          startAt: 0,
          queueNumber: null,
        });
        await client.call(meant);
        const [got] = (await cxf.received('/user-text-messaging')) as ReadCall[];
        const [body] = got?.body ?? [];
        const read = body && leavesOf(body, 'http://www.conax.com/cas/xsd/user-text-messaging/v1');
        expect(read).toEqual(expectedByOwnWsdls(meant).leaves);
      }),
      { numRuns: 100 },
    );
  });

  it('refuses what the schema forbids, so that the tests above can fail', async () => {
    const long = call({ type: 'ADD_SUBSCRIPTIONS', smartcard: '0'.repeat(31), service: device('1') });
    const { answer } = await client.call(long);
    expect(answer.kind).toBe('refused');
    expect(answer).toHaveProperty('description', expect.stringContaining("maxLength '30'"));
    expect(await cxf.received('/authorization')).toEqual([]);
  });
});

describe('the package soap as server', () => {
  let server: SoapServer;
  let client: ConaxClient;
  beforeAll(async () => {
    server = await startSoapServer(
      Object.fromEntries(areas.map((area) => [`/${area}`, wsdlOf(area)])),
      // The package writes what a type inherits in the namespace of the heir, against the schema; a prefix prevents that.
      (operation) => ({
        'common:StatusCode': 'OK',
        'common:Message': 'done',
        'common:ReferenceNumber': 'R-1',
        ...lists[operation],
      }),
    );
    client = await openClient(server.url);
  });
  afterAll(async () => {
    await client.close();
    await server.close();
  });

  it.each(Object.keys(variants))('receives %s as it was meant, and its answer is understood', async (name) => {
    const meant = variants[name] ?? call({ type: 'ADD_SUBSCRIPTIONS', smartcard: card, service: device('1') });
    const { operation, leaves } = expectedByOwnWsdls(meant);
    const { answer } = await client.call(meant);
    const [got, ...more] = server.received();
    expect(more).toEqual([]);
    expect(got?.operation).toBe(operation);
    expect(leavesOfArguments(got?.arguments)).toEqual(leaves);
    expect(answer).toEqual(answerTo[operation] ?? done);
  });
});

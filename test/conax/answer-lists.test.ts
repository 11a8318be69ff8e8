import { afterAll, describe, expect, it } from 'vitest';
import type { ConaxCall } from '../../src/conax/client.types.ts';
import { calls, card, http, listen, okAnswer, onRequests, openClient, soap } from './support.ts';

let body = '';
const cas = await listen((socket) => onRequests(socket, () => socket.end(http(body))));
const client = await openClient(cas.url);
afterAll(async () => {
  await client.close();
  await cas.close();
});

/** What the service takes from an answer that comes over HTTP: its lists, or why it cannot be read. */
async function taken(call: ConaxCall, inner: string): Promise<unknown> {
  const area = call.command.type === 'GET_ACTIVE_SUBSCRIPTIONS' ? 'authorization' : 'pairing';
  const operation = { authorization: 'GetActiveSubscriptions', pairing: 'GetPairingStatusForCard' }[area];
  body = okAnswer(operation, area).replace('</a:', `${inner}</a:`);
  const { answer } = await client.call(call);
  if (answer.kind !== 'accepted') return `${answer.kind}: ${answer.description}`;
  return answer.activeServices ?? answer.pairing;
}

const other = 'xmlns:o="urn:other"';

describe('a list that cannot be read is never an empty one', () => {
  const services = (inner: string) => taken(calls.GET_ACTIVE_SUBSCRIPTIONS, inner);
  const ofCard = (inner: string) => taken(calls.GET_PAIRING_STATUS_FOR_CARD, inner);

  it.each<[string, string, RegExp]>([
    [
      'in another namespace, container and all',
      `<o:ProductIds ${other}><o:ProductId>101</o:ProductId></o:ProductIds>`,
      /unknown: .* the answer has \{urn:other\}ProductIds, where conax\.json expects activeServices; correct its path or namespace/,
    ],
    [
      'without a namespace',
      '<ProductIds xmlns=""><ProductId>101</ProductId></ProductIds>',
      /the answer has ProductIds, /,
    ],
    [
      'whose entries are in another namespace',
      `<a:ProductIds><o:ProductId ${other}>101</o:ProductId></a:ProductIds>`,
      /the answer has \{urn:other\}ProductId in \{http:\S+\}ProductIds, /,
    ],
    [
      'half of whose entries are in another namespace',
      `<a:ProductIds><a:ProductId>101</a:ProductId><o:ProductId ${other}>102</o:ProductId></a:ProductIds>`,
      /the answer has \{urn:other\}ProductId in \{http:\S+\}ProductIds, /,
    ],
    ['whose names are in small letters', '<a:productIds><a:productId>101</a:productId></a:productIds>', /productIds, /],
    ['whose container has another name', '<a:Products><a:ProductId>101</a:ProductId></a:Products>', /Products, /],
    ['without its container', '<a:ProductId>101</a:ProductId>', /the answer has \{http:\S+\}ProductId, /],
    [
      'one level deeper',
      '<a:Result><a:ProductIds><a:ProductId>101</a:ProductId></a:ProductIds></a:Result>',
      /Result\/\{http:\S+\}ProductIds, /,
    ],
    [
      'with a further container in its container',
      '<a:ProductIds><a:Active><a:ProductId>101</a:ProductId></a:Active></a:ProductIds>',
      /Active in \{http:\S+\}ProductIds, /,
    ],
    [
      'whose entries have another name',
      '<a:ProductIds><a:Id>101</a:Id></a:ProductIds>',
      /Id in \{http:\S+\}ProductIds, /,
    ],
    [
      'with attributes in place of texts',
      '<a:ProductIds><a:ProductId id="101"/></a:ProductIds>',
      /nothing to read in /,
    ],
    [
      'with elements in place of texts',
      '<a:ProductIds><a:ProductId><a:Id>101</a:Id></a:ProductId></a:ProductIds>',
      /has elements in /,
    ],
    [
      'with several in one text',
      '<a:ProductIds><a:ProductId>101 102</a:ProductId></a:ProductIds>',
      /has "101 102" as one/,
    ],
    ['in the text of its container', '<a:ProductIds>101 102</a:ProductIds>', /has text in /],
    ['in an attribute of its container', '<a:ProductIds value="101"/>', /the attribute value in /],
    ['in another element that the container names', '<a:ProductIds href="#id1"/>', /the attribute href in /],
    [
      'in another element that the container names as .NET does',
      '<a:ProductIds xmlns:z="http://schemas.microsoft.com/2003/10/Serialization/" z:Ref="i1"/>',
      /the attribute \{\S+\}Ref in /,
    ],
    [
      'in another element that the container names as SOAP 1.2 does',
      '<a:ProductIds xmlns:e="http://www.w3.org/2003/05/soap-encoding" e:ref="i1"/>',
      /the attribute \{\S+\}ref in /,
    ],
    ['as XML in a text', '<a:Result>&lt;ProductId>101&lt;/ProductId></a:Result>', /Result, /],
    [
      'half of whose entries have another name',
      '<a:ProductIds><a:ProductId>101</a:ProductId><a:Product>102</a:Product></a:ProductIds>',
      /Product in /,
    ],
    [
      'half of whose entries are one level deeper',
      '<a:ProductIds><a:ProductId>101</a:ProductId><a:Group><a:ProductId>102</a:ProductId></a:Group></a:ProductIds>',
      /Group in /,
    ],
    ['with a comma', '<a:ProductIds><a:ProductId>101,102</a:ProductId></a:ProductIds>', /has "101,102" as one/],
    ['with a word for nothing', '<a:ProductIds><a:ProductId>none</a:ProductId></a:ProductIds>', /has "none" as one/],
    ['with a semicolon', '<a:ProductIds><a:ProductId>101;102</a:ProductId></a:ProductIds>', /has "101;102" as one/],
    ['of other names', '<a:Products><a:Product>101</a:Product></a:Products>', /Products, /],
    ['of usual names', '<a:Services><a:Service>101</a:Service></a:Services>', /Services, /],
    [
      'in records of other names',
      '<a:Entitlements><a:Entitlement><a:ProductId>101</a:ProductId></a:Entitlement></a:Entitlements>',
      /Entitlements, /,
    ],
    [
      'in a container of another name, one level deeper',
      '<a:Result><a:Products><a:ProductId>101</a:ProductId></a:Products></a:Result>',
      /Products, /,
    ],
    [
      'one level deeper, with an empty container where it should be',
      '<a:ProductIds/><a:Result><a:ProductIds><a:ProductId>101</a:ProductId></a:ProductIds></a:Result>',
      /Result\//,
    ],
  ])('one %s', async (_where, inner, says) => {
    expect(await services(inner)).toMatch(says);
  });

  it.each<[string, string]>([
    ['an empty container', '<a:ProductIds/>'],
    ['no container', ''],
    ['an empty container in another namespace', `<o:ProductIds ${other}/>`],
    ['a count of none beside it', '<a:Count>0</a:Count><a:ProductIds/>'],
    ['a count of none in it', '<a:ProductIds><a:Count>0</a:Count><a:More>false</a:More></a:ProductIds>'],
    [
      'an entry that is nil',
      '<a:ProductIds><a:ProductId xmlns:x="http://www.w3.org/2001/XMLSchema-instance" x:nil="true"/></a:ProductIds>',
    ],
    ['a container that is nil', '<a:ProductIds xmlns:x="http://www.w3.org/2001/XMLSchema-instance" x:nil="true"/>'],
    [
      'an empty array of SOAP',
      '<a:ProductIds xmlns:e="http://schemas.xmlsoap.org/soap/encoding/" e:arrayType="x[0]"/>',
    ],
    ['a list of something else', '<a:ProductIds/><a:Expired><a:ProductId>101</a:ProductId></a:Expired>'],
    ['elements of a newer CAS', '<a:Customer><a:Since>2026</a:Since></a:Customer>'],
    ['the card that was asked about', `<a:ProductId>${card}</a:ProductId>`],
    ['a container that names the card that was asked about', `<a:ProductIds card="${card}"/>`],
    [
      'a container with an id of .NET',
      '<a:ProductIds xmlns:z="http://schemas.microsoft.com/2003/10/Serialization/" z:Id="i1"/>',
    ],
    ['no container beside ids of others', '<a:OperatorId>7</a:OperatorId><a:MessageId>12</a:MessageId>'],
  ])('%s is an empty list', async (_what, inner) => {
    expect(await services(inner)).toEqual([]);
  });

  it('a pairing of which one list is elsewhere is unreadable, and one with an empty list is not', async () => {
    const cards = (prefix: string) =>
      `<${prefix}CaClientIds><${prefix}CaClientId>${card}</${prefix}CaClientId></${prefix}CaClientIds>`;
    const boxes = '<a:PairingModuleIds><a:PairingModuleId>STB1</a:PairingModuleId></a:PairingModuleIds>';
    const pairing = { smartcards: [card], setTopBoxes: ['STB1'] };
    expect(await ofCard(cards('a:') + boxes)).toEqual(pairing);
    expect(await ofCard(boxes)).toEqual(pairing);
    expect(await ofCard(`<a:CaClientId>${card}</a:CaClientId>`)).toEqual({ smartcards: [], setTopBoxes: [] });
    const elsewhere = boxes.replaceAll('a:', 'o:').replace('>', ` ${other}>`);
    expect(await ofCard(cards('a:') + elsewhere)).toMatch(/expects pairedSetTopBoxes; correct its path or namespace/);
  });

  it('one of several pairings is unreadable, and the card that was asked about may be left out of its own', async () => {
    const list = (container: string, entry: string, ids: string[]): string =>
      `<a:${container}>${ids.map((id) => `<a:${entry}>${id}</a:${entry}>`).join('')}</a:${container}>`;
    const pairing = (cards: string[], boxes: string[]): string =>
      list('CaClientIds', 'CaClientId', cards) + list('PairingModuleIds', 'PairingModuleId', boxes);
    expect(await ofCard(pairing([card], ['STB1']) + pairing(['00000000002'], ['STB2']))).toMatch(/several pairings/);
    const others = { smartcards: ['00000000002', card], setTopBoxes: ['STB1'] };
    expect(await ofCard(pairing(['00000000002'], ['STB1']))).toEqual(others);
    expect(await ofCard(pairing([card], ['STB1']) + pairing([], []))).toEqual({ ...others, smartcards: [card] });
  });

  it('an empty Body says nothing of a list', async () => {
    body = soap('');
    expect((await client.call(calls.GET_ACTIVE_SUBSCRIPTIONS)).answer).toMatchObject({ kind: 'unknown' });
  });
});

describe('an answer that says that its list goes on is never a whole list', () => {
  const two = '<a:ProductIds><a:ProductId>101</a:ProductId><a:ProductId>102</a:ProductId></a:ProductIds>';
  const services = (inner: string) => taken(calls.GET_ACTIVE_SUBSCRIPTIONS, inner);

  it.each([
    '<a:HasMore>true</a:HasMore>',
    '<a:MoreAvailable>1</a:MoreAvailable>',
    '<o:more-data-available>Y</o:more-data-available>',
    '<a:MoreProducts>yes</a:MoreProducts>',
    '<a:NextPage>2</a:NextPage>',
    '<a:NextPage><a:Offset>50</a:Offset></a:NextPage>',
    '<a:Paging><a:NextPageToken>x</a:NextPageToken></a:Paging>',
    '<a:ContinuationToken>x</a:ContinuationToken>',
    '<a:Truncated>true</a:Truncated>',
    '<a:RemainingEntries>3</a:RemainingEntries>',
    '<a:LastPage>false</a:LastPage>',
    '<a:TotalCount>3</a:TotalCount>',
    '<a:Total>3</a:Total>',
    '<a:NumberOfProducts>3</a:NumberOfProducts>',
    '<a:ProductCount>3</a:ProductCount>',
    '<a:TotalNumberOfEntitlements>3</a:TotalNumberOfEntitlements>',
    '<a:RecordsFound>3</a:RecordsFound>',
    '<a:Page number="1"/><a:TotalPages>2</a:TotalPages>',
    '<a:List hasMore="true" xmlns:a="urn:other"/>',
  ])('%s', async (beside) => {
    expect(await services(two + beside.replaceAll('o:', 'a:'))).toMatch(
      /^unknown: .*the answer has [^,]*, so its list may be one page of several; let the CAS answer with the whole list, .* or write the path into "ignored"/,
    );
  });

  it('nor if it says so in its container', async () => {
    const inContainer = (start: string): string => two.replace('<a:ProductIds>', `<a:ProductIds${start}`);
    for (const start of ['><a:More>true</a:More>', ' total="3">', '><a:Count>3</a:Count>'])
      expect(await services(inContainer(start))).toMatch(/may be one page of several/);
    for (const start of ['><a:More>false</a:More>', ' total="2">', '><a:Count>2</a:Count>'])
      expect(await services(inContainer(start))).toEqual(['101', '102']);
  });

  it.each([
    '<a:HasMore>false</a:HasMore><a:NextPage/><a:NextOffset>-1</a:NextOffset>',
    '<a:NextPage xmlns:x="http://www.w3.org/2001/XMLSchema-instance" x:nil="true"/>',
    '<a:TotalCount>2</a:TotalCount><a:PageCount>1</a:PageCount><a:IsLastPage>true</a:IsLastPage>',
    '<a:PageSize>50</a:PageSize><a:MaxResults>50</a:MaxResults><a:Page>1</a:Page>',
    '<a:MoreInfo>call us</a:MoreInfo><a:NextBillingDate>2026-12-01</a:NextBillingDate>',
    '<a:RetryCount>5</a:RetryCount><a:CardCount>5</a:CardCount><a:AccountNumber>5</a:AccountNumber>',
    '<a:TotalAmount>5</a:TotalAmount><a:Discount>5</a:Discount><a:RemainingDays>30</a:RemainingDays>',
  ])('but %s says nothing of that', async (beside) => {
    expect(await services(two + beside)).toEqual(['101', '102']);
  });

  it('a count of a pairing counts cards, set-top boxes or both, with the device that was asked about', async () => {
    const boxes = '<a:PairingModuleIds><a:PairingModuleId>STB1</a:PairingModuleId></a:PairingModuleIds>';
    const counted = (count: string) => taken(calls.GET_PAIRING_STATUS_FOR_CARD, boxes + count);
    for (const count of ['<a:Total>2</a:Total>', '<a:BoxCount>1</a:BoxCount>', '<a:DeviceCount>2</a:DeviceCount>'])
      expect(await counted(count)).toEqual({ smartcards: [card], setTopBoxes: ['STB1'] });
    for (const count of ['<a:Total>3</a:Total>', '<a:BoxCount>2</a:BoxCount>', '<a:CardCount>1</a:CardCount>'])
      expect(await counted(count)).toMatch(/may be one page of several/);
  });
});

describe('a list that is nowhere is not empty if the answer has something that may be it', () => {
  const services = (inner: string) => taken(calls.GET_ACTIVE_SUBSCRIPTIONS, inner);
  const ofCard = (inner: string) => taken(calls.GET_PAIRING_STATUS_FOR_CARD, inner);

  it.each([
    '<a:Rechte><a:Recht>101</a:Recht><a:Recht>102</a:Recht></a:Rechte>',
    '<a:Recht>101</a:Recht>',
    '<a:Rechte>101, 102</a:Rechte>',
    '<a:Rows><a:Row v="101"/></a:Rows>',
  ])('services in %s', async (inner) => {
    expect(await services(inner)).toMatch(
      /the answer has .*, where conax\.json expects activeServices; correct its path or namespace, or write the path of what has no entries into "ignored"/,
    );
  });

  it.each([
    [
      'cards and boxes',
      '<a:Members><a:Member>20000000009</a:Member><a:Member>STB1</a:Member></a:Members>',
      'pairedSmartcards',
    ],
    [
      'boxes',
      `<a:CaClientIds><a:CaClientId>${card}</a:CaClientId></a:CaClientIds><a:Kiste>STB1</a:Kiste>`,
      'pairedSetTopBoxes',
    ],
  ])('%s of a pairing', async (_what, inner, list) => {
    expect(await ofCard(inner)).toMatch(new RegExp(`where conax\\.json expects ${list};`));
  });

  it.each([
    `<a:Query><a:Number>${card}</a:Number></a:Query>`,
    '<a:ServerTime>2026-01-31T20:00:00Z</a:ServerTime><a:TransactionId>17</a:TransactionId><a:Status>NONE</a:Status>',
    '<a:Holder>nobody</a:Holder><a:Day>31.01.2026</a:Day><a:ReasonCode>100</a:ReasonCode>',
  ])('and empty beside %s', async (inner) => {
    expect(await services(inner)).toEqual([]);
    expect(await ofCard(inner)).toEqual({ smartcards: [], setTopBoxes: [] });
  });
});

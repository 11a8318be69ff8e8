import { describe, expect, it } from 'vitest';
import { parseAnswerShape, type AnswerEntry } from '../../src/conax-checks/answer-entry.ts';
import { classify } from '../../src/conax/answer.ts';
import type { CasCommand } from '../../src/conax/cas-definition.types.ts';
import type { ConaxAnswer } from '../../src/conax/client.types.ts';
import type { CommandType } from '../../src/planning/command.ts';
import { ownCommands, said } from './support.ts';

const namespaces = { r: 'urn:r', x: 'urn:x' };
const common = { success: ['0'], refused: ['17'], tryLater: ['99'] };
const commands = await ownCommands();

/** How a CAS answers that is described like this. */
function cas(
  entry: AnswerEntry & Readonly<Record<string, unknown>>,
  soapVersion: CasCommand['soapVersion'] = '1.1',
  type: CommandType = 'ADD_SUBSCRIPTIONS',
  card: string | null = null,
): (body: string, status?: number) => ConaxAnswer {
  const mistakes: string[] = [];
  const answer = parseAnswerShape(type, entry, common, namespaces, (member, problem) =>
    mistakes.push(`${member}: ${problem}`),
  );
  if (mistakes.length > 0) throw new Error(mistakes.join('\n'));
  const command = { ...commands[type], soapVersion, answer };
  const asked = card === null ? null : ({ kind: 'smartcard', caId: card } as const);
  return (body, status = 200) =>
    classify(command, asked, { kind: 'answered', status, contentType: 'text/xml', body: Buffer.from(body) });
}

const soap11 = 'http://schemas.xmlsoap.org/soap/envelope/';
const soap12 = 'http://www.w3.org/2003/05/soap-envelope';
function envelope(content: string, ns = soap11): string {
  return `<e:Envelope xmlns:e="${ns}" xmlns:r="urn:r" xmlns:x="urn:x"><e:Body>${content}</e:Body></e:Envelope>`;
}

describe('status codes are what conax.json says', () => {
  const answer = cas({ statusCode: 'r:Done/x:Code', message: 'r:Done/Text' });
  const done = (code: string): string => envelope(`<r:Done><x:Code> ${code} </x:Code><Text>said</Text></r:Done>`);

  it.each([
    ['0', 'accepted'],
    ['17', 'refused 17'],
    ['99', 'try-later 99'],
    ['00', 'refused 00'],
    ['OK', 'refused OK'],
  ])('%s is %s', (code, expected) => {
    expect(said(answer(done(code)))).toBe(expected);
  });

  it('a code that no list has is for review, with what the CAS says', () => {
    expect(answer(done('5'))).toMatchObject({ review: true, description: 'said' });
    expect(answer(done('17'))).toMatchObject({ review: false });
  });

  it('a command may have lists of its own', () => {
    const own = cas({ statusCode: 'r:Done/x:Code', success: ['17'], tryLater: [] });
    expect(said(own(done('17')))).toBe('accepted');
    expect(said(own(done('0')))).toBe('refused 0');
    expect(said(own(done('99')))).toBe('refused 99');
  });

  it('a login that is refused by a code or a Fault pauses sending, and refuses no command', () => {
    const login = cas({
      statusCode: 'r:Answer/r:Code',
      message: 'r:Answer/r:Text',
      notAuthorised: ['401', 'BAD_LOGIN'],
    });
    expect(login(envelope('<r:Answer><r:Code>401</r:Code><r:Text>who are you</r:Text></r:Answer>'))).toEqual({
      kind: 'not-authorised',
      code: 'CAS_NOT_AUTHORISED',
      description: 'the CAS refuses the login with 401: who are you; check user and password',
    });
    const fault = (text: string): string => envelope(`<e:Fault><faultcode>e:Server</faultcode>${text}</e:Fault>`);
    for (const text of ['BAD_LOGIN', 'BAD_LOGIN: sms', 'BAD_LOGIN for sms'])
      expect(said(login(fault(`<faultstring>${text}</faultstring>`), 500))).toBe('not-authorised CAS_NOT_AUTHORISED');
    expect(said(login(fault('<faultstring>out of cheese</faultstring>'), 500))).toBe('try-later SOAP_SERVER_FAULT');
  });

  it('the code of a Fault counts as it is written, with its prefix, and without it', () => {
    const denied = envelope(
      `<f:Fault xmlns:f="${soap12}"><f:Code><f:Value>f:Sender</f:Value><f:Subcode><f:Value xmlns:auth="urn:a">auth:Denied</f:Value></f:Subcode></f:Code></f:Fault>`,
    ).replaceAll(soap11, soap12);
    for (const code of ['auth:Denied', 'Denied']) {
      const login = cas({ statusCode: 'r:Answer/r:Code', notAuthorised: [code] }, '1.2');
      expect(said(login(denied, 500))).toBe('not-authorised CAS_NOT_AUTHORISED');
    }
  });

  it('a code in two lists of one place is a mistake; a list of a command may take it out of one of all', () => {
    const twice = { statusCode: 'r:Done/x:Code', success: ['0', '5'], refused: ['5'], tryLater: [] };
    expect(() => cas(twice)).toThrow('refused: has the code 5, as success has; leave it in one of the two lists');
    expect(() => cas({ statusCode: 'r:Done/x:Code', success: ['17'] })).not.toThrow();
  });

  it('a wrong login of WS-Security is known without a list, and a list replaces it', () => {
    const wrong = envelope(
      '<e:Fault><faultcode>wsse:FailedAuthentication</faultcode><faultstring>no</faultstring></e:Fault>',
    );
    expect(said(answer(wrong, 500))).toBe('not-authorised CAS_NOT_AUTHORISED');
    const other = cas({ statusCode: 'r:Answer/r:Code', notAuthorised: ['401'] });
    expect(said(other(wrong, 500))).toBe('refused SOAP_FAULT');
  });

  it('a short code in a Fault counts only if it is a whole text, in the detail that of a code', () => {
    const fault = (text: string): string => envelope(`<e:Fault><faultcode>e:Client</faultcode>${text}</e:Fault>`);
    expect(said(answer(fault('<faultstring>error 17 in line 99</faultstring>')))).toBe('refused SOAP_FAULT');
    expect(said(answer(fault('<faultstring>17: 30 is too late</faultstring>')))).toBe('refused SOAP_FAULT');
    expect(said(answer(fault('<faultstring> 17 </faultstring>')))).toBe('refused 17');
    for (const detail of ['<code>17</code>', '<r:ErrorCode>17</r:ErrorCode>', '<e errorCode="17"/>', '17'])
      expect(said(answer(fault(`<detail>${detail}</detail>`)))).toBe('refused 17');
    for (const detail of ['<line>17</line>', '<wait>99</wait>', '<e message="17"/>'])
      expect(said(answer(fault(`<detail>${detail}</detail>`)))).toBe('refused SOAP_FAULT');
  });
});

describe('paths', () => {
  it('of a list that end at its container are an unreadable answer, never an empty list', () => {
    const products = (list: string) =>
      cas({ statusCode: 'r:Done/r:Code', activeServices: list }, '1.1', 'GET_ACTIVE_SUBSCRIPTIONS');
    const answer = envelope('<r:Done><r:Code>0</r:Code><r:All><r:Id>101</r:Id><r:Id>102</r:Id></r:All></r:Done>');
    const container = products('r:Done/r:All');
    expect(said(container(answer))).toBe('unknown CAS_ANSWER_UNREADABLE');
    expect(container(answer)).toMatchObject({ description: expect.stringContaining('has elements in {urn:r}All') });
    expect(products('r:Done/r:All/r:Id')(answer)).toMatchObject({ activeServices: ['101', '102'] });
    expect(products('r:Done/r:All/r:Id')(envelope('<r:Done><r:Code>0</r:Code><r:All/></r:Done>'))).toMatchObject({
      activeServices: [],
    });
  });

  it('of entries without a container are an empty list beside other elements, unless these have their name', () => {
    const products = cas(
      { statusCode: 'r:Done/r:Code', activeServices: 'r:Done/r:Id' },
      '1.1',
      'GET_ACTIVE_SUBSCRIPTIONS',
    );
    const done = (more: string): string => envelope(`<r:Done><r:Code>0</r:Code>${more}</r:Done>`);
    for (const more of ['', '<r:Time>12:00</r:Time>', '<r:Page><r:Size>20</r:Size></r:Page>'])
      expect(products(done(more))).toMatchObject({ activeServices: [] });
    for (const more of ['<x:Id>101</x:Id>', '<r:All><r:Id>101</r:Id></r:All>', '<Id>101</Id>'])
      expect(said(products(done(more)))).toBe('unknown CAS_ANSWER_UNREADABLE');
  });

  it('that are ignored say nothing of a list: what is beside the entries of a record, a flag, and what is nowhere else', () => {
    const entry = { statusCode: 'r:Done/r:Code', activeServices: 'r:Done/r:All/r:Product/r:Id' };
    const done = (more: string): string => envelope(`<r:Done><r:Code>0</r:Code>${more}</r:Done>`);
    const record =
      '<r:All><r:Product since="1"><r:Id>101</r:Id><r:Text><x:En>Sport</x:En></r:Text></r:Product></r:All>';
    const ignored = [
      'r:Done/r:All/r:Product/@since',
      'r:Done/r:All/r:Product/r:Text',
      'r:Done/r:Count',
      'r:Done/r:Region',
    ];
    const strict = cas(entry, '1.1', 'GET_ACTIVE_SUBSCRIPTIONS');
    const lenient = cas({ ...entry, ignored }, '1.1', 'GET_ACTIVE_SUBSCRIPTIONS');
    for (const [answer, services] of [
      [record, ['101']],
      ['<r:All><r:Product><r:Id>101</r:Id></r:Product></r:All><r:Count>7</r:Count>', ['101']],
      ['<r:Region><r:No>3</r:No></r:Region>', []],
    ] as const) {
      expect(said(strict(done(answer)))).toBe('unknown CAS_ANSWER_UNREADABLE');
      expect(lenient(done(answer))).toMatchObject({ activeServices: services });
    }
    expect(strict(done('<r:All/><r:Region><r:No>3</r:No></r:Region>'))).toMatchObject({ activeServices: [] });
    expect(() => cas({ statusCode: 'r:Done/r:Code', ignored })).toThrow(
      /ignored: is only for the answer of a question/,
    );
    expect(() => cas({ ...entry, ignored: ['q:Done'] }, '1.1', 'GET_ACTIVE_SUBSCRIPTIONS')).toThrow(
      /ignored: .*prefix q/,
    );
  });

  it('of a list around the status code, or in an element with more than the list, are read beside other elements', () => {
    const answers = (activeServices: string, statusCode: string) =>
      cas({ statusCode, activeServices }, '1.1', 'GET_ACTIVE_SUBSCRIPTIONS');
    const code = '<r:Code>0</r:Code>';
    const framed = answers('r:Done/r:return/r:Id', 'r:Done/r:return/r:Code');
    const deep = answers('r:Done/r:return/r:Products/r:Id', 'r:Done/r:return/r:Code');
    const ofReturn = (more: string): string =>
      envelope(`<r:Done><r:return>${code}<r:Text>Success</r:Text>${more}</r:return></r:Done>`);
    expect(framed(ofReturn('<r:Id>101</r:Id>'))).toMatchObject({ activeServices: ['101'] });
    expect(deep(ofReturn('<r:Products><r:Id>101</r:Id></r:Products>'))).toMatchObject({ activeServices: ['101'] });
    for (const read of [framed, deep]) {
      expect(read(ofReturn(''))).toMatchObject({ activeServices: [] });
      for (const more of ['<r:Ids>101</r:Ids>', '<r:Rights>101</r:Rights>', '<Id>101</Id>'])
        expect(said(read(ofReturn(more)))).toBe('unknown CAS_ANSWER_UNREADABLE');
    }
    const ofCard = answers('r:Done/r:Card/r:Products/r:Id', 'r:Done/r:Code');
    const inCard = (more: string, beside = ''): string =>
      envelope(`<r:Done>${code}${beside}<r:Card><r:State>ACTIVE</r:State>${more}</r:Card></r:Done>`);
    expect(ofCard(inCard('', '<r:Region>3</r:Region>'))).toMatchObject({ activeServices: [] });
    for (const more of ['101', 'Sport', '&lt;Id>101', '<r:Rights>101</r:Rights>', '<Products><Id>101</Id></Products>'])
      expect(said(ofCard(inCard(more)))).toBe('unknown CAS_ANSWER_UNREADABLE');
  });

  it('of an entry that may not count are unreadable: a flag of no, an end, or a state, also in its attributes', () => {
    const records = cas(
      { statusCode: 'r:Done/r:Code', activeServices: 'r:Done/r:Product/r:Id' },
      '1.1',
      'GET_ACTIVE_SUBSCRIPTIONS',
    );
    const done = (product: string): string => envelope(`<r:Done><r:Code>0</r:Code>${product}</r:Done>`);
    const record = (more: string, attributes = ''): string =>
      done(`<r:Product${attributes}><r:Id>101</r:Id>${more}</r:Product>`);
    for (const more of ['<r:Active>false</r:Active>', '<r:Enabled>0</r:Enabled>', '<r:Status>0</r:Status>'])
      expect(said(records(record(more)))).toBe('unknown CAS_ANSWER_UNREADABLE');
    expect(said(records(record('', ' active="false"')))).toBe('unknown CAS_ANSWER_UNREADABLE');
    for (const more of ['<r:Expired>false</r:Expired>', '<r:Trial>0</r:Trial>', '<r:Status/>'])
      expect(records(record(more))).toMatchObject({ activeServices: ['101'] });
    const texts = (activeServices: string, ignored?: string[]) =>
      cas(
        { statusCode: 'r:Done/r:Code', activeServices, ...(ignored && { ignored }) },
        '1.1',
        'GET_ACTIVE_SUBSCRIPTIONS',
      );
    const kinds = [
      ['r:Done/r:Product', (attribute: string) => done(`<r:Product ${attribute}>101</r:Product>`)],
      ['r:Done/r:Product/@id', (attribute: string) => done(`<r:Product id="101" ${attribute}/>`)],
    ] as const;
    for (const [path, written] of kinds) {
      for (const attribute of ['state="EXPIRED"', 'active="0"', 'cancelled="true"'])
        expect(said(texts(path)(written(attribute)))).toBe('unknown CAS_ANSWER_UNREADABLE');
      for (const attribute of ['name="Sport"', 'active="1"', 'cancelled="false"'])
        expect(texts(path)(written(attribute))).toMatchObject({ activeServices: ['101'] });
      const ignored = texts(path, ['r:Done/r:Product/@state']);
      expect(ignored(written('state="ACTIVE"'))).toMatchObject({ activeServices: ['101'] });
    }
  });

  it('of lists in attributes are empty if the other attributes are read, or nothing is there', () => {
    const lists = { pairedSmartcards: 'r:Done/r:Pair/@card', pairedSetTopBoxes: 'r:Done/r:Pair/@box' };
    const pairing = cas({ statusCode: 'r:Done/r:Code', ...lists }, '1.1', 'GET_PAIRING_STATUS_FOR_CARD');
    const done = (more: string): string => envelope(`<r:Done><r:Code>0</r:Code>${more}</r:Done>`);
    expect(pairing(done('<r:Pair card="1"/>'))).toMatchObject({ pairing: { smartcards: ['1'], setTopBoxes: [] } });
    expect(pairing(done('<r:Pair/>'))).toMatchObject({ pairing: { smartcards: [], setTopBoxes: [] } });
    expect(said(pairing(done('<r:Pair card="1" x:box="STB1"/>')))).toBe('unknown CAS_ANSWER_UNREADABLE');
    expect(said(pairing(done('<r:Pair card="1"><r:Box>STB1</r:Box></r:Pair>')))).toBe('unknown CAS_ANSWER_UNREADABLE');
  });

  it('of rows with a card and a set-top box are one pairing only if each row has the card', () => {
    const lists = { pairedSmartcards: 'r:Done/r:Pair/@card', pairedSetTopBoxes: 'r:Done/r:Pair/@box' };
    const pairing = cas({ statusCode: 'r:Done/r:Code', ...lists }, '1.1', 'GET_PAIRING_STATUS_FOR_CARD', '1');
    const rows = (other: string): string =>
      envelope(`<r:Done><r:Code>0</r:Code><r:Pair card="1" box="A"/><r:Pair card="${other}" box="B"/></r:Done>`);
    expect(pairing(rows('1'))).toMatchObject({ pairing: { smartcards: ['1'], setTopBoxes: ['A', 'B'] } });
    expect(said(pairing(rows('2')))).toBe('unknown CAS_ANSWER_UNREADABLE');
  });

  it('of devices with an element each are one pairing, unless pairings may be told apart in them', () => {
    const at = (card: string, box: string) =>
      cas(
        { statusCode: 'r:Done/r:Code', pairedSmartcards: `r:Done/${card}`, pairedSetTopBoxes: `r:Done/${box}` },
        '1.1',
        'GET_PAIRING_STATUS_FOR_CARD',
        '1',
      );
    const done = (more: string): string => envelope(`<r:Done><r:Code>0</r:Code>${more}</r:Done>`);
    const device = (name: string, id: string): string => `<r:${name}><r:Id>${id}</r:Id></r:${name}>`;
    const two = device('Card', '1') + device('Card', '2');
    const box = device('Box', 'A');
    const pairing = { smartcards: ['1', '2'], setTopBoxes: ['A'] };
    const wrapped = at('r:Cards/r:Card/r:Id', 'r:Boxes/r:Box/r:Id');
    expect(wrapped(done(`<r:Cards>${two}</r:Cards><r:Boxes>${box}</r:Boxes>`))).toMatchObject({ pairing });
    const several = `<r:Cards>${device('Card', '1')}</r:Cards><r:Cards>${device('Card', '2')}</r:Cards>`;
    expect(said(wrapped(done(several)))).toBe('unknown CAS_ANSWER_UNREADABLE');
    const bare = at('r:Card/r:Id', 'r:Box/r:Id');
    expect(bare(done(two + box))).toMatchObject({ pairing });
    const groups = device('Card', '1') + box + device('Card', '2');
    expect(said(bare(done(groups)))).toBe('unknown CAS_ANSWER_UNREADABLE');
    const mixed = (more: string): string =>
      done(`<r:Device><r:Card>1</r:Card></r:Device><r:Device><r:Card>2</r:Card>${more}</r:Device>`);
    const union = at('r:Device/r:Card', 'r:Device/r:Box');
    expect(union(mixed('</r:Device><r:Device><r:Box>A</r:Box>'))).toMatchObject({ pairing });
    const rows = at('r:Device/@card', 'r:Device/@box');
    const row = '<r:Device card="1"/><r:Device card="2"/><r:Device box="A"/>';
    expect(rows(done(row))).toMatchObject({ pairing });
    for (const [read, answer] of [
      [union, mixed('<r:Box>A</r:Box>')],
      [union, mixed('')],
      [rows, done(row.replace('2"', '2" box="B"'))],
    ] as const)
      expect(said(read(answer))).toBe('unknown CAS_ANSWER_UNREADABLE');
    const lists = device('Cards', '1') + device('Cards', '2');
    expect(said(at('r:Cards/r:Id', 'r:Boxes/r:Id')(done(lists)))).toBe('unknown CAS_ANSWER_UNREADABLE');
  });

  it('may end in an attribute, with its namespace', () => {
    const answer = cas({ statusCode: 'r:Done/@code', referenceNumber: 'r:Done/@x:id' });
    expect(answer(envelope('<r:Done code="0" x:id="A" id="B"/>'))).toMatchObject({
      kind: 'accepted',
      referenceNumber: 'A',
    });
    expect(said(answer(envelope('<r:Done x:code="0"/>')))).toBe('unknown CAS_ANSWER_UNREADABLE');
  });

  it('of lists collect every element', () => {
    const answer = cas(
      { statusCode: 'r:Done/Code', activeServices: 'r:Done/List/Id' },
      '1.1',
      'GET_ACTIVE_SUBSCRIPTIONS',
    );
    const body = '<r:Done><Code>0</Code><List><Id>1</Id><Id>2</Id></List><List><Id>2</Id><Id/></List></r:Done>';
    expect(answer(envelope(body))).toMatchObject({ activeServices: ['1', '2'] });
  });

  it.each([
    ['a prefix that is not declared', { statusCode: 'q:Done/Code' }, /the prefix q is not in "namespaces"/],
    ['no name', { statusCode: 'r:Done//Code' }, /"" is no name/],
    ['an attribute on the way', { statusCode: 'r:Done/@a/Code' }, /only the last step may be an attribute/],
    [
      'different first elements',
      { statusCode: 'r:Done/Code', message: 'r:Ready/Text' },
      /starts with another element than statusCode/,
    ],
    [
      'a list of another command',
      { statusCode: 'r:Done/Code', pairedSmartcards: 'r:Done/Id' },
      /is no list of this command's answer/,
    ],
    ['neither status code nor element', { message: 'r:Done/Text' }, /statusCode: is missing/],
    ['no code of success', { statusCode: 'r:Done/Code', success: [] }, /success: is missing/],
  ])('%s are a mistake', (_name, entry, expected) => {
    expect(() => cas(entry)).toThrow(expected);
  });
});

describe('answers without a status code', () => {
  it('the element alone is success if conax.json says so', () => {
    const answer = cas({ element: 'r:Done' });
    expect(said(answer(envelope('<r:Done/>')))).toBe('accepted');
    expect(said(answer(envelope('<x:Done/>')))).toBe('unknown CAS_ANSWER_UNREADABLE');
    expect(said(answer(envelope('')))).toBe('unknown CAS_ANSWER_UNREADABLE');
    expect(said(answer(envelope('<r:Done/>'), 500))).toBe('unknown CAS_SERVER_ERROR');
  });

  it('so is an empty Body, and an empty HTTP answer', () => {
    const answer = cas({ emptySuccess: true });
    expect(said(answer(envelope('')))).toBe('accepted');
    expect(said(answer('', 202))).toBe('accepted');
    expect(said(answer('', 500))).toBe('unknown CAS_SERVER_ERROR');
    expect(said(answer(envelope('<r:Done/>')))).toBe('unknown CAS_ANSWER_UNREADABLE');
    expect(said(answer(envelope('<e:Fault><faultcode>e:Client</faultcode></e:Fault>')))).toBe('refused SOAP_FAULT');
  });

  it.each([
    ['that only the end of the connection ended', { endsByClose: true }, ''],
    ['that is compressed', { contentEncoding: 'gzip' }, ''],
    ['that is HTML', { contentType: 'text/html' }, ''],
    ['with an Error in the Header', {}, envelope('').replace('<e:Body>', '<e:Header><x:Error/></e:Header><e:Body>')],
    [
      'with the action of a Fault',
      {},
      envelope('').replace(
        '<e:Body>',
        '<e:Header><a:Action xmlns:a="http://www.w3.org/2005/08/addressing">http://www.w3.org/2005/08/addressing/fault</a:Action></e:Header><e:Body>',
      ),
    ],
  ])('but not an empty one %s', (_how, how, body) => {
    const command = { ...commands.ADD_SUBSCRIPTIONS };
    const mistakes: string[] = [];
    const answer = parseAnswerShape(command.type, { emptySuccess: true }, common, namespaces, (one) =>
      mistakes.push(one),
    );
    const outcome = {
      kind: 'answered',
      status: 200,
      contentType: 'text/xml',
      body: Buffer.from(body),
      ...how,
    } as const;
    expect(mistakes).toEqual([]);
    expect(said(classify({ ...command, answer }, null, outcome))).toBe('unknown CAS_ANSWER_UNREADABLE');
  });

  it('headers of addressing do not keep an empty Body from being a success', () => {
    const relates = '<a:RelatesTo xmlns:a="http://www.w3.org/2005/08/addressing">urn:uuid:1</a:RelatesTo>';
    const body = envelope('').replace('<e:Body>', `<e:Header>${relates}</e:Header><e:Body>`);
    expect(said(cas({ emptySuccess: true })(body))).toBe('accepted');
  });

  it('but no empty HTTP answer counts if there is a status code to expect', () => {
    const answer = cas({ statusCode: 'r:Done/Code', emptySuccess: true });
    expect(said(answer('', 200))).toBe('unknown CAS_ANSWER_UNREADABLE');
    expect(said(answer(envelope('')))).toBe('accepted');
    expect(said(answer(envelope('<r:Done><Code>17</Code></r:Done>')))).toBe('refused 17');
  });
});

describe('SOAP 1.2', () => {
  const answer = cas({ statusCode: 'r:Done/Code' }, '1.2');
  const fault = (code: string, reason: string, detail = ''): string =>
    envelope(
      `<e:Fault><e:Code><e:Value>e:${code}</e:Value></e:Code><e:Reason><e:Text xml:lang="en">${reason}</e:Text></e:Reason>${detail}</e:Fault>`,
      soap12,
    );

  it('is read if the request was SOAP 1.2, and only then', () => {
    const done = '<r:Done><Code>0</Code></r:Done>';
    expect(said(answer(envelope(done, soap12)))).toBe('accepted');
    expect(said(answer(envelope(done)))).toBe('unknown CAS_ANSWER_UNREADABLE');
    expect(said(cas({ statusCode: 'r:Done/Code' })(envelope(done, soap12)))).toBe('unknown CAS_ANSWER_UNREADABLE');
  });

  it('its Faults have their own names for the same parts', () => {
    expect(said(answer(fault('Receiver', 'out of cheese')))).toBe('try-later SOAP_SERVER_FAULT');
    expect(said(answer(fault('Sender', 'out of cheese')))).toBe('refused SOAP_FAULT');
    expect(said(answer(fault('Receiver', 'no', '<e:Detail><r:code>17</r:code></e:Detail>')))).toBe('refused 17');
    expect(answer(fault('Sender', 'out of cheese'))).toMatchObject({ description: 'e:Sender: out of cheese' });
  });

  it('a server of SOAP 1.1 may refuse the version by a Fault of its own', () => {
    const versions = '<e:Fault><faultcode>e:VersionMismatch</faultcode><faultstring>1.1 only</faultstring></e:Fault>';
    expect(said(answer(envelope(versions), 500))).toBe('refused SOAP_FAULT');
  });
});

import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { classify } from '../../src/conax/answer.ts';
import type { ConaxAnswer } from '../../src/conax/client.types.ts';
import type { CommandType } from '../../src/planning/command.ts';
import { okAnswer, ownCommands, said, soap } from './support.ts';

let commands: Awaited<ReturnType<typeof ownCommands>>;
beforeAll(async () => {
  commands = await ownCommands();
});

function answerTo(
  body: string | Buffer,
  status = 200,
  contentType = 'text/xml; charset=utf-8',
  type: CommandType = 'ADD_SUBSCRIPTIONS',
): ConaxAnswer {
  const asked = type === 'GET_PAIRING_STATUS_FOR_CARD' ? ({ kind: 'smartcard', caId: '01' } as const) : null;
  return classify(commands[type], asked, { kind: 'answered', status, contentType, body: Buffer.from(body) });
}

function fault(...parts: readonly string[]): string {
  return soap(`<s:Fault>${parts.join('')}</s:Fault>`);
}

describe('an answer is judged by what it says, and else by its status', () => {
  it('any status with any bytes has an answer', () => {
    const bodies = fc.oneof(
      fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
      fc
        .constantFrom(okAnswer(), fault('<faultstring>x</faultstring>'), '', ' ', '<a/>')
        .map((text) => Buffer.from(text)),
    );
    const types = fc.constantFrom(
      '',
      'text/xml',
      'text/xml; charset=utf-16',
      'text/xml; charset=none-such',
      'text/html',
    );
    fc.assert(
      fc.property(fc.integer({ min: 200, max: 599 }), types, bodies, (status, contentType, body) => {
        const answer = answerTo(body, status, contentType);
        expect(said(answer)).toMatch(status < 300 ? /^(?:accepted|[a-z-]+ [A-Z0-9_]+)$/ : /^[a-z-]+ [A-Z0-9_]+$/);
      }),
      { numRuns: 3_000 },
    );
  });

  it('an OK under an error status is no success: nobody knows', () => {
    expect(said(answerTo(okAnswer(), 500))).toBe('unknown CAS_SERVER_ERROR');
    expect(said(answerTo(okAnswer(), 503))).toBe('unknown CAS_SERVER_ERROR');
  });

  it('a refusal that can be read counts under any status', () => {
    for (const status of [200, 404, 500, 503]) {
      expect(said(answerTo(okAnswer('AddSubscriptions', 'authorization', 'CLIENT_NOT_FOUND'), status))).toBe(
        'refused CLIENT_NOT_FOUND',
      );
    }
  });

  it('401, 403 and 429 count with any refusal in the body, because nothing was done', () => {
    expect(said(answerTo(fault('<faultstring>CLIENT_NOT_FOUND</faultstring>'), 401))).toBe(
      'not-authorised CAS_NOT_AUTHORISED',
    );
    expect(said(answerTo('<html>who are you?</html>', 403))).toBe('not-authorised CAS_NOT_AUTHORISED');
    expect(said(answerTo('slow down', 429))).toBe('not-sent CAS_TOO_MANY_REQUESTS');
    expect(said(answerTo(fault('<faultcode>s:Client</faultcode>'), 429))).toBe('not-sent CAS_TOO_MANY_REQUESTS');
  });

  const mail = okAnswer('SendMailMessageToClients', 'user-text-messaging');
  const other = okAnswer();
  it.each([
    ['a whole success', mail],
    ['a success that is cut', mail.slice(0, -20)],
    ['a success in UTF-16 that nobody announces, and cut', Buffer.from(` ${mail.slice(0, -20)}`, 'utf16le')],
    ['the answer of another operation', other],
    ['an empty Body', soap('')],
    ['a multipart body without an envelope', '--b\r\n\r\nAAA', 'multipart/related; boundary=b'],
  ])('%s is unknown under any status that is no success: the CAS got the command', (_name, body, type = 'text/xml') => {
    for (const status of [302, 400, 401, 403, 404, 405, 407, 408, 410, 421, 429]) {
      const answer = answerTo(body, status, type, 'SEND_MAIL_MESSAGE_TO_CLIENT');
      expect(said(answer)).toBe('unknown CAS_ANSWER_UNREADABLE');
      expect(answer).toMatchObject({ description: expect.stringContaining(`HTTP ${status}, `) as string });
    }
    expect(said(answerTo(body, 503, type, 'SEND_MAIL_MESSAGE_TO_CLIENT'))).toBe('unknown CAS_SERVER_ERROR');
  });

  it('without SOAP the status decides', () => {
    const page = `<!DOCTYPE html>\n<html>you sent: ${mail}</html>`;
    for (const body of ['', '<html>no such page</html>', page, '{"error":"no route"}']) {
      expect(said(answerTo(body, 404))).toBe('not-sent CAS_ENDPOINT_WRONG');
      expect(said(answerTo(body, 302))).toBe('not-sent CAS_ENDPOINT_WRONG');
      expect(said(answerTo(body, 400))).toBe('refused HTTP_400');
    }
  });

  it('503 is a gateway that did nothing unless there may be SOAP in the body', () => {
    for (const body of ['', ' \r\n', '<html>backend died</html>', '{"error":"no upstream"}']) {
      expect(said(answerTo(body, 503))).toBe('not-sent CAS_UNAVAILABLE');
    }
    expect(said(answerTo(okAnswer().slice(0, -9), 503))).toBe('unknown CAS_SERVER_ERROR');
    expect(said(answerTo(Buffer.from(okAnswer().slice(0, -9), 'utf16le'), 503))).toBe('unknown CAS_SERVER_ERROR');
    expect(said(answerTo('<html>backend died</html>', 502))).toBe('unknown CAS_SERVER_ERROR');
  });
});

describe('a status code of success counts only if nothing in the answer contradicts it', () => {
  const ok = '<StatusCode>OK</StatusCode>';
  const xsi = 'xmlns:i="http://www.w3.org/2001/XMLSchema-instance"';
  const inHeader = (header: string): string => okAnswer().replace('<s:Body>', `<s:Header>${header}</s:Header><s:Body>`);
  const inside = '<s:Fault><faultcode>s:Server</faultcode></s:Fault>';
  const relates = (id: string): string =>
    inHeader(`<w:RelatesTo xmlns:w="http://www.w3.org/2005/08/addressing">${id}</w:RelatesTo>`);

  it.each([
    ['an element in it', okAnswer().replace(ok, '<StatusCode><Prefix>NOT_</Prefix>OK</StatusCode>')],
    ['nil on it', okAnswer().replace(ok, `<StatusCode ${xsi} i:nil="true">OK</StatusCode>`)],
    ['another code in another namespace', okAnswer().replace(ok, `${ok}<StatusCode xmlns="urn:o">NO</StatusCode>`)],
    ['another code at another depth', okAnswer().replace(ok, `${ok}<Result><StatusCode>NO</StatusCode></Result>`)],
    ['a Fault in the answer', okAnswer().replace(ok, ok + inside)],
    ['a Fault in the Header', inHeader(inside)],
  ])('%s makes it unreadable', (_what, body) => {
    expect(said(answerTo(body))).toBe('unknown CAS_ANSWER_UNREADABLE');
  });

  it('the same code again does not', () => {
    expect(said(answerTo(okAnswer().replace(ok, `${ok}<Result>${ok}</Result>`)))).toBe('accepted');
  });

  it('nor does RelatesTo, unless it names another message than the template sent', () => {
    const command = commands.ADD_SUBSCRIPTIONS;
    const uses = new Map([...command.template.uses, ['messageId', 1]] as const);
    const sends = { ...command, template: { ...command.template, uses } };
    const own = '2f1b6f5e-0000-4000-8000-000000000001';
    const answer = (to: typeof command, body: string): string =>
      said(
        classify(to, null, { kind: 'answered', status: 200, contentType: 'text/xml', body: Buffer.from(body) }, own),
      );
    expect(answer(sends, relates(`urn:uuid:${own}`))).toBe('accepted');
    expect(answer(sends, relates('http://www.w3.org/2005/08/addressing/unspecified'))).toBe('accepted');
    expect(answer(sends, relates('urn:uuid:other'))).toBe('unknown CAS_ANSWER_UNREADABLE');
    expect(answer(command, relates('urn:uuid:other'))).toBe('accepted');
  });
});

describe('a Fault', () => {
  it.each([
    ['<faultcode>s:Server</faultcode><faultstring>SYSTEM_ERROR</faultstring>', 'try-later SYSTEM_ERROR'],
    ['<faultstring> CLIENT_NOT_FOUND. </faultstring>', 'refused CLIENT_NOT_FOUND'],
    ['<faultstring>CLIENT_NOT_FOUND: no such card</faultstring>', 'refused CLIENT_NOT_FOUND'],
    ['<faultstring>SYSTEM_ERROR - call us</faultstring>', 'try-later SYSTEM_ERROR'],
    ['<faultstring>FailedAuthentication</faultstring>', 'not-authorised CAS_NOT_AUTHORISED'],
    ['<faultstring>client: CLIENT_NOT_FOUND.</faultstring>', 'refused SOAP_FAULT'],
    ['<faultstring>SYSTEM_ERROR happens</faultstring>', 'try-later SYSTEM_ERROR'],
    ['<faultstring>it says SYSTEM_ERROR</faultstring>', 'refused SOAP_FAULT'],
    ['<faultstring>bad text "news: FailedAuthentication"</faultstring>', 'refused SOAP_FAULT'],
    [
      '<faultcode>s:Server</faultcode><faultstring>database down</faultstring><detail>at StatusCode.valueOf(CLIENT_NOT_FOUND)</detail>',
      'try-later SOAP_SERVER_FAULT',
    ],
    [
      '<faultstring>no</faultstring><detail><x:e xmlns:x="y"><x:c>FEATURE_NOT_AVAILABLE</x:c></x:e></detail>',
      'refused FEATURE_NOT_AVAILABLE',
    ],
    ['<faultcode>CLIENT_NOT_MANAGED_BY_SMS</faultcode>', 'refused CLIENT_NOT_MANAGED_BY_SMS'],
    ['<faultcode>x:FEATURE_NOT_AVAILABLE</faultcode>', 'refused FEATURE_NOT_AVAILABLE'],
    ['<faultcode>s:Server</faultcode><faultstring>out of cheese</faultstring>', 'try-later SOAP_SERVER_FAULT'],
    ['<faultcode>Server.Database</faultcode>', 'try-later SOAP_SERVER_FAULT'],
    ['<faultcode>s:Client</faultcode><faultstring>Server</faultstring>', 'refused SOAP_FAULT'],
    ['<faultstring>MY_CLIENT_NOT_FOUND_CODE</faultstring>', 'refused SOAP_FAULT'],
    ['<faultstring>out of cheese</faultstring>', 'refused SOAP_FAULT'],
    ['', 'refused SOAP_FAULT'],
  ])('%s is %s', (content, expected) => {
    for (const status of [200, 400, 404, 500, 503]) expect(said(answerTo(fault(content), status))).toBe(expected);
  });

  it('takes the code in the detail before one in the text', () => {
    const both = '<faultstring>SYSTEM_ERROR</faultstring><detail>CLIENT_NOT_FOUND</detail>';
    expect(said(answerTo(fault(both)))).toBe('refused CLIENT_NOT_FOUND');
  });

  it('keeps what it says for people', () => {
    const answer = answerTo(fault('<faultcode>s:Client</faultcode><faultstring>out of cheese</faultstring>'));
    expect(answer).toMatchObject({ description: 's:Client: out of cheese', review: true });
  });

  it('that repeats the text of a message decides nothing by a word of it', () => {
    for (const word of ['SYSTEM_ERROR', 'FailedAuthentication']) {
      const echo = fault(`<faultcode>s:Client</faultcode><faultstring>cannot send "${word}: call us"</faultstring>`);
      const answer = answerTo(echo, 500, 'text/xml', 'SEND_MAIL_MESSAGE_TO_CLIENT');
      expect(said(answer)).toBe('refused SOAP_FAULT');
      expect(answer).toMatchObject({ review: true });
    }
  });

  it('that blames the server is final for a message, which nobody may send twice by chance', () => {
    const blames = fault('<faultcode>s:Server</faultcode><faultstring>out of cheese</faultstring>');
    const answer = answerTo(blames, 500, 'text/xml', 'SEND_MAIL_MESSAGE_TO_CLIENT');
    expect(said(answer)).toBe('refused SOAP_FAULT');
  });
});

describe('what is read strictly', () => {
  const inner = okAnswer().replace(/^.*<s:Body>|<\/s:Body>.*$/g, '');
  it.each([
    ['two status codes', okAnswer().replace('<Message>', '<StatusCode>OK</StatusCode><Message>')],
    ['no status code', okAnswer().replace(/<StatusCode>.*<\/StatusCode>/, '')],
    ['an empty status code', okAnswer('AddSubscriptions', 'authorization', '')],
    ['a status code of another namespace', okAnswer().replace('<StatusCode>', '<StatusCode xmlns="urn:x">')],
    ['two elements in the body', soap(inner + inner)],
    ['two bodies', okAnswer().replace('</s:Body>', '</s:Body><s:Body/>')],
    [
      'an envelope of SOAP 1.2',
      okAnswer().replace('http://schemas.xmlsoap.org/soap/envelope/', 'http://www.w3.org/2003/05/soap-envelope'),
    ],
    ['the answer of another operation', okAnswer('CancelSubscriptions')],
    ['text beside the elements', okAnswer().replace('<s:Body>', '<s:Body>hello')],
    ['an undeclared prefix', okAnswer().replace('xmlns:a=', 'xmlns:b=')],
    [
      'an entity of its own',
      `<!DOCTYPE x [<!ENTITY ok "OK">]>${okAnswer('AddSubscriptions', 'authorization', '&ok;')}`,
    ],
    ['a document type alone', `<!DOCTYPE html>${okAnswer()}`],
    ['a charset that does not exist', okAnswer(), 'text/xml; charset=klingon'],
  ])('%s makes the outcome unknown', (_name, body, contentType = 'text/xml; charset=utf-8') => {
    expect(said(answerTo(body, 200, contentType))).toBe('unknown CAS_ANSWER_UNREADABLE');
  });

  it.each([
    ['an envelope with a header', okAnswer().replace('<s:Body>', '<s:Header><x xmlns="urn:x"/></s:Header><s:Body>')],
    ['elements that a newer CAS adds', okAnswer().replace('<Message>', '<Newer><State>NO</State></Newer><Message>')],
    ['white space and comments', `<?xml version="1.0"?>\n<!-- hello -->${okAnswer().replaceAll('><', '>\n  <')}`],
    ['UTF-16 that says so', Buffer.from(okAnswer(), 'utf16le'), 'text/xml; charset=utf-16le'],
    ['UTF-16 with a byte order mark and no charset', Buffer.from(`\uFEFF${okAnswer()}`, 'utf16le'), 'text/xml'],
    ['UTF-16 of the other byte order', Buffer.from(`\uFEFF${okAnswer()}`, 'utf16le').swap16(), 'text/xml'],
    ['UTF-16 without a mark', Buffer.from(okAnswer(), 'utf16le').swap16(), 'text/xml; charset=utf-16'],
    ['UTF-16 that the header calls UTF-8', Buffer.from(`\uFEFF${okAnswer()}`, 'utf16le')],
    [
      'UTF-8 with a byte order mark and no charset',
      Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), Buffer.from(okAnswer())]),
      'text/xml',
    ],
    [
      'a charset that only the XML declaration names',
      Buffer.from(`<?xml version="1.0" encoding="ISO-8859-1"?>${okAnswer()}`.replace('done', 'né'), 'latin1'),
      'text/xml',
    ],
  ])('%s does not', (_name, body, contentType = 'text/xml; charset=utf-8') => {
    expect(said(answerTo(body, 200, contentType))).toBe('accepted');
  });
});

describe('what the questions bring back', () => {
  function lists(cards: readonly string[], boxes: readonly string[]): string {
    const list = (name: string, ids: readonly string[]): string =>
      `<${name}s xmlns="http://www.conax.com/cas/xsd/pairing/v1">${ids.map((id) => `<${name}>${id}</${name}>`).join('')}</${name}s>`;
    return okAnswer('GetPairingStatusForCard', 'pairing').replace(
      '</a:',
      `${list('CaClientId', cards)}${list('PairingModuleId', boxes)}</a:`,
    );
  }
  const pairingIn = (body: string): unknown => {
    const answer = answerTo(body, 200, 'text/xml', 'GET_PAIRING_STATUS_FOR_CARD');
    return answer.kind === 'accepted' ? answer.pairing : answer;
  };

  it('a pairing with all its cards and set-top boxes', () => {
    expect(pairingIn(lists(['01', '02'], ['A', 'B']))).toEqual({ smartcards: ['01', '02'], setTopBoxes: ['A', 'B'] });
  });

  it('no pairing: empty lists, whether the lists are empty or missing', () => {
    expect(pairingIn(lists([], []))).toEqual({ smartcards: [], setTopBoxes: [] });
    expect(pairingIn(okAnswer('GetPairingStatusForCard', 'pairing'))).toEqual({ smartcards: [], setTopBoxes: [] });
  });

  it('an answer that names only the others is completed with the card that was asked about', () => {
    expect(pairingIn(lists([], ['A']))).toEqual({ smartcards: ['01'], setTopBoxes: ['A'] });
  });

  it('and is null for a command that is no question', () => {
    expect(answerTo(okAnswer())).toEqual({
      kind: 'accepted',
      referenceNumber: null,
      activeServices: null,
      pairing: null,
    });
  });
});

describe('a Fault', () => {
  it('may have its code in an attribute', () => {
    const detail = '<detail><e:error xmlns:e="urn:e" code="CLIENT_NOT_FOUND" message="no such card"/></detail>';
    expect(answerTo(fault('<faultcode>s:Client</faultcode>', detail), 500)).toMatchObject({
      kind: 'refused',
      code: 'CLIENT_NOT_FOUND',
      description: 's:Client: CLIENT_NOT_FOUND no such card',
    });
  });

  it('of another SOAP version than the request counts, and says so', () => {
    const other = fault('<faultstring>1.2 only</faultstring>').replace(
      'http://schemas.xmlsoap.org/soap/envelope/',
      'http://www.w3.org/2003/05/soap-envelope',
    );
    expect(answerTo(other, 500)).toMatchObject({
      code: 'SOAP_FAULT',
      description: expect.stringMatching(
        /^1\.2 only \(a Fault of SOAP 1\.2; the request was SOAP 1\.1: look at/,
      ) as string,
    });
  });
});

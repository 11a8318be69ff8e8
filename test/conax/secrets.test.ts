import { createHash } from 'node:crypto';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createMask } from '../../src/platform/masking.ts';
import { defaultCasFile } from '../../src/conax-checks/cas-definition.ts';
import { add, type Change, changed } from '../conax-checks/changed-definition.ts';
import { type Cas, calls, http, listen, okAnswer, onRequests, openClient, said, soap, startCas } from './support.ts';

const password = 'open<sesame>&more';
let cas: Cas;
beforeEach(async () => {
  cas = await startCas({ username: 'crm', password }, { basicAuth: { username: 'crm', password } });
});
afterEach(() => cas.close());

/** A CAS that repeats the whole request, headers and all, in its answer, as error pages do. */
async function exchangeWithEcho(status: string): Promise<string> {
  const echo = await listen((socket) =>
    onRequests(socket, (request) => {
      const escaped = request.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
      const plain = Buffer.from(/Basic (\S+)/.exec(request)?.[1] ?? '', 'base64').toString();
      socket.write(
        http(
          `${soap(`<s:Fault><faultstring>${escaped}</faultstring></s:Fault>`)}<!-- ${request} ${plain} -->`,
          `HTTP/1.1 ${status}`,
        ),
      );
    }),
  );
  const client = await openClient(echo.url, { username: 'crm', password });
  const exchange = await client.call(calls.UPDATE_CA_PIN_TO_GIVEN_VALUE);
  await client.close();
  await echo.close();
  expect(exchange.responseBody).toContain('UpdateCaPinToGivenValue');
  return JSON.stringify(exchange);
}

describe('a secret is in no record of an exchange', () => {
  it('the PIN reaches the CAS, and the request is kept without it', async () => {
    const exchange = await cas.client.call(calls.UPDATE_CA_PIN_TO_GIVEN_VALUE);
    expect(said(exchange.answer)).toBe('accepted');
    expect(JSON.stringify(exchange)).not.toContain('4711');
    expect(exchange.requestBody).toContain('CaPin>****<');
    const [entry] = await cas.journal();
    expect(entry?.parameters).toEqual({
      smartcard: '00000000001',
      pinSha256: createHash('sha256').update('4711').digest('hex'),
    });
    expect(JSON.stringify(entry)).not.toContain('4711');
  });

  it.each(['200 OK', '500 Internal Server Error', '400 Bad Request'])(
    'neither PIN nor password is kept where the CAS echoes them with %s',
    async (status) => {
      const record = await exchangeWithEcho(status);
      expect(record).not.toContain('4711');
      expect(record).not.toContain(Buffer.from(`crm:${password}`).toString('base64'));
      expect(record).not.toContain(password);
      expect(record).not.toContain('sesame');
    },
  );

  it.each([
    ['by numbers', 'open&#38;#60;sesame&#38;#62;&#38;#38;more'],
    ['by hexadecimal numbers', 'open&#x26;#x3C;sesame&#X26;#62;&#x26;#38;more'],
    ['by numbers and names', 'open&#38;lt;sesame&#38;gt;&amp;#38;more'],
    ['twice', 'open&#38;#38;#60;sesame&amp;#38;gt;&#38;amp;#38;more'],
  ])('a password is masked if the CAS escapes our references once more, %s', (_how, echoed) => {
    expect(createMask([password])(`before ${echoed} after`)).toBe('before **** after');
  });

  it.each([
    ['a part of it by chance', '0fbde41a-1b2c-4d3e-8f90-a1b2c3d4e5f6', 'e41', true],
    ['a word of it', 'sms:e41', 'e41', false],
    ['a long part of it', '0fbd5f6a-1b2c-4d3e-8f90-a1b2c3d4e5f6', 'a1b2c3d4', false],
  ])('a reference number stays unless it gives the password away: %s', async (_how, reference, own, isKept) => {
    const answer = okAnswer().replace('<Message>', `<ReferenceNumber>${reference}</ReferenceNumber><Message>`);
    const server = await listen((socket) => onRequests(socket, () => socket.end(http(answer))));
    const client = await openClient(server.url, { username: 'sms', password: own });
    const exchange = await client.call(calls.ADD_SUBSCRIPTIONS);
    await client.close();
    await server.close();
    expect(exchange.answer).toMatchObject({ kind: 'accepted', referenceNumber: isKept ? reference : null });
    expect(exchange.responseBody).not.toContain(own);
  });

  it.each(['k\u00E4se/"Brot" 9\\dd', 's3cret', 'Abcd'])('nothing else is taken for the password %s', (own) => {
    const others = [
      '<Id>0fbd5f6a-1b2c-4d3e-8f90-a1b2c3d4e5f6</Id><Code>41 62 63</Code><Text>=C3=A4 \\303\\244 &#195;</Text>',
      'products 61, 62, 63, 64 of C:\\cas\\141 at 2026-01-31T20:00:00Z; S3 cre t; K\u00E4se; abc d',
    ];
    for (const text of others) expect(createMask([own])(text)).toBe(text);
  });

  type Written = [how: string, before: string, write: (own: string) => string, type?: string];
  const bytesOf = (text: string, write: (byte: number) => string): string =>
    Array.from(Buffer.from(text), write).join('');
  const quotedPrintable = (text: string): string =>
    bytesOf(text, (byte) =>
      byte > 32 && byte < 127 && byte !== 61
        ? String.fromCharCode(byte)
        : `=${byte.toString(16).toUpperCase().padStart(2, '0')}`,
    );
  const wrapped = (text: string): string => Buffer.from(text).toString('base64').replaceAll(/.{76}/g, '$&\r\n');
  const ways: Written[] = [
    ['in base64 after letters of a path', 'http://x/auth/', (own: string) => Buffer.from(own).toString('base64')],
    ...[0, 1, 2].map((shift): Written => [
      `in base64 of a message in lines, ${shift} bytes shifted`,
      '',
      (own: string) => wrapped(`${'x'.repeat(50 + shift)}${own}</Password>`),
    ]),
    ['in base64 of lines that XML wrote', '', (own: string) => wrapped('x'.repeat(50) + own).replaceAll('\r', '&#13;')],
    ['percent-encoded', 'pw=', encodeURIComponent],
    ['in quoted-printable', '', quotedPrintable],
    ['in quoted-printable in lines', '', (own: string) => quotedPrintable(own).replaceAll(/(=..|[^=])/g, '$1=\r\n')],
    ['in octal', '', (own: string) => bytesOf(own, (byte) => `\\${byte.toString(8).padStart(3, '0')}`)],
    [
      'in hexadecimal with blanks',
      '',
      (own: string) => bytesOf(own, (byte) => `${byte.toString(16).padStart(2, '0')} `),
    ],
    [
      'in hexadecimal like a program',
      '',
      (own: string) => bytesOf(own, (byte) => `0x${byte.toString(16).padStart(2, '0')}, `),
    ],
    ['in UTF-8 that was read as Latin-1', '', (own: string) => Buffer.from(own).toString('latin1')],
    ['in that as references', '', (own: string) => bytesOf(own, (byte) => `&#${byte};`)],
    ['as a form', 'pw=', (own: string) => new URLSearchParams({ own }).toString().slice(4)],
    ['in JSON', '', (own: string) => JSON.stringify(own)],
    ['in JSON with slashes escaped', '', (own: string) => JSON.stringify(own).replaceAll('/', String.raw`\/`)],
    ['in UTF-16 that nobody announces', 'error ', (own: string) => own.replaceAll(/[^]/g, '$&\0')],
    ['in UTF-8 that is called UTF-16', '', (own: string) => own, 'text/plain; charset=utf-16'],
  ];
  it.each(ways)('nor is the password %s', async (_how, before, write, type = 'text/plain; charset=utf-8') => {
    for (const own of ['k\u00E4se/"Brot" 9\\dd', 'open sesame now']) {
      const written = write(own);
      const body = `${before}${written}`;
      const server = await listen((socket) =>
        onRequests(socket, () => socket.end(http(body, `HTTP/1.1 500 x\r\ncontent-type: ${type}`))),
      );
      const client = await openClient(server.url, { username: 'sms', password: own });
      const { responseBody } = await client.call(calls.ADD_SUBSCRIPTIONS);
      await client.close();
      await server.close();
      expect(responseBody).toContain('****');
      for (const part of written
        .replaceAll('\0', '')
        .split(/[\r\n]+|[?]+/)
        .filter((one) => one.length > 11))
        expect(responseBody).not.toContain(part);
    }
  });

  it('nor in the address that is kept', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'conax-'));
    await cp(dirname(defaultCasFile), directory, { recursive: true });
    const mappingFile = join(directory, 'conax.json');
    const text = await readFile(mappingFile, 'utf8');
    await writeFile(
      mappingFile,
      text.replace('"/authorization"', '"/authorization?user=crm&password=s3cr3t-Passw0rd"'),
    );
    const server = await listen((socket) => onRequests(socket, () => socket.end(http(okAnswer()))));
    const client = await openClient(server.url, { mappingFile, username: 'crm', password: 's3cr3t-Passw0rd' });
    const { url } = await client.call(calls.ADD_SUBSCRIPTIONS);
    await client.close();
    await server.close();
    await rm(directory, { recursive: true });
    expect(url).toBe(`${server.url}/authorization?user=crm&password=****`);
  });

  it.each(['as it is', 'in base64', 'in references'])(
    'nor is a constant of a template or a path whose name is that of a secret, if the CAS echoes it %s',
    async (how) => {
      const write = (own: string): string => {
        if (how === 'in base64') return Buffer.from(own).toString('base64');
        return how === 'as it is' ? own : Array.from(own, (one) => `&#${one.codePointAt(0)};`).join('');
      };
      const changes: readonly Change[] = [
        [add, '<soap:Body>', '<soap:Header><ApiKey>s3cond-Secret</ApiKey></soap:Header><soap:Body>'],
        ['conax.json', '"/authorization"', '"/authorization?key=x&secret=th1rd"'],
      ];
      let sent = '';
      const server = await listen((socket) =>
        onRequests(socket, (request) => {
          sent = request;
          socket.end(http(`${write('s3cond-Secret')} and ${write('th1rd')}`, 'HTTP/1.1 400 x'));
        }),
      );
      const client = await openClient(server.url, { mappingFile: changed(changes), username: 'sms', password: 'own' });
      // The CAS may have it from another command.
      for (const command of [calls.ADD_SUBSCRIPTIONS, calls.UPDATE_CA_PIN_TO_DEFAULT_VALUE]) {
        const exchange = await client.call(command);
        expect(exchange.responseBody).toBe('**** and ****');
        expect(JSON.stringify(exchange)).not.toMatch(/s3cond|th1rd/);
      }
      const { requestBody, url } = await client.call(calls.ADD_SUBSCRIPTIONS);
      await client.close();
      await server.close();
      expect(sent).toMatch(/^POST \/authorization\?key=x&secret=th1rd .*<ApiKey>s3cond-Secret<\/ApiKey>/s);
      expect(requestBody).toContain('<ApiKey>****</ApiKey>');
      expect(url).toMatch(/\/authorization\?key=x&secret=\*{4}$/);
    },
  );

  it.each<[code: string, list: string, declared: string, shown: string]>([
    ['1234', 'refused', '1234', 'refused 1234'],
    ['E-1234', 'refused', 'E-1234', 'refused E-1234'],
    ['1234', 'tryLater', '1234', 'try-later 1234'],
    ['1234', 'refused', '1235', 'refused ****'],
    ['1235', 'refused', '1236', 'refused ****'],
  ])('with the PIN 1234 the code %s of a CAS that has %s %s shows as "%s"', async (code, list, declared, shown) => {
    const answer = okAnswer('UpdateCaPinToGivenValue', 'ca-pin', code);
    const server = await listen((socket) => onRequests(socket, () => socket.end(http(answer))));
    const mappingFile = changed([['conax.json', `"${list}": [`, `"${list}": ["${declared}", `]]);
    const client = await openClient(server.url, { mappingFile, username: 'sms', password: '1234' });
    const exchange = await client.call({ ...calls.UPDATE_CA_PIN_TO_GIVEN_VALUE, pin: '1234' });
    await client.close();
    await server.close();
    expect(said(exchange.answer)).toBe(shown);
    expect(exchange.responseBody).toMatch(/StatusCode>(?:E-)?\*{4}</);
  });

  it.each(['4711', '9999'])('a code of notAuthorised is readable, whether or not it is the PIN %s', async (pin) => {
    const answer = okAnswer('UpdateCaPinToGivenValue', 'ca-pin', '4711');
    const server = await listen((socket) => onRequests(socket, () => socket.end(http(answer))));
    const mappingFile = changed([['conax.json', '"success": ["OK"]', '"success": ["OK"], "notAuthorised": ["4711"]']]);
    const client = await openClient(server.url, { mappingFile });
    const exchange = await client.call({ ...calls.UPDATE_CA_PIN_TO_GIVEN_VALUE, pin });
    await client.close();
    await server.close();
    expect(exchange.answer).toMatchObject({
      kind: 'not-authorised',
      description: 'the CAS refuses the login with 4711: done; check user and password',
    });
  });

  it('our own description of a failure has the same digits whatever the PIN is', async () => {
    const silent = await listen(() => undefined);
    const client = await openClient(silent.url, { timeoutMs: 1_111 });
    const { answer } = await client.call({ ...calls.UPDATE_CA_PIN_TO_GIVEN_VALUE, pin: '1111' });
    await client.close();
    await silent.close();
    expect(answer).toMatchObject({ description: 'no whole answer came within 1111 ms' });
  });

  it('without its PIN the command is invalid and stays here', async () => {
    const { pin: _pin, ...withoutPin } = calls.UPDATE_CA_PIN_TO_GIVEN_VALUE;
    expect(said((await cas.client.call(withoutPin)).answer)).toBe('invalid PIN_MISSING');
    expect(await cas.journal()).toEqual([]);
  });

  it('a PIN that cannot be written is not in the message that says so', async () => {
    const exchange = await cas.client.call({ ...calls.UPDATE_CA_PIN_TO_GIVEN_VALUE, pin: '47\u000011' });
    expect(said(exchange.answer)).toBe('invalid COMMAND_NOT_ENCODABLE');
    expect(JSON.stringify(exchange)).not.toContain('11"');
    expect(exchange.requestBody).toBeNull();
  });
});

describe('HTTP Basic', () => {
  it('with the right password the CAS lets us in', async () => {
    expect(said((await cas.client.call(calls.ADD_SUBSCRIPTIONS)).answer)).toBe('accepted');
  });

  it('with a wrong one nothing is done, and a person is asked for', async () => {
    const stranger = await openClient(cas.url, { username: 'crm', password: 'guess' });
    expect(said((await stranger.call(calls.ADD_SUBSCRIPTIONS)).answer)).toBe('not-authorised CAS_NOT_AUTHORISED');
    await stranger.close();
    expect((await cas.journal()).map(({ statusCode, effect }) => [statusCode, effect])).toEqual([['HTTP_401', false]]);
  });
});

describe('what is kept of a body can be stored', () => {
  it('no NUL, no half surrogates, and no more than 64 Ki characters', async () => {
    const noisy = await listen((socket) =>
      onRequests(socket, () => socket.write(http(`\0${'\u00FF'.repeat(200_000)}`))),
    );
    const client = await openClient(noisy.url);
    const { responseBody } = await client.call(calls.ADD_SUBSCRIPTIONS);
    await client.close();
    await noisy.close();
    expect(responseBody).not.toContain('\0');
    expect(responseBody?.isWellFormed()).toBe(true);
    expect(responseBody?.length).toBeLessThan(65_600);
    expect(responseBody).toMatch(/more characters\)$/);
  });
});

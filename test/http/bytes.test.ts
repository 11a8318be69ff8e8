import { afterAll, beforeAll, expect, test } from 'vitest';
import { callsOf } from '../support/scene.ts';
import { BASE, OPERATIONS, refusal, startWebWorld, tellHousehold, type WebWorld } from '../web-api/support.ts';

let world: WebWorld;
const CARD = '37000000001';
const GREEK = 'Λήγει αύριο';
const MESSAGES = `${OPERATIONS}/utilities/messages`;

beforeAll(async () => {
  world = await startWebWorld();
  await tellHousehold(world, 'S1', CARD, []);
});
afterAll(() => world.close());

const bark = (message: string): string => JSON.stringify({ type: 'BARK', message, smartcard_ca_ids: [CARD] });
/** Greek letters are 0xC0-0xFE there. */
const iso7 = (text: string): Buffer =>
  Buffer.from(Array.from(text, (one) => (one.charCodeAt(0) < 128 ? one.charCodeAt(0) : one.charCodeAt(0) - 0x2d0)));
const utf16 = (text: string): Buffer => Buffer.from(text, 'utf16le');
const utf32 = (text: string): Buffer => {
  const words = Array.from(text, (one) => one.codePointAt(0) ?? 0);
  return Buffer.from(Uint32Array.from(words).buffer);
};

async function send(path: string, body: Buffer, type = 'application/json') {
  const headers = { 'content-type': type, authorization: `Bearer ${await world.token()}` };
  return await world.raw(path, { method: 'POST', headers, body: new Uint8Array(body) });
}

test.for<[string, Buffer, string, number, string, string]>([
  ['ISO-8859-7, not declared', iso7(bark(GREEK)), 'application/json', 400, 'TEXT_NOT_UTF8', 'byte 0xCB at offset 26'],
  [
    'ISO-8859-7, declared',
    iso7(bark(GREEK)),
    'application/json; charset=ISO-8859-7',
    415,
    'CONTENT_TYPE_NOT_SUPPORTED',
    'charset',
  ],
  [
    'declared in quotes',
    Buffer.from(bark('x')),
    'application/json;CHARSET="utf-16"',
    415,
    'CONTENT_TYPE_NOT_SUPPORTED',
    'charset',
  ],
  [
    'declared twice',
    Buffer.from(bark('x')),
    'application/json; charset=utf-8; charset=latin1',
    415,
    'CONTENT_TYPE_NOT_SUPPORTED',
    'charset',
  ],
  ['UTF-16', utf16(bark(GREEK)), 'application/json', 400, 'TEXT_NOT_UTF8', 'UTF-16'],
  ['UTF-16, the other end first', utf16(bark(GREEK)).swap16(), 'application/json', 400, 'TEXT_NOT_UTF8', 'UTF-16'],
  ['UTF-16 with a byte order mark', utf16(`\uFEFF${bark(GREEK)}`), 'application/json', 400, 'TEXT_NOT_UTF8', 'UTF-16'],
  ['UTF-32', utf32(bark(GREEK)), 'application/json', 400, 'TEXT_NOT_UTF8', 'UTF-32'],
  [
    'half a character at the end',
    Buffer.from('{"a":"\u00CE', 'latin1'),
    'application/json',
    400,
    'TEXT_NOT_UTF8',
    'offset 6',
  ],
  [
    'an overlong byte sequence',
    Buffer.from('{"a":"\u00C0\u00AF"}', 'latin1'),
    'application/json',
    400,
    'TEXT_NOT_UTF8',
    '0xC0',
  ],
  [
    'a surrogate in UTF-8',
    Buffer.from('{"a":"\u00ED\u00A0\u0080"}', 'latin1'),
    'application/json',
    400,
    'TEXT_NOT_UTF8',
    '0xED',
  ],
])('a body in %s is refused, and nothing is stored', async ([, body, type, status, code, named]) => {
  const paths = [
    MESSAGES,
    `${OPERATIONS}/queue`,
    `${OPERATIONS}/runs`,
    `${OPERATIONS}/schedules`,
    `${BASE}/authentication/token`,
    '/nothing',
  ];
  for (const path of paths) {
    expect(refusal(await send(path, body, type), named)).toEqual([status, code, named]);
  }
  expect(await world.db.query("select from request where command->>'type' like 'SEND_%'")).toEqual([]);
});

test('UTF-8 arrives on the screen as it was meant, declared or not, also after a byte order mark', async () => {
  for (const type of ['application/json', 'application/json; charset=utf-8', 'application/json;charset="UTF8"']) {
    expect(await send(MESSAGES, Buffer.from(bark(GREEK)), type)).toMatchObject({ status: 200 });
  }
  expect(await send(MESSAGES, Buffer.from(`\uFEFF${bark(GREEK)}`))).toMatchObject({ status: 200 });
  const shown = (await callsOf(world, CARD)).map(({ parameters }) => (parameters as { message?: string }).message);
  expect(shown.filter((text) => text !== undefined)).toEqual([GREEK, GREEK, GREEK, GREEK]);
});

test.for<[string, object | string, string]>([
  [
    'a text',
    { type: 'BARK', message: 'a\uD800b', smartcard_ca_ids: [CARD] },
    'message has half a surrogate pair (U+D800) as character 2',
  ],
  [
    'a text in a list',
    { type: 'BARK', message: 'x', smartcard_ca_ids: [CARD, '\uDC00'] },
    'smartcard_ca_ids[1] has half',
  ],
  ['the name of a member', { 'a\uD83D': 1 }, 'the name of a member of the body has half'],
  ['a field that is not known', { deep: { er: ['\uDFFF'] } }, 'deep.er[0] has half a surrogate pair (U+DFFF)'],
])('half a surrogate pair in %s is refused with its place', async ([, body, named]) => {
  const answer = await send(MESSAGES, Buffer.from(JSON.stringify(body)));
  expect(refusal(answer, named)).toEqual([400, 'PARAMETER_INVALID', named]);
});

test('a whole pair that was written as two escapes is taken', async () => {
  expect(await send(MESSAGES, Buffer.from(bark('x').replace('"x"', String.raw`"\ud83d\ude00"`)))).toMatchObject({
    status: 200,
  });
});

test('characters that are not seen do not stand raw in the sentence of an error', async () => {
  const answer = await send(MESSAGES, Buffer.from(JSON.stringify({ type: '\u202Egnp', 'na\u200Bme': 1 })));
  expect(answer.description).toContain('\\u{202e}gnp');
  expect(answer.description).not.toMatch(/[\u202E\u200B]/);
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createPinMask } from '../../src/platform/pin-masking.ts';

const PIN = '4711';
const NAMESPACE = 'http://www.conax.com/cas/xsd/common-types/v1';
const { text, code, reference } = createPinMask(PIN, [NAMESPACE, 'HTTP 500']);

const utf16 = (pin: string): Buffer => Buffer.from(pin, 'utf16le');
const WRITTEN: readonly (readonly [how: string, text: string])[] = [
  ['as it is', 'PIN 4711 is weak'],
  ['inside a longer number', 'card 00000471100 is blocked'],
  ['spaced out', 'PIN 4 7 1 1, 4-7-1-1 or 4.7.1.1'],
  ['in elements', '<d>4</d><d>7</d><d>1</d><d>1</d>'],
  ['as entities', '&#52;&#55;&#49;&#49; &#x34;&#x37;&#x31;&#x31;'],
  ['as entities of entities', '&amp;#52;&amp;#55;&amp;#49;&amp;#49;'],
  ['percent-encoded', '%34%37%31%31'],
  ['in escapes', String.raw`\u0034\u0037\u0031\u0031 \x34\x37\x31\x31`],
  ['full-width and Arabic', '４７１１ ٤٧١١'],
  ['as hexadecimal', `34373131 ${utf16(PIN).toString('hex')}`],
  ['as base64', `${Buffer.from(PIN).toString('base64')} ${utf16(PIN).toString('base64')}`],
  ['in base64 of a whole message', Buffer.from('<CaPin>4711</CaPin>').toString('base64')],
];

describe('of an answer to a command with a PIN', () => {
  it.each(WRITTEN)('no digit and no encoding of the PIN stays: %s', (_how, written) => {
    expect(text(written)).not.toMatch(/\p{N}/u);
    expect(text(written)).toContain('****');
    expect(text(written)).not.toContain('NDcxMQ');
  });

  it('words, namespaces and the HTTP status stay, so that the complaint can be read', () => {
    expect(text(`HTTP 500: <m xmlns="${NAMESPACE}">PIN 4711 is on the list of 20 weak ones</m>`)).toBe(
      `HTTP 500: <m xmlns="${NAMESPACE}">PIN **** is on the list of **** weak ones</m>`,
    );
    expect(text('<?xml version="1.0" encoding="UTF-8"?>')).toBe('<?xml version="1.0" encoding="UTF-8"?>');
  });

  it('what is left does not depend on the PIN, so it tells nothing about it', () => {
    const said = 'Card 00000004711 was refused at 10:47:11 on 2026-11-23 (code 12-34)';
    fc.assert(
      fc.property(fc.stringMatching(/^\d{4,8}$/), (pin) => {
        expect(createPinMask(pin, []).text(said)).toBe(text(said));
      }),
    );
  });

  it.each(['PIN_REJECTED', 'HTTP_471', 'SOAP_FAULT'])('code %s stays as it is', (said) => {
    expect(code(said)).toBe(said);
  });

  it('a code with other digits loses them', () => {
    expect(code('PIN_4711_WEAK')).toBe('PIN_****_WEAK');
    expect(code('E1042')).toBe('E****');
  });

  it('a code of characters that may be an encoding is masked', () => {
    expect(code('NA== Nw== MQ== MQ==')).toBe('****');
    expect(code(`E/${Buffer.from(PIN).toString('base64url')}`)).toBe('****');
  });

  it('a reference number keeps its digits, unless it holds the PIN', () => {
    expect(reference('0b8f2a1c-1111-4222-8333-444455556666')).toBe('0b8f2a1c-1111-4222-8333-444455556666');
    for (const [, written] of WRITTEN.filter(([how]) => how !== 'full-width and Arabic'))
      expect(reference(written)).toBeNull();
    for (const written of [
      '34 37 31 31',
      '34-37-31-31',
      '34:37:31:31',
      'NA== Nw== MQ== MQ==',
      '４７１１',
      '=34=37=31=31',
    ])
      expect(reference(written)).toBeNull();
    for (const letters of ['/', 'x-', 'ref_', 'abc/'])
      expect(reference(`${letters}${Buffer.from(PIN).toString('base64url')}`)).toBeNull();
    expect(reference(null)).toBeNull();
  });

  it('a PIN with letters is found however it is written', () => {
    const secret = createPinMask('AB$9', []);
    for (const written of ['AB$9', 'A B $ 9', '&#65;&#66;&#36;&#57;', 'ab$9', '%41%42%24%39', '41422439', 'QUIkOQ==']) {
      expect(secret.text(`PIN ${written}.`)).toBe('PIN ****.');
    }
  });
});

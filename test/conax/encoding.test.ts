import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { XmlDocument, XsdValidator } from 'libxml2-wasm';
import { xmlRegisterFsInputProviders } from 'libxml2-wasm/lib/nodejs.mjs';
import { createClientAsync } from 'soap';
import { beforeAll, describe, expect, it } from 'vitest';
import { buildBody } from '../../src/conax/body.ts';
import type { ConaxCall } from '../../src/conax/client.types.ts';
import { createEncoder, type Encode } from '../../src/conax/encoder.ts';
import { fieldValues, NotEncodable } from '../../src/conax/fields.ts';
import { defaultMappingFile, loadMapping, type Mapping } from '../../src/conax/mapping.ts';
import { guardedArguments } from '../../src/conax/guard.ts';
import { encodeByModel } from '../../src/conax/model-encoder.ts';
import { readSoapBody } from '../../src/conax/soap-envelope.ts';
import type { XmlElement } from '../../src/conax/xml.ts';
import type { CommandType } from '../../src/requests/command.ts';
import { call, calls, card, device, everyCommand } from './support.ts';

let mapping: Mapping;
let encode: Encode;
beforeAll(async () => {
  xmlRegisterFsInputProviders();
  mapping = await loadMapping(defaultMappingFile);
  encode = await createEncoder(mapping);
});

function xmlOf(type: CommandType, by: Encode = encode): string {
  return by(mapping.commands[type], fieldValues(calls[type]));
}

/** Throws where libxml2 finds the request's body against the XML schema of its area. */
function validate(type: CommandType, xml: string): void {
  const file = mapping.commands[type].wsdlFile.replace(/wsdl$/, 'xsd');
  using schema = XmlDocument.fromString(readFileSync(file, 'utf8'), { url: file });
  using validator = XsdValidator.fromDoc(schema);
  const namespaces = /<soap:Envelope([^>]*)>/.exec(xml)?.[1] ?? '';
  const body = (/<soap:Body>(.*)<\/soap:Body>/s.exec(xml)?.[1] ?? '').replace(
    /^<[\w:]+/,
    (start) => start + namespaces,
  );
  using document = XmlDocument.fromString(body.replaceAll(/ (xmlns:\w+="[^"]*")(?=.* \1)/g, ''));
  validator.validate(document);
}

describe('the request of each command', () => {
  it.each(everyCommand)('%s is the golden one', (type) => {
    const golden = readFileSync(join(import.meta.dirname, 'golden', `${type}.xml`), 'utf8').trimEnd();
    expect(xmlOf(type)).toBe(golden);
  });

  it.each(everyCommand)('%s fits the XML schema, as libxml2 reads it', (type) => {
    expect(() => validate(type, xmlOf(type))).not.toThrow();
    expect(() => validate(type, xmlOf(type, encodeByModel))).not.toThrow();
    // The check is worth something only if it can fail.
    expect(() =>
      validate(type, xmlOf(type).replaceAll('CaClientId>', 'CaClientNumber>').replaceAll('PairingModuleId>', 'X>')),
    ).toThrow(/[Ee]lement/);
  });

  it.each(everyCommand)('%s is what the package soap itself would send', async (type) => {
    const command = mapping.commands[type];
    const sent: string[] = [];
    const client = await createClientAsync(command.wsdlFile, {
      disableCache: true,
      httpClient: {
        request: (_url, data: unknown, callback) => {
          sent.push(String(data));
          callback(new Error('only looking'));
          return new Promise<never>(() => undefined);
        },
      },
    });
    const method = (client as unknown as Record<string, (body: object) => Promise<unknown>>)[
      `${command.operation}Async`
    ];
    const plain = { ...calls[type], command: { ...calls[type].command } };
    if ('message' in plain.command) Object.assign(plain.command, { message: 'plain' });
    const values = fieldValues(plain);
    await method?.call(client, guardedArguments(buildBody(command, values), command.input, '')).catch(() => undefined);
    const bodyOf = (xml: string | undefined): string | undefined => /<soap:Body>.*<\/soap:Body>/s.exec(xml ?? '')?.[0];
    expect(bodyOf(encode(command, values))).toBe(bodyOf(sent[0]));
  });
});

describe('a text', () => {
  function messageIn(xml: string): string {
    const find = (element: XmlElement): string | undefined =>
      element.name === 'Message'
        ? element.text
        : element.children.map((child) => find(child)).find((text) => text !== undefined);
    return find(readSoapBody(xml).content) ?? '';
  }

  const refused = Symbol('refused');
  function arrivesAs(write: () => string): string | symbol {
    try {
      return messageIn(write());
    } catch (error) {
      if (error instanceof NotEncodable) return refused;
      throw error;
    }
  }

  it('of any kind arrives exactly as it was, or is refused before it leaves', () => {
    const anyText = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 60 }),
      fc.string({
        unit: fc.constantFrom(
          '<',
          '>',
          '&',
          '"',
          "'",
          ']',
          '\r',
          '\n',
          '\t',
          ' ',
          '\0',
          '\u001F',
          '\u0085',
          '\u2028',
          '\uD800',
          '\uDC00',
          '\uFFFE',
          '\uFFFF',
          'é',
          '😀',
          '&amp;',
          ']]>',
          '<![CDATA[',
          '<!--',
          '$&',
          '$xml',
          '{{x}}',
        ),
      }),
    );
    const seen = { whole: 0, refused: 0 };
    fc.assert(
      fc.property(anyText, (message) => {
        const values = fieldValues(
          call({
            type: 'SEND_MAIL_MESSAGE_TO_CLIENT',
            smartcard: device(card),
            message,
            startAt: 0,
            queueNumber: null,
          }),
        );
        const fits = /^(?:[\t\n\r\u0020-\uD7FF\uE000-\uFFFD]|[\u{10000}-\u{10FFFF}])*$/u.test(message);
        for (const by of [encode, encodeByModel]) {
          expect(arrivesAs(() => by(mapping.commands.SEND_MAIL_MESSAGE_TO_CLIENT, values))).toBe(
            fits ? message : refused,
          );
        }
        seen[fits ? 'whole' : 'refused']++;
      }),
      { numRuns: 5_000 },
    );
    expect(Math.min(seen.whole, seen.refused)).toBeGreaterThan(500);
  });

  it('that is not encodable is named with its place, and its character is not', () => {
    const bad = call({ type: 'ADD_SUBSCRIPTIONS', smartcard: `0\u0001`, service: device('1') });
    expect(() => encode(mapping.commands.ADD_SUBSCRIPTIONS, fieldValues(bad))).toThrow(
      'AddSubscriptions/AddSubscriptionsRequest/CaClientIds/CaClientId: has a character that XML cannot carry',
    );
  });
});

describe('numbers and times', () => {
  function fingerprint(changed: { slot?: number; displayAt?: number }): ConaxCall {
    return { ...calls.DISPLAY_FINGERPRINT, command: { ...calls.DISPLAY_FINGERPRINT.command, ...changed } };
  }

  it.each([Number.NaN, Infinity, 1.5])('%s is no whole number and is refused', (slot) => {
    const bad = fingerprint({ slot });
    expect(() => fieldValues(bad)).toThrow(NotEncodable);
  });

  it.each([Number.NaN, 8.64e15, -1e14])('%s is no time that XML can write and is refused', (displayAt) => {
    const bad = fingerprint({ displayAt });
    expect(() => fieldValues(bad)).toThrow(NotEncodable);
  });

  it('times go out in UTC, with milliseconds only where there are any', () => {
    const at = (displayAt: number): unknown => fieldValues(fingerprint({ displayAt }))['displayAt'];
    expect(at(Date.UTC(2026, 0, 2, 3, 4, 5))).toBe('2026-01-02T03:04:05Z');
    expect(at(Date.UTC(2026, 0, 2, 3, 4, 5, 67))).toBe('2026-01-02T03:04:05.067Z');
  });
});

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { parseTemplate } from '../../src/conax-checks/template-parser.ts';
import type { ConaxCall } from '../../src/conax/client.types.ts';
import { fieldValues, monthsLater } from '../../src/conax/fields.ts';
import { type FieldValues, NotEncodable, render } from '../../src/conax/template.ts';
import type { CommandType } from '../../src/planning/command.ts';
import { readSoapBody } from '../../src/soap/envelope.ts';
import { messageLimits, readXml, type XmlElement } from '../../src/soap/xml.ts';
import { call, calls, card, device, everyCommand, ownCommands } from './support.ts';

let commands: Awaited<ReturnType<typeof ownCommands>>;
beforeAll(async () => {
  commands = await ownCommands();
});

const source = {
  now: Date.UTC(2026, 0, 31, 12),
  messageId: '00000000-0000-4000-8000-000000000001',
  username: 'crm',
  password: 'sesame',
  entitlementMonths: 0,
};

function valuesOf(one: ConaxCall, changed: Partial<typeof source> = {}): FieldValues {
  return fieldValues(one, { ...source, ...changed });
}

function xmlOf(one: ConaxCall, changed: Partial<typeof source> = {}): string {
  return render(commands[one.command.type].template, valuesOf(one, changed));
}

/** What a document says, however it is written: prefixes and white space between elements do not count. */
function meaningOf({ ns, name, attributes, children, text }: XmlElement): unknown {
  const content = children.length === 0 ? text : children.map(meaningOf);
  return [`{${ns}}${name}`, attributes, content];
}

describe('the request of each command', () => {
  it.each(everyCommand)('%s says what the golden one says', (type) => {
    const golden = readFileSync(join(import.meta.dirname, 'golden', `${type}.xml`), 'utf8');
    const meant = (xml: string): unknown => meaningOf(readXml(xml, messageLimits));
    expect(meant(xmlOf(calls[type]))).toEqual(meant(golden));
  });

  it('has no line breaks between its elements, which would be stored with every attempt', () => {
    for (const type of everyCommand) expect(xmlOf(calls[type])).not.toContain('\n');
  });

  it('a list that is empty leaves out the element around it', () => {
    const onlyBoxes = { ...calls.ADD_TO_EXISTING_PAIRING.command, smartcards: [] } as ConaxCall['command'];
    expect(xmlOf(call(onlyBoxes))).not.toContain('CaClientIds');
    expect(xmlOf(call(onlyBoxes))).toContain('<area:PairingModuleId>STB3</area:PairingModuleId>');
  });
});

/** Renders a template of one element in the Body for a command. */
function rendered(type: CommandType, body: string, values: FieldValues): string {
  const mistakes: string[] = [];
  const envelope = `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>${body}</s:Body></s:Envelope>`;
  const template = parseTemplate('a.xml', envelope, type, (_file, line, problem) =>
    mistakes.push(`${line}: ${problem}`),
  );
  if (template === null) throw new Error(mistakes.join('\n'));
  return render(template, values);
}

describe('a text', () => {
  const refused = Symbol('refused');
  function arrivesAs(message: string): unknown {
    const values = valuesOf(
      call({ type: 'SEND_MAIL_MESSAGE_TO_CLIENT', smartcard: device(card), message, startAt: 0, queueNumber: null }),
    );
    const body = `<t a="{{message}}" b='{{message}}'>{{#message}}{{message}}{{/message}}<u>{{message}}</u></t>`;
    try {
      const { content } = readSoapBody(rendered('SEND_MAIL_MESSAGE_TO_CLIENT', body, values));
      return [content.attributes['a'], content.attributes['b'], content.text, content.children[0]?.text];
    } catch (error) {
      if (error instanceof NotEncodable) return refused;
      throw error;
    }
  }

  it('of any kind, in any place, arrives exactly as it was, or is refused before it leaves', () => {
    const anyText = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 60 }),
      fc.string({
        // prettier-ignore
        unit: fc.constantFrom(
          '<', '>', '&', '"', "'", ']', '\r', '\n', '\t', ' ', '\0', '\u001F', '\u0085', '\u2028', '\uD800', '\uDC00',
          '\uFFFE', '\uFFFF', 'é', '😀', '&amp;', ']]>', '<![CDATA[', '<!--', '$&', '$xml', '{{x}}', '{{{', '{{=<% %>=}}',
        ),
      }),
    );
    const seen = { whole: 0, refused: 0 };
    fc.assert(
      fc.property(anyText, (message) => {
        const fits = /^(?:[\t\n\r\u0020-\uD7FF\uE000-\uFFFD]|[\u{10000}-\u{10FFFF}])*$/u.test(message);
        expect(arrivesAs(message)).toEqual(fits ? [message, message, message, message] : refused);
        seen[fits ? 'whole' : 'refused']++;
      }),
      { numRuns: 5_000 },
    );
    expect(Math.min(seen.whole, seen.refused)).toBeGreaterThan(500);
  });

  it('that XML cannot carry is named by its field, and its character is not', () => {
    const bad = call({ type: 'ADD_SUBSCRIPTIONS', smartcard: `0\u0001`, service: device('1') });
    expect(() => xmlOf(bad)).toThrow(/^smartcard: has a character that XML cannot carry; take it out$/);
  });
});

describe('lists', () => {
  const pairing = call({
    type: 'CREATE_PAIRING',
    smartcards: [device('1', 'R1'), device('2')],
    setTopBoxes: [device('A'), device('B', 'R2')],
  });

  it('repeat their section for each device, which keeps its own distributor', () => {
    const body =
      '<p>{{#smartcards}}<c>{{caId}}{{#distributor}}@{{distributor}}{{/distributor}}</c>{{/smartcards}}' +
      '{{#setTopBoxes}}<b>{{caId}}{{^distributor}}@none{{/distributor}}</b>{{/setTopBoxes}}</p>';
    expect(rendered('CREATE_PAIRING', body, valuesOf(pairing))).toContain(
      '<p><c>1@R1</c><c>2</c><b>A@none</b><b>B</b></p>',
    );
  });

  it('may stand in each other, and the inner device counts', () => {
    const body =
      '<p>{{#smartcards}}<c n="{{caId}}">{{#setTopBoxes}}{{caId}}{{/setTopBoxes}}{{requestNumber}}</c>{{/smartcards}}</p>';
    expect(rendered('CREATE_PAIRING', body, valuesOf(pairing))).toContain(
      '<p><c n="1">AB12345</c><c n="2">AB12345</c></p>',
    );
  });
});

describe('an entitlement', () => {
  const period = (entitlementMonths: number): unknown[] => {
    const values = valuesOf(calls.ADD_SUBSCRIPTIONS, { entitlementMonths });
    return [values['entitledFrom'], values['entitledUntil']];
  };

  it('has no end unless ENTITLEMENT_MONTHS sets one, and then no period is sent', () => {
    expect(period(0)).toEqual([null, null]);
    expect(xmlOf(calls.ADD_SUBSCRIPTIONS)).not.toContain('Entitled');
  });

  it('ends so many calendar months later, on the last day of a month that is too short', () => {
    expect(period(1)).toEqual(['2026-01-31T12:00:00Z', '2026-02-28T12:00:00Z']);
    expect(xmlOf(calls.ADD_SUBSCRIPTIONS, { entitlementMonths: 1 })).toContain(
      '<area:EntitledFrom>2026-01-31T12:00:00Z</area:EntitledFrom><area:EntitledUntil>2026-02-28T12:00:00Z</area:EntitledUntil>',
    );
  });

  it.each([
    ['2024-01-30T23:59:59.999Z', 1, '2024-02-29T23:59:59.999Z'],
    ['2023-12-31T00:00:00.000Z', 2, '2024-02-29T00:00:00.000Z'],
    ['2024-02-29T01:02:03.000Z', 12, '2025-02-28T01:02:03.000Z'],
    ['2026-11-15T08:00:00.000Z', 3, '2027-02-15T08:00:00.000Z'],
    ['2026-08-31T08:00:00.000Z', 13, '2027-09-30T08:00:00.000Z'],
  ])('%s and %i months is %s', (from, months, until) => {
    expect(new Date(monthsLater(Date.parse(from), months)).toISOString()).toBe(until);
  });

  it('is no business of other commands', () => {
    expect(valuesOf(calls.CANCEL_SUBSCRIPTIONS, { entitlementMonths: 1 })).not.toHaveProperty('entitledUntil');
  });
});

describe('numbers and times', () => {
  function fingerprint(changed: { slot?: number; displayAt?: number }): ConaxCall {
    return { ...calls.DISPLAY_FINGERPRINT, command: { ...calls.DISPLAY_FINGERPRINT.command, ...changed } };
  }

  it.each([Number.NaN, Infinity, 1.5])('%s is no whole number and is refused', (slot) => {
    const bad = fingerprint({ slot });
    expect(() => valuesOf(bad)).toThrow(NotEncodable);
  });

  it.each([Number.NaN, 8.64e15, -1e14])('%s is no time that XML can write and is refused', (displayAt) => {
    const bad = fingerprint({ displayAt });
    expect(() => valuesOf(bad)).toThrow(NotEncodable);
  });

  it('times go out in UTC, with milliseconds only if there are any', () => {
    const at = (displayAt: number): unknown => valuesOf(fingerprint({ displayAt }))['displayAt'];
    expect(at(Date.UTC(2026, 0, 2, 3, 4, 5))).toBe('2026-01-02T03:04:05Z');
    expect(at(Date.UTC(2026, 0, 2, 3, 4, 5, 67))).toBe('2026-01-02T03:04:05.067Z');
  });
});

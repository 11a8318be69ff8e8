import { describe, expect, it } from 'vitest';
import { createPattern, type Matched, marker } from '../../src/simulator/template-tree.ts';
import { readSoapBody } from '../../src/soap/envelope.ts';

const lists = new Set(['smartcards', 'setTopBoxes']);

const envelope = (body: string, header = ''): string =>
  `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">` +
  `${header === '' ? '' : `<s:Header>${header}</s:Header>`}<s:Body>${body}</s:Body></s:Envelope>`;

/** What a template finds in a message; `{x}` stands for a field, `{x.0}` for the device of a list. */
function read(templates: string | readonly string[], message: string): Matched {
  const renderings = [templates].flat().map((template) => {
    const marked = template.replaceAll(/\{(\w+)(?:\.(\d))?\}/g, (_, field: string, n = '0') =>
      marker(field, Number(n)),
    );
    return readSoapBody(envelope(marked));
  });
  return createPattern(renderings, lists)(readSoapBody(envelope(message)));
}
const fields = (templates: string | readonly string[], message: string): Matched['fields'] =>
  read(templates, message).fields;

describe('a field is found where the template has it', () => {
  it.each<[string, string, string, object]>([
    [
      'in an element, whatever prefixes the sender uses',
      '<a:R xmlns:a="urn:a" xmlns:b="urn:b"><b:Card>{smartcard}</b:Card></a:R>',
      '<R xmlns="urn:a"><x:Card xmlns:x="urn:b">1</x:Card></R>',
      { smartcard: ['1'] },
    ],
    [
      'not in an element of another namespace',
      '<R xmlns="urn:a"><Card>{smartcard}</Card></R>',
      '<R xmlns="urn:a"><x:Card xmlns:x="urn:b">1</x:Card></R>',
      {},
    ],
    [
      'in an attribute, with and without a namespace',
      '<R><Card id="{smartcard}" p:no="{service}" xmlns:p="urn:p"/></R>',
      '<R><Card q:no="2" id="1" xmlns:q="urn:p"/></R>',
      { smartcard: ['1'], service: ['2'] },
    ],
    [
      'in a part of a text',
      '<R><Key>card:{smartcard}/{service}</Key></R>',
      '<R><Key>card:1/2</Key></R>',
      { smartcard: ['1'], service: ['2'] },
    ],
    [
      'with its blanks and line ends',
      '<R><Text>{message}</Text></R>',
      '<R><Text>  a&#10;b </Text></R>',
      { message: ['  a\nb '] },
    ],
    [
      'beside others of one name that fixed texts tell apart, in any order',
      '<R><P><K>card</K><V>{smartcard}</V></P><P><K>product</K><V>{service}</V></P></R>',
      '<R><P><K>product</K><V>2</V></P><P><K>card</K><V>1</V></P></R>',
      { smartcard: ['1'], service: ['2'] },
    ],
    [
      'beside others of one name by its order',
      '<R><P>{smartcard}</P><P>{service}</P></R>',
      '<R><P>1</P><P>2</P></R>',
      { smartcard: ['1'], service: ['2'] },
    ],
    [
      'every time that a sender repeats its element',
      '<R><Card>{smartcard}</Card></R>',
      '<R><Card>1</Card><Card>2</Card></R>',
      { smartcard: ['1', '2'] },
    ],
  ])('%s', (_name, template, message, expected) => {
    expect(fields(template, message)).toEqual(expected);
  });
});

describe('lists', () => {
  const flat = '<R><Card>{existingSmartcard}</Card><Card>{smartcards.0}</Card><Card>{smartcards.1}</Card></R>';
  it('of any length, after an element of the same name', () => {
    expect(fields(flat, '<R><Card>1</Card><Card>2</Card><Card>3</Card><Card>4</Card></R>')).toEqual({
      existingSmartcard: ['1'],
      smartcards: ['2', '3', '4'],
    });
  });

  it('of any length, before an element of the same name', () => {
    const before = '<R><Card>{smartcards.0}</Card><Card>{smartcards.1}</Card><Card>{existingSmartcard}</Card></R>';
    for (const cards of [[], ['2'], ['2', '3', '4']]) {
      const message = `<R>${[...cards, '1'].map((card) => `<Card>${card}</Card>`).join('')}</R>`;
      const found = cards.length === 0 ? {} : { smartcards: cards };
      expect(fields(before, message)).toEqual({ ...found, existingSmartcard: ['1'] });
    }
  });

  it('whose devices differ in what they have', () => {
    const template = '<R><Card>{smartcards.0}/{distributor}</Card><Card>{smartcards.1}</Card></R>';
    expect(fields(template, '<R><Card>1</Card><Card>2/a</Card><Card>3</Card></R>')).toEqual({
      smartcards: ['1', '2', '3'],
      distributor: ['a'],
    });
  });

  it('of cards and of set-top boxes in elements of one name', () => {
    const template =
      '<R><D kind="card">{smartcards.0}</D><D kind="card">{smartcards.1}</D><D kind="stb">{setTopBoxes.0}</D></R>';
    const message = '<R><D kind="card">1</D><D kind="stb">A</D><D kind="stb">B</D></R>';
    expect(fields(template, message)).toEqual({ smartcards: ['1'], setTopBoxes: ['A', 'B'] });
  });
});

describe('parts that are not always there', () => {
  const both = ['<R><P>{smartcard}</P><P>{queueNumber}</P></R>', '<R><P>{smartcard}</P></R>'];
  it('are found, or not, by the rendering that fits', () => {
    expect(fields(both, '<R><P>1</P><P>2</P></R>')).toEqual({ smartcard: ['1'], queueNumber: ['2'] });
    expect(fields(both, '<R><P>1</P></R>')).toEqual({ smartcard: ['1'] });
  });

  it('that replace each other are told apart', () => {
    const templates = ['<R><Card>{smartcard}@{smartcardDistributor}</Card></R>', '<R><Card>{smartcard}</Card></R>'];
    expect(fields(templates, '<R><Card>1@a</Card></R>')).toEqual({ smartcard: ['1'], smartcardDistributor: ['a'] });
    expect(fields(templates, '<R><Card>1</Card></R>')).toEqual({ smartcard: ['1'] });
  });
});

describe('fixed texts', () => {
  it('that differ are contradictions, and those of a type by its namespace are not', () => {
    const template = '<R><Op xsi:type="t:Add" xmlns:t="urn:t">ADD</Op></R>';
    expect(read(template, '<R><Op xsi:type="u:Add" xmlns:u="urn:t"> ADD </Op></R>').contradictions).toBe(0);
    expect(read(template, '<R><Op xsi:type="t:Add" xmlns:t="urn:u">ADD</Op></R>').contradictions).toBe(1);
    expect(read(template, '<R><Op xsi:type="t:Add" xmlns:t="urn:t">CANCEL</Op></R>').contradictions).toBe(1);
  });

  it('that lack make a worse match than those that are there', () => {
    const [add, cancel] = ['<R><C>{smartcard}</C></R>', '<R><C>{smartcard}</C><Op>CANCEL</Op></R>'];
    const message = '<R><C>1</C><Op>CANCEL</Op></R>';
    expect(read(cancel, message).score).toBeGreaterThan(read(add, message).score);
    expect(read(add, '<R><C>1</C></R>').score).toBeGreaterThan(read(cancel, '<R><C>1</C></R>').score);
  });
});

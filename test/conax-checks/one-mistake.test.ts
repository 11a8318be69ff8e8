import { describe, expect, it } from 'vitest';
import { add, type Change, changed, mistakesIn } from './changed-definition.ts';

const pairing = 'requests/CREATE_PAIRING.xml';
const extend = 'requests/ADD_TO_EXISTING_PAIRING.xml';
const product = '<area:ProductId>';

describe('one mistake in a template is one message, without what follows from it', () => {
  it.each<[string, Change, string]>([
    ['a bare & in a text', [add, product, `${product}A & B `], `${add}:10: & cannot be read; write &amp;`],
    [
      'a bare & in an attribute',
      [add, '<area:CaClientIds>', '<area:CaClientIds kind="a & b">'],
      `${add}:6: & cannot be read; write &amp;`,
    ],
    [
      'an entity of HTML',
      [add, product, `${product}&nbsp;`],
      `${add}:10: &nbsp; cannot be read; XML has no entity of this name; write the character itself`,
    ],
    [
      'a comment that is not closed',
      [add, '<area:ProductIds>', '<!-- products <area:ProductIds>'],
      `${add}:9: a comment is not closed; write --> where it ends`,
    ],
    [
      'a comment that only the next comment closes',
      [add, '<area:ProductIds>', '<!-- products <area:ProductIds><!-- one -->'],
      `${add}:9: a comment is not closed; write --> where it ends`,
    ],
    [
      'a comment at the end that is not closed',
      [add, '</soap:Body>', '</soap:Body><!-- the end'],
      `${add}:16: a comment is not closed; write --> where it ends`,
    ],
    [
      'a CDATA section that is not closed',
      [add, product, `${product}<![CDATA[`],
      `${add}:10: a CDATA section is not closed; write ]]> where it ends`,
    ],
    [
      'an outer element that is not closed',
      [add, '</area:ProductIds>', ''],
      `${add}:9: the request is not well formed: <area:ProductIds> is not closed; compare it with a request that works`,
    ],
    [
      'a file that ends too soon',
      [add, /<area:ProductId>[^]*/g, ''],
      `${add}:9: the request is not well formed: <area:ProductIds> is not closed; compare it with a request that works`,
    ],
    [
      'a start tag without its end',
      [add, product, '<area:ProductId'],
      `${add}:10: the request is not well formed: disallowed character in tag name; compare it with a request that works`,
    ],
    [
      'an attribute without its end',
      [add, product, '<area:ProductId kind="x>'],
      `${add}:10: the request is not well formed: disallowed character; compare it with a request that works`,
    ],
    [
      'a section of a list without its end',
      [pairing, '{{/smartcards}}', '\n'],
      `${pairing}:7: {{#smartcards}} is not closed; write {{/smartcards}} where the section ends`,
    ],
    [
      'a section of a list without its start',
      [pairing, '{{#smartcards}}', '\n'],
      `${pairing}:8: {{/smartcards}} closes nothing; write {{#smartcards}} where the section starts`,
    ],
    [
      'a section of a list with a wrong name',
      [pairing, /(?<=[#/])smartcards/g, '$&s'],
      `${pairing}:7: {{smartcardss}} is no field of this command; did you mean smartcards? it has requestNumber, now, messageId, username, password, smartcards, setTopBoxes`,
    ],
    [
      'a section whose end has another name',
      [add, '{{/entitledFrom}}', '{{/entitledfrom}}'],
      `${add}:12: {{/entitledfrom}} closes {{#entitledFrom}}, which has another name; correct one of them`,
    ],
    [
      'a section around elements without its end',
      [extend, '{{/hasSmartcards}}', ''],
      `${extend}:7: {{#hasSmartcards}} is not closed; write {{/hasSmartcards}} where the section ends`,
    ],
  ])('%s', async (_name, change, expected) => {
    expect(await mistakesIn(changed([change]))).toEqual([expected]);
  });

  it('and a mistake elsewhere in the template is reported as well', async () => {
    const spare: Change = [add, '<area:CaClientIds>', '<area:Spare/><area:CaClientIds>'];
    for (const change of [
      [add, product, `${product}A & B `],
      [add, '{{/entitledFrom}}', '{{/entitledfrom}}'],
      [add, '</area:ProductIds>', ''],
    ] satisfies Change[])
      expect(await mistakesIn(changed([change, spare]))).toEqual([
        expect.stringMatching(
          /ADD_SUBSCRIPTIONS\.xml:6: does not fit the WSDL: .*Spare': This element is not expected/,
        ),
        expect.stringMatching(/ADD_SUBSCRIPTIONS\.xml:(?:9|10|12): /),
      ]);
  });

  it.each([
    ['references', '&amp;&lt;&#38;&#x26;'],
    ['a CDATA section', '<![CDATA[ A & B ]]>'],
  ])('an & is right in %s', async (_name, text) => {
    const lost: Change = ['conax.json', '"basicAuth"', '"basicAut"'];
    expect(await mistakesIn(changed([lost, [add, product, product + text]]))).toHaveLength(1);
  });
});

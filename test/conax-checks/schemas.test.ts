import { dirname } from 'node:path';
import { describe, expect, it } from 'vitest';
import { inspectCas } from '../../src/conax-checks/cas-definition.ts';
import { add, type Change, changed } from './changed-definition.ts';

const pin = 'wsdl/ca-pin.xsd';

/** What is said about changed files, with the directory taken out. */
function said(changes: readonly Change[]) {
  const file = changed(changes);
  const { mistakes, unchecked } = inspectCas(file);
  const short = (lines: readonly string[]) => lines.map((line) => line.replaceAll(`${dirname(file)}/`, ''));
  return { mistakes: short(mistakes), unchecked: short(unchecked) };
}

describe('a schema that no validator can read is a mistake with its own file and line', () => {
  it.each<[string, Change, RegExp]>([
    [
      'a type of XML Schema that is misspelt',
      ['wsdl/authorization.xsd', 'name="ProductId" type="common:ProductId"', 'name="ProductId"\n type="xs:integr"'],
      /^wsdl\/authorization\.xsd:16: no schema has the type xs:integr; did you mean integer\? correct its name/,
    ],
    [
      'a type that is nowhere, at all its places',
      ['wsdl/common-types.xsd', 'name="CaClientId"', 'name="ClientId"'],
      /^wsdl\/authorization\.xsd:10: no schema has the type \{\S+\}CaClientId; did you mean ClientId\? .* \(8 places: also wsdl\/authorization\.xsd:69, /,
    ],
    [
      'an element that is nowhere',
      [pin, '<xs:element name="CaClientId"', '<xs:element ref="tns:Nothing"/><xs:element name="CaClientId"'],
      /^wsdl\/ca-pin\.xsd:10: no schema has the element \{\S+\}Nothing; correct its name$/,
    ],
    [
      'an attribute that is misspelt',
      [pin, '<xs:sequence>', '<xs:sequence minOccur="1">'],
      /ca-pin\.xsd:\d+: this is no XML Schema: .*'minOccur' is not allowed\. Correct it$/,
    ],
    [
      'a value that cannot be',
      [pin, '<xs:sequence>', '<xs:sequence minOccurs="none">'],
      /ca-pin\.xsd:\d+: this is no XML Schema: .*'none' is not valid/,
    ],
    [
      'an element that is misspelt',
      [pin, '<xs:sequence>', '<xs:sequence/><xs:sequens/><xs:sequence>'],
      /ca-pin\.xsd:\d+: this is no XML Schema: .*content is not valid/,
    ],
    [
      'a prefix that is declared nowhere',
      [pin, 'type="common:CaClientId"', 'type="none:CaClientId"'],
      /ca-pin\.xsd:10: this is no XML Schema: .*no corresponding namespace declaration/,
    ],
    ['no XML', [pin, '</xs:schema>', '</xs:schem>'], /^wsdl\/ca-pin\.xsd:\d+: is no XML: .*; correct it$/],
  ])('%s', (_what, change, expected) => {
    const { mistakes } = said([change]);
    expect(mistakes).toContainEqual(expect.stringMatching(expected));
    expect(mistakes).toHaveLength(1);
  });

  it('hides no other mistake: neither of other messages nor of its own', () => {
    const { mistakes } = said([
      ['wsdl/authorization.xsd', 'name="ProductId" type="common:ProductId"', 'name="ProductId" type="xs:integr"'],
      [add, '<area:CaClientIds>', '<area:Spare/><area:CaClientIds>'],
      [add, '{{service}}', '{{servise}}'],
      ['requests/GET_ACTIVE_SUBSCRIPTIONS.xml', '<area:CaClientId>', '<area:Other/><area:CaClientId>'],
      ['requests/CREATE_PAIRING.xml', '<area:CaClientIds>', '<area:Spare/><area:CaClientIds>'],
      [
        'conax.json',
        /UpdateCaPinToGivenValueResponse\/common:StatusCode/g,
        'UpdateCaPinToGivenValueResponse/common:Code',
      ],
    ]);
    const expected = [
      /^conax\.json:\d+: commands\.UPDATE_CA_PIN_TO_GIVEN_VALUE\.answer\.statusCode: the WSDL has no such place/,
      /^requests\/ADD_SUBSCRIPTIONS\.xml:10: \{\{servise\}\} is no field/,
      /^requests\/ADD_SUBSCRIPTIONS\.xml:6: does not fit the WSDL: .*Spare.* \(2 places: also requests\/CREATE_PAIRING\.xml:6\)$/,
      /^requests\/GET_ACTIVE_SUBSCRIPTIONS\.xml:\d+: does not fit the WSDL: .*Other/,
      /^wsdl\/authorization\.xsd:\d+: no schema has the type xs:integr/,
    ];
    expect(mistakes.toSorted()).toEqual(expected.map((line) => expect.stringMatching(line) as string));
  });

  it('what a valid schema may have and libxml2 cannot read is not checked, and named; the rest is checked', () => {
    const assertion = '<xs:sequence/><xs:assert test="true()"/>';
    const { mistakes, unchecked } = said([
      [
        'wsdl/authorization.xsd',
        '</xs:schema>',
        `<xs:complexType name="New">${assertion}</xs:complexType><xs:element name="UsesNew" type="NewOf:New" xmlns:NewOf="http://www.conax.com/cas/xsd/authorization/v1"/></xs:schema>`,
      ],
      [add, '<area:CaClientIds>', '<area:Spare/><area:CaClientIds>'],
    ]);
    expect(mistakes).toEqual([expect.stringMatching(/ADD_SUBSCRIPTIONS\.xml:6: does not fit the WSDL: .*Spare/)]);
    expect(unchecked).toEqual([
      expect.stringMatching(
        /^wsdl\/authorization\.xsd:\d+: libxml2 cannot read this, so nothing that uses it is checked: /,
      ),
    ]);
  });

  it('a file that is missing hides no mistake of what does not need it', () => {
    const { mistakes, unchecked } = said([
      ['wsdl/authorization.xsd', 'schemaLocation="common-types.xsd"', 'schemaLocation="gone.xsd"'],
      ['wsdl/authorization.wsdl', 'schemaLocation="common-types.xsd"', 'schemaLocation="gone.xsd"'],
      ['requests/CREATE_PAIRING.xml', '<area:CaClientIds>', '<area:Spare/><area:CaClientIds>'],
      [add, '<area:CaClientIds>', '<area:Spare/><area:CaClientIds>'],
    ]);
    expect(mistakes).toEqual([
      expect.stringMatching(/ADD_SUBSCRIPTIONS\.xml:6: does not fit the WSDL: .*Spare.* also requests\/CREATE_PAIRING/),
    ]);
    expect(unchecked.join('\n')).toMatch(/gone\.xsd: the file is missing/);
  });
});

import { describe, expect, it } from 'vitest';
import { inspectCas } from '../../src/conax-checks/cas-definition.ts';
import { type Change, changed } from './changed-definition.ts';

const code = 'name="StatusCode" type="xs:string"';
const ofType = (type: string): Change => ['wsdl/common-types.xsd', code, `name="StatusCode" type="${type}"`];
const lists = (text: string): Change => [
  'conax.json',
  /"success": \["OK"\],\s*"refused": \[[^\]]*\],\s*"tryLater": \[[^\]]*\]/g,
  text,
];
const said = (changes: readonly Change[]) => {
  const { mistakes, warnings } = inspectCas(changed(changes));
  return [...mistakes, ...warnings].map((line) => line.replace(/^.*?: /, '').replace(/ \(\d+ commands: .*$/, ''));
};

describe('a code of a number or boolean that the CAS writes in another way would never be equal', () => {
  it.each([
    ['xs:int', '"success": ["00"]', 'a number', '0', '00', 'success'],
    ['xs:unsignedShort', '"success": ["0"], "refused": ["12", "017"]', 'a number', '17', '017', 'refused'],
    ['xs:int', '"success": ["0"], "tryLater": ["+5"]', 'a number', '5', '+5', 'tryLater'],
    ['xs:int', '"success": ["0"], "refused": ["-01"]', 'a number', '-1', '-01', 'refused'],
    ['xs:boolean', '"success": ["1"]', 'a boolean', 'true', '1', 'success'],
  ])('%s, %s', (type, text, kind, usual, written, list) => {
    expect(said([lists(text), ofType(type)])).toEqual([
      `commands.ADD_SUBSCRIPTIONS.answer.statusCode: its type is ${kind}, which is usually written ${usual}, not ${written}; write "${usual}" into "${list}", also beside "${written}" if the CAS writes that`,
    ]);
  });

  it.each([
    ['in both forms', 'xs:int', '"success": ["0", "00"]'],
    ['of a boolean in both forms', 'xs:boolean', '"success": ["true", "1"]'],
    ['as it is usually written', 'xs:int', '"success": ["0"], "refused": ["17", "-1"]'],
    ['of a text', 'xs:token', '"success": ["00"], "refused": ["017"]'],
    ['of a number', 'xs:int', '"success": ["1"]'],
  ])('and one %s is right', (_name, type, text) => {
    expect(said([lists(text), ofType(type)])).toEqual([]);
  });

  it.each(['xs:string', 'xs:int'])('and so is one whose form a pattern of the schema demands: %s', (base) => {
    const simple = `<xs:simpleType name="Code"><xs:restriction base="${base}"><xs:pattern value="\\d{2}"/></xs:restriction></xs:simpleType>`;
    const declared: Change = ['wsdl/common-types.xsd', '</xs:schema>', `${simple}</xs:schema>`];
    const typed: Change = ['wsdl/common-types.xsd', code, 'name="StatusCode" type="tns:Code"'];
    expect(said([lists('"success": ["00"]'), typed, declared])).toEqual([]);
  });
});

describe('an empty list', () => {
  it('of notAuthorised is a warning that says what it takes away', () => {
    expect(said([lists('"success": ["OK"], "refused": [], "tryLater": [], "notAuthorised": []')])).toEqual([
      'answers.notAuthorised: is empty, so a wrong user or password refuses every command for good; write "FailedAuthentication" and the codes that the CAS has for it, or leave the list out',
    ]);
  });

  it.each([
    ['of an area', '"path": "/pairing",', '$& "answers": { "refused": [] },', 'areas.pairing.answers'],
    ['of a command', '"statusCode": "pairing:Create', '"refused": [], $&', 'commands.CREATE_PAIRING.answer'],
  ])('%s that hides codes of all commands is a warning at its place', (_name, from, to, place) => {
    expect(said([['conax.json', from, to]])).toEqual([
      `${place}.refused: is empty, so the codes of the list for all commands do not count; leave it out to keep them`,
    ]);
  });
});

it.each([
  ['of an area', '"path": "/pairing",', '$& "answers": { "success": [0] },', 'areas.pairing.answers'],
  ['of a command', '"statusCode": "pairing:Create', '"success": [0], $&', 'commands.CREATE_PAIRING.answer'],
])('a list of codes %s whose only entry is wrong is one mistake, and not missing as well', (_name, from, to, place) => {
  expect(said([['conax.json', from, to]])).toEqual([
    `${place}.success.0: is 0; write a status code as text, such as "0"`,
  ]);
});

it('two members of an answer with the same path are a mistake at the second', () => {
  expect(
    said([['conax.json', 'AddSubscriptionsResponse/common:Message', 'AddSubscriptionsResponse/common:StatusCode']]),
  ).toEqual([
    'commands.ADD_SUBSCRIPTIONS.answer.message: has the path of statusCode; correct one of them, or remove message',
  ]);
  const boxes = 'GetPairingStatusForCardResponse/pairing:PairingModuleIds/pairing:PairingModuleId';
  const same: Change = ['conax.json', boxes, 'GetPairingStatusForCardResponse/pairing:CaClientIds/pairing:CaClientId'];
  expect(said([same])).toContainEqual(
    'commands.GET_PAIRING_STATUS_FOR_CARD.answer.pairedSetTopBoxes: has the path of pairedSmartcards; correct one of them',
  );
});

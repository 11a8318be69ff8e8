import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { inspectCas } from '../../src/conax-checks/cas-definition.ts';
import { answerWarnings } from '../../src/conax-tools/answer-warnings.ts';
import { changed } from '../conax-checks/changed-definition.ts';
import { acme, directoryWith, initialised, messages, types } from './support.ts';

/** The warnings if ResetPin of acme is read with this answer; the reply has these elements. */
function warningsOf(answer: Readonly<Record<string, unknown>>, elements?: string): readonly string[] {
  const xsd = acme['acme.xsd'] ?? '';
  const outcome = /(<xs:complexType name="Outcome"><xs:sequence>).*?(<\/xs:sequence>)/;
  const directory = directoryWith({
    ...acme,
    'acme.xsd': elements === undefined ? xsd : xsd.replace(outcome, `$1${elements}$2`),
  });
  initialised(join(directory, 'acme.wsdl'), directory, [['ResetPin', 'UPDATE_CA_PIN_TO_DEFAULT_VALUE']]);
  const file = changed(
    [
      ['conax.json', '"success": []', '"success": ["0"]'],
      ['conax.json', /"answer": \{[^}]*\}/g, `"answer": ${JSON.stringify(answer)}`],
    ],
    join(directory, 'conax.json'),
  );
  const { mistakes, commands } = inspectCas(file);
  expect(mistakes.filter((line) => !line.includes('answers.success'))).toEqual([]);
  return answerWarnings(Object.values(commands)).map((line) => line.replace(/^.*\//, '').replaceAll(`{${types}}`, ''));
}
const of = (name: string, type: string, more = ''): string => `<xs:element name="${name}" type="${type}"${more}/>`;
const reply = 'm:ResetPinReply';

describe('an answer that counts as a success without a status code', () => {
  test.each([
    ['a required code', 'Result', of('Result', 'xs:int') + of('Info', 'xs:string', ' minOccurs="0"')],
    ['an optional code', 'StatusCode', of('StatusCode', 'xs:string', ' minOccurs="0"')],
    ['a required text with an odd name', 'Rc', of('Rc', 'xs:string') + of('At', 'xs:dateTime')],
  ])('is warned about if the WSDL has %s in it', (_name, code, elements) => {
    expect(warningsOf({ element: reply }, elements)).toEqual([
      `acme.wsdl:1: UPDATE_CA_PIN_TO_DEFAULT_VALUE takes {${messages}}ResetPinReply alone as a success, and the WSDL has in it ${code}, which may be a status code: then every refusal counts as a success; write its path into "statusCode" in place of "element", unless the CAS refuses with a Fault only`,
    ]);
  });

  test('is warned about if only an empty one counts and the WSDL has one with content', () => {
    expect(warningsOf({ emptySuccess: true })).toEqual([
      `acme.wsdl:1: UPDATE_CA_PIN_TO_DEFAULT_VALUE takes only an empty answer as a success, and the WSDL answers with {${messages}}ResetPinReply, which has content; write the paths of it into its "answer" in conax.json`,
    ]);
  });

  test('is warned about if an empty one counts as well, and the WSDL demands content', () => {
    const answer = { statusCode: `${reply}/t:Result`, emptySuccess: true };
    expect(warningsOf(answer)).toEqual([
      `acme.wsdl:1: UPDATE_CA_PIN_TO_DEFAULT_VALUE takes an empty answer as a success, and the WSDL demands content in {${messages}}ResetPinReply; remove "emptySuccess", unless the CAS answers with nothing all the same`,
    ]);
    expect(warningsOf(answer, of('Result', 'xs:int', ' minOccurs="0"'))).toEqual([]);
  });

  test('is warned about if nothing shows that the template is of another operation', () => {
    const file = changed([
      ['conax.json', '"template": "requests/ADD_SUBSCRIPTIONS.xml"', '"template": "requests/CANCEL_SUBSCRIPTIONS.xml"'],
      ['conax.json', /"answer": \{[^}]*AddSubscriptionsResponse[^}]*\}/g, '"answer": { "emptySuccess": true }'],
    ]);
    expect(
      answerWarnings(Object.values(inspectCas(file).commands)).map((line) => line.replace(/^.*?:1: /, '')),
    ).toEqual([
      'ADD_SUBSCRIPTIONS takes an empty answer as a success, and sends CancelSubscriptions, which looks like CANCEL_SUBSCRIPTIONS; look whether it has the template of another command',
      expect.stringMatching(/^ADD_SUBSCRIPTIONS takes only an empty answer as a success, and the WSDL answers with /),
    ]);
  });

  test('is no warning if nothing in it may be a code, or its path is written', () => {
    expect(warningsOf({ element: reply }, of('At', 'xs:dateTime') + of('Note', 'xs:string', ' minOccurs="0"'))).toEqual(
      [],
    );
    expect(warningsOf({ statusCode: `${reply}/t:Result` })).toEqual([]);
    expect(warningsOf({ referenceNumber: `${reply}/t:No`, element: reply }, of('No', 'xs:string'))).toEqual([]);
  });
});

describe('conax init', () => {
  test('of an answer whose schema is missing leaves a path that is refused: an empty answer must not be a success by chance', () => {
    const wsdl = (acme['acme.wsdl'] ?? '').replace(
      /<xs:schema[^]*<\/xs:schema>/,
      `<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"><xs:import namespace="${messages}" schemaLocation="http://cas.example/cas?xsd=1"/></xs:schema>`,
    );
    const directory = directoryWith({ 'acme.wsdl': wsdl });
    const file = join(directory, 'acme.wsdl');
    const { unsure } = initialised(file, directory, [['ResetPin', 'UPDATE_CA_PIN_TO_DEFAULT_VALUE']]);
    expect(unsure).toContainEqual(
      expect.stringMatching(/ResetPinReply is in no schema that was read; write the paths of the answer/),
    );
    const casFile = join(directory, 'conax.json');
    expect(readFileSync(casFile, 'utf8')).not.toContain('emptySuccess');
    expect(inspectCas(casFile).mistakes).toContainEqual(
      expect.stringMatching(/DEFAULT_VALUE\.answer\.statusCode: "m:ResetPinReply\/\?": "\?" is no name/),
    );
    // Written by hand, it is a warning.
    const template = join(directory, 'requests/UPDATE_CA_PIN_TO_DEFAULT_VALUE.xml');
    const body = `<soap:Body><m:ResetPin xmlns:m="${messages}">{{smartcard}}</m:ResetPin>`;
    writeFileSync(template, readFileSync(template, 'utf8').replace('<soap:Body>', body));
    const cas = readFileSync(casFile, 'utf8');
    writeFileSync(casFile, cas.replace('"statusCode": "m:ResetPinReply/?"', '"emptySuccess": true'));
    expect(answerWarnings(Object.values(inspectCas(casFile).commands)).join()).toMatch(
      /takes an empty answer as a success, and the WSDL answers with \{.*\}ResetPinReply, which is in no schema that was read; add the file, and check again$/,
    );
  });

  test('of a message without parts takes an empty answer as a success', () => {
    const wsdl = (acme['acme.wsdl'] ?? '').replace(/(<wsdl:message name="ResetPinOut">).*?(?=<\/wsdl:message>)/, '$1');
    const directory = directoryWith({ ...acme, 'acme.wsdl': wsdl });
    initialised(join(directory, 'acme.wsdl'), directory, [['ResetPin', 'UPDATE_CA_PIN_TO_DEFAULT_VALUE']]);
    expect(readFileSync(join(directory, 'conax.json'), 'utf8')).toContain('"emptySuccess": true');
  });
});

describe('the answer of a question', () => {
  const optional = ' minOccurs="0"';
  const many = `${optional} maxOccurs="unbounded"`;
  const listed = 'm:ListEntitlementsReply';
  const record = of('PackageId', 'xs:int') + of('Name', 'xs:string', optional) + of('State', 'xs:string', optional);
  const packages = `<xs:element name="Packages" minOccurs="0"><xs:complexType><xs:sequence><xs:element name="Package" minOccurs="0" maxOccurs="unbounded"><xs:complexType><xs:sequence>${record}</xs:sequence></xs:complexType></xs:element></xs:sequence></xs:complexType></xs:element>`;
  const list: [string, 'GET_ACTIVE_SUBSCRIPTIONS'][] = [['ListEntitlements', 'GET_ACTIVE_SUBSCRIPTIONS']];

  /** What init leaves to a person and the check warns about if the reply has these elements; `correct` changes conax.json. */
  function doubtsOf(elements: string, request: string, correct: (text: string) => string = (text) => text) {
    const xsd = (acme['acme.xsd'] ?? '')
      .replace(/<xs:element name="Package" type="xs:int" minOccurs="0" maxOccurs="unbounded"\/>/, elements)
      .replace(/(<xs:complexType name="ListEntitlements"><xs:sequence>.*?)(?=<\/xs:sequence>)/, `$1${request}`);
    const directory = directoryWith({ ...acme, 'acme.xsd': xsd });
    const { unsure } = initialised(join(directory, 'acme.wsdl'), directory, list);
    const file = join(directory, 'conax.json');
    const text = readFileSync(file, 'utf8').replace('"success": []', '"success": ["0"]');
    writeFileSync(file, correct(text));
    const { mistakes, commands } = inspectCas(file);
    return {
      entry: (JSON.parse(text) as { commands: Record<string, { answer: object }> }).commands['GET_ACTIVE_SUBSCRIPTIONS']
        ?.answer,
      unsure: unsure.flatMap((line) => line.split('GET_ACTIVE_SUBSCRIPTIONS.answer: ').slice(1)),
      mistakes,
      warnings: answerWarnings(Object.values(commands)).map((line) => line.replace(/^.*acme\.wsdl:1: /, '')),
    };
  }
  const paging = of('HasMore', 'xs:boolean', optional) + of('TotalCount', 'xs:int', optional);

  test('may be one page of several: init and check name what says so, and what may ask for the whole list', () => {
    const doubt =
      'may be answered with one page of several, as the WSDL has HasMore, TotalCount in the answer, and no further page is read: let the template ask for the whole list, perhaps by PageSize; an answer that says that there is more is unreadable';
    const { unsure, warnings, mistakes } = doubtsOf(packages + paging, of('PageSize', 'xs:int', optional));
    expect(mistakes).toEqual([]);
    expect(unsure).toContain(doubt);
    expect(warnings).toContain(`GET_ACTIVE_SUBSCRIPTIONS ${doubt}`);
    const none = doubtsOf(packages + of('MoreInfo', 'xs:string', optional), '');
    expect([...none.unsure, ...none.warnings].join('\n')).not.toContain('one page of several');
  });

  test('has names beside its ids, which init ignores, and what may say that one does not count, which a person must', () => {
    const { entry, unsure, warnings } = doubtsOf(packages, '');
    const path = `${listed}/t:Packages/t:Package`;
    expect(entry).toMatchObject({ activeServices: `${path}/t:PackageId`, ignored: [`${path}/t:Name`] });
    expect(unsure).toEqual([
      'ignored: look whether Packages/Package/Name never say that an entry does not count',
      'an answer with Packages/Package/State is unreadable; write the path of each into "ignored" that never says that an entry does not count',
    ]);
    expect(warnings).toEqual([
      'GET_ACTIVE_SUBSCRIPTIONS takes an answer as unreadable that has Packages/Package/State beside Packages/Package/PackageId; write the path of each into "ignored" that never says that an entry does not count',
    ]);
    const ignored = doubtsOf(packages, '', (text) => text.replace('/t:Name"', '/t:Name", "' + path + '/t:State"'));
    expect([...ignored.mistakes, ...ignored.warnings]).toEqual([]);
    const stated = packages.replace(
      'name="PackageId" type="xs:int"/>',
      'name="PackageId"><xs:complexType><xs:simpleContent><xs:extension base="xs:int"><xs:attribute name="state"/><xs:attribute name="lang"/></xs:extension></xs:simpleContent></xs:complexType></xs:element>',
    );
    expect(stated).not.toBe(packages);
    expect(doubtsOf(stated, '').warnings.join()).toContain(
      'has Packages/Package/PackageId/@state, Packages/Package/State',
    );
    const misspelt = doubtsOf(packages, '', (text) => text.replace('/t:Name"', '/t:Nmae"'));
    expect(misspelt.mistakes).toEqual([expect.stringMatching(/answer\.ignored\.0: the WSDL has no such place: /)]);
  });

  test('has a doubt about numbers that may be a list which is left out, but for cards, times and what is in it', () => {
    const number = (name: string): string => of(name, 'xs:int', optional);
    const others = ['Region', 'Zone', 'CardNo', 'PageSize'].map(number).join('');
    const found = ({ warnings }: ReturnType<typeof doubtsOf>): string[] =>
      warnings.filter((line) => line.includes('which may be the list'));
    expect(found(doubtsOf(packages + others, ''))).toEqual([
      'GET_ACTIVE_SUBSCRIPTIONS takes an answer without Packages/Package/PackageId as unreadable that has a number in Region, Zone, which may be the list; write the path of each into "ignored" that is something else',
    ]);
    const always = packages.replace('<xs:element name="Packages" minOccurs="0">', '<xs:element name="Packages">');
    expect(found(doubtsOf(always + others, ''))).toEqual([]);
    expect(found(doubtsOf(of('PackageId', 'xs:int', many) + others, '')).join()).toContain('Region, Zone,');
  });

  test('has no doubt about what stands beside the status code, also if the entries stand there', () => {
    const beside = of('Code', 'xs:int') + of('Answered', 'xs:string') + of('PackageId', 'xs:int', many);
    const framed = `<xs:element name="Return"><xs:complexType><xs:sequence>${beside}</xs:sequence></xs:complexType></xs:element>`;
    const doubt = 'Return/Answered beside Return/PackageId';
    expect(doubtsOf(framed, '').warnings.join()).toContain(doubt);
    const inFrame = doubtsOf(framed, '', (text) =>
      text.replace(/(?<="statusCode": ")[^"]*/, `${listed}/t:Return/t:Code`),
    );
    expect(inFrame.mistakes).toEqual([]);
    expect(inFrame.warnings.join()).not.toContain(' beside ');
  });
});

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { inspectCas } from '../../src/conax-checks/cas-definition.ts';
import { uncodedAnswers } from '../../src/conax-tools/uncoded-answers.ts';
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
  return uncodedAnswers(Object.values(commands)).map((line) => line.replace(/^.*\//, '').replaceAll(`{${types}}`, ''));
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
      uncodedAnswers(Object.values(inspectCas(file).commands)).map((line) => line.replace(/^.*?:1: /, '')),
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
    expect(uncodedAnswers(Object.values(inspectCas(casFile).commands)).join()).toMatch(
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

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { defaultCasFile, inspectCas } from '../../src/conax-checks/cas-definition.ts';
import { openValidator } from '../../src/conax-checks/wsdl-validator.ts';
import { acme, directoryWith, initialised } from '../conax-tools/support.ts';
import { changed } from './changed-definition.ts';

/** The WSDL of acme, with texts of it replaced. */
function acmeWith(...changes: readonly (readonly [from: string | RegExp, to: string])[]): string {
  let wsdl = acme['acme.wsdl'] ?? '';
  for (const [from, to] of changes) {
    const now = wsdl.replace(from, to);
    if (now === wsdl) throw new Error(`there is no ${String(from)}`);
    wsdl = now;
  }
  return join(directoryWith({ ...acme, 'acme.wsdl': wsdl }), 'acme.wsdl');
}

/** What is read of an operation of acme, and what is said about the WSDL. */
function read(wsdlFile: string, name: string) {
  const validator = openValidator(wsdlFile);
  validator.close();
  const { operations, unchecked } = validator;
  const found = operations.filter((one) => one.name === name);
  return { elements: found.map(({ input }) => input?.name), said: unchecked.map((line) => line.replace(/^.*\//, '')) };
}

const secondPart = [
  '<wsdl:message name="ResetPinIn">',
  '<wsdl:message name="ResetPinIn"><wsdl:part name="h" element="m:ChangePin"/>',
] as const;
const resetPin = /(soapAction="urn:acme\/ResetPin"\/><wsdl:input>)(.*?)<soap:body use="literal"\/>/;

describe('a message with two elements', () => {
  it('has none in the Body that is known, and a line says why, so that no template sends the first one', () => {
    const wsdl = acmeWith(secondPart);
    expect(read(wsdl, 'ResetPin')).toEqual({
      elements: [undefined],
      said: [
        expect.stringMatching(
          /^acme\.wsdl:\d+: the input of operation ResetPin has several elements \(parts h, p\), and a SOAP body takes one, so it is not checked; write parts="…" with the right one at its soap:body$/,
        ),
      ],
    });
    const directory = join(wsdl, '../out');
    initialised(wsdl, directory, [['ResetPin', 'UPDATE_CA_PIN_TO_DEFAULT_VALUE']]);
    const template = readFileSync(join(directory, 'requests/UPDATE_CA_PIN_TO_DEFAULT_VALUE.xml'), 'utf8');
    expect(template).not.toContain('ChangePin');
    expect(inspectCas(join(directory, 'conax.json')).mistakes.join('\n')).toContain('0 elements in its SOAP body');
  });

  it('has the one that soap:body names, or that soap:header leaves', () => {
    const named = acmeWith(secondPart, [resetPin, '$1$2<soap:body parts="p" use="literal"/>']);
    expect(read(named, 'ResetPin')).toEqual({ elements: ['ResetPin'], said: [] });
    const header = '<soap:header message="s:ResetPinIn" part="h" use="literal"/>';
    const inHeader = acmeWith(secondPart, [resetPin, `$1$2${header}<soap:body use="literal"/>`]);
    expect(read(inHeader, 'ResetPin')).toEqual({ elements: ['ResetPin'], said: [] });
  });
});

describe('an overloaded operation', () => {
  const overload = (input: string): string =>
    `<wsdl:operation name="ResetPin"><wsdl:input${input} message="s:ChangePinIn"/><wsdl:output message="s:ChangePinOut"/></wsdl:operation>`;
  const portType = '<wsdl:portType name="Cas">';

  it('is the one whose input has the name of the binding, or the name that it has by default', () => {
    const wsdl = acmeWith([portType, portType + overload(' name="WithPin"')]);
    expect(read(wsdl, 'ResetPin')).toEqual({ elements: ['ResetPin'], said: [] });
    const other = acmeWith(
      [portType, portType + overload(' name="WithPin"')],
      [/(soapAction="urn:acme\/ResetPin"\/><wsdl:input)>/, '$1 name="WithPin">'],
    );
    expect(read(other, 'ResetPin')).toEqual({ elements: ['ChangePin'], said: [] });
  });

  it('that its port has several times is not chosen by its name: the check refuses the template until a person has', () => {
    const bound = /<wsdl:operation name="ResetPin"><soap:operation [^]*?<\/wsdl:operation>/;
    const [one = ''] = bound.exec(acme['acme.wsdl'] ?? '') ?? [];
    const second = one.replace('<wsdl:input>', '<wsdl:input name="WithPin">').replace('acme/ResetPin', 'acme/WithPin');
    const wsdl = acmeWith([portType, portType + overload(' name="WithPin"')], [bound, second + one]);
    expect(read(wsdl, 'ResetPin')).toEqual({ elements: ['ChangePin', 'ResetPin'], said: [] });
    const directory = join(wsdl, '../out');
    const { outline } = initialised(wsdl, directory, [['ResetPin', 'UPDATE_CA_PIN_TO_DEFAULT_VALUE']]);
    expect(outline.remarks.map((line) => line.replace(/^.*\//, ''))).toEqual([
      expect.stringMatching(
        /^acme\.wsdl:\d+: the port CasPort has 2 operations ResetPin \(lines \d+, \d+\); write the Body/,
      ),
    ]);
    expect(readFileSync(join(directory, 'conax.json'), 'utf8')).not.toMatch(/soapAction|emptySuccess/);
    expect(inspectCas(join(directory, 'conax.json')).mistakes.join('\n')).toContain('0 elements in its SOAP body');
  });

  it('has no element that is known if the names do not show which one is meant', () => {
    expect(read(acmeWith([portType, portType + overload('')]), 'ResetPin')).toEqual({
      elements: [undefined],
      said: [
        expect.stringMatching(
          /^acme\.wsdl:\d+: the portType has 2 operations ResetPin, and it is open which one is meant, so it is not checked; write the names of its input and output in the binding as in the portType$/,
        ),
      ],
    });
  });
});

it('two commands whose requests differ only in the SOAPAction are a mistake that names both', () => {
  const { mistakes } = inspectCas(
    changed(
      [
        [
          'conax.json',
          '"template": "requests/ADD_SUBSCRIPTIONS.xml"',
          '"template": "requests/CANCEL_SUBSCRIPTIONS.xml", "soapAction": "urn:Add"',
        ],
      ],
      defaultCasFile,
    ),
  );
  expect(mistakes.map((line) => line.replace(/^.*?: /, ''))).toContainEqual(
    expect.stringMatching(
      /^commands\.ADD_SUBSCRIPTIONS\.template: ADD_SUBSCRIPTIONS and CANCEL_SUBSCRIPTIONS send the same request but for the SOAPAction \("urn:Add", "[^"]*"\), and the CAS may do what the Body says; they have the same template/,
    ),
  );
});

const policy = '<p:PolicyReference xmlns:p="http://schemas.xmlsoap.org/ws/2004/09/policy" URI="#x"/>';
const addressing =
  '<a:UsingAddressing xmlns:a="http://www.w3.org/2006/05/addressing/wsdl" wsdl:required="true"/><soap:address ';

it.each([
  ['a policy of the port', 'service', '<soap:address ', `${policy}<soap:address `],
  ['WS-Addressing at the port', 'service', '<soap:address ', addressing],
  ['a policy of the service', 'service', '<wsdl:port ', `${policy}<wsdl:port `],
  ['an attribute of the binding', 'binding', '<wsdl:binding ', '<wsdl:binding xmlns:p="urn:p" p:PolicyURIs="#x" '],
  ['an attribute of the portType', 'portType', '<wsdl:portType ', '<wsdl:portType xmlns:p="urn:p" p:PolicyURIs="#x" '],
])('what a WSDL demands besides its schemas is named: %s', (_name, part, from, to) => {
  expect(read(acmeWith([from, to]), 'ResetPin').said).toEqual([
    expect.stringMatching(
      new RegExp(
        `^acme\\.wsdl:\\d+: the ${part} has a policy or demands WS-Addressing, which is not checked; write what`,
      ),
    ),
  ]);
});

it('use="encoded" in document style is named, as no schema describes its messages', () => {
  expect(read(acmeWith([resetPin, '$1$2<soap:body use="encoded"/>']), 'ResetPin').said).toEqual([
    expect.stringMatching(
      /^acme\.wsdl:\d+: operation ResetPin has use="encoded" in document style, so it is not checked; compare the template with a request of SoapUI$/,
    ),
  ]);
});

it('an import without a location is named if no schema has its namespace', () => {
  const importOf = (namespace: string): string =>
    `<wsdl:types><xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"><xs:import namespace="${namespace}"/></xs:schema>`;
  expect(read(acmeWith(['<wsdl:types>', importOf('urn:nowhere')]), 'ResetPin').said).toEqual([
    expect.stringMatching(
      /^acme\.wsdl:\d+: imports urn:nowhere, which no schema has; put the schema beside the WSDL, and write its file name into schemaLocation, or what it defines is not checked$/,
    ),
  ]);
  for (const namespace of ['urn:acme:cas:types:2', 'http://www.w3.org/XML/1998/namespace'])
    expect(read(acmeWith(['<wsdl:types>', importOf(namespace)]), 'ResetPin').said).toEqual([]);
});

import { unlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { inspectCas, loadCasDefinition } from '../../src/conax-checks/cas-definition.ts';
import { type Change, changed } from './changed-definition.ts';

/** What is said of a definition that lacks a file, with the directory taken out. */
function without(missing: string | null, changes: readonly Change[] = []) {
  const file = changed(changes);
  if (missing !== null) unlinkSync(join(dirname(file), missing));
  const { mistakes, unchecked, uncheckedCommands } = inspectCas(file);
  const short = (lines: readonly string[]) => lines.map((line) => line.replaceAll(`${dirname(file)}/`, ''));
  return { mistakes: short(mistakes), unchecked: short(unchecked), uncheckedCommands };
}

const ofAuthorization = ['ADD_SUBSCRIPTIONS', 'CANCEL_SUBSCRIPTIONS', 'GET_ACTIVE_SUBSCRIPTIONS'];

describe('a schema that is missing is no mistake, and the commands that are not checked are named with the file', () => {
  it('that declares the elements of the messages', () => {
    expect(without('wsdl/authorization.xsd')).toEqual({
      mistakes: [],
      unchecked: [
        'conax.json:41: commands.ADD_SUBSCRIPTIONS.template: the request is not checked: authorization.xsd is missing (3 commands: also CANCEL_SUBSCRIPTIONS, GET_ACTIVE_SUBSCRIPTIONS)',
        'conax.json:42: commands.ADD_SUBSCRIPTIONS.answer: the answer is not checked: authorization.xsd is missing (3 commands: also CANCEL_SUBSCRIPTIONS, GET_ACTIVE_SUBSCRIPTIONS)',
        'wsdl/authorization.wsdl:11: refers to authorization.xsd: the file is missing; put it beside this file and write its name into schemaLocation, or what it defines is not checked',
      ],
      uncheckedCommands: ofAuthorization,
    });
  });

  it('that declares types which they use: then a part of them is checked', () => {
    const { mistakes, unchecked, uncheckedCommands } = without('wsdl/common-types.xsd');
    expect(mistakes).toEqual([]);
    expect(unchecked).toEqual([
      expect.stringMatching(
        /ADD_SUBSCRIPTIONS\.template: the request is checked only in part: common-types\.xsd is missing \(13 /,
      ),
      expect.stringMatching(
        /ADD_SUBSCRIPTIONS\.answer: the answer is checked only in part: common-types\.xsd is missing \(10 /,
      ),
      expect.stringMatching(
        /GET_ACTIVE_SUBSCRIPTIONS\.answer: the answer is not checked: common-types\.xsd is missing \(3 /,
      ),
      expect.stringMatching(
        /^wsdl\/authorization\.xsd:6: refers to common-types\.xsd: the file is missing; .*10 places/,
      ),
    ]);
    expect(uncheckedCommands).toHaveLength(13);
  });

  it('that is imported by its address', () => {
    const address = 'http://cas.example/types.xsd';
    const { mistakes, unchecked, uncheckedCommands } = without(null, [
      ['wsdl/authorization.xsd', 'schemaLocation="common-types.xsd"', `schemaLocation="${address}"`],
      ['wsdl/authorization.wsdl', 'schemaLocation="common-types.xsd"', `schemaLocation="${address}"`],
    ]);
    expect(mistakes).toEqual([]);
    expect(uncheckedCommands).toEqual(ofAuthorization);
    expect(unchecked.at(-1)).toBe(
      `wsdl/authorization.xsd:6: refers to ${address}: nothing is fetched; save it beside this file and write its file name into schemaLocation, or what it defines is not checked (2 places: also wsdl/authorization.wsdl:12)`,
    );
    expect(unchecked[0]).toContain(`the request is checked only in part: ${address} is missing`);
  });

  it('that nothing of the commands needs: then all of them are checked', () => {
    const spare = '<xs:import namespace="urn:spare" schemaLocation="spare.xsd"/>';
    const { unchecked, uncheckedCommands } = without(null, [
      ['wsdl/authorization.xsd', '<xs:complexType name="CaClientIds">', `${spare}$&`],
    ]);
    expect(unchecked).toHaveLength(1);
    expect(uncheckedCommands).toEqual([]);
  });
});

it('what libxml2 cannot read is named at the commands that use it', () => {
  const { unchecked, uncheckedCommands } = without(null, [
    ['wsdl/authorization.xsd', '<xs:complexType name="CaClientIds">', '$&<xs:assert test="true()"/>'],
  ]);
  expect(uncheckedCommands).toEqual(ofAuthorization.slice(0, 2));
  expect(unchecked[0]).toMatch(
    /the request is checked only in part: its schema cannot be read; the line of the schema/,
  );
});

it('a WSDL that is missing is one mistake for all commands whose SOAPAction it may have', () => {
  const imported = '<wsdl:import namespace="urn:x" location="other.wsdl"/><wsdl:types>';
  const changes: readonly Change[] = [
    ['wsdl/ca-pin.wsdl', '<wsdl:types>', imported],
    ['wsdl/ca-pin.wsdl', /<wsdl:binding [^]*<\/wsdl:service>/g, ''],
  ];
  const { mistakes, unchecked } = without(null, changes);
  expect(mistakes).toEqual([
    'conax.json:143: commands.UPDATE_CA_PIN_TO_DEFAULT_VALUE.soapAction: is missing, and so is other.wsdl, which may have it; put the file beside its WSDL, or write it (2 commands: also UPDATE_CA_PIN_TO_GIVEN_VALUE)',
  ]);
  expect(unchecked).toEqual([expect.stringMatching(/refers to other\.wsdl: the file is missing; .* into location,/)]);
});

it('commands without a WSDL, and those of rpc style, are not checked', () => {
  const rpc: readonly Change[] = [
    ['wsdl/authorization.wsdl', /style="document"/g, 'style="rpc"'],
    [
      'wsdl/authorization.wsdl',
      /<soap:body use="literal"\/>/g,
      '<soap:body use="literal" namespace="http://www.conax.com/cas/xsd/authorization/v1"/>',
    ],
  ];
  expect(without(null, rpc).uncheckedCommands).toEqual(ofAuthorization);
  const none: readonly Change[] = [
    ['conax.json', /,\s*"wsdl": "wsdl\/ca-pin.wsdl"/g, ''],
    ['conax.json', /"area": "ca-pin",/g, '"area": "ca-pin", "soapAction": "",'],
  ];
  expect(without(null, none).uncheckedCommands).toEqual([
    'UPDATE_CA_PIN_TO_DEFAULT_VALUE',
    'UPDATE_CA_PIN_TO_GIVEN_VALUE',
  ]);
});

it('the service starts all the same, and gets what was not checked as warnings', async () => {
  const file = changed([]);
  unlinkSync(join(dirname(file), 'wsdl/authorization.xsd'));
  const { commands, unchecked } = await loadCasDefinition(file);
  expect(Object.keys(commands)).toHaveLength(13);
  expect(unchecked).toHaveLength(3);
});

import { describe, expect, it, onTestFinished } from 'vitest';
import { inspectCas } from '../../src/conax-checks/cas-definition.ts';
import { type Cas, calls, card, startCas } from '../conax/support.ts';
import { runCli } from '../support/cli.ts';
import { add, type Change, changed } from './changed-definition.ts';

const cancel = 'requests/CANCEL_SUBSCRIPTIONS.xml';
const address = 'http://www.conax.com/cas';

/** Writes the SOAPAction of a command. */
function action(type: string, soapAction: string): Change {
  return ['conax.json', `"template": "requests/${type}.xml"`, `"soapAction": "${soapAction}", $&`];
}

/** ADD and CANCEL have one element and one content; the WSDL binds it to an operation for each. */
const oneBody: readonly Change[] = [
  [cancel, /CancelSubscriptions/g, 'AddSubscriptions'],
  [add, / *\{\{#entitled.*\n/g, ''],
  ['wsdl/authorization.wsdl', /element="area:CancelSubscriptions/g, 'element="area:AddSubscriptions'],
  ['conax.json', /CancelSubscriptionsResponse/g, 'AddSubscriptionsResponse'],
];
const both: readonly Change[] = [
  ...oneBody,
  action('ADD_SUBSCRIPTIONS', `${address}/authorization/v1/AddSubscriptions`),
  action('CANCEL_SUBSCRIPTIONS', `${address}/authorization/v1/CancelSubscriptions`),
];

async function casOf(file: string): Promise<Cas> {
  const cas = await startCas({}, { mappingFile: file });
  onTestFinished(() => cas.close());
  return cas;
}

describe('two commands whose requests differ only in the SOAPAction', () => {
  const problems = (lines: readonly string[]) =>
    lines.filter((line) => line.includes('the same request')).map((line) => line.replace(/^.*?: /, ''));

  it('are a warning that names both operations if the WSDL binds each action to an operation of its own', () => {
    const { mistakes, warnings } = inspectCas(changed(both));
    expect(mistakes).toEqual([]);
    expect(warnings.map((line) => line.replace(/^.*?: /, ''))).toEqual([
      `commands.ADD_SUBSCRIPTIONS.template: ADD_SUBSCRIPTIONS and CANCEL_SUBSCRIPTIONS send the same request but for the SOAPAction ("${address}/authorization/v1/AddSubscriptions", "${address}/authorization/v1/CancelSubscriptions"), for which the WSDL has the operations AddSubscriptions and CancelSubscriptions; send both from SoapUI, and look whether the CAS goes by the SOAPAction`,
    ]);
  });

  it.each([
    ['an action that the WSDL does not have', [...oneBody, ...both.slice(-2, -1), action('CANCEL_SUBSCRIPTIONS', 'x')]],
    [
      'two ports of one operation',
      [
        [cancel, /CancelSubscriptions/g, 'AddSubscriptions'],
        [add, / *\{\{#entitled.*\n/g, ''],
        ['conax.json', /CancelSubscriptionsResponse/g, 'AddSubscriptionsResponse'],
        action('ADD_SUBSCRIPTIONS', `${address}/authorization/v1/AddSubscriptions`),
        action('CANCEL_SUBSCRIPTIONS', 'urn:second'),
        [
          'wsdl/authorization.wsdl',
          /<wsdl:binding [^]*<\/wsdl:binding>/g,
          '$&<wsdl:binding name="Second" type="tns:AuthorizationPortType"><soap:binding transport="http://schemas.xmlsoap.org/soap/http"/><wsdl:operation name="AddSubscriptions"><soap:operation soapAction="urn:second"/><wsdl:input><soap:body use="literal"/></wsdl:input><wsdl:output><soap:body use="literal"/></wsdl:output></wsdl:operation></wsdl:binding>',
        ],
        [
          'wsdl/authorization.wsdl',
          '<wsdl:service name="AuthorizationService">',
          '$&<wsdl:port name="SecondPort" binding="tns:Second"/>',
        ],
      ],
    ],
    [
      'an area without a WSDL',
      [
        ...both,
        ['conax.json', /,\s*"wsdl": "wsdl\/authorization\.wsdl"/g, ''],
        action('GET_ACTIVE_SUBSCRIPTIONS', 'x'),
      ],
    ],
  ] satisfies [string, readonly Change[]][])('are refused otherwise, with what to do: %s', (_name, changes) => {
    const found = inspectCas(changed(changes));
    expect(problems(found.warnings)).toEqual([]);
    expect(problems(found.mistakes)).toEqual([
      expect.stringMatching(
        /^commands\.ADD_SUBSCRIPTIONS\.template: .* and the CAS may do what the Body says; correct \S*CANCEL_SUBSCRIPTIONS\.xml, which has the request of ADD_SUBSCRIPTIONS, or, if the CAS goes by the SOAPAction, name a WSDL in the area that binds each action to an operation of its own with this element$/,
      ),
    ]);
  });

  it('of which one is in no WSDL: a warning names the action that was probably meant', () => {
    const misspelt = action('CANCEL_SUBSCRIPTIONS', `${address}/authorization/v1/CancelSubs`);
    expect(inspectCas(changed([...both.slice(0, -1), misspelt])).warnings).toEqual([
      expect.stringMatching(
        /CANCEL_SUBSCRIPTIONS\.soapAction: "\S+CancelSubs" is sent, and .*; write "\S+v1\/CancelSubscriptions", or keep it if the CAS wants this one$/,
      ),
    ]);
  });

  it('are not compared before an action is written for each: that is the one mistake', () => {
    expect(inspectCas(changed(oneBody), false).mistakes).toEqual([
      expect.stringMatching(/soapAction: is missing, and the WSDL has several: .*write the one of your port and op/),
    ]);
  });

  it('work: the simulator goes by the action', async () => {
    const cas = await casOf(changed(both));
    for (const type of ['ADD_SUBSCRIPTIONS', 'CANCEL_SUBSCRIPTIONS'] as const)
      expect((await cas.client.call(calls[type])).answer).toMatchObject({ kind: 'accepted' });
    expect((await cas.journal()).map(({ command, effect }) => [command, effect])).toEqual([
      ['ADD_SUBSCRIPTIONS', true],
      ['CANCEL_SUBSCRIPTIONS', true],
    ]);
  });
});

it('conax try tells two questions apart by the action', async () => {
  const [ofCard, ofBox] = ['GET_PAIRING_STATUS_FOR_CARD', 'GET_PAIRING_STATUS_FOR_PAIRING_MODULE'] as const;
  const file = changed([
    [`requests/${ofCard}.xml`, /CaClientId>/g, 'Id>'],
    [`requests/${ofBox}.xml`, /PairingModuleId>/g, 'Id>'],
    [`requests/${ofBox}.xml`, /GetPairingStatusForPairingModule/g, 'GetPairingStatusForCard'],
    ['wsdl/pairing.wsdl', 'element="area:GetPairingStatusForPairingModule"', 'element="area:GetPairingStatusForCard"'],
    ['wsdl/pairing.xsd', /(name="GetPairingStatusForCardRequest">[^]*?name=")CaClientId"/g, '$1Id"'],
    action(ofCard, `${address}/pairing/v1/GetPairingStatusForCard`),
    action(ofBox, `${address}/pairing/v1/GetPairingStatusForPairingModule`),
  ]);
  const { client, url } = await casOf(file);
  await client.call(calls.CREATE_PAIRING);
  const env = { CONAX_MAPPING_FILE: file, CONAX_BASE_URL: url };
  const pairing = { smartcards: [card, '00000000002'], setTopBoxes: ['STB1', 'STB2'] };
  for (const args of [
    [ofCard, '--smartcard', card],
    [ofBox, '--set-top-box', 'STB1'],
  ]) {
    const { stdout, stderr } = await runCli(['conax', 'try', ...args, '--json'], env);
    expect(stderr).toBe('');
    expect(JSON.parse(stdout)).toMatchObject({ verdict: { kind: 'accepted', pairing } });
  }
});

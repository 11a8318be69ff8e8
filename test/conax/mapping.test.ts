import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { createConaxClient } from '../../src/conax/client.ts';
import { commandTypes, requestFields } from '../../src/conax/fields.ts';
import { defaultMappingFile, loadMapping, MappingError } from '../../src/conax/mapping.ts';
import { type Cas, call, calls, card, device, everyCommand, said, startCas } from './support.ts';

const directories: string[] = [];
const open: Cas[] = [];
afterEach(async () => {
  for (const cas of open.splice(0)) await cas.close();
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true });
});

const otherSpelling = join(import.meta.dirname, 'fixtures/other-spelling/mapping.json');

/** A copy of the project's mapping file and WSDLs, changed: text for text in one of the files. */
function changedMapping(...changes: readonly (readonly [file: string, from: string | RegExp, to: string])[]): string {
  const directory = mkdtempSync(join(tmpdir(), 'conax-mapping-'));
  directories.push(directory);
  cpSync(dirname(defaultMappingFile), directory, { recursive: true });
  for (const [name, from, to] of changes) {
    const file = join(directory, name);
    const text = readFileSync(file, 'utf8');
    const changed = text.replaceAll(from, to);
    if (changed === text) throw new Error(`${name} has no ${String(from)}`);
    writeFileSync(file, changed);
  }
  return join(directory, 'conax-mapping.json');
}

async function mistakesIn(mappingFile: string): Promise<string> {
  const client = createConaxClient({ baseUrl: 'http://127.0.0.1:9', mappingFile, timeoutMs: 1_000, maxConnections: 1 });
  const error = await client.then(
    () => new Error('it was accepted'),
    (reason: unknown) => reason,
  );
  if (!(error instanceof MappingError)) throw error;
  return error.message;
}

describe('the mapping file', () => {
  it('that comes with the project speaks all 13 commands', async () => {
    expect(commandTypes).toHaveLength(13);
    const { commands } = await loadMapping(defaultMappingFile);
    expect(Object.keys(commands).toSorted()).toEqual(commandTypes.toSorted());
  });

  it('names no distributor, so none is sent', async () => {
    const { commands } = await loadMapping(defaultMappingFile);
    const named = Object.values(commands).flatMap(({ request }) => Object.keys(request));
    expect(named.filter((field) => field.includes('istributor'))).toEqual([]);
  });

  it('may leave the SOAPAction to the WSDL', async () => {
    const { commands } = await loadMapping(changedMapping(['conax-mapping.json', /"soapAction": "[^"]*",/g, '']));
    const { commands: full } = await loadMapping(defaultMappingFile);
    for (const type of everyCommand) expect(commands[type].soapAction).toBe(full[type].soapAction);
  });
});

describe('mistakes are found at start, all in one message', () => {
  it('names every mistake with its place and the way out', async () => {
    const message = await mistakesIn(
      changedMapping(
        ['conax-mapping.json', '"operation": "AddSubscriptions"', '"operation": "AddSubscription"'],
        ['conax-mapping.json', 'CancelSubscriptionsRequest/ProductIds', 'CancelSubscriptionsRequest/Products'],
        [
          'conax-mapping.json',
          'CreatePairingRequest/CaClientIds/CaClientId[]',
          'CreatePairingRequest/CaClientIds/CaClientId',
        ],
        [
          'conax-mapping.json',
          '"pin": "UpdateCaPinToGivenValueRequest/CaPin"',
          '"pim": "UpdateCaPinToGivenValueRequest/CaPin"',
        ],
        ['conax-mapping.json', 'wsdl/fingerprinting.wsdl', 'wsdl/fingerprint.wsdl'],
        ['conax-mapping.json', '"area": "user-text-messaging"', '"area": "messaging"'],
      ),
    );
    expect(message).toContain(
      'commands.ADD_SUBSCRIPTIONS.operation: wsdl/authorization.wsdl has no AddSubscription, but AddSubscriptions',
    );
    expect(message).toContain(
      'commands.CANCEL_SUBSCRIPTIONS.request.service: CancelSubscriptionsRequest/Products/ProductId: the WSDL has no Products',
    );
    expect(message).toContain(
      'commands.CREATE_PAIRING.request.smartcards: CreatePairingRequest/CaClientIds/CaClientId is a list; put []',
    );
    expect(message).toContain('commands.UPDATE_CA_PIN_TO_GIVEN_VALUE.request.pim: is no field of this command');
    expect(message).toContain('commands.UPDATE_CA_PIN_TO_GIVEN_VALUE.request.pin: is missing');
    expect(message).toContain('areas.fingerprinting.wsdl:');
    expect(message).toContain('commands.SEND_BARK_MESSAGE_TO_CLIENT.area: messaging is none of authorization');
  });

  it.each(everyCommand)('%s must be there', async (type) => {
    expect(await mistakesIn(changedMapping(['conax-mapping.json', `"${type}"`, `"NOT_${type}"`]))).toContain(
      `commands.${type}`,
    );
  });

  it.each([
    ['no JSON', ['conax-mapping.json', /^\{/g, '{,'] as const, 'JSON'],
    ['a key that is not known', ['conax-mapping.json', '"areas"', '"aereas"'] as const, 'aereas'],
    [
      'a path without slash',
      ['conax-mapping.json', '"/authorization"', '"authorization"'] as const,
      'areas.authorization.path: begin with /',
    ],
    [
      'a schema that is missing',
      ['wsdl/authorization.wsdl', 'authorization.xsd', 'gone.xsd'] as const,
      'gone.xsd cannot be read',
    ],
    [
      'a type that no schema has',
      ['wsdl/common-types.xsd', 'name="CaClientId"', 'name="ClientId"'] as const,
      'common:CaClientId',
    ],
    ['rpc style', ['wsdl/authorization.wsdl', 'style="document"', 'style="rpc"'] as const, 'only document/literal'],
    [
      'a response without status code',
      ['conax-mapping.json', /"statusCode": "StatusCode",/g, ''] as const,
      'commands.ADD_SUBSCRIPTIONS.response.statusCode: is missing',
    ],
    [
      'an element that the WSDL requires and nobody fills',
      [
        'wsdl/authorization.xsd',
        /(<xs:element name="ProductIds" type="tns:ProductIds"\/>)/g,
        '$1<xs:element name="Operator" type="xs:string"/>',
      ] as const,
      'commands.ADD_SUBSCRIPTIONS: what would be sent does not fit the WSDL: AddSubscriptions/AddSubscriptionsRequest: Operator is missing',
    ],
  ])('%s', async (_name, change, expected) => {
    expect(await mistakesIn(changedMapping(change))).toContain(expected);
  });

  it('an element that the WSDL requires can be filled with a constant', async () => {
    const mappingFile = changedMapping(
      [
        'wsdl/authorization.xsd',
        /(<xs:element name="ProductIds" type="tns:ProductIds"\/>)/g,
        '$1<xs:element name="Operator" type="xs:string"/>',
      ],
      [
        'conax-mapping.json',
        '"operation": "AddSubscriptions",',
        '"operation": "AddSubscriptions", "constants": {"AddSubscriptionsRequest/Operator": "CRM"},',
      ],
      [
        'conax-mapping.json',
        '"operation": "CancelSubscriptions",',
        '"operation": "CancelSubscriptions", "constants": {"CancelSubscriptionsRequest/Operator": "CRM"},',
      ],
    );
    const cas = await startCas({}, { mappingFile });
    open.push(cas);
    const exchange = await cas.client.call(calls.ADD_SUBSCRIPTIONS);
    expect(said(exchange.answer)).toBe('accepted');
    expect(exchange.requestBody).toContain('Operator>CRM<');
  });

  it('a list that the WSDL requires is sent even where it is empty', async () => {
    const mappingFile = changedMapping(
      [
        'wsdl/pairing.xsd',
        '<xs:element name="CaClientIds" type="tns:CaClientIds" minOccurs="0"/>',
        '<xs:element name="CaClientIds" type="tns:CaClientIds"/>',
      ],
      ['wsdl/pairing.xsd', 'type="common:CaClientId" maxOccurs', 'type="common:CaClientId" minOccurs="0" maxOccurs'],
    );
    const cas = await startCas({}, { mappingFile });
    open.push(cas);
    await cas.client.call(calls.CREATE_PAIRING);
    const command = {
      type: 'ADD_TO_EXISTING_PAIRING',
      existingSmartcard: device(card),
      smartcards: [],
      setTopBoxes: [device('STB9')],
    } as const;
    const exchange = await cas.client.call(call(command));
    expect(said(exchange.answer)).toBe('accepted');
    expect(exchange.requestBody).toContain('CaClientIds></area:CaClientIds>');
  });

  it('elements that come from another namespace by reference are written there', async () => {
    const mappingFile = changedMapping(
      [
        'wsdl/common-types.xsd',
        '</xs:schema>',
        '<xs:element name="PairingModuleId" type="tns:PairingModuleId"/></xs:schema>',
      ],
      [
        'wsdl/pairing.xsd',
        '<xs:element name="PairingModuleId" type="common:PairingModuleId" maxOccurs="unbounded"/>',
        '<xs:element ref="common:PairingModuleId" maxOccurs="unbounded"/>',
      ],
    );
    const cas = await startCas({}, { mappingFile });
    open.push(cas);
    expect(said((await cas.client.call(calls.CREATE_PAIRING)).answer)).toBe('accepted');
    expect((await cas.journal())[0]?.parameters).toMatchObject({ setTopBoxes: ['STB1', 'STB2'] });
  });
});

describe('another spelling of the same commands needs no code', () => {
  it('carries every command, with its distributors', async () => {
    const cas = await startCas({}, { mappingFile: otherSpelling });
    open.push(cas);
    const answers: Record<string, string> = {};
    for (const type of everyCommand) {
      const exchange = await cas.client.call(calls[type]);
      answers[type] = said(exchange.answer);
      expect(exchange.url).toBe(`${cas.url}/ws/cas`);
    }
    expect(answers).toEqual(Object.fromEntries(everyCommand.map((type) => [type, 'accepted'])));
    expect((await cas.journal()).map((entry) => entry.command)).toEqual(everyCommand);
    const asked = await cas.client.call(calls.GET_PAIRING_STATUS_FOR_CARD);
    expect(asked.answer).toMatchObject({
      pairing: { smartcards: [card, '00000000002', '00000000003'], setTopBoxes: ['STB1', 'STB2', 'STB3'] },
    });
  });

  it('sends each distributor beside its own device, and none where there is none', async () => {
    const cas = await startCas({}, { mappingFile: otherSpelling });
    open.push(cas);
    const { requestBody } = await cas.client.call(
      call({
        type: 'CREATE_PAIRING',
        smartcards: [device('1', 'R1'), device('2'), device('3', 'R3')],
        setTopBoxes: [device('S', 'R4')],
      }),
    );
    expect(requestBody).toContain(
      '<card><number>1</number><room>R1</room></card><card><number>2</number></card><card><number>3</number><room>R3</room></card><box><number>S</number><room>R4</room></box>',
    );
    const added = await cas.client.call(
      call({ type: 'ADD_SUBSCRIPTIONS', smartcard: '1', service: device('101', 'R1') }),
    );
    expect(added.requestBody).toContain('<product><number>101</number><room>R1</room></product>');
  });

  it('refuses a distributor list that stands apart from its devices', async () => {
    const mapping = JSON.parse(readFileSync(otherSpelling, 'utf8')) as {
      areas: { all: { wsdl: string } };
      commands: Record<string, { request: Record<string, string> }>;
    };
    mapping.areas.all.wsdl = join(dirname(otherSpelling), 'cas.wsdl');
    Object.assign(mapping.commands['CREATE_PAIRING']?.request ?? {}, { smartcardDistributors: 'box[]/room' });
    const file = changedMapping();
    writeFileSync(file, JSON.stringify(mapping));
    expect(await mistakesIn(file)).toContain(
      'commands.CREATE_PAIRING.request.smartcardDistributors: must stand in the same repeated element',
    );
  });
});

it('the documents list every field of every command', () => {
  const text = readFileSync(join(import.meta.dirname, '../../docs/conax.md'), 'utf8');
  const missing = Object.values(requestFields)
    .flatMap((fields) => Object.keys(fields))
    .filter((field) => !text.includes(`\`${field}\``));
  expect([...new Set(missing)]).toEqual([]);
});

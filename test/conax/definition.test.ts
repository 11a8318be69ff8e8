import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { type CasDefinition, defaultCasFile, loadCasDefinition } from '../../src/conax/cas-definition.ts';
import { commonFields, itemFields, requestFields } from '../../src/conax/field-names.ts';
import { CasDefinitionError } from '../../src/conax/mistakes.ts';
import type { CommandType } from '../../src/requests/command.ts';
import { calls, everyCommand, openClient } from './support.ts';

const directories: string[] = [];
afterEach(() => {
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true });
});

const otherSpelling = join(import.meta.dirname, 'fixtures/other-spelling/conax.json');
type Change = readonly [file: string, from: string | RegExp, to: string];

/** A copy of a definition with its files, changed: text for text in one of them. */
function changed(changes: readonly Change[], original = defaultCasFile): string {
  const directory = mkdtempSync(join(tmpdir(), 'conax-cas-'));
  directories.push(directory);
  cpSync(dirname(original), directory, { recursive: true });
  for (const [name, from, to] of changes) {
    const file = join(directory, name);
    const text = readFileSync(file, 'utf8');
    const now = typeof from === 'string' ? text.replace(from, to) : text.replaceAll(from, to);
    if (now === text) throw new Error(`${name} has no ${String(from)}`);
    writeFileSync(file, now);
  }
  return join(directory, 'conax.json');
}

/** The mistakes, with the directory taken out. */
async function mistakesIn(file: string): Promise<readonly string[]> {
  const error: unknown = await loadCasDefinition(file).then(
    () => new Error('it was accepted'),
    (reason: unknown) => reason,
  );
  if (!(error instanceof CasDefinitionError)) throw error;
  for (const mistake of error.mistakes) expect(error.message).toContain(`- ${mistake}`);
  expect(error.message).toContain(`CONAX_MAPPING_FILE ${file}: ${error.mistakes.length} to fix:`);
  return error.mistakes.map((mistake) => mistake.replaceAll(`${dirname(file)}/`, ''));
}

async function warningsOf(file: string): Promise<readonly string[]> {
  const { unchecked, warnings }: CasDefinition = await loadCasDefinition(file);
  return [...unchecked, ...warnings].map((warning) => warning.replaceAll(`${dirname(file)}/`, ''));
}

const add = 'requests/ADD_SUBSCRIPTIONS.xml';

describe('what comes with the project', () => {
  it('speaks all 13 commands, checked against its WSDLs, with nothing left to warn of', async () => {
    const { commands, unchecked, warnings } = await loadCasDefinition(defaultCasFile);
    expect(Object.keys(commands).toSorted()).toEqual(everyCommand.toSorted());
    expect({ unchecked, warnings }).toEqual({ unchecked: [], warnings: [] });
  });

  it('names no distributor, so none is sent', async () => {
    const { commands } = await loadCasDefinition(defaultCasFile);
    const named = Object.values(commands).flatMap(({ template }) => [...template.uses.keys()]);
    expect(named.filter((field) => /istributor/.test(field))).toEqual([]);
  });

  it('sends the SOAPActions of its WSDLs, so that another WSDL brings its own', async () => {
    const { commands } = await loadCasDefinition(
      changed([['wsdl/authorization.wsdl', /authorization\/v1\/AddSubscriptions"/g, 'authorization/v2/Add"']]),
    );
    expect(commands.ADD_SUBSCRIPTIONS?.soapAction).toBe('http://www.conax.com/cas/authorization/v2/Add');
    expect(commands.CREATE_PAIRING?.soapAction).toBe('http://www.conax.com/cas/pairing/v1/CreatePairing');
  });
});

it('lists of codes stand for all commands, for those of an area, or for one', async () => {
  const { commands } = await loadCasDefinition(
    changed([
      [
        'conax.json',
        '"path": "/pairing",',
        '"path": "/pairing", "answers": { "notAuthorised": ["9"], "tryLater": ["8"] },',
      ],
      [
        'conax.json',
        '"statusCode": "pairing:CreatePairingResponse',
        '"tryLater": ["7"], "statusCode": "pairing:CreatePairingResponse',
      ],
    ]),
  );
  const listsOf = (type: CommandType): unknown[] => {
    const { success, tryLater, notAuthorised } = commands[type]?.answer ?? {};
    return [success, tryLater, notAuthorised].map((codes) => [...(codes ?? [])].join());
  };
  expect(listsOf('ADD_SUBSCRIPTIONS')).toEqual(['OK', 'SYSTEM_ERROR', 'FailedAuthentication']);
  expect(listsOf('GET_PAIRING_STATUS_FOR_CARD')).toEqual(['OK', '8', '9']);
  expect(listsOf('CREATE_PAIRING')).toEqual(['OK', '7', '9']);
});

it('another spelling needs other files only', async () => {
  const { commands, unchecked, warnings } = await loadCasDefinition(otherSpelling);
  expect({ unchecked, warnings }).toEqual({ unchecked: [], warnings: [] });
  expect(commands.SEND_BARK_MESSAGE_TO_CLIENT).toMatchObject({
    path: '/ws/cas',
    soapAction: 'urn:other-cas:sendText',
    body: { ns: 'urn:other-cas:messages', name: 'sendText' },
  });
});

describe('mistakes are found at start', () => {
  it('all in one message, each with file, line and remedy', async () => {
    const mistakes = await mistakesIn(
      changed([
        ['conax.json', '"area": "fingerprinting"', '"area": "fingers"'],
        ['conax.json', 'pin:UpdateCaPinToDefaultValueResponse/common:StatusCode', 'pim:Response/common:StatusCode'],
        [add, '{{service}}', '{{servise}}'],
        ['requests/CANCEL_SUBSCRIPTIONS.xml', '{{service}}', '{{{service}}}'],
        ['requests/CREATE_PAIRING.xml', '</soap:Body>', ''],
        ['requests/GET_ACTIVE_SUBSCRIPTIONS.xml', 'CaClientId>{{smartcard}}<', 'Card>{{smartcard}}<'],
      ]),
    );
    const expected = [
      /^conax\.json:\d+: commands\.DISPLAY_FINGERPRINT\.area: "fingers" is no area; it is one of authorization, /,
      /^conax\.json:\d+: commands\.UPDATE_CA_PIN_TO_DEFAULT_VALUE\.answer\.statusCode: .*the prefix pim is not in "namespaces"; add it/,
      /^requests\/ADD_SUBSCRIPTIONS\.xml:10: \{\{servise\}\} is no field of this command; did you mean service\? it has .*smartcard, service, /,
      /^requests\/CANCEL_SUBSCRIPTIONS\.xml:10: \{\{\{service\}\}\} would send a text unescaped; write \{\{service\}\}/,
      /^requests\/CREATE_PAIRING\.xml:\d+: what the template makes is not well formed/,
    ];
    for (const line of expected) expect(mistakes).toContainEqual(expect.stringMatching(line));
  });

  it('one mistake hides no other: of the same template, of its answer, of another entry of conax.json', async () => {
    const mistakes = await mistakesIn(
      changed([
        [add, '{{service}}', '{{servise}}'],
        [add, '<area:CaClientIds>', '<area:Spare/><area:CaClientIds>'],
        ['conax.json', /AddSubscriptionsResponse\/common:StatusCode/g, 'AddSubscriptionsResponse/common:Code'],
        ['requests/CANCEL_SUBSCRIPTIONS.xml', '</area:ProductId>', ''],
        ['conax.json', /CancelSubscriptionsResponse\/common:StatusCode/g, 'CancelSubscriptionsResponse/common:Code'],
        ['conax.json', '"/ca-pin"', '"ca-pin"'],
        ['conax.json', '"template": "requests/DISPLAY_FINGERPRINT.xml"', '"template": ""'],
      ]),
    );
    const places = mistakes.map((line) => line.replace(/(?:(?<=json):\d+)|(?<=[;.]) .*/g, '').slice(0, 90));
    expect(places.toSorted()).toEqual([
      expect.stringMatching(/^conax\.json: areas\.ca-pin\.path: start with \//) as string,
      expect.stringMatching(/^conax\.json: commands\.ADD_SUBSCRIPTIONS\.answer\.statusCode: the WSDL has no/) as string,
      expect.stringMatching(/^conax\.json: commands\.CANCEL_SUBSCRIPTIONS\.answer\.statusCode: the WSDL/) as string,
      expect.stringMatching(/^conax\.json: commands\.DISPLAY_FINGERPRINT\.template: /) as string,
      expect.stringMatching(/^requests\/ADD_SUBSCRIPTIONS\.xml:10: \{\{servise\}\} is no field/) as string,
      expect.stringMatching(/^requests\/ADD_SUBSCRIPTIONS\.xml:6: does not fit the WSDL: .*/) as string,
      expect.stringMatching(
        /^requests\/CANCEL_SUBSCRIPTIONS\.xml:10: what the template makes is not well formed: <area:Pr/,
      ) as string,
    ]);
  });

  it.each<[string, Change, RegExp]>([
    ['no JSON', ['conax.json', '{', '{,'], /^conax\.json:1: is no JSON: value expected; look for a comma/],
    [
      'a comment',
      ['conax.json', '"basicAuth"', '// no\n"basicAuth"'],
      /^conax\.json:\d+: is no JSON: it has a comment; remove it/,
    ],
    [
      'a key that is there twice',
      ['conax.json', '"basicAuth"', '"basicAuth": false, "basicAuth"'],
      /^conax\.json:\d+: "basicAuth" is there twice/,
    ],
    [
      'a key that is not known',
      ['conax.json', '"areas"', '"aereas"'],
      /^conax\.json:\d+: the file: .*aereas.*; remove it, or correct its name/,
    ],
    [
      'a command that is not there',
      ['conax.json', '"ADD_SUBSCRIPTIONS": {', '"NO_SUBSCRIPTIONS": {'],
      /^conax\.json:\d+: commands\.NO_SUBSCRIPTIONS: is no command; write one of ADD_SUBSCRIPTIONS, /,
    ],
    [
      'a path without a slash',
      ['conax.json', '"/authorization"', '"authorization"'],
      /areas\.authorization\.path: start with \//,
    ],
    [
      'a template that is missing',
      ['conax.json', add, 'requests/gone.xml'],
      /^conax\.json:\d+: commands\.ADD_SUBSCRIPTIONS\.template: .*gone\.xml.*; correct its name, which is relative to conax\.json/,
    ],
    [
      'a WSDL that is missing',
      ['conax.json', 'wsdl/pairing.wsdl', 'wsdl/gone.wsdl'],
      /^conax\.json:23: areas\.pairing\.wsdl: .*gone\.wsdl cannot be read: .*; correct the file or its name/,
    ],
    [
      'a list that has no path',
      ['conax.json', /,\s*"activeServices": "[^"]*"/g, ''],
      /answer\.activeServices: is missing/,
    ],
    [
      'a command that is not there',
      ['conax.json', '"DISPLAY_FINGERPRINT": ', '"DISPLAY_FINGERPRINTS": '],
      /commands\.DISPLAY_FINGERPRINT: is missing; write it with conax init, copy it .*, or write \{ "unsupported": "why" \}/,
    ],
    [
      'no status code',
      ['conax.json', '"statusCode": "authorization:AddSubscriptionsResponse/common:StatusCode",', ''],
      /commands\.ADD_SUBSCRIPTIONS\.answer\.statusCode: is missing; write its path, or "element"/,
    ],
    [
      'an answer of another operation',
      ['conax.json', /authorization:AddSubscriptionsResponse/g, 'authorization:CancelSubscriptionsResponse'],
      /the WSDL answers AddSubscriptions with \{.*\}AddSubscriptionsResponse, not with/,
    ],
    [
      'a partial',
      [add, '{{service}}', '{{>service}}'],
      /ADD_SUBSCRIPTIONS\.xml:10: \{\{>service\}\} loads another file/,
    ],
    ['other marks', [add, '{{service}}', '{{=<% %>=}}'], /changes the marks of the tags/],
    ['an unescaped tag', [add, '{{service}}', '{{& service}}'], /would send a text unescaped/],
    [
      'a tag that is not closed',
      [add, '{{service}}', '{{service'],
      /ADD_SUBSCRIPTIONS\.xml:10: a tag is not closed; close every/,
    ],
    [
      'a section that is not closed',
      [add, '{{/entitledUntil}}', ''],
      /ADD_SUBSCRIPTIONS\.xml:13: \{\{#entitledUntil\}\} is not closed; write \{\{\/entitledUntil\}\}/,
    ],
    [
      'a section that is not open',
      [add, '{{service}}', '{{service}}{{/service}}'],
      /ADD_SUBSCRIPTIONS\.xml:10: \{\{\/service\}\} closes nothing; write \{\{#service\}\}/,
    ],
    [
      'an element that is not closed',
      [add, '</area:CaClientIds>', ''],
      /ADD_SUBSCRIPTIONS\.xml:6: .* <area:CaClientIds> is not closed/,
    ],
    [
      'an element that is not closed at the end',
      [add, '</soap:Envelope>', ''],
      /ADD_SUBSCRIPTIONS\.xml:2: .* <soap:Envelope> is not closed/,
    ],
    [
      'a ? of SoapUI in an element',
      [add, '<area:CaClientIds>', '<area:Spare>\n ? </area:Spare><area:CaClientIds>'],
      /ADD_SUBSCRIPTIONS\.xml:6: <area:Spare> still has the \? of SoapUI; write a field .*&#63;/,
    ],
    [
      'a ? of SoapUI in an attribute',
      [add, '<area:CaClientIds>', '<area:CaClientIds\nid="1" kind="?">'],
      /ADD_SUBSCRIPTIONS\.xml:7: kind of <area:CaClientIds> still has the \? of SoapUI/,
    ],
    [
      'a list without a section',
      ['requests/CREATE_PAIRING.xml', '{{caId}}', '{{smartcards}}'],
      /CREATE_PAIRING\.xml:\d+: \{\{smartcards\}\} is a list; write \{\{#smartcards\}\}/,
    ],
    ['a device outside its list', [add, '{{service}}', '{{caId}}'], /\{\{caId\}\} is a field of a list's devices/],
    [
      'a required field that no tag sends',
      [add, '{{service}}', '101'],
      /ADD_SUBSCRIPTIONS\.xml:4: service is never sent; write \{\{service\}\}/,
    ],
    [
      'a required field that is sent at times',
      [add, '{{service}}', '{{#serviceDistributor}}{{service}}{{/serviceDistributor}}'],
      /ADD_SUBSCRIPTIONS\.xml:10: service is not always sent; write/,
    ],
    [
      'a list whose devices are not sent',
      ['requests/CREATE_PAIRING.xml', '{{caId}}', '{{distributor}}'],
      /CREATE_PAIRING\.xml:7: smartcards is never sent; write/,
    ],
    [
      'a tag in CDATA',
      [add, '{{service}}', '<![CDATA[{{service}}]]>'],
      /ADD_SUBSCRIPTIONS\.xml:10: \{\{service\}\} stands in a CDATA section/,
    ],
    [
      'a tag in a name',
      [add, '<area:ProductId>{{service}}</area:ProductId>', '<area:{{service}}>{{service}}</area:{{service}}>'],
      /ADD_SUBSCRIPTIONS\.xml:10: \{\{service\}\} stands where no text can/,
    ],
    [
      'a tag in a namespace',
      [add, '<area:ProductId>', '<area:ProductId xmlns:x="{{service}}">'],
      /\{\{service\}\} stands where no text can/,
    ],
    [
      'a document type',
      [add, '<soap:Envelope', '<!DOCTYPE x>\n<soap:Envelope'],
      /ADD_SUBSCRIPTIONS\.xml:\d: what the template makes has a document type/,
    ],
    ['no Envelope', [add, /soap:Envelope/g, 'soap:Message'], /is no SOAP envelope/],
    ['two Bodies', [add, '</soap:Body>', '</soap:Body><soap:Body/>'], /has something beside the SOAP body/],
    ['two elements in the Body', [add, '</soap:Body>', '<x/></soap:Body>'], /has 2 elements in its SOAP body/],
    [
      'a Body that depends on a field',
      [
        add,
        /<(\/?)area:AddSubscriptions>/g,
        '{{#serviceDistributor}}<$1area:AddSubscriptions>{{/serviceDistributor}}{{^serviceDistributor}}<$1area:CancelSubscriptions>{{/serviceDistributor}}',
      ],
      /the element in the Body depends on a field/,
    ],
    [
      'an element that the schema does not have',
      [add, '<area:CaClientIds>', '<area:Spare/><area:CaClientIds>'],
      /ADD_SUBSCRIPTIONS\.xml:6: does not fit the WSDL: .*Spare': This element is not expected/,
    ],
    [
      'an attribute that the schema does not have',
      [add, '<area:CaClientIds>', '<area:CaClientIds kind="1">'],
      /ADD_SUBSCRIPTIONS\.xml:6: does not fit the WSDL: .*attribute 'kind'/,
    ],
    [
      'an element that the schema demands',
      [
        'wsdl/authorization.xsd',
        /(<xs:element name="ProductIds" type="tns:ProductIds"\/>)/g,
        '$1<xs:element name="Operator" type="xs:string"/>',
      ],
      /ADD_SUBSCRIPTIONS\.xml:\d+: does not fit the WSDL: .*Operator/,
    ],
    [
      'a constant that its type forbids',
      ['requests/SEND_MAIL_MESSAGE_TO_CLIENT.xml', '{{requestNumber}}', 'next'],
      /SEND_MAIL_MESSAGE_TO_CLIENT\.xml:\d+: does not fit the WSDL: .*'next'/,
    ],
    [
      'a Body that no operation takes',
      [add, /area:AddSubscriptions>/g, 'area:AddSubs>'],
      /does not fit the WSDL: the WSDL has no element \{.*\}AddSubs\./,
    ],
    [
      'a path that the schema does not have',
      ['conax.json', 'AddSubscriptionsResponse/common:StatusCode', 'AddSubscriptionsResponse/common:ResultCode'],
      /commands\.ADD_SUBSCRIPTIONS\.answer\.statusCode: the WSDL has no such place/,
    ],
    [
      'a path in the wrong namespace',
      ['conax.json', 'AddSubscriptionsResponse/common:StatusCode', 'AddSubscriptionsResponse/authorization:StatusCode'],
      /answer\.statusCode: the WSDL has no such place/,
    ],
    [
      'a path that goes on below a text',
      [
        'conax.json',
        'AddSubscriptionsResponse/common:StatusCode',
        'AddSubscriptionsResponse/common:StatusCode/common:Code',
      ],
      /answer\.statusCode: the WSDL has no such place/,
    ],
    [
      'an attribute of an answer that the schema does not have',
      ['conax.json', 'AddSubscriptionsResponse/common:StatusCode', 'AddSubscriptionsResponse/common:StatusCode/@code'],
      /answer\.statusCode: the WSDL has no such place/,
    ],
    [
      'a status code whose type is never a success',
      ['wsdl/common-types.xsd', 'name="StatusCode" type="xs:string"', 'name="StatusCode" type="xs:int"'],
      /answer\.statusCode: its type takes none of the success codes OK/,
    ],
  ])('%s', async (_name, change, expected) => {
    expect(await mistakesIn(changed([change]))).toContainEqual(expect.stringMatching(expected));
  });

  it('the same mistake at two places is named twice', async () => {
    const twice = '<area:Spare>?</area:Spare>\n<area:Spare>?</area:Spare>';
    const mistakes = await mistakesIn(changed([[add, '<area:CaClientIds>', `${twice}<area:CaClientIds>`]]));
    expect(mistakes.filter((line) => line.includes('of SoapUI')).map((line) => line.split(': ')[0])).toEqual([
      'requests/ADD_SUBSCRIPTIONS.xml:6',
      'requests/ADD_SUBSCRIPTIONS.xml:7',
    ]);
  });

  it('two ports with different actions are named, and one must be chosen', async () => {
    const file = changed([
      [
        'wsdl/authorization.wsdl',
        '<wsdl:service name="AuthorizationService">',
        `<wsdl:binding name="Second" type="tns:AuthorizationPortType">
          <soap:binding transport="http://schemas.xmlsoap.org/soap/http"/>
          <wsdl:operation name="AddSubscriptions"><soap:operation soapAction="urn:second"/>
          <wsdl:input><soap:body use="literal"/></wsdl:input><wsdl:output><soap:body use="literal"/></wsdl:output></wsdl:operation>
        </wsdl:binding><wsdl:service name="AuthorizationService"><wsdl:port name="SecondPort" binding="tns:Second"/>`,
      ],
    ]);
    expect(await mistakesIn(file)).toEqual([
      expect.stringMatching(
        /^conax\.json:\d+: commands\.ADD_SUBSCRIPTIONS\.soapAction: is missing, and the WSDL has several: SecondPort\/AddSubscriptions "urn:second", AuthorizationPort\/AddSubscriptions "[^"]+"; write the one/,
      ),
    ]);
  });

  it('a mapping file of the old form is answered by one sentence', async () => {
    const file = changed([
      ['conax.json', '"template": "requests/ADD_SUBSCRIPTIONS.xml"', '"operation": "AddSubscriptions"'],
    ]);
    expect(await mistakesIn(file)).toEqual([
      'conax.json:1: is a mapping file of paths, which request templates have replaced; docs/conax.md says how to move in ten minutes',
    ]);
  });
});

describe('a command that the CAS does not have', () => {
  const unsupported: Change = [
    'conax.json',
    /"DISPLAY_FINGERPRINT": \{[\s\S]*?\n {4}\}/g,
    '"DISPLAY_FINGERPRINT": { "unsupported": "no licence" }',
  ];

  it('is declared with its reason, and is no command of the definition', async () => {
    const { commands, unsupported: declared } = await loadCasDefinition(changed([unsupported]));
    expect([...declared]).toEqual([['DISPLAY_FINGERPRINT', 'no licence']]);
    expect(Object.keys(commands)).toHaveLength(12);
  });

  it('is refused by its name, with the remedy, before any call', async () => {
    const warnings: string[] = [];
    const client = await openClient('http://127.0.0.1:1', {
      mappingFile: changed([unsupported]),
      onWarning: (warning) => warnings.push(warning),
    });
    const { answer, httpStatus, requestBody } = await client.call(calls.DISPLAY_FINGERPRINT);
    await client.close();
    expect({ answer, httpStatus, requestBody }).toEqual({
      answer: {
        kind: 'invalid',
        code: 'FEATURE_NOT_AVAILABLE',
        description:
          'DISPLAY_FINGERPRINT is declared as unsupported (no licence), so it is refused and never sent; if the CAS has it, write its template and its entry in conax.json',
      },
      httpStatus: null,
      requestBody: null,
    });
    expect(warnings).toEqual([expect.stringMatching(/conax\.json: DISPLAY_FINGERPRINT is declared as unsupported/)]);
  });

  it('needs a reason, and nothing else', async () => {
    const broken = (entry: string): Change => ['conax.json', unsupported[1], `"DISPLAY_FINGERPRINT": ${entry}`];
    expect(await mistakesIn(changed([broken('{ "unsupported": " " }')]))).toEqual([
      expect.stringMatching(/^conax\.json:\d+: commands\.DISPLAY_FINGERPRINT\.unsupported: write why, for people$/),
    ]);
    expect(await mistakesIn(changed([broken('{ "unsupported": "x", "area": "pairing" }')]))).toEqual([
      expect.stringMatching(/^conax\.json:\d+: commands\.DISPLAY_FINGERPRINT: .*"area"/),
    ]);
  });
});

describe('what cannot be checked is a warning that names it', () => {
  it.each<[string, readonly Change[], RegExp]>([
    [
      'an area without a WSDL',
      [
        ['conax.json', /,\s*"wsdl": "wsdl\/ca-pin.wsdl"/g, ''],
        ['conax.json', /"area": "ca-pin",/g, '"area": "ca-pin", "soapAction": "",'],
      ],
      /^conax\.json:\d+: areas\.ca-pin: has no wsdl/,
    ],
    [
      'an import by address',
      [
        [
          'wsdl/authorization.xsd',
          '<xs:complexType name="CaClientIds">',
          '<xs:import namespace="urn:spare" schemaLocation="http://cas.example/spare.xsd?x=1"/><xs:complexType name="CaClientIds">',
        ],
      ],
      /^wsdl\/authorization\.xsd:\d+: refers to http:\/\/cas\.example\/spare\.xsd\?x=1: nothing is fetched; save it beside the WSDL/,
    ],
    [
      'a schema that is missing',
      [
        ['wsdl/authorization.xsd', 'schemaLocation="common-types.xsd"', 'schemaLocation="gone.xsd"'],
        ['wsdl/authorization.wsdl', 'schemaLocation="common-types.xsd"', 'schemaLocation="gone.xsd"'],
      ],
      /^wsdl\/authorization\.xsd:\d+: refers to gone\.xsd: the file is missing/,
    ],
    [
      'schemas that libxml2 cannot read',
      [['wsdl/common-types.xsd', 'name="CaClientId"', 'name="ClientId"']],
      /its schemas cannot be read, so requests and answers are not checked: .*CaClientId/,
    ],
    [
      'values that the schema limits further than the samples',
      [
        [
          'wsdl/common-types.xsd',
          '<xs:minLength value="1"/><xs:maxLength value="30"/>',
          '<xs:pattern value="\\d{8}"/>',
        ],
      ],
      /^requests\/ADD_SUBSCRIPTIONS\.xml:7: a sample does not fit the WSDL: .*'01234567890'/,
    ],
    [
      'another action than that of the WSDL',
      [['conax.json', `"template": "${add}",`, `"template": "${add}", "soapAction": "urn:Other",`]],
      /commands\.ADD_SUBSCRIPTIONS\.soapAction: "urn:Other" is sent, and .*AuthorizationPort\/AddSubscriptions/,
    ],
    [
      'a policy',
      [
        [
          'wsdl/authorization.wsdl',
          '<soap:binding ',
          '<wsp:PolicyReference xmlns:wsp="http://schemas.xmlsoap.org/ws/2004/09/policy" URI="#UT"/><soap:binding ',
        ],
      ],
      /^wsdl\/authorization\.wsdl:\d+: the binding has a policy/,
    ],
    [
      'rpc style',
      [
        ['wsdl/authorization.wsdl', /style="document"/g, 'style="rpc"'],
        [
          'wsdl/authorization.wsdl',
          /<soap:body use="literal"\/>/g,
          '<soap:body use="literal" namespace="http://www.conax.com/cas/xsd/authorization/v1"/>',
        ],
      ],
      /is an rpc operation, whose messages no schema describes/,
    ],
  ])('%s', async (_name, changes, expected) => {
    const file = changed(changes);
    const said = await warningsOf(file).catch((error: unknown) => {
      if (!(error instanceof CasDefinitionError)) throw error;
      return error.mistakes;
    });
    expect(said).toContainEqual(expect.stringMatching(expected));
  });
});

it('a question mark that the CAS wants is written as a reference', async () => {
  const file = changed([
    ['requests/SEND_MAIL_MESSAGE_TO_CLIENT.xml', '{{message}}', '{{message}}?'],
    ['requests/GET_ACTIVE_SUBSCRIPTIONS.xml', '<area:CaClientId>', '<area:CaClientId><!-- ? -->'],
    ['requests/UPDATE_CA_PIN_TO_GIVEN_VALUE.xml', '<area:CaPin>', '<!-- <a>?</a> --><area:CaPin>'],
    [
      'requests/DISPLAY_FINGERPRINT.xml',
      '<soap:Body>',
      '<soap:Header><x:Mode xmlns:x="urn:x">&#63;</x:Mode></soap:Header><soap:Body>',
    ],
  ]);
  const { commands } = await loadCasDefinition(file);
  expect(commands.DISPLAY_FINGERPRINT?.template.render({})).toContain('>&#63;</x:Mode>');
});

it('a template may be written in another charset, and with comments', async () => {
  const file = changed([
    [
      add,
      '<?xml version="1.0" encoding="UTF-8"?>',
      '<?xml version="1.0" encoding="ISO-8859-1"?><!-- Abonné {{smartcart}} -->',
    ],
    [add, '<area:CaClientIds>', '<area:CaClientIds><!--1 or more repetitions:-->'],
  ]);
  const template = join(dirname(file), add);
  writeFileSync(template, readFileSync(template, 'utf8'), 'latin1');
  const { commands } = await loadCasDefinition(file);
  const xml = commands.ADD_SUBSCRIPTIONS?.template.render({ smartcard: '1', service: '2' });
  expect(xml).not.toContain('<!--');
  expect(xml).toContain('<area:CaClientIds><area:CaClientId>1</area:CaClientId></area:CaClientIds>');
  expect(xml).toMatch(/^<\?xml version="1.0" encoding="utf-8"\?><soap:Envelope /);
});

it('the documents list every field of every command', () => {
  const text = readFileSync(join(import.meta.dirname, '../../docs/conax.md'), 'utf8');
  const fields = [...Object.values(requestFields).flatMap(Object.keys), ...commonFields, ...itemFields];
  expect([...new Set(fields)].filter((field) => !text.includes(`\`${field}\``))).toEqual([]);
});

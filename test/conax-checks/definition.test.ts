import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { defaultCasFile, loadCasDefinition } from '../../src/conax-checks/cas-definition.ts';
import { CasDefinitionError } from '../../src/conax-checks/mistakes.ts';
import type { CasCommand, CasDefinition } from '../../src/conax/cas-definition.types.ts';
import { commonFields, itemFields, requestFields, type FieldCount, mustBeSent } from '../../src/conax/field-names.ts';
import { type FieldValues, render } from '../../src/conax/template.ts';
import type { CommandType } from '../../src/planning/command.ts';
import { add, type Change, changed, mistakesIn } from './changed-definition.ts';
import { calls, everyCommand, openClient } from '../conax/support.ts';

const otherSpelling = join(import.meta.dirname, '../conax/fixtures/other-spelling/conax.json');

async function warningsOf(file: string): Promise<readonly string[]> {
  const { unchecked, warnings }: CasDefinition = await loadCasDefinition(file);
  return [...unchecked, ...warnings].map((warning) => warning.replaceAll(`${dirname(file)}/`, ''));
}

/** What a command sends. */
function sentBy(command: CasCommand | undefined, values: FieldValues): string {
  if (command === undefined) throw new Error('it has no such command');
  return render(command.template, values);
}

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
      expect.stringMatching(
        /^conax\.json:\d+: commands\.DISPLAY_FINGERPRINT\.unsupported: is " "; write why the CAS does not have the command, for people$/,
      ),
    ]);
    expect(await mistakesIn(changed([broken('{ "unsupported": "x", "area": "pairing" }')]))).toEqual([
      expect.stringMatching(
        /^conax\.json:\d+: commands\.DISPLAY_FINGERPRINT\.area: is not known here; the names are unsupported; leave it out/,
      ),
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
      /^wsdl\/authorization\.xsd:\d+: refers to http:\/\/cas\.example\/spare\.xsd\?x=1: nothing is fetched; save it beside this file/,
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
      'a schema of XML Schema 1.1, which libxml2 cannot read',
      [
        [
          'wsdl/authorization.xsd',
          '</xs:schema>',
          '<xs:complexType name="New">\n<xs:sequence/><xs:assert test="true()"/></xs:complexType></xs:schema>',
        ],
      ],
      /^wsdl\/authorization\.xsd:\d+: libxml2 cannot read this, so nothing that uses it is checked: .*xs:complexType'/,
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
      'a header whose message the WSDL does not have',
      [
        [
          'wsdl/ca-pin.wsdl',
          '<wsdl:input><soap:body',
          '<wsdl:input><soap:header message="tns:Login" part="login" use="literal"/><soap:body',
        ],
      ],
      /^wsdl\/ca-pin\.wsdl:\d+: message="tns:Login" of header: the WSDL has no message \{\S+ca-pin\/v1\}Login; correct it/,
    ],
    [
      'a header whose part the message does not have',
      [
        [
          'wsdl/ca-pin.wsdl',
          '<wsdl:input><soap:body',
          '<wsdl:input><soap:header message="tns:ServiceFault" part="login" use="literal"/><soap:body',
        ],
      ],
      /^wsdl\/ca-pin\.wsdl:\d+: message="tns:ServiceFault" of header: the message ServiceFault has no part "login", but fault; correct/,
    ],
    [
      'a fault whose message the WSDL does not have',
      [['wsdl/ca-pin.wsdl', 'message="tns:ServiceFault"', 'message="tns:Gone"']],
      /^wsdl\/ca-pin\.wsdl:\d+: message="tns:Gone" of fault: the WSDL has no message \{\S+\}Gone/,
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

it.each<[tag: string, from: string, to: string, says: RegExp]>([
  [
    '{{^smartcard}}',
    '<area:CaClientIds>',
    '{{^smartcard}}<area:CaClientIds/>{{/smartcard}}<area:CaClientIds>',
    /^requests\/ADD_SUBSCRIPTIONS\.xml:6: \{\{\^smartcard\}\} is never true: smartcard is always there, so nothing in it is sent; remove or correct it$/,
  ],
  [
    '{{^now}}',
    '<area:CaClientIds>',
    '{{^now}}<area:CaClientIds/>{{/now}}<area:CaClientIds>',
    /^requests\/ADD_SUBSCRIPTIONS\.xml:6: \{\{\^now\}\} is never true: now is always there/,
  ],
  [
    'a section inside its opposite',
    '<area:CaClientIds>',
    '{{#serviceDistributor}}{{^serviceDistributor}}<a/>{{/serviceDistributor}}{{/serviceDistributor}}<area:CaClientIds>',
    /:6: \{\{\^serviceDistributor\}\} is never true: serviceDistributor is asked for by a section around it/,
  ],
  [
    'an opposite inside its section',
    '<area:CaClientIds>',
    '{{^serviceDistributor}}{{#serviceDistributor}}<a/>{{/serviceDistributor}}{{/serviceDistributor}}<area:CaClientIds>',
    /:6: \{\{#serviceDistributor\}\} is never true: the section around it is for a command without serviceDistributor/,
  ],
  [
    'a field in the section for its absence',
    '{{service}}',
    '{{service}}{{^serviceDistributor}}{{serviceDistributor}}{{/serviceDistributor}}',
    /:10: \{\{serviceDistributor\}\} sends nothing: it stands in the section for a command without it; move it out$/,
  ],
  [
    'a text in single braces that is no field',
    '{{service}}',
    '{{service}}{realm}',
    /:10: \{realm\} is sent as it stands; a field is written \{\{name\}\}, a brace that the CAS wants &#123;$/,
  ],
])('what a template sends never, or only literally, is a warning: %s', async (_tag, from, to, says) => {
  expect(await warningsOf(changed([[add, from, to]]))).toContainEqual(expect.stringMatching(says));
});

it.each<[string, Change]>([
  [
    'a section for a field that is only sometimes there',
    [add, '{{service}}', '{{service}}{{^entitledFrom}}{{/entitledFrom}}'],
  ],
  [
    'a section for an empty list',
    [
      'requests/ADD_TO_EXISTING_PAIRING.xml',
      '<soap:Body>',
      '<soap:Body>{{^smartcards}}{{/smartcards}}{{^hasSetTopBoxes}}{{/hasSetTopBoxes}}',
    ],
  ],
  ['braces that are written as references', [add, '{{service}}', '{{service}}&#123;service}$&#123;x}']],
])('what a template sends at times is no warning: %s', async (_name, change) => {
  expect(await warningsOf(changed([change]))).toEqual([]);
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
  expect(sentBy(commands.DISPLAY_FINGERPRINT, {})).toContain('>&#63;</x:Mode>');
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
  const xml = sentBy(commands.ADD_SUBSCRIPTIONS, { smartcard: '1', service: '2' });
  expect(xml).not.toContain('<!--');
  expect(xml).toContain('<area:CaClientIds><area:CaClientId>1</area:CaClientId></area:CaClientIds>');
  expect(xml).toMatch(/^<\?xml version="1.0" encoding="utf-8"\?><soap:Envelope /);
});

it('the documents say of each field whether it must be sent, is always there, or needs a section', () => {
  const rows = readFileSync(join(import.meta.dirname, '../../docs/conax.md'), 'utf8')
    .split('\n')
    .filter((line) => /^\| (?:[A-Z_]+(?:, )?)+ \|/.test(line))
    .map((line) => line.split('|').slice(1, -1));
  const documented = rows.flatMap(([commands = '', ...cells]) => {
    const fields = cells.map((cell) => Array.from(cell.matchAll(/`(\w+)`/g), ([, field]) => field));
    return commands.split(',').map((command) => [command.trim(), fields]);
  });
  const known = Object.entries(requestFields).map(([command, fields]) => {
    const those = (is: (field: string, count: FieldCount) => boolean): string[] =>
      Object.entries(fields).flatMap(([field, count]) => (is(field, count) ? [field] : []));
    const sometimes = (_field: string, count: FieldCount): boolean => count === 'optional';
    const always = (field: string, count: FieldCount): boolean => count !== 'optional' && !mustBeSent(field, count);
    return [command, [those(mustBeSent), those(always), those(sometimes)].map((one) => one.toSorted())];
  });
  const sorted = documented.map(([command, fields]) => [command, (fields as string[][]).map((one) => one.toSorted())]);
  expect(Object.fromEntries(sorted)).toEqual(Object.fromEntries(known));
});

it('the documents keep the default of notAuthorised in their example', () => {
  const text = readFileSync(join(import.meta.dirname, '../../docs/conax.md'), 'utf8');
  const lists = Array.from(
    text.matchAll(/"notAuthorised": (\[[^\]]*\])/g),
    ([, list = '']) => JSON.parse(list) as string[],
  );
  expect(lists).toEqual([['FailedAuthentication', '401']]);
});

it('the documents list every field of every command', () => {
  const text = readFileSync(join(import.meta.dirname, '../../docs/conax.md'), 'utf8');
  const fields = [...Object.values(requestFields).flatMap(Object.keys), ...commonFields, ...itemFields];
  expect([...new Set(fields)].filter((field) => !text.includes(`\`${field}\``))).toEqual([]);
});

describe('the path of an area that is not that of the port in the WSDL', () => {
  const address = 'location="http://localhost:8090/authorization"';
  const moved = (location: string, path = '/authorization'): readonly Change[] => [
    ['wsdl/authorization.wsdl', address, `location="${location}"`],
    ...(path === '/authorization' ? [] : [['conax.json', '"/authorization"', `"${path}"`] as const]),
  ];

  it('is a warning that names both', async () => {
    expect(await warningsOf(changed(moved('https://cas.example/soap/entitlements')))).toEqual([
      'conax.json:18: areas.authorization.path: "/authorization" is not the path of the address https://cas.example/soap/entitlements of wsdl/authorization.wsdl; correct it, or keep it if the CAS is at another place than its WSDL says',
    ]);
  });

  it.each([
    ['another host', moved('https://cas.example:8443/authorization')],
    ['a start that CONAX_BASE_URL may have', moved('https://cas.example/ws/authorization')],
    ['a query', moved('https://cas.example/authorization?x=1', '/authorization?op=1')],
    ['no path in the WSDL', moved('http://localhost:8080')],
    ['a text that is no address', moved('REPLACE_WITH_ACTUAL_URL')],
    ['an address that is not of HTTP', moved('urn:cas:authorization')],
  ] satisfies [string, readonly Change[]][])('and there is none for %s', async (_name, changes) => {
    expect(await warningsOf(changed(changes))).toEqual([]);
  });
});

describe('a template in UTF-8 that declares a charset of one byte a character', () => {
  const header = '<soap:Header><x:Login xmlns:x="urn:login">Abonné</x:Login></soap:Header><soap:Body>';
  const declaring = (charset: string): readonly Change[] => [
    [add, 'encoding="UTF-8"', `encoding="${charset}"`],
    [add, '<soap:Body>', header],
  ];

  it.each(['ISO-8859-1', 'windows-1252', 'us-ascii'])('is a mistake: %s', async (charset) => {
    expect(await mistakesIn(changed(declaring(charset)))).toEqual([
      `${add}:1: is UTF-8, and declares ${charset}: "é" would be sent as "Ã©"; write encoding="UTF-8"`,
    ]);
  });

  it('is right if its bytes are of that charset, and goes out in UTF-8', async () => {
    const file = changed(declaring('ISO-8859-1'));
    const template = join(dirname(file), add);
    writeFileSync(template, readFileSync(template, 'utf8'), 'latin1');
    const { commands } = await loadCasDefinition(file);
    const sent = Buffer.from(sentBy(commands.ADD_SUBSCRIPTIONS, { smartcard: '1', service: '2' }));
    expect(sent.includes(Buffer.from([0x6e, 0xc3, 0xa9, 0x3c]))).toBe(true);
  });
});

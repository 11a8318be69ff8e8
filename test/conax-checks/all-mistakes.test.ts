import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { defaultCasFile, inspectCas } from '../../src/conax-checks/cas-definition.ts';
import { add, type Change, changed, mistakesIn } from './changed-definition.ts';

/** How often each pattern matches a mistake; `others`: the mistakes that none matches. */
function matched(mistakes: readonly string[], patterns: readonly RegExp[]): Record<string, unknown> {
  const counts = patterns.map((pattern) => [String(pattern), mistakes.filter((one) => pattern.test(one)).length]);
  const others = mistakes.filter((mistake) => !patterns.some((pattern) => pattern.test(mistake)));
  return { ...Object.fromEntries(counts), others };
}

/** Each pattern matches once, and nothing else is there. */
function once(patterns: readonly RegExp[]): Record<string, unknown> {
  return { ...Object.fromEntries(patterns.map((pattern) => [String(pattern), 1])), others: [] };
}

it.each<[string, readonly Change[], readonly RegExp[]]>([
  [
    'common members, areas and commands',
    [
      ['conax.json', '"basicAuth": true', '"basicAuth": "yes"'],
      ['conax.json', '"success": ["OK"]', '"success": ["OK", 0]'],
      ['conax.json', '"tryLater"', '"trylater"'],
      ['conax.json', '"http://www.conax.com/cas/xsd/ca-pin/v1"', '5'],
      ['conax.json', '"/authorization"', '"authorization"'],
      ['conax.json', '"path": "/pairing"', '"pth": "/pairing"'],
      ['conax.json', /AddSubscriptionsResponse\/common:StatusCode/g, 'AddSubscriptionsResponse/common:Code'],
      ['conax.json', '"CREATE_PAIRING": {', '"CREATE_PAIRING": { "soapaction": 7,'],
      ['requests/CREATE_PAIRING.xml', '{{caId}}', '{{cardId}}'],
      ['conax.json', '"DISPLAY_FINGERPRINT": {', '"DISPLAY_FINGERPRNT": {'],
      ['requests/DISPLAY_FINGERPRINT.xml', '{{slot}}', '{{slott}}'],
    ],
    [
      /^conax\.json:8: namespaces\.pin: is 5; write the address of a namespace$/,
      /^conax\.json:10: basicAuth: is "yes"; write true to send user and password as HTTP Basic, false if/,
      /^conax\.json:12: answers\.success\.1: is 0; write a status code as text, such as "0"$/,
      /^conax\.json:14: answers\.trylater: is not known here; did you mean tryLater\? leave it out/,
      /^conax\.json:\d+: areas\.authorization\.path: is "authorization"; start with \//,
      /^conax\.json:\d+: areas\.pairing\.pth: is not known here; did you mean path\?/,
      /^conax\.json:\d+: commands\.ADD_SUBSCRIPTIONS\.answer\.statusCode: the WSDL has no such place/,
      /^conax\.json:\d+: commands\.CREATE_PAIRING\.soapaction: is 7; write the SOAPAction as text/,
      /^conax\.json:\d+: commands\.CREATE_PAIRING\.soapaction: is not known here; did you mean soapAction\?/,
      /^conax\.json:\d+: commands\.DISPLAY_FINGERPRNT: is no command; did you mean DISPLAY_FINGERPRINT\?/,
      /^requests\/CREATE_PAIRING\.xml:7: \{\{cardId\}\} is no field of this command; did you mean caId\?/,
      /^requests\/DISPLAY_FINGERPRINT\.xml:\d+: \{\{slott\}\} is no field of this command; did you mean slot\?/,
    ],
  ],
  [
    'JSON that is broken',
    [
      ['conax.json', '"basicAuth"', '// no\n"basicAuth"'],
      ['conax.json', '"tryLater": ["SYSTEM_ERROR"]', '"tryLater": ["SYSTEM_ERROR"],'],
      [add, '{{service}}', '{{servise}}'],
      ['conax.json', '"area": "pairing",', '"area": "paring",'],
    ],
    [
      /^conax\.json:10: is no JSON: it has a comment; remove it$/,
      /^conax\.json:16: is no JSON: property name expected; look for a comma/,
      /^conax\.json:16: is no JSON: value expected; look for a comma/,
      /^conax\.json:\d+: commands\.CREATE_PAIRING\.area: "paring" is no area; did you mean pairing\?/,
      /^requests\/ADD_SUBSCRIPTIONS\.xml:10: \{\{servise\}\} is no field/,
    ],
  ],
  [
    'several elements of one template that the WSDL has not, in XML that is not well formed',
    [
      [
        'requests/CANCEL_SUBSCRIPTIONS.xml',
        '<area:CaClientIds>',
        '<area:Spare/>\n<area:Other kind="1"/><area:CaClientIds>',
      ],
      ['requests/CANCEL_SUBSCRIPTIONS.xml', '<area:ProductIds>', '<area:ProductIds kind="1">'],
      ['requests/CANCEL_SUBSCRIPTIONS.xml', '</soap:Envelope>', ''],
      ['requests/CANCEL_SUBSCRIPTIONS.xml', '</soap:Body>', '<area:Second/></soap:Body>\n<soap:Body/>'],
      ['requests/GET_ACTIVE_SUBSCRIPTIONS.xml', '<area:CaClientId>{{smartcard}}</area:CaClientId>', '{{smartcard}}'],
    ],
    [
      /^requests\/CANCEL_SUBSCRIPTIONS\.xml:6: does not fit the WSDL: .*Spare': This element is not expected/,
      /^requests\/CANCEL_SUBSCRIPTIONS\.xml:7: does not fit the WSDL: .*Other': This element is not expected/,
      /^requests\/CANCEL_SUBSCRIPTIONS\.xml:10: does not fit the WSDL: .*attribute 'kind'/,
      /^requests\/CANCEL_SUBSCRIPTIONS\.xml:2: the request is not well formed: <soap:Envelope> is not closed/,
      /^requests\/CANCEL_SUBSCRIPTIONS\.xml:15: the request has 2 elements in its SOAP body/,
      /^requests\/CANCEL_SUBSCRIPTIONS\.xml:15: does not fit the WSDL: the WSDL has no element \S+Second\./,
      /^requests\/CANCEL_SUBSCRIPTIONS\.xml:16: the request has a second SOAP body/,
      /^requests\/GET_ACTIVE_SUBSCRIPTIONS\.xml:\d+: does not fit the WSDL: .*Character content other than whitespace is not allowed/,
      /^requests\/GET_ACTIVE_SUBSCRIPTIONS\.xml:\d+: does not fit the WSDL: .*Missing child element/,
    ],
  ],
  [
    'a template whose tags or whose XML cannot be read',
    [
      [add, '{{smartcard}}', '{{smartcard'],
      [add, '{{/entitledUntil}}', ''],
      [add, '<area:CaClientIds>', '<area:Spare/><area:CaClientIds>'],
      ['requests/CANCEL_SUBSCRIPTIONS.xml', '<area:CaClientIds>', '<x:Spare/>\n<y:Spare y:a="?"/><area:CaClientIds>'],
      ['requests/CANCEL_SUBSCRIPTIONS.xml', '</area:ProductId>', ''],
      ['conax.json', /CancelSubscriptionsResponse\/common:StatusCode/g, 'CancelSubscriptionsResponse/common:Code'],
    ],
    [
      /^conax\.json:\d+: commands\.CANCEL_SUBSCRIPTIONS\.answer\.statusCode: the WSDL has no such place/,
      /^requests\/ADD_SUBSCRIPTIONS\.xml:13: \{\{#entitledUntil\}\} is not closed/,
      /^requests\/ADD_SUBSCRIPTIONS\.xml:6: does not fit the WSDL: .*Spare': This element is not expected/,
      /^requests\/ADD_SUBSCRIPTIONS\.xml:7: a tag is not closed/,
      /^requests\/CANCEL_SUBSCRIPTIONS\.xml:11: .* <area:ProductId> is not closed/,
      /^requests\/CANCEL_SUBSCRIPTIONS\.xml:6: .* the prefix x is declared nowhere; write xmlns:x="…"/,
      /^requests\/CANCEL_SUBSCRIPTIONS\.xml:7: .* the prefix y is declared nowhere; write xmlns:y="…"/,
      /^requests\/CANCEL_SUBSCRIPTIONS\.xml:7: y:a of <y:Spare> still has the \? of SoapUI/,
    ],
  ],
])('one message names all mistakes, and each once: %s', async (_name, changes, expected) => {
  expect(matched(await mistakesIn(changed(changes)), expected)).toEqual(once(expected));
});

it('a wrong namespace is one mistake, however many places it has, and hides nothing', async () => {
  const mistakes = await mistakesIn(
    changed([
      ['conax.json', 'common-types/v1', 'common-type/v1'],
      ['conax.json', '"pairing": "http://www.conax.com/cas/xsd/pairing/v1"', '"pairing": "urn:pairing"'],
      ['conax.json', /AddSubscriptionsResponse\/common:StatusCode/g, 'AddSubscriptionsResponse/common:Code'],
      [add, 'xmlns:area="http://www.conax.com/cas/xsd/authorization/v1"', 'xmlns:area="urn:area"'],
      ['requests/CANCEL_SUBSCRIPTIONS.xml', 'xsd/authorization/v1', 'xsd/authorisation/v1'],
      ['requests/GET_ACTIVE_SUBSCRIPTIONS.xml', 'xsd/authorization/v1', 'xsd/authorisation/v1'],
      [add, '<area:CaClientIds>', '<area:Spare/><area:CaClientIds>'],
    ]),
  );
  const expected = [
    /^conax\.json:3: namespaces\.common: the WSDL has Message, ReferenceNumber, StatusCode in the namespace "[^"]*common-types\/v1", not in the namespace "[^"]*common-type\/v1"; correct it: \d\d paths use this prefix$/,
    /^conax\.json:\d+: commands\.ADD_SUBSCRIPTIONS\.answer\.statusCode: the WSDL has no such place/,
    /^conax\.json:5: namespaces\.pairing: the WSDL has .* not in the namespace "urn:pairing"; correct it: \d+ paths use/,
    /^requests\/ADD_SUBSCRIPTIONS\.xml:4: the element AddSubscriptions is in the namespace "urn:area"; the WSDL has it in the namespace "[^"]*authorization\/v1"; correct the namespace of its prefix$/,
    /^requests\/ADD_SUBSCRIPTIONS\.xml:6: does not fit the WSDL: .*Spare': This element is not expected/,
    /^requests\/CANCEL_SUBSCRIPTIONS\.xml:4: the elements CancelSubscriptions, GetActiveSubscriptions are in .* \(2 places: also \S*requests\/GET_ACTIVE_SUBSCRIPTIONS\.xml:4\)$/,
  ];
  expect(matched(mistakes, expected)).toEqual(once(expected));
});

it.each([
  ['1.1', '1.2', 'http://www.w3.org/2003/05/soap-envelope'],
  ['1.2', '1.1', 'http://schemas.xmlsoap.org/soap/envelope/'],
])('a SOAP %s envelope for a port of SOAP %s is named at the envelope', async (_is, wanted, namespace) => {
  const soap12: Change[] = [
    ['wsdl/authorization.wsdl', 'http://schemas.xmlsoap.org/wsdl/soap/', 'http://schemas.xmlsoap.org/wsdl/soap12/'],
    ...['ADD', 'CANCEL', 'GET_ACTIVE'].map((name): Change => [
      `requests/${name}_SUBSCRIPTIONS.xml`,
      'http://schemas.xmlsoap.org/soap/envelope/',
      namespace,
    ]),
  ];
  const toOther: Change = [
    'requests/CANCEL_SUBSCRIPTIONS.xml',
    namespace,
    wanted === '1.2' ? 'http://schemas.xmlsoap.org/soap/envelope/' : 'http://www.w3.org/2003/05/soap-envelope',
  ];
  const changes = wanted === '1.2' ? [...soap12, toOther] : [toOther];
  expect(await mistakesIn(changed(changes))).toEqual([
    expect.stringMatching(
      new RegExp(
        `^requests/CANCEL_SUBSCRIPTIONS\\.xml:2: the envelope is SOAP ${_is}, and the WSDL takes CancelSubscriptions in SOAP ${wanted} only \\(AuthorizationPort\\); the namespace of SOAP ${wanted} is ${namespace}$`,
      ),
    ),
  ]);
});

describe('one mistake in an envelope is one line', () => {
  const pin = 'requests/UPDATE_CA_PIN_TO_DEFAULT_VALUE.xml';
  const second = readFileSync(join(dirname(defaultCasFile), pin), 'utf8').replace(/^.*\n/, '');
  it.each<[string, Change, RegExp]>([
    [
      'a second envelope',
      [pin, '</soap:Envelope>', `</soap:Envelope>\n${second}`],
      /:13: the request has another element after its end; keep one envelope$/,
    ],
    ['a header in small letters', [pin, '<soap:Body>', '<soap:header/><soap:Body>'], /:3: .*header: write Header;/],
    [
      'a body in small letters',
      [pin, /soap:Body/g, 'soap:body'],
      /:3: the request has no SOAP body, but <body>: write Body;/,
    ],
    [
      'a second Header',
      [pin, '<soap:Body>', '<soap:Header/><soap:Header/><soap:Body>'],
      /:3: the request has a Header that is not the first/,
    ],
    [
      'a leftover on a later line of its tag',
      [pin, '<area:CaClientId>', '<area:CaClientId\n  area:kind="1"\n  area:a="?">'],
      /:9: area:a of <area:CaClientId> still has the \? of SoapUI/,
    ],
  ])('%s', async (_name, change, expected) => {
    const found = (await mistakesIn(changed([change]))).filter((line) => !line.includes('does not fit the WSDL'));
    expect(found).toEqual([expect.stringMatching(expected)]);
  });
});

describe('the Header', () => {
  const pin = 'requests/UPDATE_CA_PIN_TO_DEFAULT_VALUE.xml';
  const login = '<c:Login xmlns:c="urn:login">sms</c:Login>';
  const demanded: readonly Change[] = [
    [
      'wsdl/ca-pin.wsdl',
      '<wsdl:message name="ServiceFault">',
      '<wsdl:message name="Login" xmlns:l="urn:login"><wsdl:part name="login" element="l:Login"/></wsdl:message>$&',
    ],
    [
      'wsdl/ca-pin.wsdl',
      '<wsdl:input><soap:body',
      '<wsdl:input><soap:header message="tns:Login" part="login" use="literal"/><soap:body',
    ],
  ];
  const found = (header: string) => {
    const file = changed([...demanded, [pin, '<soap:Body>', `<soap:Header>\n${header}</soap:Header><soap:Body>`]]);
    const { mistakes, warnings } = inspectCas(file);
    return { mistakes, warnings };
  };
  it('may have what the WSDL demands, and what WS-Security and WS-Addressing define', () => {
    const standard =
      '<w:Security xmlns:w="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"/><a:To xmlns:a="http://www.w3.org/2005/08/addressing">x</a:To>';
    expect(found(login + standard)).toEqual({ mistakes: [], warnings: [] });
  });
  it('is warned about at the template if it lacks what the WSDL demands, or has what nobody declares', () => {
    expect(found('<c:Logon xmlns:c="urn:login"/>')).toEqual({
      mistakes: [],
      warnings: [
        expect.stringMatching(
          /DEFAULT_VALUE\.xml:2: the WSDL demands the header \{urn:login\}Login; add it to the Header$/,
        ),
        expect.stringMatching(
          /DEFAULT_VALUE\.xml:4: the WSDL declares no header \{urn:login\}Logon; did you mean Login\? look whether the CAS takes it$/,
        ),
      ],
    });
  });
  it('must not have twice what the WSDL demands', () => {
    expect(found(`${login}\n${login}`).mistakes).toEqual([
      expect.stringMatching(/DEFAULT_VALUE\.xml:5: the header \{urn:login\}Login is sent 2 times; remove all but one$/),
    ]);
  });
});

describe('one mistake is one line', () => {
  const success: Change = ['conax.json', '"success": ["OK"]', '"success": [0]'];
  const path: Change = [
    'conax.json',
    /AddSubscriptionsResponse\/common:StatusCode/g,
    'AddSubscriptionsResponse/common:Status',
  ];

  it('a list of codes whose only entry is wrong is not missing as well, and hides no wrong path', async () => {
    expect(await mistakesIn(changed([success, path]))).toEqual([
      expect.stringMatching(/^conax\.json:\d+: answers\.success\.0: is 0; write a status code as text, such as "0"$/),
      expect.stringMatching(/ADD_SUBSCRIPTIONS\.answer\.statusCode: the WSDL has no such place: .*Status'/),
    ]);
    expect(await mistakesIn(changed([success]))).toHaveLength(1);
  });

  it('a code in two lists is reported at one of them', async () => {
    const lists: Change = ['conax.json', '"success": ["OK"]', '"success": ["OK"], "refused": ["X"], "tryLater": ["X"]'];
    const rest: Change = ['conax.json', /,\s*"(?:refused|tryLater)": \[\s*"[A-Z_][^\]]*[A-Z_]{2}"\s*\]/g, ''];
    const found = await mistakesIn(changed([rest, lists]));
    expect(found).toEqual([
      expect.stringMatching(/: answers\.tryLater: has the code X, as refused has; leave it in one of the two lists$/),
    ]);
  });

  it('a wrong order in an ADD does not recommend a period', async () => {
    const swap: Change = [
      add,
      /(\s*<area:CaClientIds>[^]*<\/area:CaClientIds>)(\s*<area:ProductIds>[^]*<\/area:ProductIds>)/g,
      '$2$1',
    ];
    const found = await mistakesIn(changed([swap]), false);
    expect(found.join('\n')).toMatch(/does not fit the WSDL: .*not expected/);
    expect(found.join('\n')).not.toContain('ENTITLEMENT_MONTHS');
  });
});

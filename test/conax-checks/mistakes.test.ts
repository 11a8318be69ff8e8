import { describe, expect, it } from 'vitest';
import { commandTypes } from '../../src/planning/command.ts';
import { add, type Change, changed, mistakesIn } from './changed-definition.ts';

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
      /^conax\.json:\d+: commands\.DISPLAY_FINGERPRINT\.area: "fingers" is no area; did you mean fingerprinting\? it is one of authorization, /,
      /^conax\.json:\d+: commands\.UPDATE_CA_PIN_TO_DEFAULT_VALUE\.answer\.statusCode: .*the prefix pim is not in "namespaces"; did you mean pin\? write one that is there, or add it/,
      /^requests\/ADD_SUBSCRIPTIONS\.xml:10: \{\{servise\}\} is no field of this command; did you mean service\? it has .*smartcard, service, /,
      /^requests\/CANCEL_SUBSCRIPTIONS\.xml:10: \{\{\{service\}\}\} would send a text unescaped; write \{\{service\}\}/,
      /^requests\/CREATE_PAIRING\.xml:\d+: the request is not well formed/,
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
        ['conax.json', /CancelSubscriptionsResponse\/common:StatusCode/g, 'CancelSubscriptionsResponse/common:Nr'],
        ['conax.json', '"/ca-pin"', '"ca-pin"'],
        ['conax.json', '"template": "requests/DISPLAY_FINGERPRINT.xml"', '"template": ""'],
      ]),
    );
    const places = mistakes.map((line) => line.replace(/(?:(?<=json):\d+)|(?<=[;.]) .*/g, '').slice(0, 90));
    expect(places.toSorted()).toEqual([
      expect.stringMatching(/^conax\.json: areas\.ca-pin\.path: is "ca-pin";/) as string,
      expect.stringMatching(/^conax\.json: commands\.ADD_SUBSCRIPTIONS\.answer\.statusCode: the WSDL has no/) as string,
      expect.stringMatching(/^conax\.json: commands\.CANCEL_SUBSCRIPTIONS\.answer\.statusCode: the WSDL/) as string,
      expect.stringMatching(/^conax\.json: commands\.DISPLAY_FINGERPRINT\.template: /) as string,
      expect.stringMatching(/^requests\/ADD_SUBSCRIPTIONS\.xml:10: \{\{servise\}\} is no field/) as string,
      expect.stringMatching(/^requests\/ADD_SUBSCRIPTIONS\.xml:6: does not fit the WSDL: .*/) as string,
      expect.stringMatching(
        /^requests\/CANCEL_SUBSCRIPTIONS\.xml:10: the request is not well formed: <area:Pr/,
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
      /^conax\.json:16: aereas: is not known here; did you mean areas\? leave it out or correct the name$/,
    ],
    [
      'a command that is not there',
      ['conax.json', '"ADD_SUBSCRIPTIONS": {', '"NO_SUBSCRIPTIONS": {'],
      /^conax\.json:\d+: commands\.NO_SUBSCRIPTIONS: is no command; write one of ADD_SUBSCRIPTIONS, /,
    ],
    [
      'a path without a slash',
      ['conax.json', '"/authorization"', '"authorization"'],
      /areas\.authorization\.path: is "authorization"; start with \//,
    ],
    [
      'a template that is missing',
      ['conax.json', add, 'requests/gone.xml'],
      /^conax\.json:\d+: commands\.ADD_SUBSCRIPTIONS\.template: .*gone\.xml cannot be read: there is no such file; correct the name \(names are relative to conax\.json\)/,
    ],
    [
      'a WSDL that is missing',
      ['conax.json', 'wsdl/pairing.wsdl', 'wsdl/gone.wsdl'],
      /^conax\.json:23: areas\.pairing\.wsdl: .*gone\.wsdl cannot be read: there is no such file; correct the name, or leave out "wsdl"/,
    ],
    [
      'a template that is not in the charset that it names',
      [add, 'encoding="UTF-8"', 'encoding="UTF-16"'],
      /^requests\/ADD_SUBSCRIPTIONS\.xml:1: is not text in UTF-16; correct its XML declaration, and save it as UTF-8$/,
    ],
    [
      'a prefix in a WSDL that is declared nowhere',
      ['wsdl/ca-pin.wsdl', 'element="area:UpdateCaPinToGivenValue"', 'element="mm:SetPin"'],
      /^conax\.json:\d+: areas\.ca-pin\.wsdl: wsdl\/ca-pin\.wsdl:19: element="mm:SetPin" has the prefix mm, which is declared nowhere; write xmlns:mm="…" there, or leave out "wsdl"/,
    ],
    [
      'a code that is a number',
      ['conax.json', '"success": [', '"notAuthorised": [401], "success": ['],
      /^conax\.json:\d+: answers\.notAuthorised\.0: is 401; write a status code as text, such as "401"$/,
    ],
    [
      'a list that has no path',
      ['conax.json', /,\s*"activeServices": "[^"]*"/g, ''],
      /answer\.activeServices: is missing/,
    ],
    [
      'a command that is not there',
      ['conax.json', '"DISPLAY_FINGERPRINT": ', '"SHOW_FINGERS": '],
      /commands\.DISPLAY_FINGERPRINT: is missing; write it with npx conax-provisioning conax init, copy it .*, or write \{ "unsupported": "why" \}/,
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
      'a property of SoapUI',
      [add, '<area:CaClientIds>', '<area:CaClientIds kind="${#Project#card}">'],
      /ADD_SUBSCRIPTIONS\.xml:6: \$\{#Project#card\} is sent as it stands; write a field as \{\{name\}\}, or .*&#123;/,
    ],
    [
      'a field with single braces',
      [add, '{{service}}', '{ service }'],
      /ADD_SUBSCRIPTIONS\.xml:10: \{ service \} is sent as it stands; write \{\{service\}\}; write &#123;/,
    ],
    [
      'a processing instruction',
      [add, '<area:CaClientIds>', '<?spare x?><area:CaClientIds>'],
      /ADD_SUBSCRIPTIONS\.xml:6: <\?spare is a processing instruction, which no SOAP message may have; remove it$/,
    ],
    [
      'a processing instruction in place of the XML declaration',
      [add, '<?xml version="1.0" encoding="UTF-8"?>', '<?xml-stylesheet href="a.css"?>'],
      /ADD_SUBSCRIPTIONS\.xml:1: <\?xml-stylesheet is a processing instruction/,
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
      /ADD_SUBSCRIPTIONS\.xml:\d: the request has a document type/,
    ],
    ['no Envelope', [add, /soap:Envelope/g, 'soap:Message'], /is no SOAP envelope/],
    [
      'two Bodies',
      [add, '</soap:Body>', '</soap:Body>\n<soap:Body/>'],
      /ADD_SUBSCRIPTIONS\.xml:17: the request has a second SOAP body/,
    ],
    [
      'two elements in the Body',
      [add, '</soap:Body>', '\n<x/></soap:Body>'],
      /ADD_SUBSCRIPTIONS\.xml:17: the request has 2 elements in its SOAP body/,
    ],
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
      /:4: does not fit the WSDL: the WSDL has no element \{.*\}AddSubs\. Did you mean AddSubscriptions\? Compare/,
    ],
    [
      'a path that the schema does not have',
      ['conax.json', 'AddSubscriptionsResponse/common:StatusCode', 'AddSubscriptionsResponse/common:ResultCode'],
      /commands\.ADD_SUBSCRIPTIONS\.answer\.statusCode: the WSDL has no such place/,
    ],
    [
      'a path in the wrong namespace',
      ['conax.json', 'AddSubscriptionsResponse/common:StatusCode', 'AddSubscriptionsResponse/authorization:StatusCode'],
      /answer\.statusCode: the element StatusCode is in the namespace "[^"]*authorization\/v1"; the WSDL has it in the namespace "[^"]*common-types\/v1"; write common:StatusCode$/,
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

  it('the same mistake at two places, or in several commands, is one line that names them', async () => {
    const twice = '<area:Spare>?</area:Spare>\n<area:Spare>?</area:Spare>';
    const mistakes = await mistakesIn(
      changed([
        [add, '<area:CaClientIds>', `${twice}<area:CaClientIds>`],
        ['wsdl/common-types.xsd', 'name="StatusCode" type="xs:string"', 'name="StatusCode" type="xs:int"'],
      ]),
    );
    const others = commandTypes.filter((type) => type !== 'ADD_SUBSCRIPTIONS').join(', ');
    expect(mistakes.filter((line) => /SoapUI;|success codes/.test(line))).toEqual([
      expect.stringMatching(/^conax\.json:\d+: commands\.ADD_SUBSCRIPTIONS\.answer\.statusCode: its type takes none /),
      expect.stringMatching(
        /^requests\/ADD_SUBSCRIPTIONS\.xml:6: .* \(2 places: also requests\/ADD_SUBSCRIPTIONS\.xml:7\)$/,
      ),
    ]);
    expect(mistakes[0]).toMatch(new RegExp(`\\(13 commands: also ${others}\\)$`));
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
    const file = changed([['conax.json', /"template": "[^"]*"/g, '"operation": "AddSubscriptions"']]);
    expect(await mistakesIn(file)).toEqual([
      'conax.json:1: is a mapping file of paths, which request templates have replaced; docs/conax.md says how to move in ten minutes',
    ]);
  });
});

describe('without ENTITLEMENT_MONTHS', () => {
  const unconditional: Change[] = [
    [add, '{{#entitledFrom}}', ''],
    [add, '{{/entitledFrom}}', ''],
  ];
  const spare: Change = [add, '<area:CaClientIds>', '<area:Spare/><area:CaClientIds>'];

  it('an element of the period without a section is a mistake, and the remedy is the section', async () => {
    expect(await mistakesIn(changed([...unconditional, spare]), false)).toEqual([
      expect.stringMatching(/^requests\/ADD_SUBSCRIPTIONS\.xml:6: .*Spare.* Compare it with a request of SoapUI$/),
      expect.stringMatching(
        /^requests\/ADD_SUBSCRIPTIONS\.xml:12: does not fit the WSDL: .*; write \{\{#entitledFrom\}\}…\{\{\/entitledFrom\}\} around .*, or set ENTITLEMENT_MONTHS if/,
      ),
    ]);
  });

  it('a mistake elsewhere says nothing of it', async () => {
    const mistakes = await mistakesIn(changed([spare]), false);
    expect(mistakes).toHaveLength(1);
    expect(mistakes[0]).not.toContain('ENTITLEMENT_MONTHS');
  });

  it('a template that is empty is a mistake in one sentence', async () => {
    const mistakes = await mistakesIn(changed([[add, /<soap:Envelope[\s\S]*<\/soap:Envelope>/g, '']]));
    expect(mistakes).toContainEqual(
      expect.stringMatching(/: document must contain a root element; compare it with a request that works$/),
    );
  });
});

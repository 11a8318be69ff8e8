/** Secrets in templates and conax.json, and what WS-Security and the policies of a WSDL demand. */
import { dirname } from 'node:path';
import { describe, expect, it } from 'vitest';
import { inspectCas } from '../../src/conax-checks/cas-definition.ts';
import { isSecretName } from '../../src/conax-checks/security-check.ts';
import { add, type Change, changed } from './changed-definition.ts';

const secext = 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd';
const utility = 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd';
const type = (name: string): string =>
  `http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0#${name}`;
const token = (password = '{{password}}', kind = 'PasswordText', more = ''): string =>
  `<w:UsernameToken><w:Username>{{username}}</w:Username>\n<w:Password Type="${type(kind)}">${password}</w:Password>${more}</w:UsernameToken>`;
const security = (content = token(), attributes = '', ns = secext): string =>
  `<w:Security xmlns:w="${ns}" xmlns:u="${utility}"${attributes}>${content}</w:Security>`;

/** What the check says of an ADD with this Header, which starts in line 4. */
function found(header: string, changes: readonly Change[] = []) {
  const file = changed([...changes, [add, '<soap:Body>', `<soap:Header>\n${header}</soap:Header><soap:Body>`]]);
  const { mistakes, warnings, secrets } = inspectCas(file);
  const short = (lines: readonly string[]): string[] =>
    lines
      .map((line) => line.replaceAll(`${dirname(file)}/`, ''))
      .filter((line) => !line.includes('the WSDL declares no header'));
  return { mistakes: short(mistakes), warnings: short(warnings), secrets };
}

describe('a secret that is a constant', () => {
  it.each<[how: string, header: string, place: string, secret: string]>([
    ['in WS-Security', security(token('s3cret<!-- -->')), '5: <Password>', 's3cret'],
    ['in an element', '<a:Secret xmlns:a="urn:a"> s3cret </a:Secret>', '4: <Secret>', 's3cret'],
    ['in references', '<Pwd>&#115;3cret</Pwd>', '4: <Pwd>', 's3cret'],
    ['in CDATA', '<Passphrase><![CDATA[s3<cret]]></Passphrase>', '4: <Passphrase>', 's3<cret'],
    ['in an attribute', '<Login user="x" api-key="s3cret"/>', '4: the attribute api-key of <Login>', 's3cret'],
    ['in the value of a parameter', '<P name="password" value="s3cret"/>', '4: the attribute value of <P>', 's3cret'],
    ['in a parameter that has an id', '<P id="password">s3cret</P>', '4: <P>', 's3cret'],
    ['in elements of a parameter', '<P><Name>ApiKey</Name><Value>s3cret</Value></P>', '4: <P>', 's3cret'],
    ['around a field', '<ClientSecret>{{username}}:s3cret</ClientSecret>', '4: <ClientSecret>', 's3cret'],
    ['in a section', '{{#username}}<Passwd>s3cret</Passwd>{{/username}}', '4: <Passwd>', 's3cret'],
  ])('is named with its remedy, and masked, %s', (_how, header, place, secret) => {
    const { mistakes, warnings, secrets } = found(header);
    expect({ mistakes, secrets }).toEqual({ mistakes: [], secrets: [secret] });
    expect(warnings).toEqual([
      `requests/ADD_SUBSCRIPTIONS.xml:${place} has a secret as a constant, for everybody who can read this file; write {{password}} and set CONAX_PASSWORD. If the CAS wants another secret there, leave it: it is masked in everything that is kept or shown`,
    ]);
  });

  it('is no flag: nothing is masked', () => {
    for (const flag of ['1', '0', 'true', ''])
      expect(found(`<ResetPassword>${flag}</ResetPassword>`)).toEqual({ mistakes: [], warnings: [], secrets: [] });
  });

  it('is named in the Body as well, and not shown by the validator, which quotes what does not fit', () => {
    const file = changed([
      ['wsdl/authorization.xsd', 'name="ProductId" type="common:ProductId"', 'name="Password" type="xs:int"'],
      [add, /<area:ProductId>.*/g, '<area:Password>s3cret</area:Password>'],
    ]);
    const { mistakes, warnings, secrets } = inspectCas(file);
    expect(secrets).toEqual(['s3cret']);
    expect(warnings.join('\n')).toContain('<Password> has a secret as a constant');
    expect(mistakes.join('\n')).toContain("'****' is not a valid value of the atomic type 'xs:int'");
    expect([...mistakes, ...warnings].join('\n')).not.toContain('s3cret');
  });

  it('is not shown as a placeholder of another program, nor as user and password in place of a flag', () => {
    const flag: Change = ['conax.json', '"basicAuth": true', '"basicAuth": "crm:s3cret"'];
    const { mistakes, warnings, secrets } = found('<Pwd>{s3cret}</Pwd><Login secret="${s3cret}"/>', [flag]);
    expect(secrets).toEqual(['{s3cret}', '${s3cret}']);
    expect(mistakes.map((line) => line.replace(/; .*/, ''))).toEqual([
      expect.stringMatching(/^conax\.json:\d+: basicAuth: is "crm:\*{4}"$/),
      'requests/ADD_SUBSCRIPTIONS.xml:4: **** is sent as it stands',
    ]);
    expect(warnings.join('\n')).toContain(':4: **** is sent as it stands; a field is written {{name}}');
    expect([...mistakes, ...warnings].join('\n')).not.toContain('s3cret');
  });

  it('is not shown where two commands are compared', () => {
    const swap = (name: string): Change => [
      `requests/${name}.xml`,
      /<soap:Body>[^]*<\/soap:Body>/g,
      `<soap:Body><m:Do xmlns:m="urn:m" apiKey="s3cret"><m:Card>{{smartcard}}</m:Card>{{#service}}<m:P>{{service}}</m:P>{{/service}}${name === 'ADD_SUBSCRIPTIONS' ? '<m:New/>' : ''}</m:Do></soap:Body>`,
    ];
    const action = (name: string): Change => [
      'conax.json',
      `"template": "requests/${name}.xml"`,
      `"soapAction": "", "template": "requests/${name}.xml"`,
    ];
    const names = ['ADD_SUBSCRIPTIONS', 'CANCEL_SUBSCRIPTIONS'];
    const { mistakes, warnings } = inspectCas(changed([...names.map(swap), ...names.map(action)]));
    const lines = [...mistakes, ...warnings].join('\n');
    expect(lines).toContain('use one operation with the same Do/@apiKey="****"');
    expect(lines).not.toContain('s3cret');
  });

  it.each([
    ['a field', security()],
    ['the type of a password', security(token('{{password}}', 'PasswordText'))],
    ['user and password together', '<Secret>{{username}}:{{password}}@cas</Secret>'],
    ['a switch', '<Login usePassword="true" password="false"><Password/></Login>'],
    ['a word that only looks like it', '<Secretary>Ann</Secretary><Bypass>yes</Bypass><TokenType>jwt</TokenType>'],
    ['a name of something else', '<P name="zone" value="north"/>'],
    ['a field that is no secret', '<Secret>{{smartcard}}</Secret>'],
  ])('is not seen in %s', (_what, header) => {
    expect(found(header)).toEqual({ mistakes: [], warnings: [], secrets: [] });
  });

  it('is named in the query of a path, and masked in the message about a wrong path', () => {
    const path = (query: string): Change => ['conax.json', '"/authorization"', `"/authorization?${query}"`];
    const { mistakes, warnings, secrets } = found('', [path('user=crm&api_key=s3%2Fcret')]);
    expect({ mistakes, secrets }).toEqual({ mistakes: [], secrets: ['s3/cret'] });
    expect(warnings).toEqual([
      expect.stringMatching(
        /^conax\.json:\d+: areas\.authorization\.path: has a secret in its query \(api_key\), which proxies may log; look whether the CAS takes it in the request; it is masked in everything that is kept or shown$/,
      ),
    ]);
    expect(found('', [path('password=s3 cret')]).mistakes).toContainEqual(
      expect.stringMatching(
        /path: is "\/authorization\?password=\*{4}"; start with \/ and use only characters of a URL$/,
      ),
    );
  });
});

it.each([
  ['conax.json', '"/authorization"', '"/authorization?password={{password}}"', /areas\.authorization\.path: is /],
  [
    'conax.json',
    `"template": "${add}"`,
    `"template": "${add}", "soapAction": "urn:{{password}}"`,
    /commands\.ADD_SUBSCRIPTIONS\.soapAction: is "urn:\{\{password\}\}"/,
  ],
] as const)('a field in %s is refused, as it would be sent as it stands: %s', (file, from, to, place) => {
  const { mistakes } = found('', [[file, from, to]]);
  expect(mistakes).toEqual([expect.stringMatching(place)]);
  expect(mistakes[0]).toMatch(/; fields stand in templates only: write the text itself, without a secret$/);
});

it('names of secrets are known however they are written', () => {
  const names = [
    'Password',
    'user_password',
    'Passwd',
    'PWD',
    'Secret',
    'client-secret',
    'Passphrase',
    'ApiKey',
    'SecurityToken',
    'Credentials',
    'Pass',
  ];
  const others = ['Type', 'Passive', 'KeyType', 'PasswordType', 'PasswordDigestAlgorithm', 'Username', 'Token', 'Key'];
  expect(names.filter((name) => !isSecretName(name))).toEqual([]);
  expect(others.filter(isSecretName)).toEqual([]);
});

describe('WS-Security', () => {
  it.each<[what: string, header: string, says: string]>([
    [
      'two headers for the same actor',
      `${security()}\n${security('<u:Timestamp/>')}`,
      '6: a second Security header for the same actor, which WS-Security forbids; write what it has into the first one, or give it another actor',
    ],
    [
      'two headers with one actor',
      `${security(token(), ' soap:actor="urn:x"')}\n${security('', ' soap:actor="urn:x"')}`,
      '6: a second Security header for the same actor, which WS-Security forbids; write what it has into the first one, or give it another actor',
    ],
    [
      'a digest, which the service cannot make',
      security(token('{{password}}', 'PasswordDigest')),
      '5: <Password> has the Type PasswordDigest, and the service makes no digest; write the Type …#PasswordText if the CAS takes it, or send through a gateway that makes the digest',
    ],
    [
      'a namespace that is not that of the standard',
      security(token(), '', secext.replace('1.0.xsd', '1.1.xsd')),
      `4: <Security> is in the namespace ${secext.replace('1.0.xsd', '1.1.xsd')}, which is not that of WS-Security; write ${secext}`,
    ],
    [
      'a token without a namespace in it',
      security('<UsernameToken><Username>{{username}}</Username></UsernameToken>'),
      `4: <UsernameToken> is in no namespace, which is not that of WS-Security; write ${secext}`,
    ],
  ])('with %s is a mistake', (_what, header, says) => {
    expect(found(header)).toEqual({
      mistakes: [`requests/ADD_SUBSCRIPTIONS.xml:${says}`],
      warnings: [],
      secrets: [],
    });
  });

  it.each<[what: string, header: string, says: RegExp]>([
    [
      'the namespace of a draft',
      security(token(), '', 'http://schemas.xmlsoap.org/ws/2002/12/secext'),
      /:4: <Security> is in the namespace http:\/\/schemas\.xmlsoap\.org\/ws\/2002\/12\/secext of a draft; write http:\S+-1\.0\.xsd, unless the CAS speaks this draft$/,
    ],
    [
      'a nonce that never changes',
      security(token('{{password}}', 'PasswordText', '<w:Nonce>bm9uY2U=</w:Nonce>')),
      /:5: <Nonce> is the same in every request, so the CAS may refuse it as old or repeated; remove it$/,
    ],
    [
      'a time that never changes',
      security(`<u:Timestamp><u:Created>2026-01-31T20:00:00Z</u:Created></u:Timestamp>`),
      /:4: <Created> is the same in every request, so the CAS may refuse it as old or repeated; write \{\{now\}\}, or remove it$/,
    ],
  ])('with %s is warned about', (_what, header, says) => {
    expect(found(header)).toEqual({ mistakes: [], warnings: [expect.stringMatching(says)], secrets: [] });
  });

  it('may have a header for each actor, the time of the call, and what another vendor calls by its names', () => {
    const vendor = '<v:Security xmlns:v="urn:vendor"><v:UsernameToken>{{username}}</v:UsernameToken></v:Security>';
    const timed = security('<u:Timestamp><u:Created>{{now}}</u:Created></u:Timestamp>', ' soap:actor="urn:x"');
    expect(found(security() + timed + vendor)).toEqual({ mistakes: [], warnings: [], secrets: [] });
  });
});

describe('a policy of the WSDL', () => {
  const sp = 'http://docs.oasis-open.org/ws-sx/ws-securitypolicy/200702';
  const wsp = 'xmlns:wsp="http://www.w3.org/ns/ws-policy"';
  const policy = (content: string): Change => [
    'wsdl/authorization.wsdl',
    '<wsdl:types>',
    `<wsp:Policy ${wsp} xmlns:sp="${sp}" xmlns:u="${utility}" u:Id="Login">${content}</wsp:Policy><wsdl:types>`,
  ];
  const supporting = (content: string): string =>
    `<wsp:ExactlyOne><wsp:All><sp:SupportingTokens><wsp:Policy>${content}</wsp:Policy></sp:SupportingTokens></wsp:All></wsp:ExactlyOne>`;
  const at = (tag: string): Change => [
    'wsdl/authorization.wsdl',
    tag,
    `<wsp:PolicyReference ${wsp} URI="#Login"/>${tag}`,
  ];
  const atBinding = at('<soap:binding ');
  const named =
    /ADD_SUBSCRIPTIONS\.xml:2: a policy of the WSDL demands a UsernameToken \(wsdl\/authorization\.wsdl:\d+\), and the Header has no Security with one; write it with \{\{username\}\} and \{\{password\}\} as in docs\/conax\.md(?: \(\d places: .*)?$/;
  const warningsOf = (header: string, changes: readonly Change[]): string[] =>
    found(header, changes).warnings.filter((line) => line.includes('ADD_SUBSCRIPTIONS'));

  it.each<[where: string, changes: readonly Change[]]>([
    ['of the binding', [atBinding]],
    ['of the port', [at('<soap:address ')]],
    ['of the operation', [at('<soap:operation ')]],
    ['of its input', [at('<soap:body ')]],
    [
      'of the portType',
      [['wsdl/authorization.wsdl', '<wsdl:portType ', `<wsdl:portType ${wsp} wsp:PolicyURIs="#Other #Login" `]],
    ],
  ])('%s that demands a UsernameToken is named if the template has none', (_where, changes) => {
    const all = [policy(supporting('<sp:UsernameToken/>')), ...changes];
    expect(warningsOf('', all)).toEqual([expect.stringMatching(named)]);
    expect(warningsOf(security('<u:Timestamp/>'), all)).toEqual([expect.stringMatching(named)]);
    expect(warningsOf(security(), all)).toEqual([]);
  });

  it('that demands a digest is named, whatever the template has', () => {
    const hashed = policy(
      supporting('<sp:UsernameToken><wsp:Policy><sp:HashPassword/></wsp:Policy></sp:UsernameToken>'),
    );
    for (const header of ['', security()])
      expect(warningsOf(header, [hashed, atBinding])).toEqual([
        expect.stringMatching(
          /demands a UsernameToken with a digest \(\S+:\d+\), and the service makes no digest; send through a gateway that makes it(?: \(\d places: .*)?$/,
        ),
      ]);
  });

  it.each([
    ['leaves a choice', `<wsp:ExactlyOne><wsp:All/><wsp:All><sp:UsernameToken/></wsp:All></wsp:ExactlyOne>`],
    ['makes it optional', supporting('<sp:UsernameToken wsp:Optional="true"/>')],
    [
      'demands it of answers only',
      supporting(`<sp:UsernameToken sp:IncludeToken="${sp}/IncludeToken/AlwaysToInitiator"/>`),
    ],
    ['refers to itself', '<wsp:PolicyReference URI="#Login"/>'],
    ['is nowhere', ''],
  ])('that %s demands nothing, and is listed as not checked', (_what, content) => {
    const changes = content === '' ? [atBinding] : [policy(content), atBinding];
    const { mistakes, unchecked, warnings } = inspectCas(changed(changes));
    expect({ mistakes, warnings }).toEqual({ mistakes: [], warnings: [] });
    expect(unchecked).toEqual([
      expect.stringMatching(/authorization\.wsdl:\d+: the binding has a policy .*, which is not checked; write what/),
    ]);
  });
});

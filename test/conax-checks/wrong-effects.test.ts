import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { inspectCas } from '../../src/conax-checks/cas-definition.ts';
import { sampleRequests } from '../../src/conax-tools/show-request.ts';
import { add, type Change, changed, mistakesIn } from './changed-definition.ts';

const cancel = 'requests/CANCEL_SUBSCRIPTIONS.xml';
const harbour = fileURLToPath(new URL('../conax/sets/harbour/conax.json', import.meta.url));

describe('two commands that send the same request are one mistake, which names both', () => {
  it.each<[string, readonly Change[], string]>([
    [
      'one template for both',
      [['conax.json', `"template": "${add}"`, `"template": "${cancel}"`]],
      'ADD_SUBSCRIPTIONS and CANCEL_SUBSCRIPTIONS send the same request; they have the same template',
    ],
    [
      'a constant that was left after copying, with other prefixes and line breaks',
      [
        [add, /\barea:AddSubscriptions(?=[ >R])/g, 'area:CancelSubscriptions'],
        [add, / *\{\{#entitled.*\n/g, ''],
        [add, /\barea(?=[:=])/g, 'a'],
        ['conax.json', /AddSubscriptionsResponse/g, 'CancelSubscriptionsResponse'],
      ],
      'ADD_SUBSCRIPTIONS and CANCEL_SUBSCRIPTIONS send the same request; correct requests/ADD_SUBSCRIPTIONS.xml, which has the request of CANCEL_SUBSCRIPTIONS',
    ],
    [
      'a question and a command that changes something',
      [
        [
          'conax.json',
          '"template": "requests/UPDATE_CA_PIN_TO_DEFAULT_VALUE.xml"',
          '"template": "requests/GET_ACTIVE_SUBSCRIPTIONS.xml"',
        ],
        ['conax.json', '"/ca-pin"', '"/authorization"'],
        ['conax.json', 'wsdl/ca-pin.wsdl', 'wsdl/authorization.wsdl'],
      ],
      'GET_ACTIVE_SUBSCRIPTIONS and UPDATE_CA_PIN_TO_DEFAULT_VALUE send the same request; they have the same template',
    ],
  ])('%s', async (_name, changes, problem) => {
    const [first = ''] = problem.split(' and ');
    const mistakes = (await mistakesIn(changed(changes))).filter((line) => line.includes('the same request'));
    expect(mistakes.map((line) => line.replace(/^(conax\.json):\d+/, '$1'))).toEqual([
      expect.stringContaining(`conax.json: commands.${first}.template: ${problem}`),
    ]);
  });

  it('a template that was copied over another one is one mistake, which names the file to correct', async () => {
    const changes: readonly Change[] = [
      [cancel, /CancelSubscriptions/g, 'AddSubscriptions'],
      [add, / *\{\{#entitled.*\n/g, ''],
    ];
    expect(await mistakesIn(changed(changes), false)).toEqual([
      'conax.json:41: commands.ADD_SUBSCRIPTIONS.template: ADD_SUBSCRIPTIONS and CANCEL_SUBSCRIPTIONS send the same request; correct requests/CANCEL_SUBSCRIPTIONS.xml, which has the request of ADD_SUBSCRIPTIONS',
    ]);
  });

  it.each([
    ['each in a section', '$&'],
    ['without a section', '<area:Until>{{entitledUntil}}</area:Until>'],
    [
      'in an element around it',
      '<area:Period until="{{entitledUntil}}"><area:From>{{entitledFrom}}</area:From></area:Period>',
    ],
  ])('the period of an ADD is no difference: %s', (_name, period) => {
    const changes: readonly Change[] = [
      [cancel, /\barea:CancelSubscriptions(?=[ >R])/g, 'area:AddSubscriptions'],
      ['conax.json', /CancelSubscriptionsResponse/g, 'AddSubscriptionsResponse'],
      [add, /\{\{#entitled[^]*\{\{\/entitledUntil\}\}/g, period === '$&' ? '<!-- -->$&' : period],
    ];
    expect(inspectCas(changed(changes)).mistakes.join('\n')).toContain('send the same request');
  });

  it('the ids of a call and the login are no difference, and a different Header is only a warning', () => {
    const withHeader = (header: string) =>
      inspectCas(
        changed([
          [cancel, /\barea:CancelSubscriptions(?=[ >R])/g, 'area:AddSubscriptions'],
          ['conax.json', /CancelSubscriptionsResponse/g, 'AddSubscriptionsResponse'],
          [cancel, '<soap:Body>', `<soap:Header>${header}</soap:Header><soap:Body>`],
          [add, '<soap:Body>', '<soap:Header/><soap:Body>'],
        ]),
      );
    for (const header of ['<Id>{{messageId}}</Id>', '<Login user="{{username}}" no="{{requestNumber}}"/>'])
      expect(withHeader(header).mistakes.join()).toContain('send the same request');
    const { mistakes, warnings } = withHeader('<Action>cancel</Action>');
    expect(mistakes).toEqual([]);
    expect(warnings.join('\n')).toMatch(
      /ADD_SUBSCRIPTIONS and CANCEL_SUBSCRIPTIONS send the same Body, and only their Headers differ; compare \S*ADD_SUBSCRIPTIONS\.xml with \S*CANCEL_SUBSCRIPTIONS\.xml: does the CAS go by the Header\?/,
    );
  });

  it('a pairing that names the existing card as one of the cards is created, not extended; a warning, as a CAS may have one operation for both', () => {
    const extend = 'requests/ADD_TO_EXISTING_PAIRING.xml';
    const changes: readonly Change[] = [
      [extend, /AddToExistingPairing/g, 'CreatePairing'],
      [extend, /<area:ExistingCaClientId>.*\n/g, ''],
      [extend, /\{\{[#/]has.*\n/g, ''],
      [extend, /(?=\{\{#smartcards\}\})/g, '<area:CaClientId>{{existingSmartcard}}</area:CaClientId>'],
      ['conax.json', /AddToExistingPairingResponse/g, 'CreatePairingResponse'],
    ];
    const found = inspectCas(changed(changes));
    expect(found.mistakes.filter((line) => line.includes('the same request'))).toEqual([]);
    const same = found.warnings.filter((line) => line.includes('the same request'));
    expect(same.map((line) => line.replace(/^.*?: /, ''))).toEqual([
      expect.stringMatching(
        /^commands\.CREATE_PAIRING\.template: CREATE_PAIRING and ADD_TO_EXISTING_PAIRING send the same/,
      ),
    ]);
  });

  it('two questions may send the same, and so may no commands of the sets of this project', () => {
    const both = changed([
      [
        'conax.json',
        '"template": "requests/GET_PAIRING_STATUS_FOR_CARD.xml"',
        '"template": "requests/GET_ACTIVE_SUBSCRIPTIONS.xml"',
      ],
      ['conax.json', '"/pairing"', '"/authorization"'],
    ]);
    for (const file of [both, harbour, join(dirname(harbour), '../../fixtures/other-spelling/conax.json')])
      expect(inspectCas(file).mistakes.filter((line) => line.includes('the same request'))).toEqual([]);
  });
});

const pairing = 'requests/CREATE_PAIRING.xml';
const boxes = '{{#setTopBoxes}}<area:PairingModuleId>{{caId}}</area:PairingModuleId>{{/setTopBoxes}}';
const asOne = (section: string): Change => [
  pairing,
  boxes,
  `<area:PairingModuleId>{{#setTopBoxes}}${section}{{/setTopBoxes}}</area:PairingModuleId>`,
];

it('a constant that stayed after copying is a warning, also if the other fields differ', () => {
  const mail = 'requests/SEND_MAIL_MESSAGE_TO_CLIENT.xml';
  const bark = 'requests/SEND_BARK_MESSAGE_TO_CLIENT.xml';
  const repeating = 'requests/SEND_REPEATING_BARK_MESSAGE_TO_CLIENT.xml';
  const send = (file: string, name: string, kind: string): Change[] => [
    [file, new RegExp(`area:${name}(?=[ >])`, 'g'), 'area:Send'],
    [file, '<area:Message>', `<area:Kind type="${kind}">1</area:Kind><area:Message>`],
  ];
  const barks = [
    ...send(bark, 'SendBarkMessageToClients', 'BARK'),
    ...send(repeating, 'SendRepeatingBarkMessageToClients', 'REPEAT'),
  ];
  const warned = (kind: string) => {
    const own: Change[] = [['conax.json', /,\s*"wsdl": "wsdl\/user-text-messaging\.wsdl"/g, '']];
    const actions: Change[] = [['conax.json', /(?="template": "requests\/SEND)/g, '"soapAction": "", ']];
    const all = [...own, ...actions, ...barks, ...send(mail, 'SendMailMessageToClients', kind)];
    return inspectCas(changed(all)).warnings.filter((line) => line.includes('use one operation'));
  };
  expect(warned('BARK')).toEqual([
    expect.stringMatching(
      /SEND_MAIL_MESSAGE_TO_CLIENT and SEND_BARK_MESSAGE_TO_CLIENT use one operation with the same Kind\/@type="BARK", Kind "1"; compare .*MAIL\S+ with .*BARK/,
    ),
  ]);
  expect(warned('MAIL')).toEqual([]);
});

describe('the devices of a list in one text', () => {
  it.each([
    ['in an element', '{{caId}}'],
    ['after a constant', 'STB{{caId}}'],
    ['with a distributor', '{{distributor}}{{caId}}'],
    ['divided by a line break only', '\n{{caId}}\n'],
  ])('are a mistake if nothing divides them: %s', async (_name, section) => {
    expect(await mistakesIn(changed([asOne(section)]))).toContainEqual(
      expect.stringMatching(
        /^requests\/CREATE_PAIRING\.xml:(?:10|11): the devices of setTopBoxes run together in one text, as if they were one; write the element inside the section: \{\{#setTopBoxes\}\}<…>\{\{caId\}\}<\/…>/,
      ),
    );
  });

  it('are a mistake in an attribute as well', async () => {
    const change: Change = [
      pairing,
      '<area:CaClientIds>',
      '<area:CaClientIds all="{{#smartcards}}{{caId}}{{/smartcards}}">',
    ];
    expect((await mistakesIn(changed([change]))).join('\n')).toMatch(
      /CREATE_PAIRING\.xml:6: the devices of smartcards run together/,
    );
  });

  it.each([
    ['a blank', '{{caId}} ', ' '],
    ['a comma', '{{caId}},', ','],
  ])('are a warning if %s divides them on purpose', (_name, section, divider) => {
    const { mistakes, warnings } = inspectCas(changed([asOne(section)]));
    expect(mistakes).toEqual([]);
    expect(warnings).toEqual([
      expect.stringMatching(
        new RegExp(
          `CREATE_PAIRING\\.xml:10: the devices of setTopBoxes are sent in one text, with "${divider}" between`,
        ),
      ),
    ]);
  });

  it('each in an element of its own are neither', () => {
    const mixed: Change = [pairing, boxes, `{{#setTopBoxes}}<!-- one -->${boxes.slice(16, -16)}{{/setTopBoxes}}`];
    expect(inspectCas(changed([mixed]))).toMatchObject({ mistakes: [], warnings: [] });
  });
});

it('a field that must be sent does not count as sent if it stands only in the Header', async () => {
  const login = '<soap:Header><x:Login xmlns:x="urn:x" client="{{smartcard}}"/></soap:Header><soap:Body>';
  const inHeader: readonly Change[] = [
    [add, '<soap:Body>', login],
    [add, '>{{smartcard}}<', '>01234567890<'],
  ];
  expect(await mistakesIn(changed(inHeader))).toEqual([
    'requests/ADD_SUBSCRIPTIONS.xml:3: smartcard stands only in the Header; write {{smartcard}} where it belongs in the Body',
  ]);
  expect(inspectCas(changed(inHeader.slice(0, 1))).mistakes).toEqual([]);
});

const action: Change = [
  'conax.json',
  /(?="template": "requests\/(?:ADD_SUB|CANCEL|GET_ACTIVE))/g,
  '"soapAction": "", ',
];

describe('an ADD without an end, if entitlements end', () => {
  const until = /\{\{#entitledUntil[^]*\{\{\/entitledUntil\}\}/g;
  const period = /\{\{#entitledFrom[^]*\{\{\/entitledUntil\}\}/g;

  it.each([
    ['no period', [[add, period, '']]],
    ['only the start of one', [[add, until, '']]],
    ['only a comment with the end', [[add, until, '<!-- $& -->']]],
  ] satisfies [string, Change[]][])('is a mistake: %s', async (_name, changes) => {
    const without = changed([...changes, ['conax.json', /,\s*"wsdl": "wsdl\/authorization\.wsdl"/g, ''], action]);
    expect(await mistakesIn(without, true)).toEqual([
      expect.stringMatching(
        /^requests\/ADD_SUBSCRIPTIONS\.xml:\d+: entitledUntil is (?:never|not always) sent; write \{\{entitledUntil\}\} where it belongs, or do not set ENTITLEMENT_MONTHS: no entitlement would end$/,
      ),
    ]);
    for (const entitled of [false, null]) expect(inspectCas(without, entitled).mistakes).toEqual([]);
  });
});

describe('the period of an ADD is checked as ENTITLEMENT_MONTHS says', () => {
  it.each([
    ['entitled', '{{#entitledUntil}}<area:Wrong/>{{/entitledUntil}}', true],
    ['not entitled', '{{^entitledUntil}}<area:Wrong/>{{/entitledUntil}}', false],
  ] as const)('what is sent only if it is %s is a mistake only then', (_when, wrong, entitled) => {
    const file = changed([[add, /(?=\{\{#entitledFrom\}\})/g, wrong]]);
    const mistakes = (one: boolean): readonly string[] => inspectCas(file, one).mistakes;
    expect(mistakes(entitled)).toEqual([expect.stringMatching(/Wrong/)]);
    expect(mistakes(!entitled)).toEqual([]);
  });

  it('and shown so: the largest request has it only if it is sent', () => {
    const command = inspectCas(changed([])).commands.ADD_SUBSCRIPTIONS;
    if (command === undefined) throw new Error('ADD_SUBSCRIPTIONS cannot be read');
    const ends = ([true, false, null] as const).map((entitled) => sampleRequests(command, entitled).largest);
    expect(ends.map((request) => request.includes('2026-02-28'))).toEqual([true, false, true]);
  });
});

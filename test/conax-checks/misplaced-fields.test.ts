import { globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { inspectCas } from '../../src/conax-checks/cas-definition.ts';
import { checkTemplate } from '../../src/conax-checks/template-check.ts';
import { parseTemplate } from '../../src/conax-checks/template-parser.ts';
import type { CommandType } from '../../src/planning/command.ts';
import { add, type Change, changed } from './changed-definition.ts';

const pairing = 'requests/CREATE_PAIRING.xml';
const pin = 'requests/UPDATE_CA_PIN_TO_DEFAULT_VALUE.xml';
const fingerprint = 'requests/DISPLAY_FINGERPRINT.xml';

function swapped(file: string, one: string, other: string): Change[] {
  return [
    [file, new RegExp(`(?<=[{#/>])${one}(?=\\}\\})`, 'g'), '{?}'],
    [file, new RegExp(`(?<=[{#/>])${other}(?=\\}\\})`, 'g'), one],
    [file, /\{\?\}/g, other],
  ];
}

const security = (user: string, password: string): Change => [
  pin,
  '<soap:Body>',
  `<soap:Header><w:Security xmlns:w="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"><w:UsernameToken>\n<w:Username>{{${user}}}</w:Username>\n<w:Password>{{${password}}}</w:Password></w:UsernameToken></w:Security></soap:Header><soap:Body>`,
];

describe('a field in an element with the name of another one is a warning at its line', () => {
  it.each<[string, readonly Change[], readonly string[]]>([
    [
      'the period',
      swapped(add, 'entitledFrom', 'entitledUntil'),
      [
        `${add}:12: entitledUntil is sent in EntitledFrom, a name for a start; look whether entitledFrom belongs there`,
        `${add}:13: entitledFrom is sent in EntitledUntil, a name for an end; look whether entitledUntil belongs there`,
      ],
    ],
    [
      'user and password',
      [security('password', 'username')],
      [
        `${pin}:4: password is sent in Username, a name for a user; look whether username belongs there`,
        `${pin}:5: username is sent in Password, a name for a password; look whether password belongs there`,
      ],
    ],
    [
      'the lists of a pairing',
      swapped(pairing, 'smartcards', 'setTopBoxes'),
      [
        `${pairing}:7: setTopBoxes is sent in CaClientId, a name for a smart card; look whether smartcards belongs there`,
        `${pairing}:10: smartcards is sent in PairingModuleId, a name for a set-top box; look whether setTopBoxes belongs there`,
      ],
    ],
    [
      'the place of a fingerprint',
      swapped(fingerprint, 'x', 'y'),
      [
        `${fingerprint}:11: y is sent in PositionX, a name for x; look whether x belongs there`,
        `${fingerprint}:12: x is sent in PositionY, a name for y; look whether y belongs there`,
      ],
    ],
  ])('%s', (_name, changes, expected) => {
    const file = changed(changes);
    const { mistakes, warnings } = inspectCas(file);
    expect(mistakes).toEqual([]);
    expect(warnings.map((line) => line.replaceAll(file.replace('conax.json', ''), ''))).toEqual(expected);
  });
});

it('the lists of an answer that are swapped are a warning at their paths', () => {
  const { mistakes, warnings } = inspectCas(
    changed([
      ['conax.json', '"pairedSmartcards": "pairing:GetPairingStatusForCard', '"?": "pairing:GetPairingStatusForCard'],
      [
        'conax.json',
        '"pairedSetTopBoxes": "pairing:GetPairingStatusForCard',
        '"pairedSmartcards": "pairing:GetPairingStatusForCard',
      ],
      ['conax.json', '"?"', '"pairedSetTopBoxes"'],
    ]),
  );
  expect(mistakes).toEqual([]);
  expect(warnings.map((line) => line.replace(/^.*?: /, ''))).toEqual([
    'commands.GET_PAIRING_STATUS_FOR_CARD.answer.pairedSetTopBoxes: is read from CaClientId, a name for a smart card; look whether it is the right path',
    'commands.GET_PAIRING_STATUS_FOR_CARD.answer.pairedSmartcards: is read from PairingModuleId, a name for a set-top box; look whether it is the right path',
  ]);
});

const soap = 'http://schemas.xmlsoap.org/soap/envelope/';

/** What is said of a request with this in its Body. */
function said(type: CommandType, content: string): string[] {
  const lines: string[] = [];
  const note = (_file: string, _line: number, problem: string) => lines.push(problem);
  const envelope = `<s:Envelope xmlns:s="${soap}"><s:Body><r>${content}</r></s:Body></s:Envelope>`;
  checkTemplate(type, parseTemplate('t.xml', envelope, type, note), false, () => undefined, note);
  return [...new Set(lines)];
}

it.each([
  ['<Box>{{smartcard}}</Box>', 'Box'],
  ['<Stb id="{{smartcard}}"/>', 'Stb'],
  ['<setTopBox><Number>{{smartcard}}</Number></setTopBox>', 'setTopBox'],
  ['<DECODER_NO>{{smartcard}}</DECODER_NO>', 'DECODER_NO'],
])('a smart card in an element for boxes, which the command does not have: %s', (content, name) => {
  expect(said('GET_ACTIVE_SUBSCRIPTIONS', content)).toEqual([
    `smartcard is sent in ${name}, a name for a set-top box; look whether the CAS wants it there`,
  ]);
});

it.each([
  '<Device>{{smartcard}}</Device>',
  '<Receiver>{{smartcard}}</Receiver>',
  '<BoxOrCard>{{smartcard}}</BoxOrCard>',
  '<To>{{smartcard}}</To>',
  '<User>{{smartcard}}</User>',
  '<Box><Card>{{smartcard}}</Card></Box>',
  '<Box kind="CARD"><Subscriber><Id>{{smartcard}}</Id></Subscriber></Box>',
  '<Password>{{requestNumber}}</Password><End>{{now}}</End>',
])('a name that may mean anything else is no warning: %s', (content) => {
  expect(said('GET_ACTIVE_SUBSCRIPTIONS', content)).toEqual([]);
});

it('no template of this project has a warning', () => {
  const root = join(import.meta.dirname, '../..');
  const files = globSync('{schemas/conax,test/conax/**}/requests/*.xml', { cwd: root });
  expect(files.length).toBeGreaterThanOrEqual(39);
  for (const file of files) {
    const type = basename(file, '.xml') as CommandType;
    const text = readFileSync(join(root, file), 'utf8');
    const lines: string[] = [];
    const note = (_file: string, line: number, problem: string) => lines.push(`${file}:${line}: ${problem}`);
    checkTemplate(type, parseTemplate(file, text, type, note), false, note, note);
    expect(lines).toEqual([]);
  }
});

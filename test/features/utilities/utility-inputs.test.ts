import type { Command } from 'commander';
import { expect, test } from 'vitest';
import { featureCommand } from '../../../src/commands/feature-command.ts';
import { requests } from '../../../src/features/requests/requests.ts';
import { info } from '../../../src/features/utilities/info.ts';
import { utilityInputs } from '../../../src/features/utilities/inputs.ts';
import { pair } from '../../../src/features/utilities/pair.ts';
import { pin } from '../../../src/features/utilities/pin.ts';
import * as screens from '../../../src/features/utilities/screens.ts';
import { problemOf, readInput } from '../../../src/http/problems.ts';

const inputs = utilityInputs({ smartcard: /^\d{11}$/, setTopBox: /^[!-~]{1,30}$/, pin: /^\d{4}$/ });
const CARD = '20000000001';
const NEXT_YEAR = `${new Date().getUTCFullYear() + 1}-06-01T10:00:00`;
const S1 = { subscription_identifier: { number: 'S1' } };
const CARDS = { smartcard_ca_ids: [CARD] };

/** What a utility says to input: code and sentence, or null if it takes it. */
function said(utility: keyof typeof inputs, given: unknown): string | null {
  const read = readInput(inputs[utility], given);
  if (read.success) return null;
  const { code, message } = problemOf(read.error);
  return `${code} ${message}`;
}

/** What was looked for, where the sentence has it; else the whole sentence. */
function heard(sentence: string | null, part: string | null): string | null {
  return sentence !== null && part !== null && sentence.includes(part) ? part : sentence;
}

test.each<[keyof typeof inputs, string, object, string | null]>([
  ['createPairing', 'devices of both kinds', { ...CARDS, stb_ca_ids: ['A'] }, null],
  ['createPairing', 'both kinds of a subscription', { ...S1, ...CARDS, stb_ca_ids: ['A'] }, null],
  ['createPairing', 'a subscription alone', S1, null],
  [
    'createPairing',
    'cards alone',
    CARDS,
    'PARAMETER_MISSING give smartcard_ca_ids and stb_ca_ids, at least one of each',
  ],
  ['createPairing', 'set-top boxes alone', { ...S1, stb_ca_ids: ['A'] }, 'PARAMETER_MISSING'],
  ['createPairing', 'nothing', {}, 'PARAMETER_MISSING'],
  [
    'createPairing',
    'a card twice',
    { smartcard_ca_ids: [CARD, CARD], stb_ca_ids: ['A'] },
    'SET_HAS_DUPLICATES smartcard_ca_ids[1]',
  ],
  [
    'createPairing',
    'an empty list',
    { smartcard_ca_ids: [], stb_ca_ids: ['A'] },
    'smartcard_ca_ids is empty: give at least one',
  ],
  [
    'createPairing',
    'a malformed card',
    { smartcard_ca_ids: ['123'], stb_ca_ids: ['A'] },
    'smartcard_ca_ids[0] is "123": give a smart card CA id',
  ],
  [
    'createPairing',
    'a malformed set-top box',
    { ...CARDS, stb_ca_ids: ['A B'] },
    'stb_ca_ids[0] is "A B": give an STB CA id',
  ],
  [
    'createPairing',
    '101 set-top boxes',
    { ...CARDS, stb_ca_ids: Array.from({ length: 101 }, (_, at) => `B${at}`) },
    'SET_TOO_LARGE stb_ca_ids has 101 elements: give at most 100',
  ],
  ['createPairing', 'a card that is no list', { smartcard_ca_ids: CARD, stb_ca_ids: ['A'] }, 'give a list of CA ids'],
  ['addToPairing', 'a card and a box', { existing_smartcard_ca_id: CARD, stb_ca_ids: ['A'] }, null],
  ['addToPairing', 'a subscription alone', S1, null],
  [
    'addToPairing',
    'nothing to add',
    { existing_smartcard_ca_id: CARD },
    'PARAMETER_MISSING give existing_smartcard_ca_id and at least one device',
  ],
  ['addToPairing', 'nothing to add to', { ...S1, stb_ca_ids: ['A'] }, 'PARAMETER_MISSING'],
  ['addToPairing', 'the card to itself', { existing_smartcard_ca_id: CARD, ...CARDS }, 'SET_HAS_DUPLICATES'],
  ['pairingStatus', 'a box', { stb_ca_ids: ['A'] }, null],
  [
    'pairingStatus',
    'nothing',
    {},
    'PARAMETER_MISSING give at least one of smartcard_ca_ids, stb_ca_ids and subscription',
  ],
  ['information', 'nothing', {}, 'PARAMETER_MISSING give smartcard_ca_ids, or subscription_identifier'],
  [
    'information',
    'a date',
    { ...CARDS, scheduled_date: NEXT_YEAR },
    'PARAMETER_UNKNOWN scheduled_date: not known here',
  ],
  ['information', 'two identifiers', { subscription_identifier: { number: 'S1', id: 'x' } }, 'IDENTIFIER_INVALID'],
  ['message', 'a message for nobody', { type: 'BARK', message: 'x' }, 'PARAMETER_MISSING give smartcard_ca_ids'],
  [
    'message',
    'a message that is too long',
    { type: 'BARK', message: 'x'.repeat(130), ...CARDS },
    'it has 130 characters',
  ],
  [
    'message',
    'a queue number',
    { type: 'BARK', message: 'x', queue_number: '1', ...CARDS },
    'PARAMETER_UNKNOWN queue_number',
  ],
  [
    'message',
    'to wait for next year',
    { type: 'BARK', message: 'x', ...CARDS, scheduled_date: NEXT_YEAR, wait: true },
    'SCHEDULED_AND_IMMEDIATE scheduled_date lies ahead and wait is true',
  ],
  ['message', 'next year', { type: 'BARK', message: 'x', ...CARDS, scheduled_date: NEXT_YEAR }, null],
  [
    'message',
    'the year 2000',
    { type: 'BARK', message: 'x', ...CARDS, scheduled_date: '2000-01-01T00:00:00' },
    'DATE_OUT_OF_RANGE scheduled_date',
  ],
  [
    'message',
    'to wait perhaps',
    { type: 'BARK', message: 'x', ...CARDS, wait: 'perhaps' },
    'wait is "perhaps": give true or false',
  ],
  [
    'fingerprint',
    'no position',
    { ...CARDS, height: 1, fingerprint_slot: 1 },
    'PARAMETER_MISSING position_x is missing',
  ],
  ['pinToDefault', 'a PIN', { ...CARDS, pin: '4711' }, 'PARAMETER_UNKNOWN pin: not known here'],
  ['pinToGiven', 'no PIN', CARDS, 'PARAMETER_MISSING pin is missing'],
  [
    'pinToGiven',
    'a PIN that does not fit',
    { ...CARDS, pin: '471199' },
    'PARAMETER_INVALID pin is not what is needed: give a PIN that fits',
  ],
])('of %s, %s is taken or refused', (utility, _, given, refused) => {
  expect(heard(said(utility, given), refused)).toBe(refused);
});

test('a PIN that is refused is not repeated', () => {
  expect(said('pinToGiven', { ...CARDS, pin: '471199' })).not.toContain('471199');
  expect(said('pinToGiven', { ...CARDS, pin: ['471199'] })).not.toContain('471199');
});

test.each<[line: string, says: string]>([
  [`pair create --card ${CARD}`, 'give --card and --stb, at least one of each, or --subscription alone'],
  ['pair add --to 1 --stb A', '--to is "1": give a smart card CA id'],
  ['info --card 2000', '--card is "2000": give a smart card CA id'],
  [`message bark ${'x'.repeat(130)} --card ${CARD}`, 'it has 130 characters; give at most 129 for a bark'],
  [`message bark x --card ${CARD} --duration 1e9`, '--duration is "1e9": give a whole number from 1'],
  [`message mail x --card ${CARD} --start noon`, '--start is "noon": give a date that exists'],
  [`message repeating-bark x --card ${CARD} --repetitions 2 --interval 11`, '--interval is 11: give a whole number'],
  [`fingerprint --card ${CARD} --x -1 --y 0 --height 1 --slot 0`, '--x is -1: give a whole number from 0'],
  ['pin reset', 'give --card, or --subscription for all cards of a subscription'],
  [`pin set --card ${CARD}`, 'There is no terminal to ask for the PIN: give --pin-file or --pin-stdin'],
  [`pin set --card ${CARD} --pin-file /nowhere`, '--pin-file: /nowhere cannot be read: there is no such file'],
  [`pin reset --card ${CARD} --timeout 0`, '--timeout is "0": give seconds from 1 to 86400'],
  ['requests process', 'give exactly one of number and --card'],
  ['requests process seven', 'number is "seven": give a whole number from 1 to 999999999999999'],
  ['requests process --card 7', '--card is "7": give a smart card CA id'],
])('the command line names its own options, before it looks for a database: %s', async (line, says) => {
  const [name = '', ...args] = line.split(' ');
  const command = COMMANDS[name]?.();
  await expect(command?.parseAsync(args, { from: 'user' })).rejects.toMatchObject({
    name: 'UsageError',
    message: expect.stringContaining(says) as string,
  });
});

const COMMANDS: Readonly<Record<string, () => Command>> = Object.fromEntries(
  [pair, info, screens.message, screens.fingerprint, pin, requests].map((one) => [one.name, () => featureCommand(one)]),
);

import { expect, test } from 'vitest';
import { z } from 'zod';
import { fingerprintCommand, fingerprintFields } from '../../../src/features/messages/fingerprint-content.ts';
import { checkMessage, messageCommand, messageFields } from '../../../src/features/messages/message-content.ts';
import { problemOf, readInput } from '../../../src/http/problems.ts';

const message = z.strictObject(messageFields).superRefine(checkMessage);
const fingerprint = z.strictObject(fingerprintFields);
const CARD = { caId: '20000000001', distributor: 'room' };
const NOW = new Date('2026-11-25T10:00:00.789Z');

/** What a schema says to input: its code and sentence, or null if it takes it. */
function said(schema: z.ZodType, given: unknown): string | null {
  const read = readInput(schema, given);
  if (read.success) return null;
  const { code, message: sentence } = problemOf(read.error);
  return `${code} ${sentence}`;
}

/** What was looked for, where the sentence has it; else the whole sentence. */
function heard(sentence: string | null, part: string | null): string | null {
  return sentence !== null && part !== null && sentence.includes(part) ? part : sentence;
}

const BARK = { type: 'BARK', message: 'hello' };
const REPEATING = { type: 'REPEATING_BARK', message: 'hello', repetition_count: 2, repetition_interval: 10 };

test.each<[string, object, string | null]>([
  ['a mail of 141 characters', { type: 'MAIL', message: 'x'.repeat(141) }, null],
  ['a mail of 141 characters that take two code units each', { type: 'MAIL', message: '😀'.repeat(141) }, null],
  ['a mail of 142', { type: 'MAIL', message: 'x'.repeat(142) }, 'it has 142 characters; give at most 141 for a mail'],
  ['a bark of 129', { ...BARK, message: 'x'.repeat(129) }, null],
  ['a bark of 130', { ...BARK, message: 'x'.repeat(130) }, 'it has 130 characters; give at most 129 for a bark'],
  ['a repeating bark of 130', { ...REPEATING, message: 'x'.repeat(130) }, 'at most 129 for a repeating bark'],
  ['no text', { type: 'BARK' }, 'PARAMETER_MISSING message is missing'],
  ['an empty text', { ...BARK, message: '' }, 'message is "": give the text'],
  ['blanks', { ...BARK, message: ' \n ' }, 'not blanks alone'],
  ['a line break', { ...BARK, message: 'one\ntwo' }, null],
  ['a control character', { ...BARK, message: 'a\u0007b' }, 'PARAMETER_INVALID message has U+0007 as character 2'],
  ['another type', { ...BARK, type: 'bark' }, 'type is "bark": give one of MAIL, BARK, REPEATING_BARK'],
  [
    'a mail with a duration',
    { type: 'MAIL', message: 'x', display_duration: 20 },
    'PARAMETERS_CONFLICT display_duration',
  ],
  ['a duration of 0', { ...BARK, display_duration: 0 }, 'display_duration is 0: give a whole number from 1 to 3600'],
  ['a duration of 3601', { ...BARK, display_duration: 3_601 }, 'display_duration is 3601'],
  ['a duration of 1.5', { ...BARK, display_duration: 1.5 }, 'display_duration is 1.5'],
  ['a bark that is repeated', { ...BARK, repetition_count: 2 }, 'PARAMETERS_CONFLICT repetition_count is there'],
  [
    'a repeating bark without interval',
    { ...REPEATING, repetition_interval: undefined },
    'repetition_interval is missing',
  ],
  ['an interval of 0', { ...REPEATING, repetition_interval: 0 }, 'from 10 to 2550 in steps of 10'],
  ['an interval of 10', { ...REPEATING, repetition_interval: 10 }, null],
  [
    'an interval of 15',
    { ...REPEATING, repetition_interval: 15 },
    'repetition_interval is 15: give a whole number from 10',
  ],
  ['an interval of 2550', { ...REPEATING, repetition_interval: 2_550 }, null],
  ['an interval of 2560', { ...REPEATING, repetition_interval: 2_560 }, 'repetition_interval is 2560'],
  ['no repetition', { ...REPEATING, repetition_count: 0 }, 'repetition_count is 0: give a whole number from 1 to 255'],
  ['256 repetitions', { ...REPEATING, repetition_count: 256 }, 'repetition_count is 256'],
  ['a start that is no date', { ...BARK, start_indication_date_time: 'noon' }, 'give a date that exists'],
  ['a start long ago', { ...BARK, start_indication_date_time: '2014-11-28T15:05:20' }, 'DATE_OUT_OF_RANGE start_ind'],
  ['a start in a hundred years', { ...BARK, start_indication_date_time: '2126-01-01T00:00:00' }, 'DATE_OUT_OF_RANGE'],
])('of messages, %s is taken or refused', (_, given, refused) => {
  expect(heard(said(message, given), refused)).toBe(refused);
});

const FINGERPRINT = { position_x: 0, position_y: 10_000, height: 1, fingerprint_slot: 0 };

test.each<[string, object, string | null]>([
  ['all of it at its limits', FINGERPRINT, null],
  ['no position', { ...FINGERPRINT, position_x: undefined }, 'PARAMETER_MISSING position_x is missing'],
  ['a negative position', { ...FINGERPRINT, position_y: -1 }, 'position_y is -1: give a whole number from 0 to 10000'],
  ['a height of 0', { ...FINGERPRINT, height: 0 }, 'height is 0: give a whole number from 1 to 10000'],
  ['a slot of 256', { ...FINGERPRINT, fingerprint_slot: 256 }, 'fingerprint_slot is 256: give a whole number from 0'],
  ['a duration of 3601', { ...FINGERPRINT, duration: 3_601 }, 'duration is 3601: give a whole number from 1 to 3600'],
  ['a text for a number', { ...FINGERPRINT, height: 'tall' }, 'height is "tall": give a whole number'],
  ['a date that is none', { ...FINGERPRINT, display_date_time: '2030-02-30T00:00:00' }, 'give a date that exists'],
])('of fingerprints, %s is taken or refused', (_, given, refused) => {
  expect(heard(said(fingerprint, given), refused)).toBe(refused);
});

test('what is not said is now and 20 seconds, and times have whole seconds', () => {
  const now = Date.parse('2026-11-25T10:00:00Z');
  const bark = message.parse(BARK);
  expect(messageCommand(bark, CARD, NOW, null)).toMatchObject({ startAt: now, durationSeconds: 20, smartcard: CARD });
  const shown = fingerprint.parse(FINGERPRINT);
  expect(fingerprintCommand(shown, CARD, NOW)).toMatchObject({ displayAt: now, durationSeconds: 20, y: 10_000 });
});

test('a content that was read is JSON that reads as itself, its time in UTC', () => {
  const later = `${new Date().getUTCFullYear() + 1}-06-01T10:00:00`;
  const once = message.parse({ ...REPEATING, start_indication_date_time: `${later}.5+02:00` });
  expect(once.start_indication_date_time).toBe(later.replace('T10', 'T08'));
  expect(message.parse(JSON.parse(JSON.stringify(once)))).toEqual(once);
  expect(messageCommand(once, CARD, NOW, '17')).toEqual({
    type: 'SEND_REPEATING_BARK_MESSAGE_TO_CLIENT',
    smartcard: CARD,
    message: 'hello',
    startAt: Date.parse(`${later.replace('T10', 'T08')}Z`),
    queueNumber: '17',
    durationSeconds: 20,
    repetitions: 2,
    intervalSeconds: 10,
  });
});

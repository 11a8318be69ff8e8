import { z } from 'zod';
import { identifier, refuse, scheduledDate, text } from '../../http/input-kinds.ts';
import type { InputPatterns } from '../../http/parts.ts';
import { fingerprintFields } from '../messages/fingerprint-content.ts';
import { checkMessage, messageFields } from '../messages/message-content.ts';

/** Devices that one call names at most; a run is for more. */
export const DEVICES_MAX = 100;

const subscription = identifier('id', 'number')
  .optional()
  .describe('By its id or number. Without CA ids all its devices are meant, else they have to be of it.');

const sending = {
  wait: z
    .boolean('give true or false')
    .optional()
    .describe('Whether it is sent at once, and the outcome waited for; default true, unless it is scheduled.'),
  scheduled_date: scheduledDate.optional().describe('Not sent before; without it due at once. UTC without a zone.'),
};

export type SendingInput = z.output<z.ZodObject<typeof sending>>;

/** Whether somebody waits for the outcome. */
export function waits({ wait, scheduled_date: scheduledAt }: SendingInput): boolean {
  return wait ?? !isAhead(scheduledAt);
}

/** The schemas of the utilities' inputs, with the installation's patterns (A16). */
export function utilityInputs(patterns: InputPatterns) {
  const smartcard = caId('a smart card CA id', patterns.smartcard);
  const setTopBox = caId('an STB CA id', patterns.setTopBox);
  const smartcards = caIds(smartcard).optional().describe('Smart card CA ids.');
  const setTopBoxes = caIds(setTopBox).optional().describe('STB CA ids.');
  /** Of utilities that send to cards. */
  const cards = { subscription_identifier: subscription, smartcard_ca_ids: smartcards };
  /** Of utilities that know set-top boxes too. */
  const devices = { ...cards, stb_ca_ids: setTopBoxes };
  return {
    createPairing: z.strictObject({ ...devices, ...sending }).superRefine((given, context) => {
      checkSending(given, context);
      const [withCards, withBoxes] = [given.smartcard_ca_ids !== undefined, given.stb_ca_ids !== undefined];
      if (withCards === withBoxes && (withCards || given.subscription_identifier !== undefined)) return;
      refuse(
        context,
        'PARAMETER_MISSING',
        'give {smartcard_ca_ids} and {stb_ca_ids}, at least one of each, or {subscription_identifier} alone for all its devices',
      );
    }),
    addToPairing: z
      .strictObject({
        ...devices,
        existing_smartcard_ca_id: smartcard.optional().describe('A card of the pairing that is added to.'),
        ...sending,
      })
      .superRefine((given, context) => {
        checkSending(given, context);
        const { existing_smartcard_ca_id: existing, smartcard_ca_ids: added, stb_ca_ids: boxes } = given;
        const isNamed = existing !== undefined && (added !== undefined || boxes !== undefined);
        const isWhole = [existing, added, boxes].every((one) => one === undefined);
        if (!isNamed && !(isWhole && given.subscription_identifier !== undefined)) {
          refuse(
            context,
            'PARAMETER_MISSING',
            'give {existing_smartcard_ca_id} and at least one device to add in {smartcard_ca_ids} or {stb_ca_ids}, or {subscription_identifier} alone for the devices that its known pairings lack',
          );
        }
        if (existing !== undefined && added?.includes(existing) === true) {
          refuse(
            context,
            'SET_HAS_DUPLICATES',
            '{smartcard_ca_ids} has the card of {existing_smartcard_ca_id}: leave it out there',
          );
        }
      }),
    pairingStatus: z.strictObject({ ...devices, ...sending }).superRefine((given, context) => {
      checkSending(given, context);
      if (devicesNamed(given) || given.subscription_identifier !== undefined) return;
      refuse(
        context,
        'PARAMETER_MISSING',
        'give at least one of {smartcard_ca_ids}, {stb_ca_ids} and {subscription_identifier}',
      );
    }),
    information: z.strictObject(cards).superRefine(checkCards),
    message: z.strictObject({ ...messageFields, ...cards, ...sending }).superRefine((given, context) => {
      checkCards(given, context);
      checkSending(given, context);
      checkMessage(given, context);
    }),
    fingerprint: z.strictObject({ ...fingerprintFields, ...cards, ...sending }).superRefine((given, context) => {
      checkCards(given, context);
      checkSending(given, context);
    }),
    pinToDefault: z.strictObject({ ...cards, ...sending }).superRefine((given, context) => {
      checkCards(given, context);
      checkSending(given, context);
    }),
    pinToGiven: z
      .strictObject({
        ...cards,
        pin: z.string('give the PIN as text').regex(patterns.pin, `give a PIN that fits ${patterns.pin.source}`).meta({
          format: 'password',
          title: 'PIN',
          description: 'The new PIN; never shown, logged or stored in the clear.',
        }),
        ...sending,
      })
      .superRefine((given, context) => {
        checkCards(given, context);
        checkSending(given, context);
      }),
  };
}

type Inputs = ReturnType<typeof utilityInputs>;
/** An input that was read. */
export type UtilityInput<K extends keyof Inputs> = z.output<Inputs[K]>;

interface CardsInput {
  readonly subscription_identifier?: object | undefined;
  readonly smartcard_ca_ids?: readonly string[] | undefined;
}

function checkCards(given: CardsInput, context: z.RefinementCtx): void {
  if (given.smartcard_ca_ids !== undefined || given.subscription_identifier !== undefined) return;
  refuse(
    context,
    'PARAMETER_MISSING',
    'give {smartcard_ca_ids}, or {subscription_identifier} for all cards of a subscription',
  );
}

function checkSending(given: SendingInput, context: z.RefinementCtx): void {
  if (given.wait !== true || !isAhead(given.scheduled_date)) return;
  refuse(
    context,
    'SCHEDULED_AND_IMMEDIATE',
    '{scheduled_date} lies ahead and {wait} is true: nobody waits that long, so keep one of them',
  );
}

function devicesNamed(given: { readonly smartcard_ca_ids?: unknown; readonly stb_ca_ids?: unknown }): boolean {
  return given.smartcard_ca_ids !== undefined || given.stb_ca_ids !== undefined;
}

function isAhead(date: Date | undefined): boolean {
  return date !== undefined && date.getTime() > Date.now();
}

function caId(what: string, pattern: RegExp): z.ZodString {
  const remedy = `give ${what}, which fits ${pattern.source}`;
  return text(100, remedy).regex(pattern, remedy);
}

/** A list of CA ids, none twice. */
function caIds(one: z.ZodString) {
  return z
    .array(one, 'give a list of CA ids, like ["…"]')
    .min(1, 'give at least one, or leave it out')
    .max(DEVICES_MAX, `give at most ${DEVICES_MAX}`)
    .superRefine((given, context) => {
      const again = given.findIndex((id, index) => given.indexOf(id) < index);
      if (again === -1) return;
      const params = { code: 'SET_HAS_DUPLICATES', whole: false };
      context.addIssue({
        code: 'custom',
        input: given[again],
        path: [again],
        message: 'name each device once',
        params,
      });
    });
}

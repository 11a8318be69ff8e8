import { z } from 'zod';
import { because, date, identifier, integer, scheduledDate, text } from '../http/input-kinds.ts';
import type { InputPatterns } from '../http/parts.ts';
import { commandTypes } from '../planning/command.ts';
import { lifeCycleStates } from '../requests/find.ts';
import { priorities } from '../requests/new-request.ts';
import { sameFor, UDF_DATES, UDF_FLOATS, UDF_STRINGS } from '../requests/shown.ts';
import { REQUEST_FIELDS, type RequestField } from './shape.ts';

/** Devices in one set at most. */
const SET_MAX = 100;
/** Characters of a user-defined text at most. */
const UDF_CHARACTERS_MAX = 1_000;
/** Requests in one page: each may show some 256 KiB of SOAP. */
export const PAGE = { max: 200, fallback: 50 } as const;
export const OFFSET_MAX = 100_000;

/** Given elsewhere too (header), so no schema demands it; `tokenOf` has looked at it before a schema sees it. */
const token = z
  .string('give the token as text')
  .optional()
  .describe('The token of the login; or leave it out and send `Authorization: Bearer <token>`.');

const fieldsSet = z
  .string('give names of fields, separated by commas, once')
  .optional()
  .describe('Fields to show, separated by commas; without it all of them.')
  .transform((given, context): ReadonlySet<RequestField> | null => {
    if (given === undefined) return null;
    const names = given.split(',').map((name) => name.trim());
    const unknown = names.find((name) => !(REQUEST_FIELDS as readonly string[]).includes(name));
    if (unknown === undefined) return new Set(names as RequestField[]);
    const message = `${JSON.stringify(unknown.slice(0, 60))} is no field; known are ${REQUEST_FIELDS.join(', ')}`;
    context.addIssue({ code: 'custom', input: given, message, params: because('FIELD_UNKNOWN') });
    return z.NEVER;
  });

const REQUEST_IDENTIFIER = 'give number=123 or id=4F2A… (32 hexadecimal characters)';

/** Parameters of GET …/show. */
export const showQuery = z.strictObject({
  token,
  provisioning_request_identifier: z
    .string(REQUEST_IDENTIFIER)
    .meta({ description: '`number=…` or `id=…`', examples: ['number=123'] })
    .transform((given, context): { readonly id: string } | { readonly number: number } => {
      const [, field, value = ''] = /^(id|number)=(.*)$/s.exec(given) ?? [];
      if (field === 'number' && /^\d{1,15}$/.test(value)) return { number: Number(value) };
      if (field === 'id' && /^[0-9A-Fa-f]{32}$/.test(value)) return { id: value };
      const params = because(field === undefined ? 'IDENTIFIER_INVALID' : 'PARAMETER_INVALID');
      context.addIssue({ code: 'custom', input: given, message: REQUEST_IDENTIFIER, params });
      return z.NEVER;
    }),
  fields_set: fieldsSet,
});

const FILTERS = ['type', 'life_cycle_state', 'reference_number'] as const;

/** Parameters of GET …/list. */
export const listQuery = z
  .strictObject({
    token,
    type: z.enum(commandTypes, `give one of ${commandTypes.join(', ')}`).optional(),
    life_cycle_state: z.enum(lifeCycleStates, `give one of ${lifeCycleStates.join(', ')}`).optional(),
    reference_number: text(1_000).min(1, 'give it a value').optional().describe('As Conax gave it.'),
    fields_set: fieldsSet,
    number_of_results: integer(1, PAGE.max).optional().describe(`1 to ${PAGE.max}, default ${PAGE.fallback}.`),
    offset: integer(0, OFFSET_MAX).optional().describe(`Requests to leave out first, at most ${OFFSET_MAX}.`),
    after: integer(0, Number.MAX_SAFE_INTEGER)
      .optional()
      .describe('The page starts after this number: `next_after` of the page before. Any depth is equally fast.'),
  })
  .superRefine((given, context) => {
    const named = FILTERS.filter((name) => given[name] !== undefined);
    const say = (code: 'PARAMETER_MISSING' | 'PARAMETERS_CONFLICT', message: string): void =>
      context.addIssue({ code: 'custom', input: given, message, params: because(code, true) });
    if (named.length === 0) say('PARAMETER_MISSING', `give exactly one of ${FILTERS.join(', ')}; none is there`);
    if (named.length > 1) {
      say('PARAMETERS_CONFLICT', `give exactly one of ${FILTERS.join(', ')}; ${named.join(' and ')} are there`);
    }
    if (given.offset !== undefined && given.after !== undefined) {
      say('PARAMETERS_CONFLICT', 'give offset or after, not both; after is quick at any depth');
    }
  });

const OBJECT = 'send a JSON object with the parameters';

/** Body of POST authentication/token/release. */
export const releaseBody = z.strictObject({ token }, OBJECT).optional();

const FLOAT = 'give a number, such as 12.5';

/** What every POST that makes a request takes. */
const common = {
  token,
  process_immediately: z
    .boolean('give true or false')
    .optional()
    .describe('Sent during the call, in its card’s order; after a time limit the answer shows it PENDING.'),
  scheduled_date: scheduledDate.optional(),
  priority: z
    .enum(priorities, `give ${priorities.join(' or ')}, in upper case`)
    .optional()
    .describe('Default REGULAR.'),
  ...sameFor(UDF_STRINGS, text(UDF_CHARACTERS_MAX).optional()),
  ...sameFor(UDF_FLOATS, z.number(FLOAT).optional()),
  ...sameFor(UDF_DATES, date.optional()),
};

/** The bodies of the six calls that make a provisioning request. */
export type CreateBodies = ReturnType<typeof createBodies>;
export type CreateCall = keyof CreateBodies;
/** A body that was read. */
export type Created<C extends CreateCall = CreateCall> = { [K in C]: z.output<CreateBodies[K]> }[C];

/** The schemas of the bodies, with the installation's patterns. */
export function createBodies(patterns: InputPatterns) {
  const subscription = identifier('id', 'number');
  const product = identifier('id', 'code', 'alternative_code');
  const item = identifier('id', 'serial_number', 'alternative_code');
  const smartcardRemedy = `give a smart card CA id, which fits ${patterns.smartcard.source}`;
  const smartcard = text(100, smartcardRemedy).regex(patterns.smartcard, smartcardRemedy);
  const stbRemedy = `give an STB CA id, which fits ${patterns.setTopBox.source}`;
  const setTopBox = text(100, stbRemedy).regex(patterns.setTopBox, stbRemedy);
  const smartcards = deviceSet('smartcard_ca_id', smartcard);
  const setTopBoxes = deviceSet('stb_ca_id', setTopBox);
  const entitlement = body({
    subscription_identifier: subscription,
    service_identifier: product,
    smartcard_identifier: item,
    ...common,
  });
  return {
    add_subscriptions: entitlement,
    cancel_subscriptions: entitlement,
    create_pairing: body({
      subscription_identifier: subscription.optional(),
      smartcard_set: smartcards.min(1, 'give at least one smart card'),
      stb_set: setTopBoxes.min(1, 'give at least one set-top box'),
      ...common,
    }),
    add_to_existing_pairing: body({
      subscription_identifier: subscription.optional(),
      smartcard_ca_id: smartcard,
      smartcard_set: smartcards.optional(),
      stb_set: setTopBoxes.optional(),
      ...common,
    }).superRefine((given, context) => {
      if ((given.smartcard_set?.length ?? 0) + (given.stb_set?.length ?? 0) === 0) {
        const message = 'smartcard_set and stb_set are both missing or empty: give at least one device to add';
        context.addIssue({ code: 'custom', input: given, message, params: because('PARAMETER_MISSING', true) });
      }
      const again = given.smartcard_set?.findIndex((one) => one.smartcard_ca_id === given.smartcard_ca_id) ?? -1;
      if (again === -1) return;
      const message = `smartcard_set[${again}].smartcard_ca_id is the card of the existing pairing: leave it out of the set`;
      context.addIssue({ code: 'custom', input: given, message, params: because('SET_HAS_DUPLICATES', true) });
    }),
    reset_pin_to_default_value: body({ subscription_identifier: subscription, smartcard_ca_id: smartcard, ...common }),
    reset_pin_to_given_value: body({
      subscription_identifier: subscription,
      smartcard_ca_id: smartcard,
      pin: z
        .string('give the PIN as text')
        .regex(patterns.pin, `give a PIN that fits ${patterns.pin.source}`)
        .meta({ format: 'password', description: 'The new PIN; never shown, logged or stored in the clear.' }),
      ...common,
    }),
  };
}

function body<T extends z.core.$ZodLooseShape>(shape: T) {
  return z.strictObject(shape, { error: (issue) => (issue.code === 'invalid_type' ? OBJECT : undefined) });
}

/** A set of devices, each an object with its CA id, none twice. */
function deviceSet<K extends 'smartcard_ca_id' | 'stb_ca_id'>(name: K, caId: z.ZodString) {
  const form = `give a list like [{"${name}":"…"}]`;
  const element = z.strictObject({ [name]: caId } as Record<K, z.ZodString>, {
    error: (issue) => (issue.code === 'invalid_type' ? `give an object like {"${name}":"…"}` : undefined),
  });
  return z
    .array(element, form)
    .max(SET_MAX, `give at most ${SET_MAX}`)
    .superRefine((devices, context) => {
      const seen = new Set<string>();
      for (const [index, device] of devices.entries()) {
        const given = (device as Record<K, string>)[name];
        if (seen.has(given)) {
          const params = because('SET_HAS_DUPLICATES');
          context.addIssue({
            code: 'custom',
            input: given,
            path: [index, name],
            message: 'name each device once',
            params,
          });
          return;
        }
        seen.add(given);
      }
    });
}

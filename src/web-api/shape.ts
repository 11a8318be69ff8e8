import { z } from 'zod';
import type { CommandType } from '../planning/command.ts';
import type { LifeCycleState } from '../requests/find.ts';
import type { Priority, ProcessName } from '../requests/new-request.ts';

/** The 13 commands, as `type` has them. */
export const COMMAND_TYPES = [
  'ADD_SUBSCRIPTIONS',
  'CANCEL_SUBSCRIPTIONS',
  'GET_ACTIVE_SUBSCRIPTIONS',
  'CREATE_PAIRING',
  'ADD_TO_EXISTING_PAIRING',
  'GET_PAIRING_STATUS_FOR_CARD',
  'GET_PAIRING_STATUS_FOR_PAIRING_MODULE',
  'DISPLAY_FINGERPRINT',
  'UPDATE_CA_PIN_TO_DEFAULT_VALUE',
  'UPDATE_CA_PIN_TO_GIVEN_VALUE',
  'SEND_MAIL_MESSAGE_TO_CLIENT',
  'SEND_BARK_MESSAGE_TO_CLIENT',
  'SEND_REPEATING_BARK_MESSAGE_TO_CLIENT',
] as const satisfies readonly CommandType[];

export const LIFE_CYCLE_STATES = ['PENDING', 'COMPLETED', 'REJECTED'] as const satisfies readonly LifeCycleState[];
export const PRIORITIES = ['REGULAR', 'EXPRESS'] as const satisfies readonly Priority[];

const PROCESS_NAMES = [
  'PROVISIONING_REQUEST_PROCESSING',
  'MAIL_BARK_MESSAGE_UTILITY',
  'MAIL_BARK_MESSAGE_RUN',
  'PAIRING_UTILITY',
  'CONAX_INFORMATION_UTILITY',
  'FINGERPRINTING_UTILITY',
  'FINGERPRINTING_RUN',
  'RESET_PIN',
  'MANUAL',
  'TRIGGER',
  'RESYNC',
  'REPLAY',
] as const satisfies readonly ProcessName[];

/** The user-defined fields, by kind. */
export const UDF_STRINGS = numbered('udf_string', [1, 2, 3, 4, 5, 6, 7, 8]);
export const UDF_FLOATS = numbered('udf_float', [1, 2, 3, 4]);
export const UDF_DATES = numbered('udf_date', [1, 2, 3, 4]);

function numbered<P extends string, N extends number>(prefix: P, numbers: readonly N[]): `${P}_${N}`[] {
  return numbers.map((number): `${P}_${N}` => `${prefix}_${number}`);
}

/** The same kind of field for each of these names. */
export function sameFor<K extends string, T>(names: readonly K[], value: T): Record<K, T> {
  return Object.fromEntries(names.map((name) => [name, value])) as Record<K, T>;
}

const date = () => z.string().meta({ description: 'UTC, whole seconds.', examples: ['2014-11-28T15:05:20'] });
const who = () => z.string().nullable();

/** One parameter of the command, and its position. */
const parameter = z
  .object({ id: z.string().describe('Position among the parameters, from 1.') })
  .catchall(z.union([z.string(), z.number(), z.null()]))
  .meta({ description: 'One parameter of the command: its name and value, and its position as `id`.' });

/** A provisioning request as the Web API shows it; `fields_set` may leave out any of its fields. */
export const completeRequest = z
  .strictObject({
    id: z.string().regex(/^[0-9A-F]{32}$/),
    number: z.string().regex(/^\d+$/),
    type: z.enum(COMMAND_TYPES),
    sequence_number: z.int().min(1).describe('Position among the requests of its event, call or run.'),
    scheduled_date: date(),
    executed_date: date().nullable().describe('When it became final; null while it is PENDING.'),
    priority: z.enum(PRIORITIES),
    life_cycle_state: z.enum(LIFE_CYCLE_STATES),
    request: z.string().nullable().describe('The SOAP body that was sent last, secrets masked.'),
    response: z.string().nullable().describe('The SOAP body that came back for it.'),
    reference_number: z.string().nullable().describe('As Conax gave it.'),
    error_code: z.string().nullable().describe('Why it was REJECTED: the code of the CAS or of the service.'),
    error_description: z.string().nullable(),
    process_name: z.enum(PROCESS_NAMES).describe('What made the request; MANUAL: this API.'),
    process_id: z.string().nullable(),
    parameters_set: z.array(parameter),
    log_information: z.strictObject({
      created_date: date(),
      updated_date: date(),
      created_by_user: who(),
      updated_by_user: who(),
      created_by_unit: who(),
      updated_by_unit: who(),
    }),
    ...sameFor(UDF_STRINGS, z.string().nullable()),
    ...sameFor(UDF_FLOATS, z.number().nullable()),
    ...sameFor(UDF_DATES, date().nullable()),
  })
  .partial()
  .meta({ id: 'ProvisioningRequest', description: 'A provisioning request: one command for the CAS.' });

export type CompleteRequest = z.output<typeof completeRequest>;
export type RequestField = keyof CompleteRequest;

/** The names that `fields_set` may have. */
export const REQUEST_FIELDS = Object.keys(completeRequest.shape) as RequestField[];

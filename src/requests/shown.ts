import { z } from 'zod';
import { type Command, commandTypes, type Device } from '../planning/command.ts';
import { lifeCycleStates, type ProvisioningRequest } from './find.ts';
import { priorities, processNames } from './new-request.ts';

/**
 * How both APIs show a provisioning request (domain: "Complete provisioning request"). Only numbers and times differ:
 * CRM.COM fixes those of the Web API. So each API adds its `number` and says how it writes times.
 */

/** The user-defined fields, by kind. */
export const UDF_STRINGS = numbered('udf_string', [1, 2, 3, 4, 5, 6, 7, 8]);
export const UDF_FLOATS = numbered('udf_float', [1, 2, 3, 4]);
export const UDF_DATES = numbered('udf_date', [1, 2, 3, 4]);

function numbered<P extends string, N extends number>(prefix: P, numbers: readonly N[]): `${P}_${N}`[] {
  return numbers.map((number): `${P}_${N}` => `${prefix}_${number}`);
}

/** Returns an object with the same value for each of these names. */
export function sameFor<K extends string, T>(names: readonly K[], value: T): Record<K, T> {
  return Object.fromEntries(names.map((name) => [name, value])) as Record<K, T>;
}

const who = () => z.string().nullable();

/** One parameter of the command, and its position. */
const parameter = z
  .object({ id: z.string().describe('Position among the parameters, from 1.') })
  .catchall(z.union([z.string(), z.number(), z.null()]))
  .meta({ description: 'One parameter of the command: its name and value, and its position as `id`.' });

/** The schemas of a shown request's fields, without its number. `date` returns the schema of a time. */
export function requestFields<D extends z.ZodType<string>>(date: () => D) {
  return {
    type: z.enum(commandTypes),
    sequence_number: z.int().min(1).describe('Position among the requests of its event, call or run.'),
    scheduled_date: date(),
    executed_date: date().nullable().describe('When it became final; null while it is PENDING.'),
    priority: z.enum(priorities),
    life_cycle_state: z.enum(lifeCycleStates),
    request: z.string().nullable().describe('The SOAP body that was sent last, secrets masked.'),
    response: z.string().nullable().describe('The SOAP body that came back for it.'),
    reference_number: z.string().nullable().describe('As Conax gave it.'),
    error_code: z.string().nullable().describe('Why it was REJECTED: the code of the CAS or of the service.'),
    error_description: z.string().nullable(),
    process_name: z.enum(processNames).describe('What made the request; MANUAL: the Web API.'),
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
  };
}

type RequestFields = { [F in keyof ReturnType<typeof requestFields>]: z.output<ReturnType<typeof requestFields>[F]> };

/** Returns the fields of `requestFields`. `date` writes a time. A PIN is never among them. */
export function requestView(request: ProvisioningRequest, date: (at: Date) => string): RequestFields {
  const udf = request.userDefined ?? {};
  return {
    type: request.type,
    sequence_number: request.sequenceNumber,
    scheduled_date: date(request.scheduledAt),
    executed_date: request.executedAt === null ? null : date(request.executedAt),
    priority: request.priority,
    life_cycle_state: request.lifeCycleState,
    request: request.request,
    response: request.response,
    reference_number: request.referenceNumber,
    error_code: request.errorCode,
    error_description: request.errorDescription,
    process_name: request.processName,
    process_id: request.processId,
    parameters_set: parametersOf(request.command, date).map((one, index) => ({ ...one, id: String(index + 1) })),
    log_information: {
      created_date: date(request.createdAt),
      updated_date: date(request.updatedAt),
      created_by_user: request.createdByUser,
      updated_by_user: request.updatedByUser,
      created_by_unit: request.createdByUnit,
      updated_by_unit: request.updatedByUnit,
    },
    ...given(UDF_STRINGS, (name) => textOf(udf[name])),
    ...given(UDF_FLOATS, (name) => (typeof udf[name] === 'number' ? udf[name] : null)),
    // They are stored as the Web API shows them, in UTC without a zone.
    ...given(UDF_DATES, (name) => (typeof udf[name] === 'string' ? date(new Date(`${udf[name]}Z`)) : null)),
  };
}

type Parameter = Readonly<Record<string, string | number>>;

/**
 * Returns the command's parameters, one an element, in the order of the domain's table of commands. A distributor goes
 * before the device or service that it belongs to, if there is one. A PIN is shown masked.
 */
function parametersOf(command: Command, date: (at: Date) => string): Parameter[] {
  switch (command.type) {
    case 'ADD_SUBSCRIPTIONS':
    case 'CANCEL_SUBSCRIPTIONS':
      return [...device('service_ca_id', command.service), { smartcard_ca_id: command.smartcard }];
    case 'CREATE_PAIRING':
      return [...devices('smartcard_ca_id', command.smartcards), ...devices('stb_ca_id', command.setTopBoxes)];
    case 'ADD_TO_EXISTING_PAIRING':
      return [
        ...device('existing_smartcard_ca_id', command.existingSmartcard),
        ...devices('smartcard_ca_id', command.smartcards),
        ...devices('stb_ca_id', command.setTopBoxes),
      ];
    case 'GET_PAIRING_STATUS_FOR_PAIRING_MODULE':
      return device('stb_ca_id', command.setTopBox);
    case 'SEND_MAIL_MESSAGE_TO_CLIENT':
      return messageParameters(command, date);
    case 'SEND_BARK_MESSAGE_TO_CLIENT':
      return [...messageParameters(command, date), { display_duration: command.durationSeconds }];
    case 'SEND_REPEATING_BARK_MESSAGE_TO_CLIENT':
      return [
        ...messageParameters(command, date),
        { display_duration: command.durationSeconds },
        { repetition_count: command.repetitions },
        { repetition_interval: command.intervalSeconds },
      ];
    case 'DISPLAY_FINGERPRINT':
      return [
        ...device('smartcard_ca_id', command.smartcard),
        { display_date_time: date(new Date(command.displayAt)) },
        { duration: command.durationSeconds },
        { position_x: command.x },
        { position_y: command.y },
        { height: command.height },
        { fingerprint_slot: command.slot },
      ];
    case 'UPDATE_CA_PIN_TO_GIVEN_VALUE':
      return [...device('smartcard_ca_id', command.smartcard), { pin: '****' }];
    case 'GET_ACTIVE_SUBSCRIPTIONS':
    case 'GET_PAIRING_STATUS_FOR_CARD':
    case 'UPDATE_CA_PIN_TO_DEFAULT_VALUE':
      return device('smartcard_ca_id', command.smartcard);
  }
}

function messageParameters(command: Extract<Command, { message: string }>, date: (at: Date) => string): Parameter[] {
  return [
    ...device('smartcard_ca_id', command.smartcard),
    { message: command.message },
    { start_indication_date_time: date(new Date(command.startAt)) },
    ...(command.queueNumber === null ? [] : [{ communication_queue_number: command.queueNumber }]),
  ];
}

function devices(name: string, all: readonly Device[]): Parameter[] {
  return all.flatMap((one) => device(name, one));
}

function device(name: string, { caId, distributor }: Device): Parameter[] {
  return [...(distributor === null ? [] : [{ sub_provisioning_distribution_id: distributor }]), { [name]: caId }];
}

function given<K extends string, T>(names: readonly K[], value: (name: K) => T): Record<K, T> {
  return Object.fromEntries(names.map((name) => [name, value(name)])) as Record<K, T>;
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

import { formatDate } from '../http/dates.ts';
import type { Command, Device } from '../planning/command.ts';
import type { ProvisioningRequest } from '../requests/find.ts';
import { type CompleteRequest, type RequestField, UDF_DATES, UDF_FLOATS, UDF_STRINGS } from './shape.ts';

/** The complete view of a provisioning request, or of it the fields that were asked for. */
export function viewOf(request: ProvisioningRequest, fields: ReadonlySet<RequestField> | null): CompleteRequest {
  const udf = request.userDefined ?? {};
  const complete: Required<CompleteRequest> = {
    id: request.id,
    number: String(request.number),
    type: request.type,
    sequence_number: request.sequenceNumber,
    scheduled_date: formatDate(request.scheduledAt),
    executed_date: request.executedAt === null ? null : formatDate(request.executedAt),
    priority: request.priority,
    life_cycle_state: request.lifeCycleState,
    request: request.request,
    response: request.response,
    reference_number: request.referenceNumber,
    error_code: request.errorCode,
    error_description: request.errorDescription,
    process_name: request.processName,
    process_id: request.processId,
    parameters_set: parametersOf(request.command).map((parameter, index) => ({ ...parameter, id: String(index + 1) })),
    log_information: {
      created_date: formatDate(request.createdAt),
      updated_date: formatDate(request.updatedAt),
      created_by_user: request.createdByUser,
      updated_by_user: request.updatedByUser,
      created_by_unit: request.createdByUnit,
      updated_by_unit: request.updatedByUnit,
    },
    ...given(UDF_STRINGS, (name) => textOf(udf[name])),
    ...given(UDF_FLOATS, (name) => (typeof udf[name] === 'number' ? udf[name] : null)),
    ...given(UDF_DATES, (name) => textOf(udf[name])),
  };
  if (fields === null) return complete;
  return Object.fromEntries(Object.entries(complete).filter(([name]) => fields.has(name as RequestField)));
}

type Parameter = Readonly<Record<string, string | number>>;

/**
 * The command's parameters, one an element, in the order of the domain's table of commands; a distributor goes before
 * the device or service that it belongs to, where there is one. A PIN is shown masked.
 */
function parametersOf(command: Command): Parameter[] {
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
      return messageParameters(command);
    case 'SEND_BARK_MESSAGE_TO_CLIENT':
      return [...messageParameters(command), { display_duration: command.durationSeconds }];
    case 'SEND_REPEATING_BARK_MESSAGE_TO_CLIENT':
      return [
        ...messageParameters(command),
        { display_duration: command.durationSeconds },
        { repetition_count: command.repetitions },
        { repetition_interval: command.intervalSeconds },
      ];
    case 'DISPLAY_FINGERPRINT':
      return [
        ...device('smartcard_ca_id', command.smartcard),
        { display_date_time: formatDate(new Date(command.displayAt)) },
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

function messageParameters(command: Extract<Command, { message: string }>): Parameter[] {
  return [
    ...device('smartcard_ca_id', command.smartcard),
    { message: command.message },
    { start_indication_date_time: formatDate(new Date(command.startAt)) },
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

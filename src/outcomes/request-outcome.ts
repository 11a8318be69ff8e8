import { type Command, type Device, smartcardsOf } from '../planning/command.ts';
import { requestOutcomeEventId } from './event-ids.ts';
import type { ProvisioningRequestOutcome } from './outcome.generated.ts';

/** A final provisioning request from its row. Times are epoch milliseconds. */
export interface FinishedRequest {
  readonly number: number;
  /** UUID with hyphens. */
  readonly id: string;
  readonly lifeCycleState: 'COMPLETED' | 'REJECTED';
  readonly priority: 'REGULAR' | 'EXPRESS';
  readonly command: Command;
  readonly subscriptionNumber: string | null;
  readonly scheduledAt: number;
  readonly submittedAt: number;
  readonly executedAt: number;
  readonly attempts: number;
  readonly referenceNumber: string | null;
  readonly errorCode: string | null;
  readonly errorDescription: string | null;
  readonly answer: RequestAnswer | null;
  readonly processName: string;
  readonly actionId: string | null;
  readonly actionNumber: string | null;
  readonly causationEventId: string | null;
  readonly traceparent: string | null;
}

/** The stored answer to a GET command. */
export interface RequestAnswer {
  readonly activeServices?: readonly string[] | null;
  readonly pairing?: { readonly smartcards: readonly string[]; readonly setTopBoxes: readonly string[] } | null;
}

/** Returns the outcome event of a final request (contract: ProvisioningRequestOutcome). */
export function requestOutcome(request: FinishedRequest): ProvisioningRequestOutcome {
  const { command, answer } = request;
  return {
    eventId: requestOutcomeEventId(request.id),
    occurredAt: request.executedAt,
    requestId: request.id.replaceAll('-', '').toUpperCase(),
    requestNumber: request.number,
    type: command.type,
    outcome: request.lifeCycleState,
    errorCode: request.errorCode,
    errorDescription: request.errorDescription,
    referenceNumber: request.referenceNumber,
    subscriptionNumber: request.subscriptionNumber,
    ...devicesOf(command),
    priority: request.priority,
    attempts: request.attempts,
    submittedAt: request.submittedAt,
    scheduledAt: request.scheduledAt,
    executedAt: request.executedAt,
    processName: request.processName,
    actionId: request.actionId,
    actionNumber: request.actionNumber,
    causationEventId: request.causationEventId,
    activeServices: answer?.activeServices ?? null,
    pairedDevices: pairedDevices(answer),
  };
}

/** Returns the message key of an outcome: the subscription, else the first card, else the STB. */
export function requestOutcomeKey(request: FinishedRequest): string {
  return request.subscriptionNumber ?? smartcardsOf(request.command)[0] ?? firstSetTopBox(request.command) ?? '';
}

/** Returns null if no pairing was asked about, and an empty list if the CAS has none. */
function pairedDevices(answer: RequestAnswer | null): string[] | null {
  if (answer?.pairing === undefined) return null;
  return answer.pairing === null ? [] : [...answer.pairing.smartcards, ...answer.pairing.setTopBoxes];
}

type Devices = Pick<ProvisioningRequestOutcome, 'existingSmartcard' | 'smartcards' | 'setTopBoxes' | 'service'>;
const NONE: Devices = { existingSmartcard: null, smartcards: [], setTopBoxes: [], service: null };

function devicesOf(command: Command): Devices {
  switch (command.type) {
    case 'ADD_SUBSCRIPTIONS':
    case 'CANCEL_SUBSCRIPTIONS':
      // A service goes to the cards of its own distributor (R1).
      return {
        ...NONE,
        smartcards: [device(command.smartcard, command.service.distributor)],
        service: copy(command.service),
      };
    case 'CREATE_PAIRING':
      return { ...NONE, smartcards: command.smartcards.map(copy), setTopBoxes: command.setTopBoxes.map(copy) };
    case 'ADD_TO_EXISTING_PAIRING':
      return {
        ...NONE,
        existingSmartcard: copy(command.existingSmartcard),
        smartcards: command.smartcards.map(copy),
        setTopBoxes: command.setTopBoxes.map(copy),
      };
    case 'GET_PAIRING_STATUS_FOR_PAIRING_MODULE':
      return { ...NONE, setTopBoxes: [copy(command.setTopBox)] };
    case 'GET_ACTIVE_SUBSCRIPTIONS':
    case 'GET_PAIRING_STATUS_FOR_CARD':
    case 'SEND_MAIL_MESSAGE_TO_CLIENT':
    case 'SEND_BARK_MESSAGE_TO_CLIENT':
    case 'SEND_REPEATING_BARK_MESSAGE_TO_CLIENT':
    case 'DISPLAY_FINGERPRINT':
    case 'UPDATE_CA_PIN_TO_DEFAULT_VALUE':
    case 'UPDATE_CA_PIN_TO_GIVEN_VALUE':
      return { ...NONE, smartcards: [copy(command.smartcard)] };
  }
}

function device(caId: string, distributor: string | null): Device {
  return { caId, distributor };
}

function copy({ caId, distributor }: Device): Device {
  return { caId, distributor };
}

function firstSetTopBox(command: Command): string | undefined {
  return command.type === 'GET_PAIRING_STATUS_FOR_PAIRING_MODULE' ? command.setTopBox.caId : undefined;
}

// Generated from schemas/com.conax.provisioning.v1.*.avsc by "npm run generate". Do not edit.

/** The family of an event. */
export type Family =
  | 'SUBSCRIPTION'
  | 'SERVICE'
  | 'INSTALLED_ITEM'
  | 'UNKNOWN';

/** One event of the action. */
export interface Facet {
  /** The family of the event. */
  family: Family;
  /** The action type as the CRM wrote it. */
  type: string;
  /** What became of the event. */
  disposition: string;
}

/** What became of an action. */
export type ActionOutcome =
  | 'PROVISIONED'
  | 'PARTLY_PROVISIONED'
  | 'FAILED'
  | 'NOTHING_TO_DO'
  | 'HELD'
  | 'INVALID'
  | 'UNKNOWN';

/** The Conax command. */
export type CommandType =
  | 'ADD_SUBSCRIPTIONS'
  | 'CANCEL_SUBSCRIPTIONS'
  | 'CREATE_PAIRING'
  | 'ADD_TO_EXISTING_PAIRING'
  | 'GET_ACTIVE_SUBSCRIPTIONS'
  | 'GET_PAIRING_STATUS_FOR_CARD'
  | 'GET_PAIRING_STATUS_FOR_PAIRING_MODULE'
  | 'SEND_MAIL_MESSAGE_TO_CLIENT'
  | 'SEND_BARK_MESSAGE_TO_CLIENT'
  | 'SEND_REPEATING_BARK_MESSAGE_TO_CLIENT'
  | 'DISPLAY_FINGERPRINT'
  | 'UPDATE_CA_PIN_TO_DEFAULT_VALUE'
  | 'UPDATE_CA_PIN_TO_GIVEN_VALUE'
  | 'UNKNOWN';

/** How a request ended. */
export type RequestOutcome =
  | 'COMPLETED'
  | 'REJECTED'
  | 'UNKNOWN';

/** One provisioning request of the action. */
export interface ActionRequest {
  /** The request's number. */
  requestNumber: number;
  /** The command. */
  type: CommandType;
  /** How the request ended. */
  outcome: RequestOutcome;
  /** Why it was rejected. */
  errorCode: null | string;
  /** The smart card CA id (of a pairing: the first one). */
  smartcard: null | string;
  /** The service CA id. */
  serviceCaId: null | string;
}

/** One command that was not sent, and why. */
export interface WithheldCommand {
  /** The command. */
  type: CommandType;
  /** Why it was withheld. */
  reason: string;
  /** The smart card CA id. */
  smartcard: null | string;
  /** The service CA id. */
  serviceCaId: null | string;
}

/** What became of one CRM action. */
export interface CrmActionOutcome {
  /** Equals ce_id; the same when the outcome is published again. */
  eventId: string;
  /** When the outcome was known, UTC. */
  occurredAt: number;
  /** The CRM action. */
  actionId: string;
  /** The number of the action. */
  actionNumber: string;
  /** The events of the action that arrived. */
  facets: readonly Facet[];
  /** The subscription. */
  subscriptionNumber: string;
  /** What became of the action. */
  outcome: ActionOutcome;
  /** The requests of the action; of several for one command the last. */
  requests: readonly ActionRequest[];
  /** The commands that were withheld. */
  withheld: readonly WithheldCommand[];
  /** When the first event of the action was received, UTC. */
  receivedAt: number;
}

/** A CA id and the distributor that goes with it. */
export interface Device {
  /** Smart card CA id, STB CA id or service CA id, leading zeros kept. */
  caId: string;
  /** The subscription provisioning distribution; null if there is none. */
  distributor: null | string;
}

/** REGULAR or EXPRESS. */
export type Priority =
  | 'REGULAR'
  | 'EXPRESS'
  | 'UNKNOWN';

/** One provisioning request has become final. */
export interface ProvisioningRequestOutcome {
  /** Equals ce_id; the same when the outcome is published again. */
  eventId: string;
  /** When the request became final, UTC. */
  occurredAt: number;
  /** The request's id, 32 upper-case hexadecimal characters. */
  requestId: string;
  /** The request's number. */
  requestNumber: number;
  /** The command of the request. */
  type: CommandType;
  /** How the request ended. */
  outcome: RequestOutcome;
  /** Why it was rejected: the CAS's code or one of ours. */
  errorCode: null | string;
  /** The CAS's text or our explanation. */
  errorDescription: null | string;
  /** The CAS's reference, if it gave one. */
  referenceNumber: null | string;
  /** The subscription that the request was made for. */
  subscriptionNumber: null | string;
  /** ADD_TO_EXISTING_PAIRING: the card that is already paired. */
  existingSmartcard: null | Device;
  /** The smart cards of the command. */
  smartcards: readonly Device[];
  /** The set-top boxes of the command. */
  setTopBoxes: readonly Device[];
  /** The service CA id of the command, with the distributor of the service. */
  service: null | Device;
  /** The priority of the request. */
  priority: Priority;
  /** How many SOAP calls were made for the request. */
  attempts: number;
  /** When the request was made, UTC. */
  submittedAt: number;
  /** When the request was due, UTC. */
  scheduledAt: number;
  /** When the CAS answered, or the request was given up, UTC. */
  executedAt: number;
  /** What made the request: TRIGGER, MANUAL, a utility or a run. */
  processName: string;
  /** The CRM action that caused the request. */
  actionId: null | string;
  /** The number of that action. */
  actionNumber: null | string;
  /** The inbound event that caused the request. */
  causationEventId: null | string;
  /** GET_ACTIVE_SUBSCRIPTIONS: the service CA ids that the CAS named. */
  activeServices: null | readonly string[];
  /** Pairing status: the CA ids of the devices that the CAS named. */
  pairedDevices: null | readonly string[];
}

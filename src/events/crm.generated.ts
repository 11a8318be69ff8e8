// Generated from schemas/com.crm.subscription.v1.*.avsc by "npm run generate". Do not edit.

/** The CRM action that one or more events (its facets) report. */
export interface Action {
  /** The CRM action's id; the same in all of its facets. */
  id: string;
  /** The CRM action's number, for people. */
  number: string;
  /** The reference of the CRM transaction that the action belongs to. */
  transactionReference: null | string;
  /** When the action was executed in the CRM, UTC. */
  executedAt: number;
  /** The CRM user who executed the action. */
  executedBy: null | string;
  /** How many families (subscription, service, installed item) this action has; one event each. Null if the CRM does not state it. */
  facets: null | number;
}

/** The installed item actions that the CRM reports. */
export type InstalledItemActionType =
  | 'ADD_INSTALLED_ITEM'
  | 'REMOVE_INSTALLED_ITEM'
  | 'SWAP_INSTALLED_ITEM'
  | 'UNDO_ADD_INSTALLED_ITEM'
  | 'UNKNOWN';

/** Life cycle state of a subscription. */
export type SubscriptionState =
  | 'DRAFT'
  | 'EFFECTIVE'
  | 'NOT_EFFECTIVE'
  | 'SHORT_TERM_EFFECTIVE'
  | 'SHORT_TERM_NOT_EFFECTIVE'
  | 'IN_RESTING'
  | 'TERMINATED'
  | 'UNKNOWN';

/** Life cycle state of a service. */
export type ServiceState =
  | 'DRAFT'
  | 'EFFECTIVE'
  | 'NOT_EFFECTIVE'
  | 'SHORT_TERM_EFFECTIVE'
  | 'SHORT_TERM_NOT_EFFECTIVE'
  | 'IN_RESTING'
  | 'CANCELLED'
  | 'REGRETTED'
  | 'SWAPPED'
  | 'REMOVED'
  | 'UNKNOWN';

/** One service of a subscription. */
export interface Service {
  /** The service's id. */
  id: string;
  /** The id of the product that the service provides. */
  productId: string;
  /** The code of the product. */
  productCode: string;
  /** The alternative code of the product. */
  productAlternativeCode: null | string;
  /** The service CA id: the number of the Conax product. Null if the CAS has no such product. */
  caId: null | string;
  /** The service's state after the action. */
  state: ServiceState;
  /** The subscription provisioning distribution that the service is linked with; null if there is none. */
  distributor: null | string;
}

/** What an installed item is. */
export type InstalledItemKind =
  | 'SMARTCARD'
  | 'SET_TOP_BOX'
  | 'OTHER'
  | 'UNKNOWN';

/** One piece of hardware of a subscription. */
export interface InstalledItem {
  /** The installed item's id. */
  id: string;
  /** The serial number. */
  serialNumber: string;
  /** The alternative code. */
  alternativeCode: null | string;
  /** Whether it is a smart card, a set-top box or something else. */
  kind: InstalledItemKind;
  /** The smart card CA id or the STB CA id; null if the CAS does not know the item. */
  caId: null | string;
  /** The subscription provisioning distribution that the item is linked with; null if there is none. */
  distributor: null | string;
}

/** The whole subscription as it is after the action. */
export interface Subscription {
  /** The subscription's id. */
  id: string;
  /** The subscription's number; the message key. */
  number: string;
  /** Grows with every action on the subscription; the facets of one action share it. */
  version: number;
  /** The subscription's state after the action. */
  state: SubscriptionState;
  /** All services, history states included. */
  services: readonly Service[];
  /** All installed items. */
  installedItems: readonly InstalledItem[];
}

/** A CRM action on installed items of a subscription. */
export interface InstalledItemActionEvent {
  /** UUID of this event; a message with an eventId that was seen before is a duplicate. */
  eventId: string;
  /** When the event came about, UTC. */
  occurredAt: number;
  /** The CRM action that the event reports. */
  action: Action;
  /** What was done. */
  type: InstalledItemActionType;
  /** The whole subscription after the action. */
  subscription: Subscription;
  /** Ids, in the snapshot, of the installed items that the action brought. */
  incomingInstalledItems: readonly string[];
  /** The installed items that the action took away; they are no longer in the snapshot. */
  removedInstalledItems: readonly InstalledItem[];
}

/** The service actions that the CRM reports. */
export type ServiceActionType =
  | 'ADD_SERVICE'
  | 'REMOVE_SERVICE'
  | 'START_SERVICE'
  | 'STOP_SERVICE'
  | 'SWAP_SERVICE'
  | 'REGRET_SERVICE'
  | 'SWAP_INSTALLED_ITEM'
  | 'CHANGE_SUBSCRIPTION_DISTRIBUTION'
  | 'CANCEL_SERVICE'
  | 'UNDO_ADD_SERVICE'
  | 'UNKNOWN';

/** A service or an installed item that went from one distributor to another. */
export interface Move {
  /** The id of the service or of the installed item in the snapshot. */
  id: string;
  /** The distributor that it left; null if it had none. */
  fromDistributor: null | string;
  /** The distributor that it came to; null if it has none now. */
  toDistributor: null | string;
}

/** A CRM action on services of a subscription. */
export interface ServiceActionEvent {
  /** UUID of this event; a message with an eventId that was seen before is a duplicate. */
  eventId: string;
  /** When the event came about, UTC. */
  occurredAt: number;
  /** The CRM action that the event reports. */
  action: Action;
  /** What was done. */
  type: ServiceActionType;
  /** The whole subscription after the action. */
  subscription: Subscription;
  /** Ids, in the snapshot, of the services that the action brought or started. */
  incomingServices: readonly string[];
  /** Ids, in the snapshot, of the services that the action ended or stopped. */
  outgoingServices: readonly string[];
  /** The installed items that the action took away; they are no longer in the snapshot. */
  removedInstalledItems: readonly InstalledItem[];
  /** Ids, in the snapshot, of the installed items that the action brought. */
  incomingInstalledItems: readonly string[];
  /** Services that the action moved to another distributor. */
  movedServices: readonly Move[];
  /** Installed items that the action moved to another distributor. */
  movedInstalledItems: readonly Move[];
}

/** The subscription actions that the CRM reports. */
export type SubscriptionActionType =
  | 'BECOME_SUBSCRIBER'
  | 'ACTIVATE_SUBSCRIPTION'
  | 'DEACTIVATE_SUBSCRIPTION'
  | 'TERMINATE_SUBSCRIPTION'
  | 'REST_SUBSCRIPTION'
  | 'END_SUBSCRIPTION_RESTING'
  | 'SHORT_TERM_ACTIVATION'
  | 'END_SHORT_TERM_ACTIVATION'
  | 'SHORT_TERM_DEACTIVATION'
  | 'END_SHORT_TERM_DEACTIVATION'
  | 'CHANGE_SUBSCRIPTION_DISTRIBUTION'
  | 'UNKNOWN';

/** A CRM action on a subscription. */
export interface SubscriptionActionEvent {
  /** UUID of this event; a message with an eventId that was seen before is a duplicate. */
  eventId: string;
  /** When the event came about, UTC. */
  occurredAt: number;
  /** The CRM action that the event reports. */
  action: Action;
  /** What was done. */
  type: SubscriptionActionType;
  /** The whole subscription after the action. */
  subscription: Subscription;
  /** Services that the action moved to another distributor. */
  movedServices: readonly Move[];
  /** Installed items that the action moved to another distributor. */
  movedInstalledItems: readonly Move[];
}

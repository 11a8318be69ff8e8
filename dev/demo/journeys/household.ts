import { addItem, addService, type CrmSubscription } from '../crm.ts';

export const ADD = 'ADD_SUBSCRIPTIONS';
export const CANCEL = 'CANCEL_SUBSCRIPTIONS';

/** A household with one card, one STB and services, without distributors. */
export function subscribed(
  subscription: CrmSubscription,
  card: string,
  stb: string,
  serviceCaIds: readonly string[],
): void {
  subscription.state = 'EFFECTIVE';
  addItem(subscription, 'card', 'SMARTCARD', card);
  addItem(subscription, 'stb', 'SET_TOP_BOX', stb);
  for (const caId of serviceCaIds) addService(subscription, `service-${caId}`, caId);
}

import type { Subscription } from '../events/crm.generated.ts';
import { WebApiError } from '../http/envelope.ts';
import type { OneOf } from '../http/input-kinds.ts';
import { resolveService } from '../identifiers/service.ts';
import { resolveSmartcard, resolveSmartcardByCaId } from '../identifiers/smartcard.ts';
import { type KnownSubscription, resolveSubscription } from '../identifiers/subscription.ts';
import { misfit } from '../planning/ca-ids.ts';
import { casDevices } from '../planning/snapshot.ts';
import type { Transaction } from '../platform/database.ts';
import type { Command, Device } from '../requests/command.ts';
import { lockSubscriptions } from '../requests/lock-subscriptions.ts';
import { found } from './found.ts';
import type { CreateCall, Created } from './inputs.ts';
import type { WebApiParts } from './parts.ts';

/** A body of one of the six calls, with the name of its call. */
export type CreateInput = { [C in CreateCall]: { readonly call: C; readonly body: Created<C> } }[CreateCall];

/** What a call asks for, in the words of the CAS. */
export interface Asked {
  readonly command: Command;
  readonly subscription: { readonly id: string; readonly number: string } | null;
}

/**
 * Resolves a call's identifiers against the newest snapshots. Locks the subscription first, so that its snapshot, and
 * with it the cards that the request is for, stay as they are until the transaction's end.
 * @throws WebApiError naming the identifier that does not resolve.
 */
export async function commandOf(
  tx: Transaction,
  { call, body }: CreateInput,
  patterns: WebApiParts['patterns'],
): Promise<Asked> {
  switch (call) {
    case 'add_subscriptions':
    case 'cancel_subscriptions':
      return entitlement(tx, call, body, patterns);
    case 'create_pairing':
    case 'add_to_existing_pairing':
      return pairing(tx, { call, body } as PairingInput);
    case 'reset_pin_to_default_value':
    case 'reset_pin_to_given_value': {
      const subscription = await lockedSubscription(tx, body.subscription_identifier);
      const card = smartcardOf(subscription, body.smartcard_ca_id, 'smartcard_ca_id');
      const type =
        call === 'reset_pin_to_default_value' ? 'UPDATE_CA_PIN_TO_DEFAULT_VALUE' : 'UPDATE_CA_PIN_TO_GIVEN_VALUE';
      return { command: { type, smartcard: card }, subscription };
    }
  }
}

type PairingInput = Extract<CreateInput, { call: 'create_pairing' | 'add_to_existing_pairing' }>;

async function entitlement(
  tx: Transaction,
  call: 'add_subscriptions' | 'cancel_subscriptions',
  body: Created<'add_subscriptions'>,
  patterns: WebApiParts['patterns'],
): Promise<Asked> {
  const subscription = await lockedSubscription(tx, body.subscription_identifier);
  const card = found('smartcard_identifier', resolveSmartcard(subscription, body.smartcard_identifier));
  // Of the same product in several rooms, the card's room is meant.
  const service = found('service_identifier', resolveService(subscription, body.service_identifier, card.distributor));
  mustFit('service_identifier', 'service CA id', service.caId, patterns.service);
  mustFit('smartcard_identifier', 'smart card CA id', card.caId, patterns.smartcard);
  return {
    command: {
      type: call === 'add_subscriptions' ? 'ADD_SUBSCRIPTIONS' : 'CANCEL_SUBSCRIPTIONS',
      smartcard: card.caId,
      service: { caId: service.caId, distributor: service.distributor },
    },
    subscription,
  };
}

/**
 * With a subscription, every device has to be one of it. Without, the subscription that alone holds all the cards is
 * taken where there is one, so that its known pairings follow (R7), and devices that it lacks have no distributor.
 */
async function pairing(tx: Transaction, input: PairingInput): Promise<Asked> {
  const { body } = input;
  const cardNames = [
    ...(input.call === 'add_to_existing_pairing'
      ? [{ field: 'smartcard_ca_id', caId: input.body.smartcard_ca_id }]
      : []),
    ...(body.smartcard_set ?? []).map(({ smartcard_ca_id: caId }, index) => ({
      field: `smartcard_set[${index}].smartcard_ca_id`,
      caId,
    })),
  ];
  const stbNames = (body.stb_set ?? []).map(({ stb_ca_id: caId }, index) => ({
    field: `stb_set[${index}].stb_ca_id`,
    caId,
  }));
  let cards: Device[];
  let setTopBoxes: Device[];
  let subscription: KnownSubscription | null;
  if (body.subscription_identifier !== undefined) {
    const named = await lockedSubscription(tx, body.subscription_identifier);
    subscription = named;
    cards = cardNames.map(({ field, caId }) => smartcardOf(named, caId, field));
    setTopBoxes = stbNames.map(({ field, caId }) => setTopBoxOf(named, caId, field));
  } else {
    subscription = await lockedHolder(
      tx,
      cardNames.map(({ caId }) => caId),
    );
    const snapshot = subscription?.snapshot ?? null;
    cards = cardNames.map(({ caId }) => deviceIn(snapshot, 'SMARTCARD', caId) ?? { caId, distributor: null });
    setTopBoxes = stbNames.map(({ caId }) => deviceIn(snapshot, 'SET_TOP_BOX', caId) ?? { caId, distributor: null });
  }
  const [existingSmartcard] = cards;
  const command: Command =
    input.call === 'create_pairing' || existingSmartcard === undefined
      ? { type: 'CREATE_PAIRING', smartcards: cards, setTopBoxes }
      : { type: 'ADD_TO_EXISTING_PAIRING', existingSmartcard, smartcards: cards.slice(1), setTopBoxes };
  return { command, subscription };
}

/** The subscription of an identifier, locked, as it is once the lock is held. */
async function lockedSubscription(tx: Transaction, identifier: OneOf<'id' | 'number'>): Promise<KnownSubscription> {
  const before = found('subscription_identifier', await resolveSubscription(tx, identifier));
  await lockSubscriptions(tx, [before.number]);
  return found('subscription_identifier', await resolveSubscription(tx, { number: before.number }));
}

/**
 * The one subscription that holds all the cards and no other holds one of them, locked; else null, also where that
 * changed while its lock was waited for.
 */
async function lockedHolder(tx: Transaction, cards: readonly string[]): Promise<KnownSubscription | null> {
  const holder = await soleHolder(tx, cards);
  if (holder === null) return null;
  const locked = await lockedSubscription(tx, { number: holder });
  return (await soleHolder(tx, cards)) === holder ? locked : null;
}

async function soleHolder(tx: Transaction, cards: readonly string[]): Promise<string | null> {
  const [holder, ...others] = await tx.query<{ number: string; cards: number }>(HOLDERS, [cards]);
  return holder === undefined || others.length > 0 || holder.cards < cards.length ? null : holder.number;
}

/** Walks subscription_card's primary key. */
const HOLDERS = /* sql */ `
select subscription_number as number, count(*) as cards from subscription_card
 where card = any($1::text[]) group by subscription_number limit 2`;

function smartcardOf(subscription: KnownSubscription, caId: string, field: string): Device {
  const { distributor } = found(field, resolveSmartcardByCaId(subscription, caId));
  return { caId, distributor };
}

function setTopBoxOf({ number, snapshot }: KnownSubscription, caId: string, field: string): Device {
  const device = deviceIn(snapshot, 'SET_TOP_BOX', caId);
  if (device !== null) return device;
  throw new WebApiError(
    'STB_NOT_OF_SUBSCRIPTION',
    `${field} is ${JSON.stringify(caId)}: subscription ${number} has no set-top box with this CA id; check both, or leave the subscription out`,
  );
}

function deviceIn(snapshot: Subscription | null, kind: 'SMARTCARD' | 'SET_TOP_BOX', caId: string): Device | null {
  const device = casDevices(snapshot?.installedItems ?? []).find((one) => one.kind === kind && one.caId === caId);
  return device === undefined ? null : { caId, distributor: device.distributor };
}

function mustFit(field: string, what: string, caId: string, pattern: RegExp): void {
  if (pattern.test(caId)) return;
  throw new WebApiError('CA_ID_INVALID', `${field}: ${misfit(what, caId, pattern)}; correct it in the CRM`);
}

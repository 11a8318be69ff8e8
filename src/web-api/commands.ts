import { resolveSmartcard, resolveSmartcardByCaId } from '../identifiers/device.ts';
import { lockedDevices } from '../identifiers/holders.ts';
import { found } from '../identifiers/problem.ts';
import { resolveService } from '../identifiers/service.ts';
import { lockedSubscription } from '../identifiers/subscription.ts';
import { OperationError } from '../http/operation-error.ts';
import { misfit } from '../planning/ca-ids.ts';
import type { Transaction } from '../platform/database.ts';
import type { Command } from '../planning/command.ts';
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
 * @throws OperationError naming the identifier that does not resolve.
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
      const card = found('smartcard_ca_id', resolveSmartcardByCaId(subscription, body.smartcard_ca_id));
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
  // If several distributors have the product, the card's distributor decides.
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

async function pairing(tx: Transaction, input: PairingInput): Promise<Asked> {
  const { body } = input;
  const cards = [
    ...(input.call === 'add_to_existing_pairing'
      ? [{ field: 'smartcard_ca_id', caId: input.body.smartcard_ca_id }]
      : []),
    ...(body.smartcard_set ?? []).map(({ smartcard_ca_id: caId }, index) => ({
      field: `smartcard_set[${index}].smartcard_ca_id`,
      caId,
    })),
  ];
  const boxes = (body.stb_set ?? []).map(({ stb_ca_id: caId }, index) => ({
    field: `stb_set[${index}].stb_ca_id`,
    caId,
  }));
  const { subscription, smartcards, setTopBoxes } = await lockedDevices(tx, body.subscription_identifier, cards, boxes);
  const [existingSmartcard] = smartcards;
  const command: Command =
    input.call === 'create_pairing' || existingSmartcard === undefined
      ? { type: 'CREATE_PAIRING', smartcards, setTopBoxes }
      : { type: 'ADD_TO_EXISTING_PAIRING', existingSmartcard, smartcards: smartcards.slice(1), setTopBoxes };
  return { command, subscription };
}

function mustFit(field: string, what: string, caId: string, pattern: RegExp): void {
  if (pattern.test(caId)) return;
  throw new OperationError('CA_ID_INVALID', field, `${misfit(what, caId, pattern)}; correct it in the CRM`);
}

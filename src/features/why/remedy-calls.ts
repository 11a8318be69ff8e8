import { z } from 'zod';
import { quoted } from '../../platform/terminal-text.ts';

const number = z.strictObject({ number: z.int() });
const id = z.strictObject({ id: z.int() });
const none = z.strictObject({});

/** A call of the operations API that a finding's remedy names, with an input that works. */
export const remedyCall = z.discriminatedUnion('operation', [
  z.strictObject({ operation: z.literal('requests.show'), input: z.strictObject({ number: z.string() }) }),
  z.strictObject({ operation: z.literal('requests.process'), input: number }),
  z.strictObject({ operation: z.literal('requests.withdraw'), input: number }),
  z.strictObject({ operation: z.literal('events.show'), input: id }),
  z.strictObject({ operation: z.literal('events.release'), input: id }),
  z.strictObject({ operation: z.literal('events.discard'), input: id }).describe('Asks for a `reason` as well.'),
  z.strictObject({
    operation: z.literal('pair.create'),
    input: z.strictObject({ subscription_identifier: z.strictObject({ number: z.string() }) }),
  }),
  z.strictObject({
    operation: z.literal('pair.add'),
    input: z.strictObject({ existing_smartcard_ca_id: z.string(), stb_ca_ids: z.array(z.string()) }),
  }),
  z.strictObject({ operation: z.literal('provider.status'), input: none }),
  z.strictObject({ operation: z.literal('provider.resume'), input: none }),
  z.strictObject({
    operation: z.literal('runs.start'),
    input: z.discriminatedUnion('kind', [
      z.strictObject({
        kind: z.literal('RESYNC'),
        parameters: none,
        selection: z.strictObject({ subscriptions: z.array(z.string()) }),
      }),
      z.strictObject({
        kind: z.literal('RECONCILE'),
        parameters: none,
        selection: z.strictObject({ cards: z.array(z.string()) }),
      }),
    ]),
  }),
]);
export type RemedyCall = z.output<typeof remedyCall>;

/** Sends again what the CRM entitles; nothing without a subscription. */
export function resyncOf(subscription: string | null): RemedyCall[] {
  if (subscription === null) return [];
  const selection = { subscriptions: [subscription] };
  return [{ operation: 'runs.start', input: { kind: 'RESYNC', parameters: {}, selection } }];
}

/** Finds out what a card has too much, so that a fix can cancel it. */
export function reconcileOf(card: string): RemedyCall[] {
  return [{ operation: 'runs.start', input: { kind: 'RECONCILE', parameters: {}, selection: { cards: [card] } } }];
}

/** Pairs the devices of a subscription again, or adds the missing set-top boxes to what the CAS has. */
export function pairOf(
  subscription: string,
  added: { readonly card: string; readonly boxes: readonly string[] } | null,
): RemedyCall[] {
  const again = { subscription_identifier: { number: subscription } };
  const create: RemedyCall = { operation: 'pair.create', input: again };
  if (added === null) return [create];
  const input = { existing_smartcard_ca_id: added.card, stb_ca_ids: [...added.boxes] };
  return [create, { operation: 'pair.add', input }];
}

/** Sends a request now. */
export function processOf(request: number): RemedyCall[] {
  return [{ operation: 'requests.process', input: { number: request } }];
}

/** Withdraws a request. */
export function withdrawOf(request: number): RemedyCall[] {
  return [{ operation: 'requests.withdraw', input: { number: request } }];
}

/** Shows a request with its attempts. */
export function showRequestOf(request: number): RemedyCall[] {
  return [{ operation: 'requests.show', input: { number: String(request) } }];
}

/** Shows an event. */
export function showEventOf(event: number): RemedyCall[] {
  return [{ operation: 'events.show', input: { id: event } }];
}

/** Shows an event that waits for a person, processes it after all, or gives it up. */
export function decideOn(event: number): RemedyCall[] {
  const input = { id: event };
  return [...showEventOf(event), { operation: 'events.release', input }, { operation: 'events.discard', input }];
}

/** The command that makes a call. Texts of the CRM are one word of it. */
export function commandOf({ operation, input }: RemedyCall): string {
  const name = operation.replace('.', ' ');
  switch (operation) {
    case 'requests.show':
    case 'requests.process':
    case 'requests.withdraw':
      return `${name} ${input.number}`;
    case 'events.show':
    case 'events.release':
    case 'events.discard':
      return `${name} ${input.id}`;
    case 'pair.create':
      return `${name} --subscription ${quoted(input.subscription_identifier.number)}`;
    case 'pair.add': {
      const boxes = input.stb_ca_ids.map((box) => ` --stb ${quoted(box)}`);
      return `${name} --to ${quoted(input.existing_smartcard_ca_id)}${boxes.join('')}`;
    }
    case 'provider.status':
    case 'provider.resume':
      return name;
    case 'runs.start':
      return input.kind === 'RESYNC'
        ? `resync ${input.selection.subscriptions.map((one) => `--subscription ${quoted(one)}`).join(' ')} --yes`
        : `reconcile run ${input.selection.cards.map((one) => `--card ${quoted(one)}`).join(' ')} --yes`;
  }
}

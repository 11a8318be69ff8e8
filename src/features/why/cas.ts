import { randomUUID } from 'node:crypto';
import { heldCards } from '../../identifiers/holders.ts';
import type { OperationContext } from '../../operations/operation.ts';
import { recordOutcomes } from '../../outcomes/record.ts';
import type { ProvisioningRequest } from '../../requests/find.ts';
import type { NewRequest } from '../../requests/new-request.ts';
import { submitRequests } from '../../requests/submit.ts';
import { withdrawUnclaimed } from '../../requests/withdraw.ts';
import type { CasAnswer, Facts } from './facts.ts';

/**
 * How long the CAS has for its answers, which need two calls a card. With the start of a command and a busy machine, the
 * whole answer stays under 4 s.
 */
const ANSWER_MS = 2_500;
/** More cards than this are not asked for at once. */
export const CARDS_MAX = 8;

/**
 * Asks the CAS what it has for the cards. The questions change nothing, so they do not wait in the cards' lanes; they
 * count towards the limits like every call. What has no answer in 2.5 s is withdrawn, unless it is being sent.
 */
export async function askCas(context: OperationContext, cards: readonly string[]): Promise<CasAnswer[]> {
  const { db, by, traceparent } = context;
  const held = await heldCards(
    db,
    cards.map((card) => ({ card, subscription: null })),
  );
  const process = { name: 'CONAX_INFORMATION_UTILITY', id: randomUUID() } as const;
  const questions = held.flatMap(({ smartcard, subscription }) =>
    (['GET_ACTIVE_SUBSCRIPTIONS', 'GET_PAIRING_STATUS_FOR_CARD'] as const).map((type) => ({
      command: { type, smartcard },
      subscription,
    })),
  );
  const stored = await db.transaction((tx) =>
    submitRequests(
      tx,
      questions.map(({ command, subscription }, index): NewRequest => ({
        command,
        sequenceNumber: index + 1,
        subscription,
        priority: 'EXPRESS',
        outOfLane: true,
        process,
        createdBy: by,
        traceparent,
        awaited: true,
      })),
    ),
  );
  const numbers = stored.map(({ number }) => number);
  const { requests } = await context.awaitOutcome(numbers, true, ANSWER_MS);
  const open = requests.filter(({ lifeCycleState }) => lifeCycleState === 'PENDING').map(({ number }) => number);
  const why = `Nobody waits any more: there was no answer in ${ANSWER_MS / 1_000} s.`;
  await db.transaction((tx) => withdrawUnclaimed(tx, open, { by: by.user, why }, recordOutcomes));
  return cards.map((card) => answerOf(card, requests));
}

function answerOf(card: string, requests: readonly ProvisioningRequest[]): CasAnswer {
  const of = (type: string): ProvisioningRequest | undefined =>
    requests.find(
      ({ command }) => command.type === type && 'smartcard' in command && cardOf(command.smartcard) === card,
    );
  const [services, pairing] = [of('GET_ACTIVE_SUBSCRIPTIONS'), of('GET_PAIRING_STATUS_FOR_CARD')];
  const refused = [services, pairing].find((one) => one?.lifeCycleState === 'REJECTED');
  return {
    card,
    services: services?.answer?.activeServices ?? null,
    pairing: pairing?.answer?.pairing ?? null,
    pairingAnswered: pairing?.lifeCycleState === 'COMPLETED',
    code: refused?.errorCode ?? null,
    description: refused?.errorDescription ?? null,
  };
}

function cardOf(smartcard: string | { readonly caId: string }): string {
  return typeof smartcard === 'string' ? smartcard : smartcard.caId;
}

/** Why the CAS is not asked at all; null if it is. */
export function whyNotAsked({ provider, cards }: Facts, isWanted: boolean): string | null {
  if (!isWanted) return 'not asked for';
  if (cards.length === 0) return 'there is no smart card';
  if (cards.length > CARDS_MAX) return `${cards.length} cards are more than ${CARDS_MAX}: ask for one of them`;
  if (provider.paused) return 'sending is paused';
  if (provider.instances.length === 0) return 'no instance of the service runs';
  if (provider.breaker === 'open') return 'the CAS does not answer';
  return null;
}

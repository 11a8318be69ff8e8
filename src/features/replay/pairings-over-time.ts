import type { Subscription } from '../../events/crm.generated.ts';
import { pairingChanges } from '../../pairings/news.ts';
import { createStaysFold, type Stay, type StaysFold } from '../../pairings/stays.ts';
import type { KnownPairings } from '../../planning/types.ts';
import { isPairing, type PairingCommand } from '../../planning/command.ts';
import type { PastEvent, PastRequest } from './history.ts';

/** What was known about a subscription's pairings (R7), replayed event by event. */
export interface PairingsOverTime {
  /** Returns what intake knew when it planned the event. */
  at(past: PastEvent): KnownPairings;
  /** Applies the snapshot that the event brought: cards leave and come. */
  apply(snapshot: Subscription, past: PastEvent): void;
  /** Applies the requests that the event made. */
  made(past: PastEvent): void;
}

/** The events of the subscription that one transaction processed. */
interface Chunk {
  readonly time: number;
  readonly fold: StaysFold;
  /** By position of an event: the lowest request number of the stays that it started. */
  readonly joinedNumbers: number[];
}

type PairingRequest = PastRequest & { readonly command: PairingCommand };

/**
 * Replays the events in the order in which they were processed. Between them, requests became final, and requests
 * without an event were made, each at its own time. Events with the same time belong to one transaction, which folded
 * them one onto another, so this does too. What a refused pairing command revealed is not stored, and is ignored.
 */
export function pairingsOverTime(number: string, requests: readonly PastRequest[]): PairingsOverTime {
  const all = requests.filter((request): request is PairingRequest => isPairing(request.command));
  const ofEvent = Map.groupBy(all, ({ inboxId }) => inboxId);
  const bySubmission = all.toSorted((one, other) => one.submittedAt - other.submittedAt || one.number - other.number);
  const taken = new Set<number>();
  const stays = new Map<string, Stay>();
  let pending: PairingRequest[] = [];
  let lastNumber = 0;
  let chunk: Chunk | null = null;

  return {
    at: (past) => chunkOf(past).fold.knownPairings(),
    apply(snapshot, past) {
      const { fold, joinedNumbers } = chunkOf(past);
      fold.apply(snapshot, joinedNumbers.length);
      joinedNumbers.push(lastNumber + 1);
    },
    made(past) {
      const { time, fold } = chunkOf(past);
      // Requests stored together with the event have its time. Later ones came from a replay.
      for (const request of ofEvent.get(past.id) ?? []) {
        if (request.submittedAt !== time) continue;
        take(request);
        fold.pair(request.command);
      }
    },
  };

  function chunkOf({ receivedAt, resolvedAt }: PastEvent): Chunk {
    const time = resolvedAt ?? receivedAt;
    if (chunk?.time === time) return chunk;
    closeChunk();
    goOnTo(time);
    const waiting = pending.toSorted((one, other) => one.number - other.number);
    chunk = { time, fold: createStaysFold(new Map(stays), waiting), joinedNumbers: [] };
    return chunk;
  }

  /** Applies what intake wrote about the cards at the end of the transaction. */
  function closeChunk(): void {
    if (chunk === null) return;
    const { left, joined, thinned } = chunk.fold.cardChanges();
    for (const card of left) stays.delete(card);
    for (const { card, pairing } of thinned) {
      stays.set(card, { joinedNumber: stays.get(card)?.joinedNumber ?? 0, pairing });
    }
    for (const { card, position } of joined) {
      stays.set(card, { joinedNumber: chunk.joinedNumbers[position] ?? 0, pairing: null });
    }
  }

  /** Applies everything that happened before this time, in order. */
  function goOnTo(time: number): void {
    while ((bySubmission[0]?.submittedAt ?? Infinity) < time) {
      for (const request of bySubmission.splice(0, 1)) {
        finish(request.submittedAt);
        take(request);
      }
    }
    finish(time);
  }

  function take(request: PairingRequest): void {
    if (taken.has(request.number)) return;
    taken.add(request.number);
    lastNumber = Math.max(lastNumber, request.number);
    pending.push(request);
  }

  function finish(before: number): void {
    const isDone = ({ executedAt }: PairingRequest): boolean => executedAt !== null && executedAt < before;
    const done = pending.filter(isDone);
    if (done.length === 0) return;
    pending = pending.filter((request) => !isDone(request));
    const taught = done.map(({ number: request, command, state }) => ({
      number: request,
      command,
      subscriptionNumber: number,
      pairingNews: state === 'COMPLETED' ? ({ kind: 'done' } as const) : null,
    }));
    for (const { card, pairing } of pairingChanges(stays, taught)) {
      stays.set(card, { joinedNumber: stays.get(card)?.joinedNumber ?? 0, pairing });
    }
  }
}

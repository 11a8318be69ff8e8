import { eventCards } from '../planning/snapshot.ts';
import type { ReadMessage } from './message.ts';

/** The most messages, bytes and cards of one transaction; a single message may have more. */
export const CHUNK_MESSAGES_MAX = 200;
const CHUNK_BYTES_MAX = 4 * 1024 * 1024;
/** Counts the cards of the events. Old snapshots may have as many again; a transaction can lock 1,000. */
const CHUNK_CARDS_MAX = 500;

/** Cuts messages into slices small enough to read at once. */
export function slicesOf<M extends { readonly value: Buffer | null }>(
  messages: readonly M[],
  countMax: number = CHUNK_MESSAGES_MAX,
): M[][] {
  return cut(messages, countMax, CHUNK_BYTES_MAX, ({ value }) => value?.length ?? 0);
}

/** A slice should not take longer: messages of other partitions wait for its end. */
const SLICE_MS = 400;
/** Never fewer: if most of the time is the transaction's own, smaller slices only make all of them slower. */
const SLICE_MESSAGES_MIN = 100;

/** Returns how many messages the next slices may have, after one of `count` messages took `ms`. */
export function nextSliceMax(count: number, ms: number): number {
  return Math.min(Math.max(Math.round((count * SLICE_MS) / Math.max(ms, 1)), SLICE_MESSAGES_MIN), CHUNK_MESSAGES_MAX);
}

/** Cuts read messages so that their transactions lock a bounded number of cards. */
export function chunksOf(messages: readonly ReadMessage[]): ReadMessage[][] {
  return cut(messages, CHUNK_MESSAGES_MAX, CHUNK_CARDS_MAX, ({ event }) => (event ? eventCards(event).length : 0));
}

function cut<T>(items: readonly T[], countMax: number, weightMax: number, weightOf: (item: T) => number): T[][] {
  const parts: T[][] = [];
  let part: T[] = [];
  let weight = 0;
  for (const item of items) {
    const own = weightOf(item);
    if (part.length > 0 && (part.length >= countMax || weight + own > weightMax)) {
      parts.push(part);
      part = [];
      weight = 0;
    }
    part.push(item);
    weight += own;
  }
  if (part.length > 0) parts.push(part);
  return parts;
}

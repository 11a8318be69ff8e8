import { setTimeout as sleep } from 'node:timers/promises';

/** The registry's answer about a schema id. */
export type WriterSchema =
  | {
      readonly kind: 'schema';
      /** The parsed JSON of the schema. */
      readonly schema: unknown;
      /** The schemas that it refers to; a schema comes before those that use it. */
      readonly references?: readonly unknown[];
    }
  /** The registry has no such schema. */
  | { readonly kind: 'unknown' }
  /** The registry has it, but it cannot be used: it is not Avro, too large, or has a broken reference. */
  | { readonly kind: 'unusable'; readonly detail: string };

export interface LookUpOptions {
  /** Asks the registry once. @throws an error that the registry is away. */
  readonly ask: (schemaId: number) => Promise<WriterSchema>;
  /** Whether an error of `ask` means that no answer came at all. */
  readonly isSilence: (error: unknown) => boolean;
  /** The time limit of `ask`. */
  readonly timeoutMs: number;
  /** How long after the first "no such schema" the second one must come. */
  readonly doubtMs: number;
  /** How long "no such schema" is believed then. */
  readonly unknownForMs: number;
  readonly schemasMax: number;
  readonly unknownMax: number;
}

export interface SchemaLookUps {
  /** The schema with an id. "Unknown" takes `doubtMs` at least. @throws what `ask` throws. */
  find(schemaId: number): Promise<WriterSchema>;
  /**
   * Like `find`, but asks once at most and waits for nothing else. Null: the registry answered that it has none, and it
   * is too early to believe that. @throws what `ask` throws.
   */
  look(schemaId: number, urgency?: Urgency): Promise<WriterSchema | null>;
}

/** Whether somebody waits for the answer, or will want it later: the former is asked first. */
export type Urgency = 'now' | 'later';

/** Questions under way at once, for all callers. */
const AT_ONCE_MAX = 8;

/** The answer of the registry about an id that has no usable schema. */
interface Refusal {
  /** When it first answered so. */
  readonly since: number;
  /** Null: not believed yet. */
  readonly believedUntil: number | null;
  readonly answer: WriterSchema;
}

/**
 * Asks a registry for schemas: each id once for all who want it, few at once, and remembers the answers.
 *
 * Registries have followers, and a follower that lags does not know a new schema for some seconds. So "no such schema" is
 * believed at the second answer only. The second question is asked here when it is due, so that its answer does not have to
 * wait for the next caller. An id that a caller waits for goes before these. How many questions run at once follows from
 * how fast the answers come: a registry that answers one by one would let some of them time out.
 */
export function createSchemaLookUps(options: LookUpOptions): SchemaLookUps {
  const { ask, isSilence, timeoutMs, doubtMs, unknownForMs, schemasMax, unknownMax } = options;
  /** Both: whose turn to go is next, first. */
  const found = new Map<number, WriterSchema>();
  const refused = new Map<number, Refusal>();
  const underWay = new Map<number, Promise<WriterSchema | null>>();
  const waiting: { readonly schemaId: number; go(): void; giveUp(error: unknown): void }[] = [];
  let atOnce = 1;
  let running = 0;
  return { find, look };

  async function find(schemaId: number): Promise<WriterSchema> {
    for (;;) {
      const schema = await look(schemaId);
      if (schema) return schema;
      const { since } = refused.get(schemaId) ?? { since: performance.now() };
      await sleep(Math.max(1, since + doubtMs - performance.now()));
    }
  }

  async function look(schemaId: number, urgency: Urgency = 'now'): Promise<WriterSchema | null> {
    const usable = found.get(schemaId);
    if (usable) return keep(found, schemasMax, schemaId, usable);
    const known = refused.get(schemaId);
    const now = performance.now();
    if (known?.believedUntil === null && now < known.since + doubtMs) return null;
    if (known && known.believedUntil !== null) {
      if (now < known.believedUntil) return known.answer;
      refused.delete(schemaId);
    }
    const shared = underWay.get(schemaId);
    if (shared) {
      if (urgency === 'now') moveToFront(schemaId);
      return shared;
    }
    const question = askInTurn(schemaId, urgency)
      .then((answer) => remember(schemaId, answer))
      .finally(() => underWay.delete(schemaId));
    underWay.set(schemaId, question);
    return question;
  }

  function remember(schemaId: number, answer: WriterSchema): WriterSchema | null {
    if (answer.kind === 'schema') {
      refused.delete(schemaId);
      return keep(found, schemasMax, schemaId, answer);
    }
    const now = performance.now();
    const since = refused.get(schemaId)?.since ?? now;
    const isBelieved = answer.kind === 'unusable' || now >= since + doubtMs;
    keep(refused, unknownMax, schemaId, { since, believedUntil: isBelieved ? now + unknownForMs : null, answer });
    if (!isBelieved) {
      // If it fails, the next caller asks.
      const again = (): void => void look(schemaId, 'later').catch(() => undefined);
      setTimeout(again, Math.ceil(since + doubtMs - now) + 1).unref();
    }
    return isBelieved ? answer : null;
  }

  function moveToFront(schemaId: number): void {
    const index = waiting.findIndex((one) => one.schemaId === schemaId);
    if (index > 0) waiting.unshift(...waiting.splice(index, 1));
  }

  async function askInTurn(schemaId: number, urgency: Urgency): Promise<WriterSchema> {
    if (running >= Math.floor(atOnce)) {
      await new Promise<void>((go, giveUp) => {
        waiting.push({ schemaId, go, giveUp });
        if (urgency === 'now') moveToFront(schemaId);
      });
    } else running += 1;
    const askedAt = performance.now();
    try {
      return await ask(schemaId);
    } catch (error) {
      // Those who wait would each run out of time in turn.
      if (isSilence(error)) for (const one of waiting.splice(0)) one.giveUp(error);
      throw error;
    } finally {
      running -= 1;
      const isQuick = performance.now() - askedAt < timeoutMs / 2;
      // One more for each round of quick answers: one for each answer would overrun a registry before it shows.
      atOnce = isQuick ? Math.min(atOnce + 1 / atOnce, AT_ONCE_MAX) : Math.max(1, atOnce / 2);
      for (const one of waiting.splice(0, Math.max(0, Math.floor(atOnce) - running))) {
        running += 1;
        one.go();
      }
    }
  }
}

/** Puts it last in turn, and removes the first ones if there are too many. */
function keep<T>(kept: Map<number, T>, max: number, schemaId: number, value: T): T {
  kept.delete(schemaId);
  kept.set(schemaId, value);
  for (const first of kept.keys()) {
    if (kept.size <= max) break;
    kept.delete(first);
  }
  return value;
}

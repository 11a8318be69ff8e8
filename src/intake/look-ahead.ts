import { schemaIdOf } from '../events/decode.ts';
import type { WriterSchema } from '../platform/schema-look-ups.ts';

/** Asks about a schema once at most; null: the registry may not know it yet (SchemaRegistryClient.lookAtSchema). */
export type LookAtSchema = (schemaId: number, urgency: 'now' | 'later') => Promise<WriterSchema | null>;

/** Ids of one batch that are asked for ahead. */
const IDS_MAX = 500;
/** How many schemas the registry's client keeps: with more, decoding would have to ask again. */
const SCHEMAS_MAX = 32;
const AT_ONCE = 4;
/** How long ids are asked for ahead: other partitions wait meanwhile. */
const AHEAD_MS = 300;

/**
 * Returns how many of the first values can be decoded without asking the registry anything. It waits
 * for the answer about the first id, and for at most 300 ms for those about the ids after it. So the doubt about many
 * unknown ids ends for all of them at once, and a partition never stands still for the sum.
 * @throws SchemaRegistryUnavailableError if the first id cannot be asked for.
 */
export async function readableCount(values: readonly (Buffer | null)[], look: LookAtSchema): Promise<number> {
  const ids = values.map(schemaIdOf);
  const wanted = [...new Set(ids.filter((id) => id !== null))].slice(0, IDS_MAX);
  const known = new Map<number, WriterSchema | null>();
  const [first] = wanted;
  if (first !== undefined) known.set(first, await look(first, 'now'));
  await lookAhead(wanted.slice(1), known, look);
  const schemas = new Set<number>();
  const end = ids.findIndex((id) => {
    if (id === null) return false;
    const schema = known.get(id) ?? null;
    if (schema?.kind === 'schema') schemas.add(id);
    return schema === null || schemas.size > SCHEMAS_MAX;
  });
  return end === -1 ? values.length : end;
}

async function lookAhead(ids: number[], known: Map<number, WriterSchema | null>, look: LookAtSchema): Promise<void> {
  let isOver = false;
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<void>((resolve) => {
    timer = setTimeout(() => {
      isOver = true;
      resolve();
    }, AHEAD_MS);
  });
  const queue = ids.values();
  const worker = async (): Promise<void> => {
    for (const id of queue) {
      if (isOver) return;
      known.set(id, await look(id, 'later'));
    }
  };
  try {
    await Promise.race([over, Promise.all(Array.from({ length: AT_ONCE }, worker))]);
  } catch {
    // The registry is away: the first message with this id meets the error.
    isOver = true;
  } finally {
    clearTimeout(timer);
  }
}

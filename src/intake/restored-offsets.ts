import type { Kafka } from 'kafkajs';
import type { Queryable } from '../platform/database.ts';

export interface Place {
  readonly topic: string;
  readonly partition: number;
}

/** Where reading of a partition starts after an assignment. */
export interface Start extends Place {
  /** The first position to read, which exists in Kafka unless the partition is shorter than what was read of it. */
  readonly position: number;
  /** The end as Kafka tells it to readers of committed messages. */
  readonly end: number;
  /** Whether that is elsewhere than where the group's offset leads. */
  readonly isSeek: boolean;
  /** What PostgreSQL and Kafka both have as read. */
  readonly recorded: number;
  /** The first position that nobody read and that does not exist any more; null if nothing is missing. */
  readonly lostFrom: number | null;
  /** Set if the database is older than what was acknowledged to Kafka, which is this. */
  readonly restoredBefore: number | null;
}

/**
 * Finds where reading starts. Where the stored offset is lower than the one that Kafka has, or is missing although Kafka
 * has one, PostgreSQL is older than what was acknowledged to Kafka: it was restored from a backup, or is another one.
 * What was read since is read again (P1); what is still there is a duplicate by its eventId. The other way round, where
 * Kafka is behind, reading starts where Kafka says. Positions that Kafka does not have any more are jumped over.
 */
export async function startsOf(
  kafka: Kafka,
  database: Queryable,
  group: string,
  places: readonly Place[],
): Promise<Start[]> {
  if (places.length === 0) return [];
  const topics = [...new Set(places.map(({ topic }) => topic))];
  const stored = await storedOffsets(database, group, topics);
  const { committed, bounds } = await kafkaOffsets(kafka, group, topics);
  return places.flatMap((place) => {
    const bound = bounds.get(placeKey(place));
    // A partition that was added just now: the next assignment knows it.
    if (bound === undefined) return [];
    return [startOf(place, stored.get(placeKey(place)) ?? null, committed.get(placeKey(place)) ?? null, bound)];
  });
}

function startOf(place: Place, stored: number | null, committed: number | null, { low, high }: Bounds): Start {
  const isRestored = committed !== null && committed > (stored ?? -1) && (stored ?? low) < committed;
  const wanted = isRestored ? (stored ?? low) : (committed ?? low);
  const position = Math.max(wanted, low);
  // Without a stored offset it is not known what was read: of a database that is empty nothing was.
  const read = stored ?? (isRestored ? null : committed);
  return {
    ...place,
    position,
    end: high,
    isSeek: position !== (committed ?? low),
    recorded: Math.min(stored ?? 0, committed ?? 0),
    lostFrom: read !== null && position > read ? read : null,
    restoredBefore: isRestored ? committed : null,
  };
}

/** First position, and the end. */
export interface Bounds {
  readonly low: number;
  readonly high: number;
}

/** Where partitions start and end now. @throws what kafkajs throws if Kafka is away. */
export function boundsOf(kafka: Kafka, topics: readonly string[]): Promise<Map<string, Bounds>> {
  return withAdmin(kafka, (admin) => boundsBy(admin, topics));
}

type Admin = ReturnType<Kafka['admin']>;

async function boundsBy(admin: Admin, topics: readonly string[]): Promise<Map<string, Bounds>> {
  const bounds = new Map<string, Bounds>();
  for (const topic of topics) {
    for (const { partition, low, high } of await admin.fetchTopicOffsets(topic)) {
      bounds.set(placeKey({ topic, partition }), { low: Number(low), high: Number(high) });
    }
  }
  return bounds;
}

function kafkaOffsets(kafka: Kafka, group: string, topics: string[]) {
  return withAdmin(kafka, async (admin) => {
    const committed = new Map<string, number>();
    for (const { topic, partitions } of await admin.fetchOffsets({ groupId: group, topics })) {
      for (const { partition, offset } of partitions) {
        if (Number(offset) >= 0) committed.set(placeKey({ topic, partition }), Number(offset));
      }
    }
    return { committed, bounds: await boundsBy(admin, topics) };
  });
}

async function withAdmin<T>(kafka: Kafka, work: (admin: Admin) => Promise<T>): Promise<T> {
  const admin = kafka.admin();
  try {
    await admin.connect();
    return await work(admin);
  } finally {
    // Also one that never connected: it may hold a connection that hangs.
    await admin.disconnect().catch(() => {});
  }
}

/** Walks consumer_offset's primary key. */
async function storedOffsets(
  database: Queryable,
  group: string,
  topics: readonly string[],
): Promise<Map<string, number>> {
  const rows = await database.query<Place & { next_offset: number }>(
    'select topic, partition, next_offset from consumer_offset where consumer_group = $1 and topic = any($2::text[])',
    [group, topics],
  );
  return new Map(rows.map((row) => [placeKey(row), row.next_offset]));
}

export function placeKey({ topic, partition }: Place): string {
  return `${topic}/${partition}`;
}

import type { Kafka } from 'kafkajs';
import type { Queryable } from '../platform/database.ts';
import { type Bounds, boundsByPartition } from '../platform/kafkajs/offsets.ts';

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
 *
 * Each partition has its own answer, by `placeKey`: an Error if Kafka does not answer for it; none if it does not exist
 * yet, and then the next assignment knows it. @throws if the database or all of Kafka is away.
 */
export async function startsOf(
  kafka: Kafka,
  database: Queryable,
  group: string,
  places: readonly Place[],
): Promise<Map<string, Start | Error>> {
  if (places.length === 0) return new Map();
  const topics = topicsOf(places);
  const stored = await storedOffsets(database, group, topics);
  return withAdmin(kafka, async (admin) => {
    const committed = new Map<string, number>();
    const bounds = await boundsBy(admin, topics, async (topic) => {
      for (const { partitions } of await admin.fetchOffsets({ groupId: group, topics: [topic] })) {
        for (const { partition, offset } of partitions) {
          if (Number(offset) >= 0) committed.set(placeKey({ topic, partition }), Number(offset));
        }
      }
    });
    const starts = new Map<string, Start | Error>();
    for (const place of places) {
      const key = placeKey(place);
      const bound = bounds(place);
      if (bound instanceof Error) starts.set(key, bound);
      else if (bound) starts.set(key, startOf(place, stored.get(key) ?? null, committed.get(key) ?? null, bound));
    }
    return starts;
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

/** Where a partition starts and ends now, why Kafka does not say so, or undefined if it does not exist. */
export type BoundsOf = (place: Place) => Bounds | Error | undefined;

/** Asks Kafka for the partitions of these topics. @throws what kafkajs throws if all of Kafka is away. */
export function boundsOf(kafka: Kafka, places: readonly Place[]): Promise<BoundsOf> {
  return withAdmin(kafka, (admin) => boundsBy(admin, topicsOf(places)));
}

type Admin = ReturnType<Kafka['admin']>;

/** What one topic is refused for does not concern the others. */
async function boundsBy(
  admin: Admin,
  topics: readonly string[],
  before: (topic: string) => Promise<void> = () => Promise.resolve(),
): Promise<BoundsOf> {
  const found = new Map<string, Map<number, Bounds | Error> | Error>();
  for (const topic of topics) {
    try {
      await before(topic);
      found.set(topic, await boundsByPartition(admin, topic));
    } catch (error) {
      found.set(topic, error instanceof Error ? error : new Error(String(error)));
    }
  }
  return ({ topic, partition }) => {
    const ofTopic = found.get(topic);
    return ofTopic instanceof Error ? ofTopic : ofTopic?.get(partition);
  };
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

function topicsOf(places: readonly Place[]): string[] {
  return [...new Set(places.map(({ topic }) => topic))];
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

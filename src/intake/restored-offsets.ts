import type { Kafka } from 'kafkajs';
import type { Queryable } from '../platform/database.ts';
import { type Bounds, boundsByPartition } from '../platform/kafkajs/offsets.ts';

export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

/** Where reading of a partition starts after an assignment. */
export interface Start extends TopicPartition {
  /** The first position to read. It exists in Kafka, unless the partition is shorter than what was read of it. */
  readonly position: number;
  /** The end that Kafka reports to readers of committed messages. */
  readonly end: number;
  /** Whether the position differs from where the group's offset leads. */
  readonly isSeek: boolean;
  /** The position before which PostgreSQL and Kafka both have everything as read. */
  readonly recorded: number;
  /** The first unread position that no longer exists; null if nothing is missing. */
  readonly lostFrom: number | null;
  /** If the database is older than what was acknowledged to Kafka, the acknowledged position; else null. */
  readonly restoredBefore: number | null;
}

/**
 * Finds where reading starts.
 *
 * The stored offset may be lower than Kafka's, or missing although Kafka has one. Then PostgreSQL is older than what
 * was acknowledged to Kafka: it was restored from a backup, or is another database. Everything read since is read again
 * (P1), and what is still stored is a duplicate by its eventId. If Kafka's offset is lower, reading starts there.
 * Positions that Kafka no longer has are skipped.
 *
 * Each partition has its own answer, by `partitionKey`. It is an Error if Kafka does not answer for the partition. It is
 * missing if the partition does not exist yet; the next assignment includes it then.
 * @param onUnread gets how many messages are unread by what Kafka says, also while the database is away.
 * @throws if the database or all of Kafka is unreachable.
 */
export async function startsOf(
  kafka: Kafka,
  database: Queryable,
  group: string,
  places: readonly TopicPartition[],
  onUnread: (place: TopicPartition, messages: number) => void,
): Promise<Map<string, Start | Error>> {
  if (places.length === 0) return new Map();
  const topics = topicsOf(places);
  const committed = new Map<string, number>();
  const bounds = await withAdmin(kafka, (admin) =>
    boundsBy(admin, topics, async (topic) => {
      for (const { partitions } of await admin.fetchOffsets({ groupId: group, topics: [topic] })) {
        for (const { partition, offset } of partitions) {
          if (Number(offset) >= 0) committed.set(partitionKey({ topic, partition }), Number(offset));
        }
      }
    }),
  );
  const existing = places.flatMap((place) => {
    const bound = bounds(place);
    return bound === undefined ? [] : [{ place, key: partitionKey(place), bound }];
  });
  for (const { place, key, bound } of existing) {
    if (!(bound instanceof Error)) onUnread(place, bound.high - Math.max(committed.get(key) ?? 0, bound.low));
  }
  // Asked after Kafka: the instance that had the partition before stores a position first, then commits it to Kafka.
  const stored = await storedOffsets(database, group, topics);
  return new Map(
    existing.map(({ place, key, bound }) => [
      key,
      bound instanceof Error ? bound : startOf(place, stored.get(key) ?? null, committed.get(key) ?? null, bound),
    ]),
  );
}

function startOf(place: TopicPartition, stored: number | null, committed: number | null, { low, high }: Bounds): Start {
  const isRestored = committed !== null && committed > (stored ?? -1) && (stored ?? low) < committed;
  const wanted = isRestored ? (stored ?? low) : (committed ?? low);
  const position = Math.max(wanted, low);
  // Without a stored offset nobody knows what was read; with an empty database nothing was.
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

/**
 * Returns where a partition starts and ends now, the Error if Kafka does not answer, or undefined if it does not exist.
 */
export type BoundsOf = (place: TopicPartition) => Bounds | Error | undefined;

/**
 * Asks Kafka for the bounds of these partitions.
 * @throws what kafkajs throws if all of Kafka is unreachable.
 */
export function boundsOf(kafka: Kafka, places: readonly TopicPartition[]): Promise<BoundsOf> {
  return withAdmin(kafka, (admin) => boundsBy(admin, topicsOf(places)));
}

type Admin = ReturnType<Kafka['admin']>;

/** A refusal for one topic does not affect the others. */
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
    // Disconnects even if it never connected, because its connection may hang.
    await admin.disconnect().catch(() => {});
  }
}

function topicsOf(places: readonly TopicPartition[]): string[] {
  return [...new Set(places.map(({ topic }) => topic))];
}

/** Walks consumer_offset's primary key. */
async function storedOffsets(
  database: Queryable,
  group: string,
  topics: readonly string[],
): Promise<Map<string, number>> {
  const rows = await database.query<TopicPartition & { next_offset: number }>(
    'select topic, partition, next_offset from consumer_offset where consumer_group = $1 and topic = any($2::text[])',
    [group, topics],
  );
  return new Map(rows.map((row) => [partitionKey(row), row.next_offset]));
}

export function partitionKey({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`;
}

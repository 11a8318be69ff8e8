import type { Kafka } from 'kafkajs';
import type { Queryable } from '../platform/database.ts';
import type { Logger } from '../platform/logging.ts';

export interface Place {
  readonly topic: string;
  readonly partition: number;
}

export interface Seek extends Place {
  readonly offset: number;
}

/**
 * Where reading has to go back: partitions whose stored offset is lower than the one that Kafka has, or that have none
 * although Kafka has one. Both mean that PostgreSQL is older than what was acknowledged to Kafka: it was restored from a
 * backup, or is another one. What was read since is read again (P1); what is still there is a duplicate by its eventId.
 * The other way round, where Kafka is behind, reading begins where Kafka says.
 */
export async function seeksAfterRestore(
  kafka: Kafka,
  database: Queryable,
  group: string,
  partitions: readonly Place[],
  logger: Logger,
): Promise<Seek[]> {
  if (partitions.length === 0) return [];
  const topics = [...new Set(partitions.map(({ topic }) => topic))];
  const stored = await storedOffsets(database, group, topics);
  const admin = kafka.admin();
  try {
    await admin.connect();
    const seeks: Seek[] = [];
    for (const { topic, partitions: committed } of await admin.fetchOffsets({ groupId: group, topics })) {
      const lost = committed.filter(
        ({ partition, offset }) =>
          partitions.some((place) => place.topic === topic && place.partition === partition) &&
          Number(offset) > (stored.get(placeKey({ topic, partition })) ?? -1),
      );
      if (lost.length === 0) continue;
      const bounds = new Map(
        (await admin.fetchTopicOffsets(topic)).map((entry) => [entry.partition, Number(entry.low)]),
      );
      for (const { partition, offset } of lost) {
        const low = bounds.get(partition) ?? 0;
        const known = stored.get(placeKey({ topic, partition }));
        const from = Math.max(known ?? low, low);
        if (from >= Number(offset)) continue;
        logger.warn(
          { topic, partition, committed: Number(offset), stored: known ?? null, from },
          'the database is older than what was acknowledged to Kafka: reading again from there',
        );
        seeks.push({ topic, partition, offset: from });
      }
    }
    return seeks;
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

import type { Kafka } from 'kafkajs';
import kafkajs from '../../platform/kafkajs/index.ts';

/** Not a named export for ESM. */
const { ConfigResourceTypes } = kafkajs;

const DAY_MS = 86_400_000;

/**
 * Topics that Kafka keeps for as long as events are kept, or longer, each as a sentence with the remedy: an event that
 * is read again from there, after a restored database for instance, would count as a new one.
 * @throws what kafkajs throws where Kafka is away or a topic does not exist.
 */
export async function topicsKeptTooLong(kafka: Kafka, topics: readonly string[], eventDays: number): Promise<string[]> {
  const admin = kafka.admin();
  try {
    await admin.connect();
    const { resources } = await admin.describeConfigs({
      includeSynonyms: false,
      resources: topics.map((name) => ({
        type: ConfigResourceTypes.TOPIC,
        name,
        configNames: ['retention.ms', 'retention.bytes', 'cleanup.policy'],
      })),
    });
    return resources.flatMap(({ resourceName, configEntries }) => {
      const valueOf = (name: string): string =>
        configEntries.find(({ configName }) => configName === name)?.configValue ?? '';
      const keptMs = Number(valueOf('retention.ms'));
      const forGood = keptMs < 0 || !valueOf('cleanup.policy').includes('delete');
      if (!forGood && keptMs < eventDays * DAY_MS) return [];
      const kept = forGood ? 'for good' : `for ${Math.round((10 * keptMs) / DAY_MS) / 10} days`;
      return [
        `Kafka keeps ${resourceName} ${kept}, and RETENTION_EVENTS_DAYS is ${eventDays}: an event that is read again after that counts as a new one; set RETENTION_EVENTS_DAYS higher than what Kafka keeps`,
      ];
    });
  } finally {
    await admin.disconnect().catch(() => {});
  }
}

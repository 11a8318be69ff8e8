/**
 * kafkajs with every repair that the service needs. It was asked for, and nobody maintains it any more: each file of
 * this directory repairs one defect and names it. All code imports the library from here; types may come from 'kafkajs'
 * itself.
 *
 * The repairs replace internals, so they hold for exactly one version: another one ends the process at its start.
 */
import type { Kafka as KafkajsClient } from 'kafkajs';
import { repairAnyBroker } from './any-broker.ts';
import { repairBatches } from './batch.ts';
import { repairBrokerAddresses } from './broker-addresses.ts';
import { repairCodecs } from './codecs.ts';
import { repairFetch } from './fetch.ts';
import { checkVersion, kafkajsVersion, loadKafkajs, replaceInternal } from './internals.ts';
import { keyHash } from './key-hash.ts';
import { repairMetadata } from './metadata.ts';
import { repairAdmin, repairConsumer } from './offsets.ts';
import { repairRecovery } from './recovery.ts';

const REPAIRED = Symbol.for('conax-provisioning: kafkajs is repaired');

checkVersion(kafkajsVersion());
const marked = globalThis as { [REPAIRED]?: true };
// A process may evaluate this module twice (test runners do), and has one kafkajs.
if (!marked[REPAIRED]) {
  replaceInternal('cluster/connectionPoolBuilder.js', repairBrokerAddresses);
  replaceInternal('producer/partitioners/default/murmur2.js', () => keyHash);
  // First: an admin makes consumers too, with its own cluster, which stays strict.
  replaceInternal('admin/index.js', repairAdmin);
  replaceInternal('consumer/index.js', repairConsumer);
  repairFetch();
  repairBatches();
  repairCodecs();
  repairAnyBroker();
  repairMetadata();
  repairRecovery();
  marked[REPAIRED] = true;
}

const kafkajs = loadKafkajs();
export default kafkajs;
/** The type too, as the library exports a class. */
export type Kafka = KafkajsClient;
export const { CompressionCodecs, CompressionTypes, ConfigResourceTypes, Kafka, logLevel, Partitioners } = kafkajs;

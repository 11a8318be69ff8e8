import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { cp, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Kafka, logLevel } from 'kafkajs';
import type { Download } from './download.ts';
import { LEAN_JVM } from './java.ts';
import { startNativePart } from './native-part.ts';
import type { PartContext, RunningPart } from './part.ts';
import { freePort } from './ports.ts';
import { runSupervised } from './supervised.ts';

const VERSION = '4.4.0';
/** The version of log4j that this Kafka brings; the binding below must be of the same one. */
const LOG4J_VERSION = '2.25.5';

/** Warnings and errors go to the log file, so that a failed start has a message to show. */
const LOGGING = `rootLogger.level = warn
rootLogger.appenderRef.console.ref = console
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d %p %m (%c)%n
`;

/** Apache Kafka with what it runs on, and a log directory formatted once for all stacks. */
export function kafkaDownload(java: string): Download {
  return {
    title: `Apache Kafka ${VERSION}`,
    directory: `kafka-${VERSION}`,
    wanted: {
      dependencies: `
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>${VERSION}</version></dependency>
    <dependency><groupId>org.apache.logging.log4j</groupId><artifactId>log4j-slf4j-impl</artifactId><version>${LOG4J_VERSION}</version></dependency>`,
    },
    prepare: async (directory) => {
      await writeFile(join(directory, 'log4j2.properties'), LOGGING);
      const properties = join(directory, 'format.properties');
      await writeFile(properties, serverProperties(join(directory, 'formatted'), 1, 2));
      await runSupervised('kafka.tools.StorageTool format', {
        command: java,
        args: [
          ...jvm(directory),
          'kafka.tools.StorageTool',
          'format',
          '-t',
          randomBytes(16).toString('base64url'),
          '-c',
          properties,
        ],
        logFile: join(directory, 'format.log'),
        orphanSignal: 'SIGKILL',
        removeWhenOrphaned: [],
      });
      await rm(properties);
    },
  };
}

/** Starts one Kafka broker that is its own controller, from the download in `installed`. */
export async function startKafka(context: PartContext, java: string, installed: string): Promise<RunningPart> {
  const data = join(context.directory, 'data');
  await mkdir(context.directory, { recursive: true });
  if (!existsSync(data)) await cp(join(installed, 'formatted'), data, { recursive: true });
  return startNativePart(context, async () => {
    const port = await freePort();
    const properties = join(context.directory, 'server.properties');
    await writeFile(properties, serverProperties(data, port, await freePort()));
    return {
      name: 'Kafka',
      url: `127.0.0.1:${port}`,
      address: `127.0.0.1:${port}`,
      command: {
        command: java,
        args: [...jvm(installed), 'kafka.Kafka', properties],
        logFile: join(context.directory, 'kafka.log'),
        orphanSignal: 'SIGKILL',
        removeWhenOrphaned: context.throwAway ? [context.directory] : [],
      },
      probe: () => answersMetadata(`127.0.0.1:${port}`),
      stopSignal: 'SIGTERM',
      killSignal: 'SIGKILL',
    };
  });
}

/** Resolves when the broker answers a metadata request in which it names itself. */
export async function answersMetadata(brokers: string): Promise<void> {
  const kafka = new Kafka({
    clientId: 'local-stack',
    brokers: brokers.split(','),
    logLevel: logLevel.NOTHING,
    connectionTimeout: 2_000,
    requestTimeout: 5_000,
    retry: { retries: 0 },
  });
  const admin = kafka.admin();
  try {
    await admin.connect();
    const cluster = await admin.describeCluster();
    if (cluster.brokers.length === 0) throw new Error('the broker is not in its own metadata yet');
  } finally {
    await admin.disconnect().catch(() => undefined);
  }
}

function jvm(installed: string): string[] {
  return [
    ...LEAN_JVM,
    `-Dlog4j2.configurationFile=${join(installed, 'log4j2.properties')}`,
    '-cp',
    join(installed, '*'),
  ];
}

function serverProperties(data: string, port: number, controllerPort: number): string {
  return `process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:${controllerPort}
listeners=CLIENTS://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}
advertised.listeners=CLIENTS://127.0.0.1:${port}
listener.security.protocol.map=CLIENTS:PLAINTEXT,CONTROLLER:PLAINTEXT
inter.broker.listener.name=CLIENTS
controller.listener.names=CONTROLLER
log.dirs=${data}
auto.create.topics.enable=false
default.replication.factor=1
min.insync.replicas=1
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
# A consumer group of one starts at once, and a test may choose a short session.
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
`;
}

import { existsSync } from 'node:fs';
import { cp, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Download } from './download.ts';
import { classArchive } from './class-archive.ts';
import { LEAN_JVM, type Java } from './java.ts';
import { answersMetadata } from './kafka-metadata.ts';
import { startNativePart } from './native-part.ts';
import type { ChangeSettings, PartContext, RunningPart } from './part.ts';
import { freePort } from './ports.ts';

export const KAFKA_VERSION = '4.4.0';
/** The version of log4j that this Kafka brings; the binding below must be of the same one. */
const LOG4J_VERSION = '2.25.5';

/** Sixteen bytes in base64, as Kafka wants them. Every stack is alone in its cluster, so all may share it. */
const CLUSTER_ID = Buffer.from('conax-test-stack').toString('base64url');

/** Warnings and errors go to the log file, so that a failed start has a message to show. */
const LOGGING = `rootLogger.level = warn
rootLogger.appenderRef.console.ref = console
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d %p %m (%c)%n
`;

/** Apache Kafka with what it runs on, and a log directory formatted once for all stacks. */
export function kafkaDownload(java: Java | undefined): Download {
  return {
    title: `Apache Kafka ${KAFKA_VERSION}`,
    directory: `kafka-${KAFKA_VERSION}`,
    wanted: {
      dependencies: `
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>${KAFKA_VERSION}</version></dependency>
    <dependency><groupId>org.apache.logging.log4j</groupId><artifactId>log4j-slf4j-impl</artifactId><version>${LOG4J_VERSION}</version></dependency>`,
    },
    prepare: async (directory, run) => {
      await writeFile(join(directory, 'log4j2.properties'), LOGGING);
      const properties = join(directory, 'format.properties');
      await writeFile(properties, serverProperties(join(directory, 'formatted'), 1, 2));
      await run(java?.command ?? 'java', [
        ...jvm(directory),
        'kafka.tools.StorageTool',
        'format',
        '-t',
        CLUSTER_ID,
        '-c',
        properties,
      ]);
      await rm(properties);
    },
  };
}

/** Starts one Kafka broker that is its own controller, from the download in `installed`. */
export async function startKafka(context: PartContext, java: Java, installed: string): Promise<RunningPart> {
  const data = join(context.directory, 'data');
  await mkdir(context.directory, { recursive: true });
  if (!existsSync(data)) await cp(join(installed, 'formatted'), data, { recursive: true });
  const archive = classArchive(installed, java);
  return startNativePart(context, async () => {
    const port = await freePort();
    const properties = join(context.directory, 'server.properties');
    await writeFile(properties, serverProperties(data, port, await freePort(), context.kafkaSettings));
    return {
      name: 'Kafka',
      url: `127.0.0.1:${port}`,
      address: `127.0.0.1:${port}`,
      command: {
        command: java.command,
        args: [...archive.flags, ...jvm(installed), 'kafka.Kafka', properties],
        logFile: join(context.directory, 'kafka.log'),
        orphanSignal: 'SIGKILL',
        removeWhenOrphaned: context.removeWhenOrphaned,
      },
      probe: () => answersMetadata('127.0.0.1', port),
      stopSignal: 'SIGTERM',
      killSignal: 'SIGKILL',
      ...(archive.keep === undefined ? {} : { afterCleanEnd: archive.keep }),
    };
  });
}

function jvm(installed: string): string[] {
  return [
    ...LEAN_JVM,
    `-Dlog4j2.configurationFile=${join(installed, 'log4j2.properties')}`,
    '-cp',
    join(installed, '*'),
  ];
}

/** Settings of a broker that is its own controller, for any way of starting it; clients reach it at `host:port`. */
export function brokerSettings(listen: {
  readonly interface: string;
  readonly host: string;
  readonly port: number;
  readonly controllerPort: number;
}): Record<string, string> {
  return {
    'process.roles': 'broker,controller',
    'node.id': '1',
    'controller.quorum.voters': `1@127.0.0.1:${listen.controllerPort}`,
    listeners: `CLIENTS://${listen.interface}:${listen.port},CONTROLLER://127.0.0.1:${listen.controllerPort}`,
    'advertised.listeners': `CLIENTS://${listen.host}:${listen.port}`,
    'listener.security.protocol.map': 'CLIENTS:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'inter.broker.listener.name': 'CLIENTS',
    'controller.listener.names': 'CONTROLLER',
    'auto.create.topics.enable': 'false',
    'default.replication.factor': '1',
    'min.insync.replicas': '1',
    'offsets.topic.replication.factor': '1',
    'offsets.topic.num.partitions': '4',
    'transaction.state.log.replication.factor': '1',
    'transaction.state.log.min.isr': '1',
    'transaction.state.log.num.partitions': '4',
    'share.coordinator.state.topic.replication.factor': '1',
    'share.coordinator.state.topic.min.isr': '1',
    // A consumer group of one starts at once, and a test may choose a short session.
    'group.initial.rebalance.delay.ms': '0',
    'group.min.session.timeout.ms': '1000',
    // After a kill the controller refuses the new broker until the session of the old one has run out.
    'broker.session.timeout.ms': '4000',
    'broker.heartbeat.interval.ms': '1000',
  };
}

function serverProperties(
  data: string,
  port: number,
  controllerPort: number,
  change: ChangeSettings = (settings) => settings,
): string {
  const settings = change(brokerSettings({ interface: '127.0.0.1', host: '127.0.0.1', port, controllerPort }));
  return Object.entries({ ...settings, 'log.dirs': data })
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');
}

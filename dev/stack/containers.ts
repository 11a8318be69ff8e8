import { existsSync } from 'node:fs';
import { request } from 'node:http';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { answersMetadata } from './kafka-metadata.ts';
import { KAFKA_VERSION, brokerSettings } from './kafka.ts';
import type { PartContext, PartName, RunningPart } from './part.ts';
import { freePort } from './ports.ts';
import { openDatabase, serverSettings } from './postgres.ts';
import { CONFLUENT_API_PATH, REGISTRY_VERSION, listsSubjects } from './registry.ts';
import { untilReady } from './supervised.ts';

const ENGINE_ANSWERS_WITHIN_MS = 1_000;
const READY_WITHIN_MS = 120_000;
const STOP_GRACE_S = 10;
const POSTGRES_PASSWORD = 'conax';
/** Inside Kafka's container nothing else listens. */
const CONTROLLER_PORT = 9093;

/** One part as a container. Its port is the same inside and outside, so that Kafka's own address is right in both. */
type ContainerPart = {
  readonly image: string;
  readonly port: number;
  readonly environment: Readonly<Record<string, string>>;
  readonly command?: readonly string[];
  readonly url: string;
  readonly address: string;
  readonly probe: () => Promise<void>;
};

/**
 * Whether a Docker engine answers, where `DOCKER_HOST` says or on the usual sockets. It is asked itself (`GET /_ping`):
 * the client program may be installed without an engine.
 */
export async function dockerEngineAnswers(env: NodeJS.ProcessEnv): Promise<boolean> {
  const answers = await Promise.all(engineAddresses(env).map((address) => answersPing(address)));
  return answers.includes(true);
}

/**
 * Starts a part as a container that testcontainers removes when this process ends, however it ends. A container always
 * starts with empty data.
 */
export async function startContainer(name: PartName, context: PartContext): Promise<RunningPart> {
  const { GenericContainer, getContainerRuntimeClient } = await import('testcontainers');
  const client = await getContainerRuntimeClient();
  const part = await describePart(name, client.info.containerRuntime.host);
  context.print(`starting a container of ${part.image}`);
  const definition = new GenericContainer(part.image)
    .withEnvironment(part.environment)
    .withExposedPorts({ container: part.port, host: part.port })
    .withStartupTimeout(READY_WITHIN_MS);
  if (part.command !== undefined) definition.withCommand([...part.command]);
  const container = await definition.start();
  const handle = client.container.getById(container.getId());
  await untilReady(part.probe, READY_WITHIN_MS);
  return {
    url: part.url,
    address: part.address,
    control: {
      stop: async () => void (await handle.stop({ t: STOP_GRACE_S })),
      kill: async () => void (await handle.kill()),
      start: async () => {
        await handle.start();
        await untilReady(part.probe, READY_WITHIN_MS);
      },
    },
    close: async () => void (await container.stop()),
  };
}

async function describePart(name: PartName, host: string): Promise<ContainerPart> {
  const port = await freePort();
  switch (name) {
    case 'postgres': {
      const url = `postgres://postgres:${POSTGRES_PASSWORD}@${host}:${port}/conax`;
      return {
        image: 'postgres:18',
        port,
        environment: { POSTGRES_PASSWORD, POSTGRES_DB: 'conax', PGPORT: String(port) },
        command: ['postgres', ...serverSettings(true)],
        url,
        address: `${host}:${port}/conax`,
        probe: () => openDatabase(url),
      };
    }
    case 'kafka': {
      const settings = brokerSettings({ interface: '0.0.0.0', host, port, controllerPort: CONTROLLER_PORT });
      return {
        image: `apache/kafka:${KAFKA_VERSION}`,
        port,
        // The image turns KAFKA_NODE_ID into node.id, and so on.
        environment: Object.fromEntries(
          Object.entries(settings).map(([key, value]) => [`KAFKA_${key.toUpperCase().replaceAll('.', '_')}`, value]),
        ),
        url: `${host}:${port}`,
        address: `${host}:${port}`,
        probe: () => answersMetadata(host, port),
      };
    }
    case 'registry': {
      const url = `http://${host}:${port}${CONFLUENT_API_PATH}`;
      return {
        image: `apicurio/apicurio-registry:${REGISTRY_VERSION}`,
        port,
        environment: {
          QUARKUS_HTTP_PORT: String(port),
          APICURIO_DATASOURCE_URL: 'jdbc:h2:file:/tmp/schemas',
        },
        url,
        address: url,
        probe: () => listsSubjects(url),
      };
    }
  }
}

type EngineAddress = { readonly socketPath: string } | { readonly host: string; readonly port: number };

function engineAddresses(env: NodeJS.ProcessEnv): EngineAddress[] {
  const named = env['DOCKER_HOST'];
  if (named !== undefined && named !== '') {
    const url = URL.parse(named);
    if (url === null) return [];
    if (url.protocol === 'unix:') return [{ socketPath: url.pathname }];
    return [{ host: url.hostname, port: Number(url.port || 2375) }];
  }
  const runtimeDirectory = env['XDG_RUNTIME_DIR'];
  return [
    '/var/run/docker.sock',
    ...(runtimeDirectory === undefined ? [] : [join(runtimeDirectory, 'docker.sock')]),
    join(homedir(), '.docker', 'run', 'docker.sock'),
    join(homedir(), '.docker', 'desktop', 'docker.sock'),
    join('/run/user', String(process.getuid?.() ?? 0), 'docker.sock'),
  ]
    .filter((path) => existsSync(path))
    .map((socketPath) => ({ socketPath }));
}

/** An engine that insists on TLS answers a plain request with a 400: that is an answer too. */
function answersPing(address: EngineAddress): Promise<boolean> {
  return new Promise((resolve) => {
    const ping = request({ ...address, path: '/_ping', timeout: ENGINE_ANSWERS_WITHIN_MS }, (response) => {
      response.resume();
      resolve(true);
    });
    ping.on('timeout', () => ping.destroy());
    ping.on('error', () => resolve(false));
    ping.end();
  });
}

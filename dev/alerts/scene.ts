import { Kafka, logLevel } from '../../src/platform/kafkajs/index.ts';
import { type Neighbours, startNeighbours } from '../../test/outages/whole-service.ts';
import { type Ran, runCli, type Running, startCli } from '../../test/support/cli.ts';
import { action, household } from '../../test/support/scene.ts';
import { asMessage } from '../demo/journey.ts';
import type { Message } from '../demo/journey.ts';
import type { CrmWire } from '../demo/wire.ts';
import { freePort } from '../stack/ports.ts';

/** The service with its neighbours, and the hands that make trouble. */
export interface Scene {
  readonly neighbours: Neighbours;
  /** host:port of the one instance, whether it runs or not. */
  readonly address: string;
  readonly wire: CrmWire;
  /** A file with a PIN. */
  readonly pinFile: string;
  start(): Promise<void>;
  stop(signal?: NodeJS.Signals): Promise<void>;
  signal(name: NodeJS.Signals): void;
  /** Starts another instance, which Prometheus does not read, and returns its host:port and how it is stopped. */
  startAnother(): Promise<{ readonly address: string; stop(): Promise<unknown> }>;
  /** Runs a command of the project. @throws Error with its output if it fails. */
  run(...args: string[]): Promise<string>;
  /** Puts a new subscription with a card and services into the CRM's topic; `symbol`: with an action type that is new. */
  subscribe(card: string, services?: number, symbol?: string): Promise<void>;
  send(message: Message): Promise<void>;
  fault(fault: string, smartcard: string, times?: number): Promise<void>;
  /** Does something with Kafka's administration, past the proxy. */
  kafka<T>(work: (admin: ReturnType<Kafka['admin']>) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

/** The CAS's id of a card of this run. */
export const card = (number: number): string => String(20_000_000_000 + number);

/** Starts the neighbours; `start` starts the instance. */
export async function startScene(env: Readonly<Record<string, string>>, pinFile: string): Promise<Scene> {
  const neighbours = await startNeighbours(1, env);
  const { wire } = await neighbours.surroundings();
  const port = await freePort();
  let service: Running | null = null;
  const scene: Scene = {
    neighbours,
    address: `127.0.0.1:${port}`,
    wire,
    pinFile,
    async start() {
      service = startCli(['serve'], { ...neighbours.env, HTTP_PORT: String(port) });
      await service.line(/HTTP server listens/, 60_000);
    },
    async stop(signal = 'SIGTERM') {
      service?.signal(signal);
      await service?.ended;
      service = null;
    },
    signal: (name) => service?.signal(name),
    async startAnother() {
      const itsPort = await freePort();
      const another = startCli(['serve'], { ...neighbours.env, HTTP_PORT: String(itsPort) });
      await another.line(/HTTP server listens/, 60_000);
      return {
        address: `127.0.0.1:${itsPort}`,
        stop: () => {
          another.signal('SIGTERM');
          return another.ended;
        },
      };
    },
    async run(...args) {
      const ran: Ran = await runCli(args, neighbours.env);
      if (ran.exitCode !== 0)
        throw new Error(`${args.join(' ')} ended with ${ran.exitCode}: ${ran.stderr}${ran.stdout}`);
      return ran.stdout;
    },
    async subscribe(ofCard, services = 1, symbol) {
      const codes = Array.from({ length: services }, (_, index) => String(1001 + index));
      const made = household(`S${ofCard}`, ofCard, codes);
      const { events } = action(
        made,
        symbol === undefined ? { action: 'S:BECOME_SUBSCRIBER' } : { action: 'V:ADD_SERVICE' },
      );
      for (const event of events)
        await scene.send(symbol === undefined ? asMessage(event) : { kind: 'newer-crm', event, symbol });
    },
    send: (message) => wire.send([{ key: 'alerts', message }]),
    fault: (fault, smartcard, times) =>
      neighbours.simulator('POST', 'faults', {
        match: { smartcard },
        fault,
        ...(times === undefined ? {} : { times }),
      }),
    async kafka(work) {
      const admin = new Kafka({ brokers: [neighbours.stack.kafkaBrokers], logLevel: logLevel.NOTHING }).admin();
      await admin.connect();
      try {
        return await work(admin);
      } finally {
        await admin.disconnect();
      }
    },
    async close() {
      service?.signal('SIGCONT');
      await scene.stop();
      await neighbours.close();
    },
  };
  return scene;
}

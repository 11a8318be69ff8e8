import { type Broken, brokenPromises } from '../crash/promises.ts';
import { untilSettled } from '../crash/workload.ts';
import type { Ran } from '../support/cli.ts';
import { startLoad } from './load.ts';
import { type Seen, seeOutage } from './outage.ts';
import type { Fault } from './rough-proxy.ts';
import { type Neighbour, startWholeService, type WholeService } from './whole-service.ts';

export const FAULTS: readonly Fault[] = ['stop', 'reset', 'stall', 'slow'];

/** How soon after the end of an outage the service processes events, sends calls and publishes outcomes again. */
export const RESUMES_WITHIN_MS = 10_000;

/** A service under load, to be put through outages. */
export interface UnderOutages {
  readonly service: WholeService;
  outage(neighbour: Neighbour, fault: Fault, seconds: number, untilCaughtUp: boolean): Promise<Seen>;
  /** Ends the load, lets everything settle, and compares all that was left behind with what the service promises. */
  brokenPromises(): Promise<Broken>;
  close(): Promise<Ran>;
}

const SETTLES_WITHIN_MS = 60_000;

/** Starts service and load, with settings of the service where they are not to be the defaults. */
export async function underOutages(
  seed: number,
  eventsPerSecond: number,
  settings: Readonly<Record<string, string>> = {},
): Promise<UnderOutages> {
  const service = await startWholeService(seed, settings);
  const load = await startLoad({
    brokers: service.stack.kafkaBrokers,
    registryUrl: service.stack.schemaRegistryUrl,
    topic: service.settings.CRM_TOPICS[0] ?? '',
    seed,
    eventsPerSecond,
  });
  await load.nextSent(eventsPerSecond);
  return {
    service,
    outage: (neighbour, fault, seconds, untilCaughtUp) =>
      seeOutage({ service, load, neighbour, fault, seconds, untilCaughtUp }),
    async brokenPromises() {
      await load.finish();
      const world = await service.surroundings();
      await untilSettled(world, load.sent, SETTLES_WITHIN_MS);
      return brokenPromises(world, load);
    },
    async close() {
      await load.abandon();
      return await service.close();
    },
  };
}

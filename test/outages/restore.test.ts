import { randomInt } from 'node:crypto';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { freePort } from '../../dev/stack/ports.ts';
import { type Broken, brokenPromises } from '../crash/promises.ts';
import { untilSettled } from '../crash/workload.ts';
import { runCli, type Running, startCli } from '../support/cli.ts';
import { type Load, startLoad } from './load.ts';
import { type Neighbours, startNeighbours } from './whole-service.ts';

const EVENTS_PER_SECOND = 40;
const SETTLES_WITHIN_MS = 90_000;
const seed = Number(process.env['RESTORE_SEED'] ?? randomInt(2 ** 31));

let neighbours: Neighbours;
let load: Load;
beforeAll(async () => {
  neighbours = await startNeighbours(seed);
  load = await startLoad({
    brokers: neighbours.stack.kafkaBrokers,
    registryUrl: neighbours.stack.schemaRegistryUrl,
    topic: neighbours.settings.CRM_TOPICS[0] ?? '',
    seed,
    eventsPerSecond: EVENTS_PER_SECOND,
  });
}, 120_000);
afterAll(async () => {
  await load.abandon();
  await neighbours.close();
});

async function serve(): Promise<Running> {
  const service = startCli(['serve'], { ...neighbours.env, HTTP_PORT: String(await freePort()) });
  await service.line(/HTTP server listens/);
  return service;
}
async function stop(service: Running): Promise<void> {
  service.signal('SIGTERM');
  expect((await service.ended).exitCode).toBe(0);
}
const run = async (...args: string[]): Promise<void> => {
  const ran = await runCli(args, neighbours.env);
  expect({ args, ...ran }).toMatchObject({ exitCode: 0 });
};

/** Makes a database anew from another one, as it is now. */
async function copyDatabase(from: string, to: string): Promise<void> {
  const client = new pg.Client({ connectionString: new URL('/postgres', neighbours.stack.databaseUrl).href });
  await client.connect();
  try {
    await client.query(`drop database if exists ${to} with (force)`);
    await client.query('select pg_terminate_backend(pid) from pg_stat_activity where datname = $1', [from]);
    await client.query(`create database ${to} template ${from}`);
  } finally {
    await client.end();
  }
}

test(`after the restore of an older database, what Kafka has since is read again, and the CAS has what the CRM says (RESTORE_SEED=${seed})`, async () => {
  const database = new URL(neighbours.stack.databaseUrl).pathname.slice(1);
  let service = await serve();
  await load.nextSent(200);
  await stop(service);
  await copyDatabase(database, 'backup');

  service = await serve();
  await load.nextSent(400);
  await stop(service);
  const [later] = await neighbours.db.query<{ events: number }>('select count(*) as events from inbox');

  await copyDatabase('backup', database);
  const [restored] = await neighbours.db.query<{ events: number }>('select count(*) as events from inbox');
  expect(restored?.events).toBeLessThan(later?.events ?? 0);
  await run('provider', 'pause', '--reason', 'restore');
  service = await serve();
  await load.nextSent(100);
  await run('provider', 'resume');
  await load.finish();
  const world = await neighbours.surroundings();
  await untilSettled(world, load.sent, SETTLES_WITHIN_MS);
  const broken = await brokenPromises(world, load);
  await stop(service);
  // What was sent and published after the backup is sent and published again; so order and number of those are not compared.
  const { events, offsets, requests, answers, entitlements, pairings, leftovers } = broken;
  const kept: Partial<Broken> = { events, offsets, requests, answers, entitlements, pairings, leftovers };
  expect(kept).toEqual(Object.fromEntries(Object.keys(kept).map((name) => [name, []])));
}, 240_000);

import { join } from 'node:path';
import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { SchemaRegistry } from '@kafkajs/confluent-schema-registry';
import type { CrmActionOutcome, ProvisioningRequestOutcome } from '../../src/outcomes/outcome.generated.ts';
import { expectedEntitlements } from '../../test/support/expected-state.ts';
import { type ArrivalReader, readArrivals } from './arrivals.ts';
import { resetStatements, topStatements } from './databases.ts';
import { encodeEvent, type Load, makeLoad, produce, registerWriters } from './load.ts';
import { residentMb } from './processes.ts';
import { loadLine, type Report } from './report.ts';
import { cpuLine, openSite, type Program, simulatorView, type Site, TOPICS, until } from './site.ts';
import { walLines } from './wal-breakdown.ts';
import { diskLines, tableLines, writesLine, writesOf } from './writes.ts';

export interface VolumeOptions {
  readonly events: number;
  readonly subscriptions: number;
  readonly seed: number;
  /** All stages at once, as in real life; else one after the other, each alone. */
  readonly together: boolean;
  /** CPU profile and statements of each stage, and what was written to each table and index. */
  readonly profiled: boolean;
}

interface Stage {
  readonly name: string;
  readonly seconds: number;
  readonly done: number;
  readonly memoryMb: readonly number[];
}

interface World {
  readonly site: Site;
  readonly report: Report;
  readonly options: VolumeOptions;
  readonly load: Load;
  readonly simulator: Program;
  readonly requestOutcomes: ArrivalReader;
  readonly actionOutcomes: ArrivalReader;
  readonly deadLetters: ArrivalReader;
}

/** The whole run has its own. */
const DEADLINE_MS = 3_600_000;
const MEMORY_EVERY_MS = 500;
const SERVICE = {
  CONAX_MAX_CONCURRENCY: '32',
  CONAX_MAX_REQUESTS_PER_SECOND: '100000',
  KAFKA_GROUP_ID: 'conax-provisioning',
};
/** Resident: a heap of some 40 MB, what the collector has not come to yet, and buffers. */
const MEMORY_MAX_MB = 1_024;
const HEAP_GROWTH_MAX_MB = 32;

/**
 * Many events through everything, with an instant CAS, and everything counted at the other end. With the stages one
 * after the other: intake while the provider is paused, then dispatch while another owner holds the relay's lease, then
 * the relay.
 */
export async function volume(report: Report, options: VolumeOptions): Promise<void> {
  const load = makeLoad(options);
  report.line(
    `${load.events.length} events of ${load.actions} actions of ${load.finalSnapshots.length} subscriptions ` +
      `with ${load.smartcards.size} smart cards, seed ${options.seed}; ` +
      (options.together ? 'all stages at once' : 'one stage after the other'),
  );
  const site = await openSite(report, { profiled: options.profiled });
  try {
    const simulator = await site.startSimulator();
    const writers = await registerWriters(site.env['SCHEMA_REGISTRY_URL'] ?? '', TOPICS.CRM_TOPICS);
    const messages = load.events.map((event) => encodeEvent(writers, event));
    await produce(site.kafka, TOPICS.CRM_TOPICS, messages);
    const readers = await Promise.all(
      [TOPICS.OUTCOME_TOPIC, TOPICS.ACTION_OUTCOME_TOPIC, TOPICS.DEAD_LETTER_TOPIC].map((topic) =>
        readArrivals(site.kafka, topic),
      ),
    );
    const [requestOutcomes, actionOutcomes, deadLetters] = readers;
    if (!requestOutcomes || !actionOutcomes || !deadLetters) throw new Error('There are three topics to read');
    const world: World = { site, report, options, load, simulator, requestOutcomes, actionOutcomes, deadLetters };
    const before = await writesOf(site.db);
    await (options.together ? allAtOnce(world) : stageByStage(world));
    const { requests } = await counts(site);
    report.line(`all of it: ${writesLine(before, await writesOf(site.db), requests)}`);
    if (options.profiled) {
      for (const line of await tableLines(site.db, requests)) report.line(line);
      for (const line of await walLines(site.db, before.position, requests)) report.line(line);
      for (const line of await diskLines(site.db, requests)) report.line(line);
    }
    await verify(world);
    await redeliver(world);
    await Promise.all(readers.map((reader) => reader.close()));
  } finally {
    await site.close();
  }
}

async function stageByStage(world: World): Promise<void> {
  const { site, load } = world;
  const { db } = site;
  await db.query(`update provider set paused = true, paused_reason = 'the benchmark looks at intake alone'`);
  await db.query(`insert into lease (name, owner, expires_at) values ('outbox-relay', $1, now() + interval '1 hour')`, [
    randomUUID(),
  ]);
  const service = await startService(world);
  await stage(world, service, 'intake, events', load.events.length, () => eventsTaken(site));
  const { requests } = await counts(site);
  await db.query(`update provider set paused = false, paused_reason = null`);
  await db.query(`select pg_notify('conax_dispatch', 'provider')`);
  await stage(world, service, 'dispatch, requests', requests, async () => await callsMade(world));
  await until('no request is unfinished', DEADLINE_MS, 100, async () => (await counts(site)).unfinished === 0);
  const { outcomes } = await counts(site);
  await db.query(`delete from lease where name = 'outbox-relay'`);
  await stage(world, service, 'relay, outcomes', outcomes, () => Promise.resolve(arrived(world)));
  await service.stop();
}

async function allAtOnce(world: World): Promise<void> {
  const { site, load } = world;
  const service = await startService(world);
  await stage(world, service, 'everything, events', load.events.length, async () => {
    const taken = await eventsTaken(site);
    if (taken < load.events.length) return Math.min(taken, load.events.length - 1);
    const { unfinished, outcomes } = await counts(site);
    return unfinished === 0 && arrived(world) >= outcomes ? taken : load.events.length - 1;
  });
  await service.stop();
}

async function startService({ site, simulator }: World): Promise<Program> {
  const service = await site.startService({ ...SERVICE, CONAX_BASE_URL: simulator.url }, { profiled: true });
  return service;
}

/** Watches a stage from its first progress to its end. */
async function stage(
  world: World,
  service: Program,
  name: string,
  total: number,
  progress: () => Promise<number>,
): Promise<Stage> {
  const { site, report, options } = world;
  const heapBeforeMb = (await service.profiler?.heapMb()) ?? 0;
  if (options.profiled) {
    await resetStatements(site.db);
    await service.profiler?.start();
  }
  const before = await until(`${name}: a beginning`, DEADLINE_MS, 10, async () => (await progress()) || false);
  const begunAt = performance.now();
  const cpuBefore = site.cpu();
  const memoryMb: number[] = [];
  const sampler = setInterval(() => memoryMb.push(residentMb(service.pid)), MEMORY_EVERY_MS);
  try {
    await until(`${name}: ${total}`, DEADLINE_MS, 50, async () => (await progress()) >= total);
  } finally {
    clearInterval(sampler);
  }
  const seconds = (performance.now() - begunAt) / 1000;
  const cpu = cpuLine(cpuBefore, site.cpu(), seconds);
  report.line(
    `${name}: ${total} in ${seconds.toFixed(1)} s, ${Math.round((total - before) / seconds)}/s; CPU: ${cpu}; ${loadLine()}`,
  );
  if (options.profiled) {
    const file = join(site.output, `${name.split(',')[0]}.cpuprofile`);
    for (const line of (await service.profiler?.stop(file)) ?? []) report.line(`    ${line}`);
    for (const line of await topStatements(site.db, seconds)) report.line(`    ${line}`);
    report.line(`    profile in ${file}`);
  }
  const heapMb = (await service.profiler?.heapMb()) ?? 0;
  checkMemory(report, name, memoryMb, [heapBeforeMb, heapMb]);
  return { name, seconds, done: total, memoryMb };
}

/** Resident memory grows as far as the collector finds worth it; what must not grow is what lives after a collection. */
function checkMemory(
  report: Report,
  name: string,
  memoryMb: readonly number[],
  heapMb: readonly [number, number],
): void {
  const max = Math.max(0, ...memoryMb);
  const [before, after] = heapMb;
  report.check(
    `memory is flat: ${name.split(',')[0]}`,
    after <= before + HEAP_GROWTH_MAX_MB && max <= MEMORY_MAX_MB,
    `live heap ${before.toFixed(0)} MB before, ${after.toFixed(0)} MB after; resident at most ${max} MB, last ${memoryMb.at(-1) ?? 0} MB`,
  );
}

async function eventsTaken({ db }: Site): Promise<number> {
  const [row] = await db.query<{ taken: number }>(
    'select coalesce(sum(next_offset), 0)::bigint as taken from consumer_offset',
  );
  return row?.taken ?? 0;
}

async function callsMade({ simulator }: World): Promise<number> {
  return (await simulatorView<{ calls: number }>(simulator.url, 'GET', 'stats')).calls;
}

function arrived({ requestOutcomes, actionOutcomes }: World): number {
  return requestOutcomes.arrivals.length + actionOutcomes.arrivals.length;
}

async function counts({ db }: Site): Promise<{ requests: number; unfinished: number; outcomes: number }> {
  const [row] = await db.query<{ requests: number; unfinished: number; outcomes: number }>(
    `select (select count(*) from request) as requests, (select count(*) from work) as unfinished,
            (select count(*) from outbox) as outcomes`,
  );
  if (!row) throw new Error('Counting gives a row');
  return row;
}

interface JournalEntry {
  readonly command: string;
  readonly statusCode: string | null;
}

/** What left at the other end, against the database, the simulator and the CRM's own last snapshots. */
async function verify(world: World): Promise<void> {
  const { site, report, load, simulator } = world;
  const { db } = site;
  const [rows] = await db.query<Record<string, number>>(
    `select (select count(*) from inbox where disposition in ('PLANNED', 'NOTHING_TO_DO')) as planned,
            (select count(*) from request) as requests,
            (select count(*) from request where life_cycle_state = 'COMPLETED') as completed,
            (select coalesce(sum(attempts), 0)::bigint from request) as attempts,
            (select count(*) from withheld) as withheld,
            (select count(*) from crm_action) as actions,
            (select count(*) from outbox where published_at is null) as unpublished`,
  );
  const seen = rows ?? {};
  report.line(`${seen['requests']} requests, ${seen['withheld']} withheld commands`);
  report.check('every event is planned', seen['planned'] === load.events.length, `${seen['planned']}`);
  report.check('every action is known', seen['actions'] === load.actions, `${seen['actions']}`);
  report.check('every request is COMPLETED', seen['completed'] === seen['requests'], `${seen['completed']}`);
  report.check('nothing waits to be published', seen['unpublished'] === 0, `${seen['unpublished']}`);

  const { entries } = await simulatorView<{ entries: JournalEntry[] }>(simulator.url, 'GET', 'journal?after=0');
  const accepted = entries.filter(({ statusCode }) => statusCode === 'OK').length;
  report.check(
    'the CAS accepted each request once, and got nothing else',
    accepted === seen['requests'] && entries.length === seen['attempts'],
    `${entries.length} calls, ${accepted} accepted`,
  );
  await verifyOutcomes(world, seen['requests'] ?? 0);
  await verifyEntitlements(world);
}

async function verifyOutcomes(world: World, requests: number): Promise<void> {
  const { site, report, load, requestOutcomes, actionOutcomes, deadLetters } = world;
  await pause(1_000);
  const registry = new SchemaRegistry({ host: site.env['SCHEMA_REGISTRY_URL'] ?? '' });
  const completed = new Set<string>();
  for (const { value } of requestOutcomes.arrivals) {
    const outcome = (await registry.decode(value)) as ProvisioningRequestOutcome;
    if (outcome.outcome === 'COMPLETED') completed.add(outcome.requestId);
  }
  report.check(
    'one COMPLETED outcome came out of Kafka for each request',
    completed.size === requests && requestOutcomes.arrivals.length === requests,
    `${requestOutcomes.arrivals.length} messages, ${completed.size} requests`,
  );
  const actions = new Set<string>();
  const states = new Map<string, number>();
  for (const { value } of actionOutcomes.arrivals) {
    const outcome = (await registry.decode(value)) as CrmActionOutcome;
    actions.add(outcome.actionId);
    states.set(outcome.outcome, (states.get(outcome.outcome) ?? 0) + 1);
  }
  const ids = new Set(actionOutcomes.arrivals.map(({ ceId }) => ceId)).size;
  report.check(
    'an outcome came out of Kafka for each action, none twice',
    actions.size === load.actions && ids === actionOutcomes.arrivals.length,
    `${actionOutcomes.arrivals.length} messages, ${actions.size} actions: ${[...states].map((pair) => pair.join(' ')).join(', ')}`,
  );
  report.check('no dead letter', deadLetters.arrivals.length === 0, `${deadLetters.arrivals.length}`);
}

async function verifyEntitlements({ report, load, simulator }: World): Promise<void> {
  const cards = await simulatorView<{ smartcard: string; entitlements: string[] }[]>(simulator.url, 'GET', 'cards');
  const cas = new Map(cards.map(({ smartcard, entitlements }) => [smartcard, entitlements]));
  const crm = expectedEntitlements(load.finalSnapshots);
  const wrong = [...load.smartcards].filter((card) => {
    const held = (cas.get(card) ?? []).map((caId) => caId.replace(/^0+(?=.)/, '')).toSorted();
    return held.join() !== (crm.get(card) ?? []).join();
  });
  report.check(
    'every card is entitled to what the last snapshots say',
    wrong.length === 0,
    `${load.smartcards.size} cards, ${wrong.length} wrong${wrong.length > 0 ? `: ${wrong.slice(0, 5).join(' ')}` : ''}`,
  );
}

/** The group goes back to the beginning, as an operator may let it by mistake. */
async function redeliver(world: World): Promise<void> {
  const { site, report, load } = world;
  const [calls, { requests, outcomes }] = [await callsMade(world), await counts(site)];
  const admin = site.kafka.admin();
  await admin.connect();
  await admin.resetOffsets({ groupId: SERVICE.KAFKA_GROUP_ID, topic: TOPICS.CRM_TOPICS, earliest: true });
  await admin.disconnect();
  await site.db.query('delete from consumer_offset');
  const service = await startService(world);
  const again = { ...world, options: { ...world.options, profiled: world.options.profiled } };
  await stage(again, service, 'redelivery, events', load.events.length, () => eventsTaken(site));
  await service.stop();
  const [row] = await site.db.query<{ duplicates: number }>(
    `select count(*) as duplicates from inbox where disposition = 'DUPLICATE'`,
  );
  const after = await counts(site);
  report.check('every event is a DUPLICATE', row?.duplicates === load.events.length, `${row?.duplicates}`);
  report.check(
    'no request, no call, no outcome follows',
    after.requests === requests && after.outcomes === outcomes && (await callsMade(world)) === calls,
    `${after.requests - requests} requests, ${(await callsMade(world)) - calls} calls, ${after.outcomes - outcomes} outcomes`,
  );
}

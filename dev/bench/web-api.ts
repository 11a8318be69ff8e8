import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { importSubscriptions } from '../../src/features/import/import.ts';
import { addUser } from '../../src/users/changes.ts';
import { freePort } from '../stack/ports.ts';
import { superviseUntilReady } from '../stack/supervised.ts';
import { loadLine, quantile, type Report } from './report.ts';
import { cpuLine, openSite, type Site, until } from './site.ts';
import {
  BENCH_USER,
  login,
  failuresLine,
  runClients,
  type Seen,
  timesLine,
  timesOf,
  type WebCall,
} from './web-clients.ts';

export interface WebApiOptions {
  readonly seconds: number;
  readonly clients: number;
}

const SUBSCRIPTIONS = 2_000;
const SERVICES = 6;
const BASE = '/crmapi/rest/v2';
const REQUESTS = `${BASE}/conax_web_services/provisioning_requests`;
/** What the service has by default, and its Web API of that: a quarter. */
const CONNECTIONS = { service: 20, webApi: 5 };
/** Of the writes so many are to be sent during the call. */
const IMMEDIATE_SHARE = 0.1;
const WARM_UP_MS = 3_000;
/** The bare route is measured before and after, so that a load that grows or falls meets both. */
const BARE_SHARE = 0.25;
/**
 * How many times the bare route's p99 a call may take: twice what it was on a busy machine (docs/benchmarks.md), so that it
 * tells of a change for the worse.
 */
const RATIO_MOST = 20;
const DRAIN_MS = 180_000;

/** What clients share. */
interface Shared {
  /** Numbers of requests that were made. */
  readonly made: number[];
  /** The mark of each, by number. */
  readonly marks: Map<number, string>;
  /** Answers to immediate writes that did not show an end. */
  pending: number;
}

/**
 * The Web API with many clients at once, half of them reading and half writing, against a bare fastify route that reads
 * one row or inserts one, through a pool of the same size on the same server, with as many clients.
 */
export async function webApi(report: Report, { seconds, clients }: WebApiOptions): Promise<void> {
  const site = await openSite(report);
  try {
    await fill(site);
    const bareUrl = await startBareRoute(site);
    const simulator = await site.startSimulator();
    const service = await site.startService({
      CONAX_BASE_URL: simulator.url,
      DATABASE_MAX_CONNECTIONS: String(CONNECTIONS.service),
      CONAX_MAX_CONCURRENCY: '32',
    });
    const token = await login(service.url);
    report.line(
      `${clients} clients, half of them reading; ${SUBSCRIPTIONS} subscriptions; ${CONNECTIONS.webApi} connections each`,
    );

    const shared: Shared = { made: [], marks: new Map(), pending: 0 };
    const ours = callsOf(shared, token, clients);
    const bare = bareCalls();
    await runClients(bareUrl, clients, WARM_UP_MS, bare);
    // Writers first: readers look for what is there.
    await runClients(service.url, clients / 2, WARM_UP_MS, (client) => ours(client + clients / 2));
    await runClients(service.url, clients, WARM_UP_MS, ours);
    shared.pending = 0;

    const bareBefore = await runClients(bareUrl, clients, seconds * 1000 * BARE_SHARE, bare);
    const cpu = site.cpu();
    const seen = await runClients(service.url, clients, seconds * 1000, ours);
    report.line(`CPU: ${cpuLine(cpu, site.cpu(), seen.seconds)}; ${loadLine()}`);
    const bareAfter = await runClients(bareUrl, clients, seconds * 1000 * BARE_SHARE, bare);
    tell(report, seen, bareBefore, bareAfter);
    report.line(`immediate writes that were answered PENDING: ${shared.pending}; ${loadLine()}`);
    await checkMade(report, site, shared);
    await service.stop();
  } finally {
    await site.close();
  }
}

function tell(report: Report, seen: Seen, bareBefore: Seen, bareAfter: Seen): void {
  for (const [name, prefix] of [
    ['reads', 'read'],
    ['  show', 'read show'],
    ['  list', 'read list'],
    ['writes', 'write plain'],
    ['immediate writes', 'write immediate'],
  ] as const) {
    report.line(`${name}: ${timesLine(seen, prefix)}`);
  }
  report.line(`bare route before: ${timesLine(bareBefore, 'bare')}`);
  report.line(`bare route after: ${timesLine(bareAfter, 'bare')}`);
  const p99 = (kind: string): number => {
    const bare = quantile([...timesOf(bareBefore, 'bare'), ...timesOf(bareAfter, 'bare')], 0.99);
    return quantile(timesOf(seen, kind), 0.99) / bare;
  };
  const [read, write] = [p99('read'), p99('write plain')];
  report.line(
    `p99 as a multiple of the bare route's: reads ${read.toFixed(1)}, writes ${write.toFixed(1)}, ` +
      `immediate writes ${p99('write immediate').toFixed(1)}`,
  );
  report.check('no answer but 200', seen.failures.size === 0, failuresLine(seen));
  report.check(
    'the bare route answers too',
    bareBefore.failures.size + bareAfter.failures.size === 0,
    `${failuresLine(bareBefore)}, ${failuresLine(bareAfter)}`,
  );
  report.check(
    `the p99 of reads and of writes is at most ${RATIO_MOST} times the bare route's`,
    read <= RATIO_MOST && write <= RATIO_MOST,
    `${read.toFixed(1)}, ${write.toFixed(1)}; ${loadLine()}`,
  );
}

/** Every call made one request, which has an end at the CAS. */
async function checkMade(report: Report, site: Site, { made, marks }: Shared): Promise<void> {
  const rows = await site.db.query<{ number: number; mark: string }>(
    `select number, user_defined ->> 'udf_string_1' as mark from request`,
  );
  const right = rows.filter(({ number, mark }) => marks.get(number) === mark).length;
  report.check(
    'every request that was answered is there once, and no other',
    rows.length === made.length && marks.size === made.length && right === made.length,
    `${made.length} answers, ${marks.size} numbers, ${rows.length} requests, ${right} with the mark of their call`,
  );
  const begunAt = performance.now();
  await until('all requests final', DRAIN_MS, 200, async () => {
    const [row] = await site.db.query<{ left: number }>('select count(*) as left from work');
    return row?.left === 0;
  });
  const seconds = ((performance.now() - begunAt) / 1000).toFixed(1);
  const [row] = await site.db.query<{ completed: number }>(
    `select count(*) as completed from request where life_cycle_state = 'COMPLETED'`,
  );
  report.check(
    'every request is COMPLETED',
    row?.completed === made.length,
    `${row?.completed ?? 0}, the last ones ${seconds} s later`,
  );
}

/** The first half of the clients reads, the second writes. */
function callsOf(shared: Shared, token: string, clients: number): (client: number) => WebCall {
  const headers = { authorization: `Bearer ${token}` };
  const turns = new Map<number, number>();
  return (client) => {
    if (client >= clients / 2) return { ...writeCall(shared), headers };
    const turn = turns.get(client) ?? client;
    turns.set(client, turn + 1);
    return { ...readCall(shared, turn), headers };
  };
}

/** Every other one is a show, the others lists by type and by state, from anywhere. */
function readCall({ made }: Shared, turn: number): WebCall {
  const number = made[below(made.length)] ?? 1;
  if (turn % 2 === 0) {
    const path = `${REQUESTS}/show?provisioning_request_identifier=number=${number}`;
    return { kind: 'read show', method: 'GET', path };
  }
  const filter = ['type=ADD_SUBSCRIPTIONS', 'life_cycle_state=COMPLETED', 'life_cycle_state=PENDING'][below(3)];
  return { kind: 'read list', method: 'GET', path: `${REQUESTS}/list?${filter}&after=${number}` };
}

function writeCall(shared: Shared): WebCall {
  const index = below(SUBSCRIPTIONS);
  const immediate = Math.random() < IMMEDIATE_SHARE;
  const mark = randomUUID();
  return {
    kind: immediate ? 'write immediate' : 'write plain',
    method: 'POST',
    path: `${REQUESTS}/${Math.random() < 0.5 ? 'add' : 'cancel'}_subscriptions`,
    body: {
      subscription_identifier: { number: numberOf(index) },
      service_identifier: { code: `PACK-${below(SERVICES)}` },
      smartcard_identifier: { serial_number: `SN-${cardOf(index)}` },
      ...(immediate ? { process_immediately: true } : {}),
      udf_string_1: mark,
    },
    onAnswer(text) {
      const { data } = JSON.parse(text) as { data: { number: string; life_cycle_state: string } };
      shared.made.push(Number(data.number));
      shared.marks.set(Number(data.number), mark);
      if (immediate && data.life_cycle_state === 'PENDING') shared.pending += 1;
    },
  };
}

/** Even clients read one row, odd ones insert one, of the size of a call. */
function bareCalls(): (client: number) => WebCall {
  let rows = 0;
  const insert = (): WebCall => ({
    kind: 'bare insert',
    method: 'POST',
    path: '/bare',
    body: { ...writeCall({ made: [], marks: new Map(), pending: 0 }).body },
    onAnswer: () => (rows += 1),
  });
  return (client) =>
    client % 2 === 1 || rows === 0
      ? insert()
      : { kind: 'bare select', method: 'GET', path: `/bare?number=${1 + below(rows)}` };
}

function below(end: number): number {
  return Math.floor(Math.random() * end);
}

function numberOf(index: number): string {
  return `S${String(index).padStart(10, '0')}`;
}

function cardOf(index: number): string {
  return String(20_000_000_000 + index);
}

/** Subscriptions of six services and a card each, and a user. */
async function fill({ db }: Site): Promise<void> {
  const lines = Array.from({ length: SUBSCRIPTIONS }, (_, index) => ({
    id: `id-${index}`,
    number: numberOf(index),
    version: 1,
    state: 'EFFECTIVE',
    services: Array.from({ length: SERVICES }, (__, service) => ({
      id: `${index}-V${service}`,
      productId: `P${service}`,
      productCode: `PACK-${service}`,
      caId: String(101 + service),
      state: 'EFFECTIVE',
    })),
    installedItems: [{ id: `${index}-C`, serialNumber: `SN-${cardOf(index)}`, kind: 'SMARTCARD', caId: cardOf(index) }],
  }));
  const stream = Readable.from([Buffer.from(lines.map((line) => `${JSON.stringify(line)}\n`).join(''))]);
  const { added } = await importSubscriptions(db, stream, {
    fromLine: 1,
    onReject: ({ line, problems }) => {
      throw new Error(`Line ${line}: ${JSON.stringify(problems)}`);
    },
    onProgress: () => {},
  });
  if (added !== SUBSCRIPTIONS) throw new Error(`${added} of ${SUBSCRIPTIONS} subscriptions were imported`);
  await addUser(db, { ...BENCH_USER, role: 'operator', unit: null, by: 'bench' });
}

/** It ends with this process, if not before. */
async function startBareRoute(site: Site): Promise<string> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  await superviseUntilReady(
    'the bare route',
    {
      command: process.execPath,
      args: [fileURLToPath(new URL('bare-route.ts', import.meta.url))],
      env: {
        HTTP_PORT: String(port),
        DATABASE_URL: site.databaseUrl,
        MAX_CONNECTIONS: String(CONNECTIONS.webApi),
      },
      logFile: join(site.output, 'bare-route.log'),
      orphanSignal: 'SIGTERM',
      removeWhenOrphaned: [],
    },
    async () => {
      await (await fetch(`${url}/bare?number=0`)).text();
    },
    30_000,
  );
  return url;
}

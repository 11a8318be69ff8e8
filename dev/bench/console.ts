import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { openDatabase } from '../../src/platform/database.ts';
import { addUser } from '../../src/users/changes.ts';
import { launchBrowser } from '../../test/console/browser.ts';
import { type ArrivalReader, readArrivals } from './arrivals.ts';
import { encodeEvent, newSubscriber, produce, registerWriters } from './load.ts';
import { loadLine, median, type Report } from './report.ts';
import { openSite, type Program, type Site, simulatorView, TOPICS, until } from './site.ts';

export interface ConsoleOptions {
  readonly events: number;
  readonly rounds: number;
  readonly consoles: number;
}

const USER = { username: 'bench', organisation: 'bench', password: 'correct horse battery' };
/** As console/pages/overview.tsx and console/session.tsx do. */
const OVERVIEW_EVERY_MS = 3_000;
const SESSION_EVERY_MS = 30_000;
const TURN_DEADLINE_MS = 180_000;
const GOALS = { share: 0.95, kilobytes: 200, interactiveMs: 1_000 };
const PAGE_LOADS = 5;

interface Turn {
  readonly perSecond: number;
  /** CPU of service and PostgreSQL, in milliseconds a command. */
  readonly cpuMs: number;
  readonly answers: number;
  readonly unchanged: number;
}

/**
 * What the web console costs: the service works off events as fast as it can, in turns without and with this many open
 * consoles on the overview; then the size of the first page, and how long it takes in a browser on this machine.
 */
export async function consoles(report: Report, { events, rounds, consoles: count }: ConsoleOptions): Promise<void> {
  const site = await openSite(report);
  try {
    const simulator = await site.startSimulator();
    const writers = await registerWriters(site.env['SCHEMA_REGISTRY_URL'] ?? '', TOPICS.CRM_TOPICS);
    const messages = Array.from({ length: events }, (_, n) => encodeEvent(writers, newSubscriber(n + 1)));
    await produce(site.kafka, TOPICS.CRM_TOPICS, messages);
    const outcomes = await readArrivals(site.kafka, TOPICS.ACTION_OUTCOME_TOPIC);
    const turns = new Map<number, Turn[]>([
      [0, []],
      [count, []],
    ]);
    for (let round = 1; round <= rounds; round += 1) {
      for (const [open, kept] of turns) {
        const turn = await measure(site, simulator, outcomes, events, open);
        kept.push(turn);
        report.line(
          `round ${round}, ${open} consoles: ${Math.round(turn.perSecond)} events/s, ${turn.cpuMs.toFixed(3)} ms of CPU ` +
            `per command, ${turn.answers} answers, ${turn.unchanged} of them 304; ${loadLine()}`,
        );
      }
    }
    const rateOf = (open: number): number => median((turns.get(open) ?? []).map(({ perSecond }) => perSecond));
    const share = rateOf(count) / rateOf(0);
    report.check(`${count} open consoles leave ${GOALS.share} of the rate`, share >= GOALS.share, share.toFixed(3));
    await outcomes.close();
    await measurePages(site, simulator, report);
  } finally {
    await site.close();
  }
}

async function startOurs(site: Site, simulator: Program): Promise<{ service: Program; close: () => Promise<void> }> {
  const url = await site.anotherDatabase();
  const db = openDatabase({ url, maxConnections: 1, applicationName: 'bench' });
  await addUser(db, { ...USER, role: 'admin', unit: null, by: 'bench' });
  const service = await site.startService({
    DATABASE_URL: url,
    KAFKA_GROUP_ID: `bench-${randomUUID()}`,
    CONAX_BASE_URL: simulator.url,
    CONAX_MAX_CONCURRENCY: '32',
    CONAX_MAX_REQUESTS_PER_SECOND: '100000',
  });
  return {
    service,
    close: async () => {
      await service.stop();
      await db.close();
      // Nobody cleans it up during the next turn.
      await site.db.query(`drop database ${new URL(url).pathname.slice(1)} with (force)`);
    },
  };
}

async function measure(
  site: Site,
  simulator: Program,
  outcomes: ArrivalReader,
  events: number,
  count: number,
): Promise<Turn> {
  await simulatorView(simulator.url, 'DELETE', 'state');
  const before = outcomes.arrivals.length;
  const { service, close } = await startOurs(site, simulator);
  const cpuBefore = site.cpu();
  const ended = new AbortController();
  const cookie = await logIn(service.url);
  const open = Array.from({ length: count }, () => openConsole(service.url, cookie, ended.signal));
  const arrived = (): number => outcomes.arrivals.length - before;
  await until('the first outcome', TURN_DEADLINE_MS, 5, () => Promise.resolve(arrived() > 0));
  const beganAt = performance.now();
  const first = arrived();
  await until('all outcomes', TURN_DEADLINE_MS, 5, () => Promise.resolve(arrived() >= events));
  const seconds = (performance.now() - beganAt) / 1_000;
  const cpuAfter = site.cpu();
  ended.abort();
  const seen = await Promise.all(open);
  await close();
  const cpu = (part: string): number => (cpuAfter[part] ?? 0) - (cpuBefore[part] ?? 0);
  return {
    perSecond: (events - first) / seconds,
    cpuMs: ((cpu('service') + cpu('postgres')) * 1_000) / events,
    answers: seen.reduce((sum, { answers }) => sum + answers, 0),
    unchanged: seen.reduce((sum, { unchanged }) => sum + unchanged, 0),
  };
}

const BACKGROUND = { 'x-conax-console': 'background' };

/** One login for all consoles: so many at once under one name are refused. */
async function logIn(url: string): Promise<string> {
  const login = await fetch(`${url}/api/v1/session`, {
    method: 'POST',
    headers: { ...BACKGROUND, 'content-type': 'application/json' },
    body: JSON.stringify(USER),
  });
  if (!login.ok) throw new Error(`The login answers ${login.status}: ${await login.text()}`);
  return (login.headers.get('set-cookie') ?? '').split(';')[0] ?? '';
}

/** Asks what an open console on the overview asks, until it is told to end. Not all at the same moment. */
async function openConsole(
  url: string,
  cookie: string,
  ended: AbortSignal,
): Promise<{ answers: number; unchanged: number }> {
  const headers = { ...BACKGROUND, cookie };
  let [answers, unchanged, etag, sessionAt] = [0, 0, '', performance.now()];
  await pause(Math.random() * OVERVIEW_EVERY_MS);
  while (!ended.aborted) {
    const answer = await fetch(`${url}/api/v1/overview`, { headers: { ...headers, 'if-none-match': etag } });
    await answer.arrayBuffer();
    if (answer.status !== 200 && answer.status !== 304) throw new Error(`The overview answers ${answer.status}`);
    answers += 1;
    if (answer.status === 304) unchanged += 1;
    else etag = answer.headers.get('etag') ?? '';
    if (performance.now() - sessionAt > SESSION_EVERY_MS) {
      await (await fetch(`${url}/api/v1/session`, { headers })).arrayBuffer();
      sessionAt = performance.now();
    }
    await pause(OVERVIEW_EVERY_MS, undefined, { signal: ended }).catch(() => {});
  }
  return { answers, unchanged };
}

/** The size of what the login and the overview load, and how long they take without a cache. */
async function measurePages(site: Site, simulator: Program, report: Report): Promise<void> {
  const { service, close } = await startOurs(site, simulator);
  const browser = await launchBrowser();
  const sizes = new Map<string, number>();
  const times: { login: number; overview: number }[] = [];
  for (let load = 0; load < PAGE_LOADS; load += 1) {
    const context = await browser.newContext({ locale: 'en-GB' });
    const page = await context.newPage();
    page.on('response', (response) => {
      const { pathname } = new URL(response.url());
      if (pathname.startsWith('/console/assets/')) sizes.set(pathname, gzipSizeOf(pathname));
    });
    const started = performance.now();
    await page.goto(`${service.url}/console/`);
    await page.getByLabel('User name').fill(USER.username);
    const login = performance.now() - started;
    await page.locator('input[name=password]').fill(USER.password);
    await page.getByLabel('Organisation').fill(USER.organisation);
    const sent = performance.now();
    await page.getByRole('button', { name: 'Log in' }).click();
    await page.getByRole('heading', { name: 'Overview' }).waitFor();
    await page.getByText('Commands that are ready to be sent').first().waitFor();
    times.push({ login, overview: performance.now() - sent });
    await context.close();
  }
  await browser.close();
  await close();
  const kilobytes = [...sizes.values()].reduce((sum, size) => sum + size, 0) / 1_000;
  const login = median(times.map((one) => one.login));
  const overview = median(times.map((one) => one.overview));
  report.line(
    `login usable after ${login.toFixed(0)} ms, overview ${overview.toFixed(0)} ms after the login; ${loadLine()}`,
  );
  report.check(
    `login and overview load less than ${GOALS.kilobytes} kB (gzip)`,
    kilobytes < GOALS.kilobytes,
    `${kilobytes.toFixed(1)} kB in ${sizes.size} files`,
  );
  report.check(
    `the first page is usable within ${GOALS.interactiveMs} ms`,
    login < GOALS.interactiveMs,
    login.toFixed(0),
  );
}

function gzipSizeOf(pathname: string): number {
  return gzipSync(readFileSync(join('console/dist', pathname.replace('/console/', ''))), { level: 9 }).length;
}

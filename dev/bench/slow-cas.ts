import { setTimeout as pause } from 'node:timers/promises';
import { join } from 'node:path';
import type { Database } from '../../src/platform/database.ts';
import { callsPerSecond, openBareHttp } from './bare-http.ts';
import { resetStatements, topStatements } from './databases.ts';
import { loadLine, type Report } from './report.ts';
import { cpuLine, openSite, simulatorView, until } from './site.ts';

export interface SlowCasOptions {
  readonly seconds: number;
  readonly profiled: boolean;
}

const LATENCY_MS = 50;
const CONCURRENCY = 32;
const POSSIBLE = (CONCURRENCY * 1000) / LATENCY_MS;
const HOT_CARD = '00000000001';
const HOT_REQUESTS = 20_000;
const BACK_OFF_CARDS = 5_000;
/** Half of it on average: a retry from some card every few milliseconds. */
const BACK_OFF_MS = 60_000;
const BROKEN_SERVICE = '666';
const WARM_UP_MS = 3_000;
const BARE_MS = 4_000;
const SAMPLE_EVERY_MS = 100;

/**
 * A CAS that takes 50 ms a call, 32 at once, while 20,000 requests wait for one card and 5,000 cards whose requests the
 * CAS asked to try later are in back-off; the other cards have one request each. How many of the 640 calls/s that it
 * allows are made, and how many a bare HTTP client makes.
 */
export async function slowCas(report: Report, options: SlowCasOptions): Promise<void> {
  const others = Math.ceil(POSSIBLE * (options.seconds + WARM_UP_MS / 1000) * 1.5);
  const site = await openSite(report, { profiled: options.profiled });
  try {
    const simulator = await site.startSimulator();
    await simulatorView(simulator.url, 'PUT', 'settings', { latencyMs: LATENCY_MS });
    await simulatorView(simulator.url, 'POST', 'faults', [
      { match: { serviceCaId: BROKEN_SERVICE }, fault: 'status:SYSTEM_ERROR' },
    ]);
    const bareHttp = await openBareHttp(
      simulator.url,
      { type: 'ADD_SUBSCRIPTIONS', smartcard: HOT_CARD, service: { caId: '101', distributor: null } },
      CONCURRENCY,
    );
    const bare = await callsPerSecond(CONCURRENCY, BARE_MS, () => bareHttp.call());
    await bareHttp.close();
    await fill(site.db, others);
    const service = await site.startService(
      {
        CONAX_BASE_URL: simulator.url,
        CONAX_MAX_CONCURRENCY: String(CONCURRENCY),
        CONAX_MAX_REQUESTS_PER_SECOND: '10000',
        RETRY_BACKOFF_MIN_MS: String(BACK_OFF_MS),
        RETRY_BACKOFF_MAX_MS: String(BACK_OFF_MS),
      },
      { profiled: options.profiled },
    );
    const calls = async (): Promise<number> =>
      (await simulatorView<{ calls: number }>(simulator.url, 'GET', 'stats')).calls;
    await simulatorView(simulator.url, 'DELETE', 'stats');
    await until('the first calls', 20_000, 20, async () => (await calls()) > 0);
    await pause(WARM_UP_MS);
    const backOff = await inBackOff(site.db);
    if (options.profiled) {
      await resetStatements(site.db);
      await service.profiler?.start();
    }
    const [first, cpu, begunAt] = [await calls(), site.cpu(), performance.now()];
    const samples = await sampled(service.url, options.seconds * 1000);
    const [last, seconds] = [await calls(), (performance.now() - begunAt) / 1000];
    const perSecond = (last - first) / seconds;
    report.line(
      `${Math.round(perSecond)} calls/s over ${seconds.toFixed(1)} s, ${(perSecond / POSSIBLE).toFixed(3)} of the ` +
        `${POSSIBLE} possible; a bare HTTP client ${Math.round(bare)}/s (${(bare / POSSIBLE).toFixed(3)}); ` +
        `CPU: ${cpuLine(cpu, site.cpu(), seconds)}; ${loadLine()}`,
    );
    report.line(
      `${samples.length} samples: ${mean(samples.map(({ underWay }) => underWay)).toFixed(1)} calls under way, ` +
        `${mean(samples.map(({ buffered }) => buffered)).toFixed(1)} claimed ahead, none in ` +
        `${samples.filter(({ buffered }) => buffered === 0).length} samples`,
    );
    if (options.profiled) {
      for (const line of (await service.profiler?.stop(join(site.output, 'slow-cas.cpuprofile'))) ?? [])
        report.line(`  ${line}`);
      for (const line of await topStatements(site.db, seconds)) report.line(`  ${line}`);
    }
    const stats = await simulatorView<{ inFlightMax: number }>(simulator.url, 'GET', 'stats');
    const after = await inBackOff(site.db);
    const [left] = await site.db.query<{ hot: number; ready: number }>(
      `select count(*) filter (where cards = array[$1]) as hot, count(*) filter (where waits = 0 and token is null and ready_at <= now()) as ready
         from work`,
      [HOT_CARD],
    );
    report.check('at least 0.97 of the calls that the CAS allows', perSecond >= 0.97 * POSSIBLE, perSecond.toFixed(1));
    report.check('never more at once than allowed', stats.inFlightMax <= CONCURRENCY, `${stats.inFlightMax}`);
    report.check(
      'the cards in back-off stay so, and their retries are made',
      Math.min(backOff.cards, after.cards) > 0.9 * BACK_OFF_CARDS && after.retried > 0,
      `${backOff.cards} before, ${after.cards} after, ${after.retried} retried`,
    );
    report.check(
      'one card has a long queue, and it moves',
      (left?.hot ?? 0) > 0.9 * HOT_REQUESTS && (left?.hot ?? 0) < HOT_REQUESTS,
      `${left?.hot ?? 0} left`,
    );
    report.check('there was always work', (left?.ready ?? 0) > 1_000, `${left?.ready ?? 0} ready`);
    await service.stop();
  } finally {
    await site.close();
  }
}

interface Sample {
  readonly underWay: number;
  readonly buffered: number;
}

/** What the dispatcher says of itself, ten times a second: an empty buffer means that claiming holds it up. */
async function sampled(serviceUrl: string, forMs: number): Promise<Sample[]> {
  const samples: Sample[] = [];
  for (const until_ = performance.now() + forMs; performance.now() < until_; await pause(SAMPLE_EVERY_MS)) {
    const metrics = await (await fetch(`${serviceUrl}/metrics`)).text();
    const gauge = (name: string): number =>
      Number(new RegExp(`^${name}(?:{.*})? (\\S+)`, 'm').exec(metrics)?.[1] ?? NaN);
    samples.push({ underWay: gauge('conax_dispatch_calls_under_way'), buffered: gauge('conax_dispatch_buffered') });
  }
  return samples;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

async function inBackOff(db: Database): Promise<{ cards: number; retried: number }> {
  const [row] = await db.query<{ cards: number; retried: number }>(
    `select count(*) filter (where token is null and ready_at > now()) as cards,
            count(*) filter (where retries > 1) as retried
       from work where retries > 0`,
  );
  return row ?? { cards: 0, retried: 0 };
}

/** As submitting and putting off would have left them. */
async function fill(db: Database, others: number): Promise<void> {
  const request = (select: string): string => `
    insert into request (number, type, sequence_number, command, cards, process_name, subscription_number)
    select nextval('request_number'), 'ADD_SUBSCRIPTIONS', 1,
           jsonb_build_object('type', 'ADD_SUBSCRIPTIONS', 'smartcard', card,
                              'service', jsonb_build_object('caId', service, 'distributor', null)),
           array[card], 'TRIGGER', 'S' || card
      from (${select}) made`;
  await db.query(request(`select '${HOT_CARD}' as card, '101' as service from generate_series(1, ${HOT_REQUESTS})`));
  await db.query(
    request(`select '1' || lpad(n::text, 10, '0') as card, '${BROKEN_SERVICE}' as service
               from generate_series(1, ${BACK_OFF_CARDS}) n`),
  );
  await db.query(
    request(`select '2' || lpad(n::text, 10, '0') as card, '101' as service from generate_series(1, ${others}) n`),
  );
  await db.query('insert into lane (card, number) select card, number from request, unnest(cards) card');
  await db.query(`
    insert into work (number, waits, rank, ready_at, retries, attempts, cards)
    select number,
           case when cards[1] = '${HOT_CARD}' and number > 1 then 1 else 0 end,
           case when cards[1] like '1%' then 2 else 3 end,
           case when cards[1] like '1%' then now() + random() * interval '${BACK_OFF_MS} milliseconds'
                else now() - interval '1 hour' + number * interval '1 ms' end,
           case when cards[1] like '1%' then 1 else 0 end, case when cards[1] like '1%' then 1 else 0 end, cards
      from request`);
  await db.query('analyze');
}

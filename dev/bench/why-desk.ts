import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { addItem, addService, type CrmSubscription, type Facet, events, newSubscription } from '../demo/crm.ts';
import { asMessage } from '../demo/journey.ts';
import { subscribed } from '../demo/journeys/household.ts';
import { connectCrm, type CrmWire } from '../demo/wire.ts';
import type { Explanation } from '../../src/features/why/explanation.ts';
import type { FindingCode } from '../../src/features/why/finding-codes.ts';
import type { Database } from '../../src/platform/database.ts';
import { pauseProvider, resumeProvider } from '../../src/dispatch/provider.ts';
import { loadLine, quantile, type Report } from './report.ts';
import { openSite, type Program, type Site, simulatorView, TOPICS, until } from './site.ts';
import { addUser } from '../../src/users/changes.ts';
import { BENCH_USER, login } from './web-clients.ts';

/** A question to a CAS that does not answer takes 2.5 s. */
const ROUNDS = { stored: 20, asked: 10, away: 1 };
const STORED_MS = 1_000;
const ASKED_MS = 4_000;
/** So that the line stays long while it is measured. */
const RATE = 20;

/** A case of the support desk: the card that the customer reads out, and the finding that explains it. */
interface Case {
  readonly code: FindingCode;
  readonly card: string;
  readonly make: (desk: Desk, subscription: CrmSubscription) => Promise<unknown>;
  /** Only the CAS's answer shows it. */
  readonly needsCas?: boolean;
}

interface Desk {
  readonly wire: CrmWire;
  readonly simulatorUrl: string;
  act(subscription: CrmSubscription, ...facets: Facet[]): Promise<void>;
  fault(card: string, match: object, fault: string): Promise<unknown>;
}

const card = (index: number): string => `4700000000${index}`;
const CASES: readonly Case[] = [
  { code: 'PROVIDER_PAUSED', card: card(1), make: () => Promise.resolve() },
  {
    code: 'REFUSED',
    card: card(2),
    make: (desk, own) => desk.fault(card(2), { serviceCaId: '1002' }, 'status:FEATURE_NOT_AVAILABLE').then(() => own),
  },
  {
    code: 'WITHHELD',
    card: card(3),
    make(desk, own) {
      addService(own, 'new', 'no number');
      return desk.act(own, { action: 'V:ADD_SERVICE', incomingServices: ['new'] });
    },
  },
  {
    code: 'DEAD_LETTER',
    card: card(4),
    make: ({ wire }, { number: key }) =>
      wire.send([{ key, message: { kind: 'bytes', key, value: Buffer.from('good morning') } }]),
  },
  {
    code: 'VERSION_GAP',
    card: card(5),
    make(desk, own) {
      own.version += 1;
      addItem(own, 'stb-2', 'SET_TOP_BOX', 'STB-2');
      return desk.act(own, { action: 'I:ADD_INSTALLED_ITEM', incomingItems: ['stb-2'] });
    },
  },
  { code: 'MISSING_IN_CAS', card: card(6), make: (desk) => drift(desk, card(6), []), needsCas: true },
  { code: 'PAIRING_DIFFERS', card: card(7), make: (desk) => drift(desk, card(7), ['1001', '1002']), needsCas: true },
  {
    code: 'WAITING_BEHIND',
    card: card(8),
    async make(desk, own) {
      await desk.fault(card(8), { command: 'ADD_TO_EXISTING_PAIRING' }, 'status:SYSTEM_ERROR');
      addItem(own, 'stb-2', 'SET_TOP_BOX', 'STB-3');
      addService(own, 'new', '1003');
      await desk.act(own, { action: 'I:ADD_INSTALLED_ITEM', incomingItems: ['stb-2'] });
      await desk.act(own, { action: 'V:ADD_SERVICE', incomingServices: ['new'] });
    },
  },
];

function drift({ simulatorUrl }: Desk, smartcard: string, entitlements: readonly string[]): Promise<unknown> {
  return simulatorView(simulatorUrl, 'PATCH', 'state', [{ smartcard, entitlements, pairing: null }]);
}

/**
 * The eight cases of the support desk, each asked over HTTP and on the command line while others wait: what it takes
 * without the CAS, with it, with a CAS that takes calls and never answers, and with one that refuses connections.
 */
export async function explainCases(report: Report, { waiting }: { readonly waiting: number }): Promise<void> {
  const site = await openSite(report);
  try {
    const simulator = await site.startSimulator();
    const service = await site.startService({
      CONAX_BASE_URL: simulator.url,
      CONAX_MAX_REQUESTS_PER_SECOND: String(RATE),
      // An open breaker answers at once: here every question is really asked.
      BREAKER_FAILURES: '10000',
    });
    await makeCases(site, simulator);
    await wait(site.db, waiting);
    report.line(`${waiting} requests of other cards wait; ${loadLine()}`);
    await addUser(site.db, { ...BENCH_USER, role: 'viewer', unit: null, by: 'bench' });
    const token = await login(service.url);
    const asked = (what: string, rounds: keyof typeof ROUNDS, finds: (one: Case) => boolean): Promise<void> =>
      measure(report, site, { what, ask: rounds !== 'stored', finds, url: service.url, token, rounds: ROUNDS[rounds] });
    // The command keeps compiled modules from its first start on.
    await command(site, CASES[0]?.card ?? '', ['--no-ask']);
    await asked('without the CAS', 'stored', ({ needsCas }) => needsCas !== true);
    await asked('with the CAS', 'asked', () => true);
    await simulatorView(simulator.url, 'POST', 'faults', [{ match: {}, times: null, fault: 'hang' }]);
    await asked('a CAS that never answers', 'away', ({ needsCas }) => needsCas !== true);
    await simulator.stop();
    await asked('a CAS that refuses connections', 'away', ({ needsCas }) => needsCas !== true);
  } finally {
    await site.close();
  }
}

interface Asked {
  readonly what: string;
  readonly ask: boolean;
  /** Whether the case's finding must be there. */
  readonly finds: (one: Case) => boolean;
  readonly url: string;
  readonly token: string;
  readonly rounds: number;
}

async function measure(report: Report, site: Site, { what, ask, finds, url, token, rounds }: Asked): Promise<void> {
  const most = ask ? ASKED_MS : STORED_MS;
  const [http, shell]: [number[], number[]] = [[], []];
  const wrong: string[] = [];
  for (const one of CASES) {
    if (one.code === 'PROVIDER_PAUSED') await pauseProvider(site.db, { reason: 'upgrade', by: 'bench' });
    for (let round = 0; round < rounds; round += 1) {
      const startedAt = performance.now();
      const answer = await fetch(`${url}/api/v1/why?of=${one.card}&ask=${ask}`, {
        headers: { authorization: `Bearer ${token}` },
      });
      const { data } = (await answer.json()) as { data: Explanation };
      http.push(performance.now() - startedAt);
      if (finds(one) && !data.findings.some(({ code }) => code === one.code)) wrong.push(one.code);
    }
    const startedAt = performance.now();
    await command(site, one.card, ask ? [] : ['--no-ask']);
    shell.push(performance.now() - startedAt);
    if (one.code === 'PROVIDER_PAUSED') await resumeProvider(site.db, { by: 'bench' });
  }
  const figures = (times: readonly number[]): string =>
    `p50 ${quantile(times, 0.5).toFixed(0)} ms, slowest ${Math.max(...times).toFixed(0)} ms`;
  // A command shares two processors with everything else here, so its slowest start shows the load.
  const holds = wrong.length === 0 && Math.max(...http) <= most && quantile(shell, 0.5) <= most;
  report.check(
    `the cases, ${what}`,
    holds,
    `API ${figures(http)}; command ${figures(shell)}; limit ${most} ms; wrong: ${[...new Set(wrong)].join(', ') || 'none'}; ${loadLine()}`,
  );
}

/** Runs `why` to its end as a person would. */
async function command(site: Site, of: string, options: readonly string[]): Promise<void> {
  const args = ['--disable-warning=TimeoutNegativeWarning', 'src/cli.ts', 'why', of, ...options];
  await promisify(execFile)(process.execPath, args, { env: { ...process.env, ...site.env } });
}

async function makeCases(site: Site, { url: simulatorUrl }: Program): Promise<void> {
  const wire = await connectCrm({
    brokers: site.env['KAFKA_BROKERS'] ?? '',
    registryUrl: site.env['SCHEMA_REGISTRY_URL'] ?? '',
    topics: {
      events: TOPICS.CRM_TOPICS,
      requestOutcomes: TOPICS.OUTCOME_TOPIC,
      actionOutcomes: TOPICS.ACTION_OUTCOME_TOPIC,
      deadLetters: TOPICS.DEAD_LETTER_TOPIC,
    },
  });
  try {
    const send = (own: CrmSubscription, facets: readonly Facet[]): Promise<void> =>
      wire.send(events(own, facets).map((event) => ({ key: own.number, message: asMessage(event) })));
    const desk: Desk = {
      wire,
      simulatorUrl,
      act: (own, ...facets) => send(own, facets),
      fault: (smartcard, match, fault) =>
        simulatorView(simulatorUrl, 'POST', 'faults', [{ match: { smartcard, ...match }, times: null, fault }]),
    };
    for (const one of CASES) {
      const own = newSubscription(`S${one.card}`);
      subscribed(own, one.card, `STB-${one.card}`, ['1001', '1002']);
      if (one.code === 'REFUSED') await one.make(desk, own);
      await send(own, [{ action: 'S:BECOME_SUBSCRIBER' }]);
      await until(`${one.code} is subscribed`, 30_000, 50, async () => {
        const [found] = await site.db.query<{ final: number }>(
          `select count(*) filter (where life_cycle_state <> 'PENDING')::int as final from request where cards[1] = $1`,
          [one.card],
        );
        return found?.final === 3;
      });
      if (one.code !== 'REFUSED') await one.make(desk, own);
    }
    await until('every message is read', 30_000, 50, async () => {
      const [read] = await site.db.query<{ count: number }>('select count(*)::int as count from inbox');
      return read?.count === CASES.length + 5;
    });
  } finally {
    await wire.close();
  }
}

/** Requests of other cards, ready to be sent: more than the rate sends while it is measured. */
async function wait(db: Database, count: number): Promise<void> {
  await db.query(
    `insert into request (number, type, sequence_number, life_cycle_state, command, cards, process_name)
     select nextval('request_number'), 'ADD_SUBSCRIPTIONS', 1, 'PENDING', jsonb_build_object('type', 'ADD_SUBSCRIPTIONS',
       'smartcard', '2' || lpad(n::text, 10, '0'), 'service', jsonb_build_object('caId', '101', 'distributor', null)),
       array['2' || lpad(n::text, 10, '0')], 'TRIGGER' from generate_series(1, $1::int) n`,
    [count],
  );
  await db.query(`insert into lane (card, number) select cards[1], number from request where cards[1] like '2%'`);
  await db.query(`insert into work (number, waits, rank, ready_at, cards)
    select number, 0, 3, submitted_at, cards from request where cards[1] like '2%'`);
  await db.query('vacuum analyze');
}

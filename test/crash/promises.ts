import { Kafka, logLevel } from '../../src/platform/kafkajs/index.ts';
import type { Received } from '../../dev/demo/wire.ts';
import { actionOutcomeEventId, requestOutcomeEventId } from '../../src/outcomes/event-ids.ts';
import { expectedEntitlements, expectedPairings } from '../support/expected-state.ts';
import type { Surroundings } from '../support/world.ts';
import { type Call, cardsOutOfTurn } from './card-order.ts';
import type { Workload } from './workload.ts';

/** What was found broken of each promise; all empty where the service kept them. */
export interface Broken {
  readonly events: string[];
  readonly offsets: string[];
  readonly requests: string[];
  readonly answers: string[];
  readonly requestOutcomes: string[];
  readonly actionOutcomes: string[];
  readonly entitlements: string[];
  readonly pairings: string[];
  readonly screens: string[];
  readonly order: string[];
  readonly leftovers: string[];
}

/** A broken promise is shown with a few examples. */
const EXAMPLES = 5;

/** Compares everything that the service left behind with what it promises; to be called when it is settled. */
export async function brokenPromises(
  world: Surroundings,
  workload: Pick<Workload, 'sent' | 'finalSnapshots'>,
): Promise<Broken> {
  await untilArrived(world);
  const { entries: journal } = await world.simulator<{ entries: Call[] }>('GET', 'journal?after=0');
  const cards = new Map((await world.simulator<Card[]>('GET', 'cards')).map((card) => [card.smartcard, card]));
  const broken: Broken = {
    events: await lostEvents(world, workload.sent),
    offsets: await wrongOffsets(world),
    requests: await wrongRequests(world),
    answers: await completedUnanswered(world),
    requestOutcomes: await wrongRequestOutcomes(world),
    actionOutcomes: await wrongActionOutcomes(world),
    entitlements: wrongEntitlements(workload, cards),
    pairings: wrongPairings(workload, cards),
    screens: await wrongScreens(world, journal),
    order: await cardsOutOfTurn(world, journal),
    leftovers: await leftovers(world),
  };
  for (const problems of Object.values(broken) as string[][]) {
    if (problems.length > EXAMPLES) problems.splice(EXAMPLES, Infinity, `and ${problems.length - EXAMPLES} more`);
  }
  return broken;
}

export const NOTHING_BROKEN: Broken = {
  events: [],
  offsets: [],
  requests: [],
  answers: [],
  requestOutcomes: [],
  actionOutcomes: [],
  entitlements: [],
  pairings: [],
  screens: [],
  order: [],
  leftovers: [],
};

interface Card {
  readonly smartcard: string;
  readonly entitlements: readonly string[];
  readonly pairing: { readonly smartcards: readonly string[]; readonly setTopBoxes: readonly string[] } | null;
}

/** Each event was decided once, whatever was read twice (P1). What is no event has no id. */
async function lostEvents({ db }: Surroundings, sent: ReadonlySet<string>): Promise<string[]> {
  const rows = await db.query<{ event_id: string; disposition: string; times: number }>(`
    select event_id, min(disposition) as disposition, count(*) as times from inbox
     where disposition <> 'DUPLICATE' and event_id is not null group by event_id`);
  const found = new Set(rows.map(({ event_id }) => event_id));
  return [
    ...[...sent].filter((id) => !found.has(id)).map((id) => `event ${id} is lost`),
    ...rows.filter(({ times }) => times > 1).map(({ event_id }) => `event ${event_id} was decided twice`),
    ...rows
      .filter(({ disposition }) => disposition === 'DEAD_LETTERED')
      .map(({ event_id }) => `event ${event_id} is dead`),
  ];
}

/** Kafka was told of nothing that is not stored (P1); and at the end, of everything. */
export async function acknowledgedAndNotStored(world: Surroundings): Promise<string[]> {
  return (await offsets(world)).flatMap(({ partition, kafka, stored }) =>
    kafka > stored ? [`partition ${partition}: Kafka has ${kafka}, stored is ${stored}`] : [],
  );
}

async function wrongOffsets(world: Surroundings): Promise<string[]> {
  return (await offsets(world)).flatMap(({ partition, kafka, stored, high }) =>
    (kafka === high && stored === high) || high === 0
      ? []
      : [`partition ${partition}: Kafka has ${kafka}, stored is ${stored}, the topic ends at ${high}`],
  );
}

async function offsets({
  db,
  settings,
}: Surroundings): Promise<{ partition: number; kafka: number; stored: number; high: number }[]> {
  const [topic = ''] = settings.CRM_TOPICS;
  const admin = new Kafka({ brokers: [...settings.KAFKA_BROKERS], logLevel: logLevel.NOTHING }).admin();
  await admin.connect();
  try {
    const [committed] = await admin.fetchOffsets({ groupId: settings.KAFKA_GROUP_ID, topics: [topic] });
    const ends = await admin.fetchTopicOffsets(topic);
    // After what Kafka says: what is committed there by now was stored before.
    const stored = await db.query<{ partition: number; next_offset: number }>(
      'select partition, next_offset from consumer_offset where topic = $1',
      [topic],
    );
    return ends.map(({ partition, high }) => ({
      partition,
      kafka: Math.max(0, Number(committed?.partitions.find((one) => one.partition === partition)?.offset ?? 0)),
      stored: stored.find((one) => one.partition === partition)?.next_offset ?? 0,
      high: Number(high),
    }));
  } finally {
    await admin.disconnect();
  }
}

/** Final every one, and none planned a second time for its action (R6), but by replays that were told to: once each. */
async function wrongRequests({ db }: Surroundings): Promise<string[]> {
  const pending = await db.query<{ number: number }>(`select number from request where life_cycle_state = 'PENDING'`);
  const rejected = await db.query<{ number: number; type: string; error_code: string }>(`
    select number, type, error_code from request
     where life_cycle_state = 'REJECTED' and (error_code <> 'OUTCOME_UNKNOWN' or type not in (${ONCE}))`);
  const twice = await db.query<{ numbers: number[] }>(`
    select array_agg(number order by number) as numbers from request where command_key is not null and process_name <> 'REPLAY'
     group by subscription_number, action_id, command_key having count(*) > 1`);
  const runs = await db.query<{ id: number; state: string; requests: number }>(`
    select r.id, r.state, (select count(*) from request where process_name = 'MAIL_BARK_MESSAGE_RUN' and process_id = r.id::text) as requests
      from run r`);
  const schedules = await db.query<{ name: string; starts: number }>(`
    select name, (select count(*) from run r where r.schedule_id = s.id) as starts from schedule s`);
  const replays = await db.query<{ id: number; state: string; failure: string | null }>(
    `select id, state, failure from replay where state <> 'COMPLETED'`,
  );
  const repeated = await db.query<{ id: number; command: string }>(`
    select replay_id as id, command::text as command from replay_item
     where request_number is not null group by replay_id, inbox_id, command having count(*) > 1`);
  const unheard = await db.query<{ number: number }>(`
    select number from request where process_name = 'REPLAY'
       and number not in (select request_number from replay_item where request_number is not null)`);
  return [
    ...replays.map(({ id, state, failure }) => `replay ${id} is ${state}: ${failure}`),
    ...repeated.map(({ id, command }) => `replay ${id} did ${command} twice`),
    ...unheard.map(({ number }) => `request ${number} is of no item of a replay`),
    ...runs
      .filter(({ state, requests }) => state !== 'COMPLETED' || requests !== 1)
      .map(({ id, state, requests }) => `run ${id} is ${state} with ${requests} requests`),
    ...schedules.filter(({ starts }) => starts !== 1).map(({ name, starts }) => `"${name}" started ${starts} runs`),
    ...pending.map(({ number }) => `request ${number} is pending`),
    ...rejected.map(({ number, type, error_code }) => `request ${number} ${type} is REJECTED, ${error_code}`),
    ...twice.map(({ numbers }) => `requests ${numbers.join(', ')} are the same command of one action`),
  ];
}

/** What is COMPLETED ends with an answer of the CAS: one that nobody could read is none. */
async function completedUnanswered({ db }: Surroundings): Promise<string[]> {
  const rows = await db.query<{ number: number; type: string; answer: string | null }>(`
    select r.number, r.type, last.answer from request r left join lateral
        (select answer from attempt a where a.request_number = r.number order by attempt desc limit 1) last on true
     where r.life_cycle_state = 'COMPLETED' and coalesce(last.answer, '') not in ('accepted', 'refused')`);
  return rows.map(({ number, type, answer }) => `request ${number} ${type} is COMPLETED, the last answer: ${answer}`);
}

const ONCE = `'SEND_MAIL_MESSAGE_TO_CLIENT', 'SEND_BARK_MESSAGE_TO_CLIENT', 'DISPLAY_FINGERPRINT'`;

/** Waits until what the outbox says is published came out of Kafka; what never comes is reported by the checks. */
async function untilArrived({ db, wire }: Surroundings): Promise<void> {
  const rows = await db.query<{ id: string }>(
    `select event_id::text as id from outbox where published_at is not null and kind <> 'DEAD_LETTER'`,
  );
  const missing = new Set(rows.map(({ id }) => id));
  const read = { requestOutcomes: 0, actionOutcomes: 0 };
  await wire
    .until(
      (arrivals) => {
        for (const topic of ['requestOutcomes', 'actionOutcomes'] as const) {
          for (const { headers } of arrivals[topic].slice(read[topic])) missing.delete(headers['ce_id'] ?? '');
          read[topic] = arrivals[topic].length;
        }
        return missing.size === 0 ? true : undefined;
      },
      'all published outcomes',
      15_000,
    )
    .catch(() => {});
}

/** Every outcome is out (P4), under its one ce_id, each time the same; and of each card in the order of its requests. */
async function wrongRequestOutcomes({ db, wire }: Surroundings): Promise<string[]> {
  const rows = await db.query<{
    number: number;
    id: string;
    state: string;
    cards: string[];
    scheduled: boolean;
    parked: boolean;
  }>(`
    select r.number, r.id::text as id, r.life_cycle_state as state, r.cards, r.scheduled_at > r.submitted_at as scheduled,
      exists (select from outbox o where o.request_number = r.number and o.parked_reason is not null) as parked
      from request r order by r.number`);
  const { first, problems } = firstArrivals(wire.arrivals.requestOutcomes);
  const byNumber = Map.groupBy(first.values(), ({ value }) => value.requestNumber);
  for (const { number, id, state, parked } of rows) {
    const came = byNumber.get(number) ?? [];
    const [outcome] = came;
    if (came.length > 1) problems.push(`request ${number} has ${came.length} outcomes`);
    if (outcome === undefined && !parked) problems.push(`the outcome of request ${number} is lost`);
    if (outcome === undefined) continue;
    if (parked) problems.push(`the outcome of request ${number} is parked and published`);
    if (outcome.headers['ce_id'] !== requestOutcomeEventId(id)) problems.push(`request ${number} has another ce_id`);
    if (outcome.value.outcome !== state) problems.push(`request ${number} is ${state}, Kafka says otherwise`);
  }
  const places = new Map([...first.values()].map(({ value }, place) => [value.requestNumber, place]));
  const byCard = new Map<string, number>();
  for (const { number, cards, scheduled } of rows) {
    const place = places.get(number);
    if (place === undefined || scheduled) continue;
    for (const card of cards) {
      if (place < (byCard.get(card) ?? -1)) problems.push(`the outcome of request ${number} overtook one of ${card}`);
      byCard.set(card, place);
    }
  }
  return problems;
}

async function wrongActionOutcomes({ db, wire }: Surroundings): Promise<string[]> {
  const actions = await db.query<{ subscription: string; id: string; revision: number }>(
    'select subscription_number as subscription, id, revision from crm_action',
  );
  const { first, problems } = firstArrivals(wire.arrivals.actionOutcomes);
  const places = new Map([...first.keys()].map((id, place) => [id, place]));
  for (const { subscription, id, revision } of actions) {
    if (revision === 0) problems.push(`action ${id} has no outcome`);
    for (let nth = 1, after = -1; nth <= revision; nth += 1) {
      const place = places.get(actionOutcomeEventId(subscription, id, nth));
      if (place === undefined) problems.push(`outcome ${nth} of action ${id} is lost`);
      else if (place < after) problems.push(`outcome ${nth} of action ${id} overtook the one before`);
      after = place ?? after;
    }
  }
  const wanted = actions.reduce((sum, { revision }) => sum + revision, 0);
  if (first.size !== wanted) problems.push(`${first.size} outcomes of actions instead of ${wanted}`);
  return problems;
}

/** The first arrival of each ce_id, in their order; and those that came again with another content. */
function firstArrivals<T>(arrivals: readonly Received<T>[]): { first: Map<string, Received<T>>; problems: string[] } {
  const first = new Map<string, Received<T>>();
  const problems: string[] = [];
  for (const arrival of arrivals) {
    const id = arrival.headers['ce_id'] ?? '';
    const known = first.get(id);
    if (known === undefined) first.set(id, arrival);
    else if (JSON.stringify(known) !== JSON.stringify(arrival)) problems.push(`${id} came again with another content`);
  }
  return { first, problems };
}

function wrongEntitlements({ finalSnapshots }: Pick<Workload, 'finalSnapshots'>, cards: Map<string, Card>): string[] {
  const expected = expectedEntitlements(finalSnapshots);
  const direct = (card: string): boolean => /^9[89]/.test(card);
  // What no last snapshot holds has to be dark.
  for (const card of cards.keys()) if (!expected.has(card) && !direct(card)) expected.set(card, []);
  return [...expected].flatMap(([card, crm]) => {
    const cas = (cards.get(card)?.entitlements ?? []).map((caId) => caId.replace(/^0+(?=.)/, '')).toSorted();
    return JSON.stringify(cas) === JSON.stringify(crm) ? [] : [`${card}: CAS ${cas.join()} CRM ${crm.join()}`];
  });
}

function wrongPairings({ finalSnapshots }: Pick<Workload, 'finalSnapshots'>, cards: Map<string, Card>): string[] {
  return [...expectedPairings(finalSnapshots)].flatMap(([card, stbs]) =>
    stbs
      .filter((stb) => cards.get(card)?.pairing?.setTopBoxes.includes(stb) !== true)
      .map((stb) => `${card} is not paired with ${stb}`),
  );
}

/** A message or fingerprint reached its screen at most once, and where it is COMPLETED, it did (P2). */
async function wrongScreens({ db }: Surroundings, journal: readonly Call[]): Promise<string[]> {
  const rows = await db.query<{ number: number; mark: string; state: string }>(`
    select number, life_cycle_state as state, coalesce(command ->> 'message', command ->> 'displayAt') as mark
      from request where type in (${ONCE})`);
  const shown = new Map<string, number>();
  for (const { parameters, effect } of journal) {
    const { message, displayAt } = parameters;
    const mark = message ?? (typeof displayAt === 'string' ? String(Date.parse(displayAt)) : undefined);
    if (effect && typeof mark === 'string') shown.set(mark, (shown.get(mark) ?? 0) + 1);
  }
  return rows.flatMap(({ number, mark, state }) => {
    const times = shown.get(mark) ?? 0;
    return times > 1 || (state === 'COMPLETED' && times !== 1)
      ? [`request ${number} ${state}: shown ${times} times`]
      : [];
  });
}

/** Nothing of the machinery is left over: a lane, a pin or a PIN without a request blocks or leaks. */
async function leftovers({ db }: Surroundings): Promise<string[]> {
  const [row] = await db.query<Record<string, number>>(`
    select (select count(*) from lane) as lanes, (select count(*) from lane_pin) as pins,
      (select count(*) from request_pin) as request_pins, (select count(*) from crm_action where unfinished <> 0) as actions`);
  return Object.entries(row ?? {}).flatMap(([what, count]) => (count === 0 ? [] : [`${count} ${what} are left`]));
}

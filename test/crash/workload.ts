import { setTimeout as pause } from 'node:timers/promises';
import type { Subscription } from '../../src/events/crm.generated.ts';
import type { Command, Device } from '../../src/planning/command.ts';
import type { Transaction } from '../../src/platform/database.ts';
import type { NewRequest } from '../../src/requests/new-request.ts';
import { submitRequests } from '../../src/requests/submit.ts';
import { createReplay } from '../../src/features/replay/record.ts';
import { messageKind } from '../../src/features/messages/message-kind.ts';
import { createRun } from '../../src/features/runs/store.ts';
import { planningRulesOf } from '../../src/settings.ts';
import { requestFor } from '../requests/support.ts';
import { avroRecord, carelesslyDelivered, type HistoryEvent, randomHistories } from '../support/histories.ts';
import { type Random, randomFrom } from '../support/random.ts';
import type { Surroundings } from '../support/world.ts';

/** Something to do for every part of the service, without end; and what has to come of it. */
export interface Workload {
  /**
   * Some CRM events, messages and fingerprints, scheduled requests, runs and schedules of runs, replays that send again, one
   * too large an outcome now and then, and faults of the CAS.
   */
  feed(events: number): Promise<void>;
  /** All events of the histories that were begun, and an end to the CAS's faults. */
  rest(): Promise<void>;
  /** The eventIds that were sent. */
  readonly sent: ReadonlySet<string>;
  readonly finalSnapshots: readonly Subscription[];
}

export interface WorkloadOptions {
  readonly seed: number;
  /** Two digits that tell the cards of several workloads in one database apart. */
  readonly prefix: string;
  /** Subscriptions of one set of histories; when all its events are sent, another one is begun. */
  readonly subscriptions: number;
  /** Faults that heal; none by default. */
  readonly faults?: boolean;
}

/** Faults after which the service gets there by itself, with what it sends of each kind. */
const FAULTS = ['http:503', 'status:SYSTEM_ERROR', 'cut-before', 'cut-after', 'hang-after', 'garbage'] as const;
const SPOILT = [
  'ADD_SUBSCRIPTIONS',
  'CANCEL_SUBSCRIPTIONS',
  'CREATE_PAIRING',
  'ADD_TO_EXISTING_PAIRING',
  'GET_PAIRING_STATUS_FOR_CARD',
  'SEND_MAIL_MESSAGE_TO_CLIENT',
  'SEND_BARK_MESSAGE_TO_CLIENT',
  'DISPLAY_FINGERPRINT',
  'UPDATE_CA_PIN_TO_DEFAULT_VALUE',
] as const;
const BY = { user: 'crash', unit: null };
/** STBs of a pairing whose outcome is larger than OUTCOME_BYTES_MAX. */
const MANY_STBS = 900;
/** The largest message that the outcome topic is to take. */
export const OUTCOME_BYTES_MAX = 20_000;
/** A CA id has no room for more. */
const PREFIX_DIGITS = 3;

export function createWorkload(world: Surroundings, options: WorkloadOptions): Workload {
  const random = randomFrom(options.seed);
  const sent = new Set<string>();
  const finalSnapshots: Subscription[] = [];
  let events: HistoryEvent[] = [];
  const heldBack: HistoryEvent[] = [];
  let sets = 0;
  let submitted = 0;

  function begin(): void {
    const { seed, prefix, subscriptions } = options;
    if (`${prefix}${sets}`.length > PREFIX_DIGITS) {
      throw new Error(`The workload is at its end after ${sets} sets of histories: give it more subscriptions.`);
    }
    const histories = randomHistories(seed + sets, { subscriptions, actions: 12, prefix: `${prefix}${sets}` });
    sets += 1;
    finalSnapshots.push(...histories.finalSnapshots);
    events = carelesslyDelivered(seed + sets, histories.events, { late: true });
  }

  async function send(count: number): Promise<void> {
    if (count === 0) return;
    const before = heldBack.splice(0);
    const now = [...before, ...events.splice(0, count).filter((event) => !isHeldBack(event))];
    await world.wire.send(
      now.map((event) => ({ key: event.subscription.number, message: { kind: 'event', event: avroRecord(event) } })),
    );
    for (const { eventId } of now) sent.add(eventId);
  }

  /** Some facets come so late that the action's outcome does not wait for them. */
  function isHeldBack(event: HistoryEvent): boolean {
    if ((event.action.facets ?? 1) === 1 || !random.chance(0.3)) return false;
    heldBack.push(event);
    return true;
  }

  function directRequests(): NewRequest[] {
    // Messages and fingerprints share few cards, so that some wait for each other.
    const card = device(`98${options.prefix}${String(random.int(30)).padStart(7, '0')}`);
    const requests = [message(random, card, next()), fingerprint(card, next())].map((command) =>
      requestFor(command, { priority: random.pick(['REGULAR', 'EXPRESS']), bulk: false }),
    );
    requests.push(requestFor({ type: 'UPDATE_CA_PIN_TO_DEFAULT_VALUE', smartcard: card }));
    // A scheduled request has a card of its own: its place among others depends on when it comes due.
    requests.push(
      requestFor(addTo(ownCard(next())), { scheduledAt: new Date(Date.now() + 300 + random.int(1_500)), bulk: true }),
    );
    if (random.chance(0.35)) requests.push(requestFor(hugePairing(device(ownCard(next())))));
    return requests;
  }

  function next(): number {
    submitted += 1;
    return submitted;
  }
  const ownCard = (number: number): string => `99${options.prefix}${String(number).padStart(7, '0')}`;

  /** A message run to one card, and a schedule that is due and makes another one; each with a text of its own. */
  async function direct(tx: Transaction): Promise<void> {
    await submitRequests(tx, directRequests());
    const [run, scheduled] = [bark(next()), bark(next())];
    await createRun(tx, { ...run, kind: messageKind, hold: false, by: BY }, { rules: planningRulesOf(world.settings) });
    await tx.query(
      `insert into schedule (name, kind, parameters, selection, cron, time_zone, next_at, created_by_user, updated_by_user)
       values ($1, 'MESSAGE', $2::jsonb, $3::jsonb, '0 0 1 1 *', 'UTC', now(), $4, $4)`,
      [
        scheduled.parameters.message,
        JSON.stringify(scheduled.parameters),
        JSON.stringify(scheduled.selection),
        BY.user,
      ],
    );
    await replay(tx);
  }

  /** Of one customer the events so far once more; leases of those that died are over, as they are in time. */
  async function replay(tx: Transaction): Promise<void> {
    await tx.query(`update replay set lease_until = now() where state = 'RUNNING'`);
    const customers = await tx.query<{ number: string }>('select number from subscription order by number');
    if (customers.length === 0) return;
    const source = { kind: 'inbox', from: null, to: null, disposition: null };
    const selection = { source, subscription: random.pick(customers).number, action: null, type: null };
    const asked = { ...selection, ranges: null, fingerprint: null, again: true };
    await createReplay(tx, { kind: 'EVENTS', selection: asked, reason: 'once more', by: BY }, null);
  }

  const bark = (number: number) => {
    const card = `97${options.prefix}${String(number).padStart(7, '0')}`;
    return { parameters: { type: 'BARK', message: `run to ${card}` }, selection: { cards: [card] } };
  };

  async function spoil(): Promise<void> {
    const rules = Array.from({ length: 3 }, () => ({
      match: { command: random.pick(SPOILT) },
      times: 1 + random.int(2),
      fault: random.pick(FAULTS),
    }));
    await world.simulator('POST', 'faults', { rules });
  }

  return {
    sent,
    finalSnapshots,
    async feed(count) {
      if (events.length === 0) begin();
      await send(count);
      await world.db.transaction(direct, { attempts: 1 });
      if (options.faults === true) await spoil();
    },
    async rest() {
      while (events.length + heldBack.length > 0) await send(500);
      await world.simulator('DELETE', 'faults');
    },
  };
}

function message(random: Random, smartcard: Device, number: number): Command {
  const text = {
    smartcard,
    message: `message ${smartcard.caId} ${number}`,
    startAt: Date.UTC(2026, 0, 1),
    queueNumber: null,
  };
  return random.chance(0.5)
    ? { type: 'SEND_MAIL_MESSAGE_TO_CLIENT', ...text }
    : { type: 'SEND_BARK_MESSAGE_TO_CLIENT', ...text, durationSeconds: 20 };
}

/** Each fingerprint has a time of its own, by which the journal tells it. */
function fingerprint(smartcard: Device, number: number): Command {
  const displayAt = Date.UTC(2026, 0, 1) + number * 1_000;
  return { type: 'DISPLAY_FINGERPRINT', smartcard, displayAt, durationSeconds: 5, x: 1, y: 2, height: 3, slot: 1 };
}

function addTo(smartcard: string): Command {
  return { type: 'ADD_SUBSCRIPTIONS', smartcard, service: { caId: '77', distributor: null } };
}

function hugePairing(smartcard: Device): Command {
  const setTopBoxes = Array.from({ length: MANY_STBS }, (_, index) =>
    device(`${smartcard.caId}-${String(index).padStart(18, '0')}`),
  );
  return { type: 'CREATE_PAIRING', smartcards: [smartcard], setTopBoxes };
}

function device(caId: string): Device {
  return { caId, distributor: null };
}

/** Everything was read, everything that follows from it is final, and every outcome is published or parked. */
export async function untilSettled(world: Surroundings, sent: ReadonlySet<string>, deadlineMs: number): Promise<void> {
  const end = performance.now() + deadlineMs;
  for (;;) {
    const [left] = await world.db.query<Record<'read' | 'work' | 'runs' | 'replays' | 'actions' | 'outbox', number>>(`
      select (select count(*) from inbox where disposition <> 'DUPLICATE' and event_id is not null) as read,
        (select count(*) from work) as work,
        (select count(*) from run where open) + (select count(*) from schedule where next_at <= now()) as runs,
        (select count(*) from replay where state = 'RUNNING') as replays,
        (select count(*) from crm_action where outcome_due_at is not null) as actions,
        (select count(*) from outbox where published_at is null and parked_reason is null) as outbox`);
    if (left?.read === sent.size && left.work + left.runs + left.replays + left.actions + left.outbox === 0) return;
    if (performance.now() > end) {
      const stuck = await world.db.query(`
        select r.number, r.type, w.waits, w.rank, w.ready_at, w.token, w.sent_at, w.doubt, w.attempts, w.retries, w.cards,
          now() from work w join request r using (number) order by r.number limit 20`);
      const attempts = await world.db.query(`
        select answer, code, http_status, left(max(description), 200) as description, count(*), avg(duration_ms)::int as ms
          from attempt where started_at > now() - interval '60 s' group by 1, 2, 3 order by count desc limit 10`);
      throw new Error(
        `Not settled within ${deadlineMs} ms: of ${sent.size} events ${JSON.stringify(left)}; attempts of the last minute: ${JSON.stringify(attempts)}; ${JSON.stringify(stuck)}`,
      );
    }
    await pause(50);
  }
}

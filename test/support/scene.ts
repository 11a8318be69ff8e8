import type {
  CommandType,
  CrmActionOutcome,
  ProvisioningRequestOutcome,
} from '../../src/outcomes/outcome.generated.ts';
import type { Received } from '../../dev/demo/wire.ts';
import { type CrmEvent, type CrmSubscription, events, type Facet, newSubscription } from '../../dev/demo/crm.ts';
import { asMessage } from '../../dev/demo/journey.ts';
import { subscribed } from '../../dev/demo/journeys/household.ts';
import type { Service } from '../../src/service.ts';
import type { JournalEntry, Surroundings } from './world.ts';

/** What the CRM put into Kafka for one action. */
export interface Action {
  readonly id: string;
  readonly events: readonly CrmEvent[];
}

/** Long enough for leases and sessions of a process that died to run out. */
const OUTCOME_DEADLINE_MS = 60_000;

/** A subscription with one card, one STB `STB-<card>` and services, effective and without distributors. */
export function household(number: string, card: string, serviceCaIds: readonly string[]): CrmSubscription {
  const subscription = newSubscription(number);
  subscribed(subscription, card, `STB-${card}`, serviceCaIds);
  return subscription;
}

/** One action of the subscription as it is now, all facets of it, as events that nobody has sent yet. */
export function action(subscription: CrmSubscription, ...facets: readonly Facet[]): Action {
  const made = events(subscription, facets);
  return { id: made[0]?.value.action.id ?? '', events: made };
}

/** Puts events into the CRM's topic, in this order. */
export async function send(
  { wire }: Surroundings,
  sent: readonly CrmEvent[],
  headers: Readonly<Record<string, string>> = {},
): Promise<void> {
  await wire.send(sent.map((event) => ({ key: event.value.subscription.number, message: asMessage(event), headers })));
}

/** One action of the subscription as it is now: all its events are in Kafka when this resolves. */
export async function act(
  world: Surroundings,
  subscription: CrmSubscription,
  ...facets: readonly Facet[]
): Promise<Action> {
  const made = action(subscription, ...facets);
  await send(world, made.events);
  return made;
}

/** The action's outcome as it comes out of Kafka: its first, or its `nth`. */
export function outcomeOf(world: Surroundings, { id }: Action, nth = 1): Promise<Received<CrmActionOutcome>> {
  return world.wire.until(
    ({ actionOutcomes }) => actionOutcomes.filter(({ value }) => value.actionId === id)[nth - 1],
    `outcome ${nth} of action ${id}`,
    OUTCOME_DEADLINE_MS,
  );
}

/** The outcomes of the action's requests, in the order of their numbers. The topics are read side by side: this waits for all. */
export async function requestsOf(world: Surroundings, made: Action): Promise<string[]> {
  const { requests } = (await outcomeOf(world, made)).value;
  const told = await Promise.all(
    requests.map(({ requestNumber }) =>
      world.wire.until(
        ({ requestOutcomes }) => requestOutcomes.find(({ value }) => value.requestNumber === requestNumber),
        `the outcome of request ${requestNumber}`,
        OUTCOME_DEADLINE_MS,
      ),
    ),
  );
  return told
    .map(({ value }) => value)
    .toSorted((one, other) => one.requestNumber - other.requestNumber)
    .map(({ type, outcome, errorCode }) => [type, outcome, errorCode].filter((word) => word !== null).join(' '));
}

/** The outcome of the action's first request of this kind. It comes on another topic than the action's own. */
export async function requestOutcome(
  world: Surroundings,
  made: Action,
  type: CommandType,
): Promise<ProvisioningRequestOutcome> {
  const found = await world.wire.until(
    ({ requestOutcomes }) => requestOutcomes.find(({ value }) => value.actionId === made.id && value.type === type),
    `an outcome of a ${type} of action ${made.id}`,
    OUTCOME_DEADLINE_MS,
  );
  return found.value;
}

/** Calls as short texts: `ADD_SUBSCRIPTIONS 1001 OK effect`; `-` where no answer went out. */
export function callTexts(calls: readonly JournalEntry[]): string[] {
  return calls.map(({ command, parameters, statusCode, effect }) =>
    [command, parameters.serviceCaId, statusCode ?? '-', effect ? 'effect' : undefined]
      .filter((word) => word !== undefined)
      .join(' '),
  );
}

/** Every call that named the card, in the order in which the CAS got them. */
export async function callsOf(world: Surroundings, card: string): Promise<JournalEntry[]> {
  return (await world.journal()).filter(({ parameters }) => cardsOf(parameters).includes(card));
}

/** The smart cards that a call names. */
export function cardsOf({ smartcard, existingSmartcard, smartcards }: JournalEntry['parameters']): string[] {
  return [smartcard, existingSmartcard, smartcards].flatMap((named) => named ?? []);
}

/** A rule for POST /simulator/faults. */
export interface Fault {
  readonly match: {
    readonly command?: string;
    readonly smartcard?: string;
    readonly serviceCaId?: string;
  };
  readonly times: number | null;
  readonly fault: string;
}

/** Lets the CAS misbehave. */
export async function spoil(world: Surroundings, ...rules: readonly Fault[]): Promise<void> {
  await world.simulator('POST', 'faults', rules);
}

/** What the service tells Prometheus: each sample by its name and labels, as they are written. */
export async function metricsOf({ url }: Service): Promise<Map<string, number>> {
  const text = await (await fetch(`${url}/metrics`)).text();
  return new Map([...text.matchAll(/^(\w+(?:\{.*\})?) (\S+)$/gm)].map(([, name = '', value]) => [name, Number(value)]));
}

/** Polls until `probe` gives something; no fixed sleeps in tests. */
export async function eventually<T>(
  probe: () => Promise<T | undefined> | T | undefined,
  what: string,
  deadlineMs = 20_000,
): Promise<T> {
  const end = performance.now() + deadlineMs;
  for (;;) {
    const found = await probe();
    if (found !== undefined) return found;
    if (performance.now() > end) throw new Error(`Not seen within ${deadlineMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

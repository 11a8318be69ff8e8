import { afterAll, beforeAll, expect, test } from 'vitest';
import type { CrmEvent } from '../../dev/demo/crm.ts';
import { type Action, action, household, outcomeOf, send } from '../support/scene.ts';
import { startWorld, type World } from '../support/world.ts';

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world.close());

/** Ends of CDATA and comments, markup, an entity, controls that XML forbids, line ends, no character, right to left. */
const HOSTILE = ']]>--><x a="\'">&lt;&nope; \u0001\u0008\u000b\u001b[2J\u001f\u007f\u0085\u2028\ufffe\u202e\r\n\t';
/** What PostgreSQL cannot store in a text. */
const NUL = 'nul \u0000';

/** Not texts but symbols: no writer of the schema gets others into a message. */
const SYMBOLS = new Set(['type', 'state', 'kind']);

const CARD = 'subscription.installedItems[0].caId';

let counter = 0;

/** A new household's first action, all its texts different, with every text that may be missing there. */
function first(): Action {
  counter += 1;
  const number = String(counter).padStart(5, '0');
  const subscription = household(`S${number}`, `55${number.padStart(9, '0')}`, [`1${number}`]);
  for (const [index, service] of subscription.services.entries()) {
    Object.assign(service, { productAlternativeCode: `product code ${index}` });
  }
  for (const [index, item] of subscription.installedItems.entries()) {
    Object.assign(item, { alternativeCode: `item code ${index}` });
  }
  const made = action(subscription, { action: 'S:BECOME_SUBSCRIBER' });
  for (const { value } of made.events) Object.assign(value.action, { transactionReference: `reference ${number}` });
  return made;
}

/** Each text of the event, by its place. */
function textsOf(value: unknown, place = ''): [place: string, text: string][] {
  if (typeof value === 'string') return [[place, value]];
  if (Array.isArray(value)) return value.flatMap((one, index) => textsOf(one, `${place}[${index}]`));
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value)
    .filter(([name]) => !SYMBOLS.has(name))
    .flatMap(([name, one]) => textsOf(one, place === '' ? name : `${place}.${name}`));
}

const PLACES = textsOf(first().events[0]?.value).map(([place]) => place);

/** The event with another text at that place, and wherever else the same text stands. */
function spoilt(event: CrmEvent, place: string, text: string): CrmEvent {
  const before = new Map(textsOf(event.value)).get(place);
  const value = JSON.parse(
    JSON.stringify(event.value, (name, one: unknown) => (one === before && !SYMBOLS.has(name) ? text : one)),
  ) as CrmEvent['value'];
  return { ...event, value };
}

interface Sent {
  readonly place: string;
  readonly bad: readonly CrmEvent[];
}

/** Sends, for each text of an event, one with that text spoilt and a good one after it; all good ones are done then. */
async function sendAll(text: string): Promise<Sent[]> {
  const pairs = PLACES.map((place) => {
    const [bad, good] = [first(), first()];
    return { place, bad: bad.events.map((event) => spoilt(event, place, `${text}${place} ${counter}`)), good };
  });
  await send(
    world,
    pairs.flatMap(({ bad, good }) => [...bad, ...good.events]),
  );
  for (const { good } of pairs) expect((await outcomeOf(world, good)).value.outcome).toBe('PROVISIONED');
  return pairs;
}

test('control characters and ends of CDATA in any text of an event stop nothing, and no CA id with them is sent', async () => {
  expect(PLACES.length).toBeGreaterThan(15);
  for (const { place, bad } of await sendAll(HOSTILE)) {
    const [event] = bad;
    const { value } = await outcomeOf(world, { id: event?.value.action.id ?? '', events: bad });
    const [row] = await world.db.query<{ disposition: string; event: unknown }>(
      'select disposition, event from inbox where event_id = $1',
      [event?.value.eventId],
    );
    // Without a card there is nobody to send anything to.
    expect([place, row?.disposition]).toEqual([place, place === CARD ? 'NOTHING_TO_DO' : 'PLANNED']);
    expect(textsOf(row?.event).map(([, text]) => text)).toEqual(
      expect.arrayContaining(textsOf(event?.value).map(([, text]) => text)),
    );
    expect([value.actionNumber, value.subscriptionNumber]).toEqual([
      event?.value.action.number,
      event?.value.subscription.number,
    ]);
  }
  const journal = await world.journal();
  expect(journal.every(({ statusCode }) => statusCode === 'OK')).toBe(true);
  expect(JSON.stringify(journal)).not.toContain(']]>');
});

test('U+0000, which PostgreSQL cannot keep, in any text of an event makes a dead letter of that one alone', async () => {
  await sendAll(NUL);
  const letters = await world.wire.until(
    ({ deadLetters }) => (deadLetters.length >= PLACES.length ? deadLetters : undefined),
    'a dead letter for each',
    20_000,
  );
  expect(letters.map(({ headers }) => headers['dead-letter-reason'])).toEqual(PLACES.map(() => 'PROCESSING_FAILED'));
});

import { z } from 'zod';
import { text } from '../../http/input-kinds.ts';
import { limit, moment, wholeNumber } from '../../operations/fields.ts';
import { type Feature, operation } from '../../operations/operation.ts';
import { type Column, table } from '../../platform/terminal-text.ts';
import { commandFields, showCommand } from '../runs/shown-command.ts';
import { discardEvent, inCodes, noEvent, previewRelease, releaseEvent } from './decide.ts';
import { type ShownEvent, shownEvent, showEvent } from './show.ts';
import { listEvents } from './list.ts';
import { showWithheld, withheldCommand } from './made.ts';
import { dispositions } from '../../intake/fold.ts';
import { listWaiting, type StoredEvent, storedEvent } from './stored.ts';

const ID_MAX = 999_999_999_999_999;
const PAGE_MAX = 1_000;

const id = wholeNumber(1, ID_MAX, 'The number that `events held` and `events dead-letters` show first');
const reason = text(1_000).trim().min(1, 'give the reason').describe('Why, for the trail.');

const schemaNumber = wholeNumber(1, 2 ** 31 - 1, 'Reads a dead letter with this schema of the registry').optional();

const page = {
  card: text(100).optional().describe('Only messages about this smart card, or of subscriptions that hold or held it.'),
  subscription: text(500).optional().describe('Only messages of the subscription with this number.'),
  since: moment('Only messages received from then on').optional(),
  until: moment('Only messages received before').optional(),
  after: wholeNumber(0, ID_MAX, 'Starts after this id, the last one of the page before').default(0),
};

/** `events`: late events that are held, and dead letters, which wait for a person. */
export const waitingEvents: Feature = {
  name: 'events',
  summary: 'Shows late events that are held (STALE_POLICY=hold) and dead letters, and decides about them.',
  operations: [
    operation({
      name: 'events.held',
      summary: 'List late events that wait for a person',
      description: 'The oldest first. There are none unless STALE_POLICY is hold.',
      role: 'viewer',
      route: 'GET /held_events',
      input: z.strictObject({ ...page, limit: wholeNumber(1, PAGE_MAX, 'How many').default(PAGE_MAX) }),
      output: z
        .strictObject({ held_events: z.array(storedEvent) })
        .meta({ id: 'HeldEvents', description: 'Late events that are held.' }),
      example: { subscription: 'S0000000329' },
      cli: { empty: 'No event is held.', text: (output) => table(HELD_COLUMNS, output.held_events) },
      handle: async ({ db }, asked) => ({ held_events: await listWaiting(db, 'STALE', asked) }),
    }),
    operation({
      name: 'events.dead-letters',
      summary: 'List messages of the CRM that could not be processed',
      description: 'Those that nobody has decided about, the oldest first.',
      role: 'viewer',
      route: 'GET /dead_letters',
      input: z.strictObject({
        ...page,
        code: text(60).optional().describe('Only dead letters with this reason: docs/errors-intake.md'),
        all: z.boolean('give true or false').default(false).describe('Also those that were discarded.'),
        limit: wholeNumber(1, PAGE_MAX, 'How many').default(100),
      }),
      output: z
        .strictObject({ dead_letters: z.array(storedEvent) })
        .meta({ id: 'DeadLetters', description: 'Messages that could not be processed.' }),
      example: { code: 'NOT_AVRO' },
      cli: {
        empty: 'There are no such dead letters.',
        text: (output) => table(DEAD_LETTER_COLUMNS, output.dead_letters, 200),
      },
      handle: async ({ db }, asked) => ({ dead_letters: await listWaiting(db, 'DEAD_LETTERED', asked) }),
    }),
    operation({
      name: 'events.list',
      summary: 'List messages of the CRM, whatever became of them',
      description:
        'The newest first. A card or a subscription finds no duplicates, which are not read far enough to know it.',
      role: 'viewer',
      route: 'GET /events',
      input: z.strictObject({
        disposition: z
          .enum(dispositions, `give one of ${dispositions.join(', ')}`)
          .optional()
          .describe('Only messages of which this became.'),
        card: text(100).optional().describe('Only messages of subscriptions that hold or held this smart card.'),
        subscription: page.subscription,
        since: page.since,
        until: page.until,
        before: wholeNumber(1, ID_MAX, 'Only messages before this id, `next` of the page before').optional(),
        limit: limit(),
      }),
      output: z
        .strictObject({
          events: z.array(storedEvent),
          next: z
            .int()
            .nullable()
            .describe('`before` of the next page, which may follow a page that is not full; null after the last one.'),
        })
        .meta({ id: 'StoredEvents', description: 'A page of messages of the CRM.' }),
      example: { subscription: 'S0000000329' },
      cli: {
        empty: 'There are no such messages.',
        text: ({ events, next }) =>
          table(EVENT_TABLE, events) + (next === null ? '' : `\nThere may be more: --before ${next}`),
      },
      async handle({ db }, asked) {
        const { events, next } = await listEvents(db, asked);
        return { events: [...events], next };
      },
    }),
    operation({
      name: 'events.show',
      summary: 'Show one message of the CRM',
      description: 'Its event. A dead letter is decoded as far as possible; its bytes follow in hexadecimal.',
      role: 'viewer',
      route: 'GET /events/{id}',
      input: z.strictObject({ id }),
      output: shownEvent,
      example: { id: 17 },
      cli: { arguments: ['id'], text: shownText, settings: () => ['kafka'] },
      async handle({ db, findWriterSchema }, given) {
        const found = await inCodes(() => showEvent(db, given.id, findWriterSchema));
        if (found === null) throw noEvent(given.id);
        return found;
      },
    }),
    operation({
      name: 'events.preview',
      summary: 'Show what would be sent if an event that waits were released',
      description: 'As it would be planned now; nothing is stored or sent.',
      role: 'viewer',
      route: 'GET /events/{id}/preview',
      input: z.strictObject({ id, schema_id: schemaNumber }),
      output: z
        .strictObject({
          commands: z.array(z.strictObject(commandFields)).describe('In the order of sending.'),
          withheld: z.array(withheldCommand).describe('Commands that would not be sent, and why.'),
        })
        .meta({ id: 'ReleasePreview', description: 'What a release would send.' }),
      example: { id: 17 },
      cli: { arguments: ['id'], options: { schema_id: 'schema' }, settings: () => ['kafka'] },
      async handle(context, { id: waiting, schema_id: schemaId = null }) {
        const { commands, withheld } = await previewRelease(context, { id: waiting, schemaId });
        return { commands: commands.map(showCommand), withheld: withheld.map(showWithheld) };
      },
    }),
    operation({
      name: 'events.release',
      summary: 'Process an event that waits after all',
      description:
        'A held event, or a dead letter whose cause is fixed. It undoes nothing that is newer: it is planned like any late event.',
      role: 'operator',
      route: 'POST /events/{id}/release',
      input: z.strictObject({
        id,
        reason: reason.optional(),
        schema_id: schemaNumber,
      }),
      output: storedEvent,
      example: { id: 17, reason: 'the schema is registered now' },
      cli: {
        arguments: ['id'],
        options: { schema_id: 'schema' },
        text: (event) => `event ${event.id} is released: ${event.disposition}`,
      },
      handle: (context, { id: released, reason: why = null, schema_id: schemaId = null }) =>
        releaseEvent(context, { id: released, reason: why, schemaId }),
    }),
    operation({
      name: 'events.discard',
      summary: 'Give up an event that waits',
      description: 'Nothing is sent for it, and the trail shows who decided so and why.',
      role: 'operator',
      route: 'POST /events/{id}/discard',
      input: z.strictObject({ id, reason }),
      output: storedEvent,
      example: { id: 17, reason: 'a test of the CRM' },
      cli: { arguments: ['id'], text: (event) => `event ${event.id} is discarded` },
      handle: discardEvent,
    }),
  ],
};

const DEAD_LETTER_COLUMNS: readonly Column<StoredEvent>[] = [
  ['id', (letter) => letter.id],
  ['received', ({ received_date: received }) => received],
  ['topic/partition/offset', ({ topic, partition, offset }) => `${topic}/${partition}/${offset}`],
  ['subscription', ({ subscription_number: subscription }) => subscription],
  ['reason', (letter) => letter.reason],
  ['decided', ({ resolution }) => resolution],
  ['detail', ({ detail }) => detail],
];

const EVENT_TABLE: readonly Column<StoredEvent>[] = [
  ['id', (event) => event.id],
  ['received', ({ received_date: received }) => received],
  ['disposition', ({ disposition }) => disposition],
  ['subscription', ({ subscription_number: subscription }) => subscription],
  ['version', ({ version }) => version],
  ['type', ({ type }) => type],
  ['topic/partition/offset', ({ topic, partition, offset }) => `${topic}/${partition}/${offset}`],
];

const HELD_COLUMNS: readonly Column<StoredEvent>[] = [
  ['id', (event) => event.id],
  ['received', ({ received_date: received }) => received],
  ['subscription', ({ subscription_number: subscription }) => subscription],
  ['version', ({ version }) => version],
  ['family', ({ family }) => family],
  ['type', ({ type }) => type],
  ['action', ({ action_id: action }) => action],
  ['event', ({ event_id: event }) => event],
];

const REQUEST_TABLE: readonly Column<ShownEvent['requests'][number]>[] = [
  ['number', ({ number }) => number],
  ['type', ({ type }) => type],
  ['cards', ({ smartcard_ca_ids: cards }) => cards.join(' ')],
  ['state', ({ life_cycle_state: state }) => state],
  ['error', ({ error_code: error }) => error],
];

/** One message for a terminal: what is known of it, its event, and of a dead letter its bytes. */
function shownText({ event, message, requests, withheld, ...stored }: ShownEvent): string {
  const parts = [fields(stored)];
  if (requests.length > 0) parts.push('Requests', indented(table(REQUEST_TABLE, requests).trimEnd()));
  for (const { type, reason: why, detail } of withheld) parts.push(`Withheld ${type}: ${why}. ${detail}`);
  if (event !== null) parts.push('Event', indented(JSON.stringify(event, null, 2)));
  if (message === null) {
    if (stored.disposition === 'DEAD_LETTERED') parts.push('Its bytes are not kept any more.');
    return parts.join('\n');
  }
  const { cause, decoded, hex, ...rest } = message;
  parts.push('Message', fields(rest));
  parts.push(
    cause === null
      ? 'It can be read now: release it.'
      : `It still cannot be processed: ${cause.reason}: ${cause.detail}`,
  );
  if (event === null && decoded !== null) {
    const { stopped_at: stoppedAt, left, value } = decoded;
    const end = stoppedAt === null ? `whole; ${left} bytes are left over` : `up to ${stoppedAt}`;
    parts.push(`Decoded ${end}`, indented(JSON.stringify(value, null, 2)));
  }
  parts.push('Bytes', indented(hex.join('\n')));
  return parts.join('\n');
}

function fields(row: object): string {
  const given = Object.entries(row).filter(([, value]) => value !== null);
  const width = Math.max(0, ...given.map(([name]) => name.length));
  const shown = (value: unknown) => (typeof value === 'string' ? value : JSON.stringify(value));
  return given.map(([name, value]) => `  ${name.padEnd(width)}  ${shown(value)}`).join('\n');
}

function indented(lines: string): string {
  return lines.replace(/^/gm, '  ');
}

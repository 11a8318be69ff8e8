import { z } from 'zod';
import { DeadLetterError } from '../intake/release-dead-letter.ts';
import { NotHeldError } from '../intake/stale.ts';
import { type HeldEvent, heldEvents } from '../features/waiting-events/held.ts';
import { OperationError } from '../http/operation-error.ts';
import { discardEvent, releaseEvent, type WaitingEventsOptions } from '../features/waiting-events/decide.ts';
import { plan } from '../planning/plan.ts';
import { SchemaRegistryUnavailableError } from '../platform/schema-registry.ts';
import { type ShownEvent, showEvent } from '../features/waiting-events/show.ts';
import { deadLetters, storedEvent, type StoredEvent } from '../features/waiting-events/stored.ts';
import { type Call, call } from '../http/calls.ts';
import { formatDate } from '../http/dates.ts';
import { success, successSchema } from '../http/envelope.ts';
import { integer, text } from '../http/input-kinds.ts';
import { wholeNumber } from '../operations/fields.ts';
import { actorOf } from './actor.ts';
import type { OperationsParts } from './parts.ts';
import { ID_MAX, identified, shownDate } from './shapes.ts';

const PAGE_MAX = 1_000;

const deadLetterFields = {
  id: z.int(),
  received_date: shownDate(),
  topic: z.string(),
  partition: z.int(),
  offset: z.int(),
  reason: z.string(),
  detail: z.string(),
  subscription_number: z.string().nullable(),
  event_id: z.string().nullable(),
  resolution: z.string().nullable().describe('What a person decided.'),
};

const deadLetterView = z
  .strictObject(deadLetterFields)
  .meta({ id: 'DeadLetter', description: 'A message of the CRM that could not be processed.' });

const heldView = z
  .strictObject({
    id: z.int(),
    received_date: shownDate(),
    subscription_number: z.string(),
    version: z.int(),
    family: z.string(),
    type: z.string(),
    action_id: z.string(),
    event_id: z.string(),
  })
  .meta({ id: 'HeldEvent', description: 'A late event that waits for a person (STALE_POLICY=hold).' });

const eventView = z
  .strictObject({
    ...deadLetterFields,
    disposition: z.enum(['PLANNED', 'NOTHING_TO_DO', 'DUPLICATE', 'STALE', 'DEAD_LETTERED']),
    reason: z.string().nullable(),
    detail: z.string().nullable(),
    version: z.int().nullable(),
    family: z.string().nullable(),
    type: z.string().nullable(),
    action_id: z.string().nullable(),
    resolved_date: shownDate().nullable(),
    event: z.unknown().describe('The decoded event; null where it cannot be decoded.'),
    message: z
      .strictObject({
        key: z.string().nullable(),
        headers: z.record(z.string(), z.string()),
        bytes: z.int(),
        schema_id: z.int().nullable(),
        cause: z
          .strictObject({ reason: z.string(), detail: z.string() })
          .nullable()
          .describe('Why it cannot be read now; null where it can, as the cause may be mended since.'),
        decoded: z.unknown().describe('As far as the schema that it names reads it, and where that ends.'),
        hex: z.array(z.string()),
      })
      .nullable()
      .describe('Of a dead letter whose bytes are still there.'),
  })
  .meta({ id: 'CrmEvent', description: 'A message of the CRM, with all that can be told of it.' });

const decided = z
  .strictObject({ id: z.int(), disposition: z.string(), resolution: z.string().nullable() })
  .meta({ id: 'DecidedEvent', description: 'What became of an event that waited.' });

/** Events that wait for a person in the operations API: late ones that are held, and dead letters. */
export function eventCalls(parts: OperationsParts): Call[] {
  const { db, rules, facetWaitMs, findWriterSchema } = parts;
  const options: WaitingEventsOptions = { plan, rules, facetWaitMs, findWriterSchema };
  const common = { tag: 'events', params: identified };
  const shown = async (id: number): Promise<ShownEvent> => {
    const found = await told(() => showEvent(db, id, findWriterSchema));
    if (!found) throw notFound(id);
    return found;
  };
  /** Without the message's bytes, for which the registry may have to be asked. */
  const stored = async (id: number): Promise<z.output<typeof decided>> => {
    const found = await storedEvent(db, id);
    if (!found) throw notFound(id);
    return { id, disposition: found.disposition, resolution: found.resolution };
  };
  return [
    call({
      name: 'listDeadLetters',
      method: 'GET',
      paths: ['/dead_letters'],
      access: 'reader',
      tag: 'events',
      summary: 'Messages of the CRM that could not be processed',
      description: 'Those that nobody has decided about, the oldest first.',
      input: z.strictObject({
        after: integer(0, ID_MAX).optional().describe('Goes on behind this one.'),
        number_of_results: integer(1, PAGE_MAX).optional().describe('Default 100.'),
      }),
      output: successSchema(z.strictObject({ dead_letters: z.array(deadLetterView) })),
      async handle({ input: { after = 0, number_of_results: limit = 100 } }) {
        return success({ dead_letters: (await deadLetters(db, { all: false, after, limit })).map(letterOf) });
      },
    }),
    call({
      name: 'listHeldEvents',
      method: 'GET',
      paths: ['/held_events'],
      access: 'reader',
      tag: 'events',
      summary: 'Late events that wait for a person',
      description: 'The oldest first, at most 1,000. There are none unless STALE_POLICY is hold.',
      input: z.strictObject({}),
      output: successSchema(z.strictObject({ held_events: z.array(heldView) })),
      handle: async () => success({ held_events: (await heldEvents(db)).map(heldOf) }),
    }),
    call({
      ...common,
      name: 'showEvent',
      method: 'GET',
      paths: ['/events/:id'],
      access: 'reader',
      summary: 'One message of the CRM',
      description: 'A dead letter is decoded as far as possible, its bytes in hex beside.',
      input: z.strictObject({}),
      output: successSchema(eventView),
      handle: async ({ params }) => success(eventOf(await shown(params.id))),
    }),
    call({
      ...common,
      name: 'releaseEvent',
      method: 'POST',
      paths: ['/events/:id/release'],
      access: 'writer',
      summary: 'Process an event that waits after all',
      description:
        'A held event, or a dead letter once the cause is mended. It undoes nothing that is newer: it is planned like any late event.',
      input: z.strictObject({
        reason: text(1_000).trim().min(1, 'say why').describe('Why, for the trail.'),
        schema_id: wholeNumber(1, 2 ** 31 - 1, 'Reads a dead letter with this schema of the registry').optional(),
      }),
      output: successSchema(decided),
      async handle(asked) {
        const { reason, schema_id: schemaId = null } = asked.input;
        await stored(asked.params.id);
        const decision = { inboxId: asked.params.id, by: actorOf(asked).user, reason, schemaId };
        await told(() => releaseEvent(db, decision, options));
        return success(await stored(asked.params.id));
      },
    }),
    call({
      ...common,
      name: 'discardEvent',
      method: 'POST',
      paths: ['/events/:id/discard', '/dead_letters/:id/discard'],
      access: 'writer',
      summary: 'Give up an event that waits',
      description: 'Nothing will become of it, and the trail says who decided so and why.',
      input: z.strictObject({ reason: text(1_000).trim().min(1, 'say why').describe('Why, for the trail.') }),
      output: successSchema(decided),
      async handle(asked) {
        await stored(asked.params.id);
        const decision = { inboxId: asked.params.id, by: actorOf(asked).user, reason: asked.input.reason };
        await told(() => discardEvent(db, decision, options));
        return success(await stored(asked.params.id));
      },
    }),
  ];

  /** Says what is wrong in the codes of the API. */
  async function told<T>(decide: () => Promise<T>): Promise<T> {
    try {
      return await decide();
    } catch (error) {
      if (error instanceof NotHeldError || error instanceof DeadLetterError) {
        throw new OperationError('EVENT_NOT_WAITING', 'id', error.message);
      }
      if (error instanceof SchemaRegistryUnavailableError) {
        throw new OperationError('SCHEMA_REGISTRY_UNAVAILABLE', null, error.message);
      }
      throw error;
    }
  }
}

function notFound(id: number): OperationError {
  return new OperationError('EVENT_NOT_FOUND', 'id', `there is no event ${id}`);
}

function letterOf(letter: StoredEvent): z.output<typeof deadLetterView> {
  return {
    id: letter.id,
    received_date: formatDate(letter.receivedAt),
    topic: letter.topic,
    partition: letter.partition,
    offset: letter.offset,
    reason: letter.reason ?? '',
    detail: letter.detail ?? '',
    subscription_number: letter.subscriptionNumber,
    event_id: letter.eventId,
    resolution: letter.resolution,
  };
}

function eventOf({ message, event, ...stored }: ShownEvent): z.output<typeof eventView> {
  return {
    ...letterOf(stored),
    disposition: stored.disposition,
    reason: stored.reason,
    detail: stored.detail,
    version: stored.version,
    family: stored.family,
    type: stored.type,
    action_id: stored.actionId,
    resolved_date: stored.resolvedAt === null ? null : formatDate(stored.resolvedAt),
    event,
    message:
      message === null
        ? null
        : {
            key: message.key,
            headers: { ...message.headers },
            bytes: message.bytes,
            schema_id: message.schemaId,
            cause: message.cause,
            decoded: message.decoded,
            hex: [...message.hex],
          },
  };
}

function heldOf(held: HeldEvent): z.output<typeof heldView> {
  return {
    id: held.id,
    received_date: formatDate(held.receivedAt),
    subscription_number: held.subscriptionNumber,
    version: held.version,
    family: held.family,
    type: held.type,
    action_id: held.actionId,
    event_id: held.eventId,
  };
}

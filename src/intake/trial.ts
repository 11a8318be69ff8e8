import { randomUUID } from 'node:crypto';
import type { ActionEvent } from '../events/action-event.ts';
import type { EventDecoder } from '../events/decode.ts';
import { messageOf } from '../platform/errors.ts';
import { TooManyCommandsError } from '../planning/size.ts';
import { DISPATCH_CHANNEL } from '../requests/request-class.ts';
import { type Applied, type ApplyOptions, applyChunk, applyInTransaction } from './apply.ts';
import { chunksOf } from './chunks.ts';
import type { Steps } from './experiment.ts';
import { bareMessage, type IncomingMessage, type ReadMessage } from './message.ts';
import { isCertainOutage, isTimeOut } from './outage.ts';
import { shortened } from './read.ts';

export interface TrialOptions extends ApplyOptions {
  readonly decoder: Pick<EventDecoder, 'control'>;
  /**
   * Called after each commit.
   * @returns false if reading must stop here.
   */
  readonly onApplied: (chunk: readonly ReadMessage[], applied: Applied) => Promise<boolean>;
  /** Called for an alert when processing a message failed, before the message is dead-lettered. */
  readonly onFailure: (read: ReadMessage, error: unknown) => void;
}

/** Messages of a partition in another form, and how to read them. */
export interface Source<M> {
  readonly topic: string;
  readonly partition: number;
  offsetOf(message: M): number;
  /** May throw for a hostile message. */
  incoming(message: M): IncomingMessage;
  /** May throw for a hostile message. @throws SchemaRegistryUnavailableError */
  read(messages: readonly M[]): Promise<ReadMessage[]>;
}

/**
 * Returns the steps of the experiment for messages of a partition: reading and storing them, the control, and the dead
 * letter. Everything that a message can make fail is inside `attempt`.
 */
export function trialOf<M>(source: Source<M>, options: TrialOptions): Steps<M> {
  return {
    isOutage: isCertainOutage,
    isTimeOut,
    async attempt(messages, stored) {
      for (const chunk of chunksOf(await source.read(messages))) {
        const applied = await applyChunk(chunk, options);
        stored(chunk.length);
        if (!(await options.onApplied(chunk, applied))) return false;
      }
      return true;
    },
    control: () => runControl(source, options),
    bury: (message, error) => bury(source, message, error, options),
  };
}

/**
 * Does with messages of our own what intake does with those of the CRM: decodes, plans and stores them. It commits with
 * a NOTIFY and a write to the offset's row. The messages write to every table that intake writes to, and are undone
 * before the commit.
 * @throws errors that no message causes.
 */
async function runControl<M>({ topic, partition }: Source<M>, options: TrialOptions): Promise<void> {
  const control: ApplyOptions = {
    ...options,
    consumerGroup: null,
    // The control must make its request, whatever patterns the installation has.
    rules: { ...options.rules, smartcardPattern: /^/, setTopBoxPattern: /^/, servicePattern: /^/ },
  };
  await options.database.transaction(async (tx) => {
    const undo = tx.savepoint();
    const messages = ownMessages(topic, partition, options.decoder.control());
    // A chunk of its own, because a card that comes and leaves in one chunk is written to no row.
    const before = await applyInTransaction(tx, messages.slice(0, 1), control);
    const after = await applyInTransaction(tx, messages.slice(1), control);
    await tx.settled();
    await undo();
    const found = [...before.decisions, ...after.decisions].map(({ disposition }) => disposition).join(', ');
    if (found !== OWN_DISPOSITIONS) throw new Error(`The control came to ${found}, not to ${OWN_DISPOSITIONS}`);
    await tx.query(`select pg_notify($1, 'bulk')`, [DISPATCH_CHANNEL]);
    await tx.query(
      `update consumer_offset set next_offset = next_offset where consumer_group = $1 and topic = $2 and partition = $3`,
      [options.consumerGroup, topic, partition],
    );
  });
}

/** The expected dispositions of `ownMessages`. */
const OWN_DISPOSITIONS = 'PLANNED, PLANNED, NOTHING_TO_DO, DEAD_LETTERED';

/**
 * Makes the control's messages. A service is added to a card, and the card leaves. The service is added without a card,
 * which is withheld and makes its action's outcome due. One message cannot be read. Subscription, card and ids are the
 * control's own, so it waits for nobody's locks. Its offsets do not exist in Kafka.
 */
function ownMessages(topic: string, partition: number, control: ActionEvent): ReadMessage[] {
  const id = `control ${randomUUID()}`;
  const { installedItems: items, ...subscription } = control.subscription;
  const card = items.map((item) => ({ ...item, caId: id.slice(0, 30) }));
  const version = (number: number, installedItems: typeof items): ActionEvent => ({
    ...control,
    eventId: `${id} ${number}`,
    action: { ...control.action, id: `${id} ${number}` },
    subscription: { ...subscription, id, number: id, version: number, installedItems },
  });
  const removal: ActionEvent = {
    ...version(2, []),
    family: 'INSTALLED_ITEM',
    type: 'REMOVE_INSTALLED_ITEM',
    incomingInstalledItems: [],
    removedInstalledItems: card,
  };
  const events = [version(1, card), removal, version(3, []), null];
  return events.map((event, index) => ({
    message: { ...bareMessage(topic, partition, -1 - index), key: Buffer.from(id) },
    event,
    cause: event === null ? { reason: 'UNREADABLE', detail: 'an event of our own' } : null,
  }));
}

/**
 * Dead-letters a message as completely as it can be stored, in the end only with its position.
 * @throws an outage; otherwise the error of the barest form, which means that dead letters cannot be stored at all.
 */
async function bury<M>(source: Source<M>, message: M, error: unknown, options: TrialOptions): Promise<void> {
  const forms = formsOf(await readAgain(source, message), error);
  options.onFailure(forms[0], error);
  for (const [index, form] of forms.entries()) {
    try {
      const applied = await applyChunk([form], options);
      await options.onApplied([form], applied);
      return;
    } catch (refusal) {
      if (isCertainOutage(refusal) || index === forms.length - 1) throw refusal;
    }
  }
}

/** Reads the message as far as possible now. */
async function readAgain<M>(source: Source<M>, message: M): Promise<ReadMessage> {
  let incoming = bareMessage(source.topic, source.partition, source.offsetOf(message));
  try {
    incoming = source.incoming(message);
    const [read] = await source.read([message]);
    return { message: read?.message ?? incoming, event: read?.event ?? null, cause: read?.cause ?? null };
  } catch (error) {
    if (isCertainOutage(error)) throw error;
    return { message: incoming, event: null, cause: null };
  }
}

/** Returns the forms of a dead letter, from the complete one to the barest; each names what it lacks. */
function formsOf(read: ReadMessage, error: unknown): [ReadMessage, ...ReadMessage[]] {
  const { message } = read;
  const problem = messageOf(error);
  const reason = error instanceof TooManyCommandsError ? 'TOO_MANY_COMMANDS' : 'PROCESSING_FAILED';
  const form = (changed: Partial<IncomingMessage>, lacks: string | null): ReadMessage => ({
    message: { ...message, ...changed },
    event: null,
    cause: {
      reason: read.cause?.reason ?? reason,
      detail: shortened(
        lacks === null
          ? (read.cause?.detail ?? problem)
          : `${read.cause === null ? '' : `${read.cause.detail}; `}left out, as they cannot be stored: ${lacks}: ${problem}`,
      ),
    },
  });
  const whole = form({}, null);
  const { offset, topic, partition } = message;
  return [
    { ...whole, event: read.event },
    whole,
    form({ headers: {} }, 'the headers'),
    form({ headers: {}, timestamp: new Date(0) }, 'the headers and the timestamp'),
    form({ ...bareMessage(topic, partition, offset) }, 'the headers, the timestamp, the key and the value'),
  ];
}

import { setTimeout as pause } from 'node:timers/promises';
import type { Kafka, Producer } from 'kafkajs';
import type { Database } from '../../src/platform/database.ts';
import { type CrmEvent, type CrmSubscription, events, setService } from '../demo/crm.ts';
import type { Writers } from './load.ts';
import { until } from './site.ts';

/** How long one event took, in milliseconds from before it was produced: until its request was there, its call began, it was final, its outcome was published. */
export interface TriggerTimes {
  readonly submitted: number;
  readonly called: number;
  readonly final: number;
  readonly published: number;
}

/** Events that arrive one by one at a steady pace, and how long each took until its command was final. */
export interface TriggerStream {
  /** Produces so many, and waits until all their requests are final. */
  measure(count: number, onProduced?: () => Promise<void>): Promise<TriggerTimes[]>;
  close(): Promise<void>;
}

const FINAL_DEADLINE_MS = 300_000;

/**
 * A service is stopped and started in turn in each of these subscriptions: an event is one command. The pace is kept
 * whatever becomes of the events, so that one that is slow makes no other one late.
 */
export async function openTriggerStream(options: {
  readonly kafka: Kafka;
  readonly db: Database;
  readonly topic: string;
  readonly writers: Writers;
  readonly subscriptions: readonly CrmSubscription[];
  readonly perSecond: number;
  /** What happens first to the services; default: stop. */
  readonly first?: 'stop' | 'start';
}): Promise<TriggerStream> {
  const { kafka, db, topic, writers, subscriptions, perSecond, first = 'stop' } = options;
  const producer = kafka.producer({ allowAutoTopicCreation: false, maxInFlightRequests: 1 });
  await producer.connect();
  let made = 0;

  /** The next subscription's next action. */
  function next(): CrmEvent {
    const subscription = subscriptions[made % subscriptions.length];
    if (subscription === undefined) throw new Error('There are no subscriptions');
    const stop = Math.floor(made / subscriptions.length) % 2 === (first === 'stop' ? 0 : 1);
    made += 1;
    const service = subscription.services[0]?.id ?? '';
    setService(subscription, service, stop ? 'NOT_EFFECTIVE' : 'EFFECTIVE');
    const [event] = events(subscription, [
      stop
        ? { action: 'V:STOP_SERVICE', outgoingServices: [service] }
        : { action: 'V:START_SERVICE', incomingServices: [service] },
    ]);
    if (event === undefined) throw new Error('An action made no event');
    return event;
  }

  return {
    async measure(count, onProduced) {
      const producedAt = new Map<string, number>();
      const sending: Promise<unknown>[] = [];
      const beganAt = performance.now();
      for (let index = 0; index < count; index += 1) {
        const dueIn = beganAt + (index * 1_000) / perSecond - performance.now();
        if (dueIn > 0) await pause(dueIn);
        const event = next();
        producedAt.set(event.value.action.id, Date.now());
        sending.push(produceOne(producer, topic, writers, event));
      }
      await Promise.all(sending);
      await onProduced?.();
      return await latencies(db, producedAt);
    },
    close: () => producer.disconnect(),
  };
}

async function produceOne(producer: Producer, topic: string, writers: Writers, event: CrmEvent): Promise<void> {
  const writer = writers.get(event.schema);
  if (writer === undefined) throw new Error(`No schema ${event.schema}`);
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(writer.id, 1);
  const value = Buffer.concat([prefix, writer.type.toBuffer(event.value)]);
  await producer.send({ topic, messages: [{ key: event.value.subscription.number, value }], acks: -1 });
}

/** By the clock of the machine on which all of it runs; transactions are taken to be done when they began. */
async function latencies(db: Database, producedAt: ReadonlyMap<string, number>): Promise<TriggerTimes[]> {
  const actions = [...producedAt.keys()];
  const rows = await until('every trigger is final', FINAL_DEADLINE_MS, 250, async () => {
    const final = await db.query<{ action: string; submitted: Date; called: Date; final: Date; published: Date }>(
      `select r.action_id as action, submitted_at as submitted, executed_at as final,
              (select min(started_at) from attempt a where a.request_number = r.number) as called, o.published_at as published
         from request r join outbox o on o.request_number = r.number and o.published_at is not null
        where r.action_id = any ($1::text[]) and life_cycle_state = 'COMPLETED'`,
      [actions],
    );
    return final.length >= actions.length ? final : false;
  });
  return rows.map(({ action, submitted, called, final, published }) => {
    const since = (at: Date): number => at.getTime() - (producedAt.get(action) ?? NaN);
    return { submitted: since(submitted), called: since(called), final: since(final), published: since(published) };
  });
}

import { setTimeout as pause } from 'node:timers/promises';
import type { Kafka, Producer } from 'kafkajs';
import type { Database } from '../../src/platform/database.ts';
import { type CrmEvent, type CrmSubscription, events, setService } from '../demo/crm.ts';
import type { Writers } from './load.ts';
import { until } from './site.ts';

/** Events that arrive one by one at a steady pace, and how long each took until its command was final. */
export interface TriggerStream {
  /** Produces so many, and waits until all their requests are final; milliseconds from before producing to final. */
  measure(count: number, onProduced?: () => Promise<void>): Promise<number[]>;
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
}): Promise<TriggerStream> {
  const { kafka, db, topic, writers, subscriptions, perSecond } = options;
  const producer = kafka.producer({ allowAutoTopicCreation: false, maxInFlightRequests: 1 });
  await producer.connect();
  let made = 0;

  /** The next subscription's next action. */
  function next(): CrmEvent {
    const subscription = subscriptions[made % subscriptions.length];
    if (subscription === undefined) throw new Error('There are no subscriptions');
    const stop = Math.floor(made / subscriptions.length) % 2 === 0;
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

/** By the database's clock, which is this machine's. */
async function latencies(db: Database, producedAt: ReadonlyMap<string, number>): Promise<number[]> {
  const actions = [...producedAt.keys()];
  const rows = await until('every trigger is final', FINAL_DEADLINE_MS, 250, async () => {
    const final = await db.query<{ action: string; at: Date }>(
      `select action_id as action, executed_at as at from request
        where action_id = any ($1::text[]) and life_cycle_state = 'COMPLETED'`,
      [actions],
    );
    return final.length >= actions.length ? final : false;
  });
  return rows.map(({ action, at }) => at.getTime() - (producedAt.get(action) ?? NaN));
}

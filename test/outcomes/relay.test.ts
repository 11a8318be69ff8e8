import { randomUUID } from 'node:crypto';
import { Kafka as KafkaBinding, type CloudEventV1 } from 'cloudevents';
import { afterEach, describe, expect, it, onTestFinished } from 'vitest';
import { addItem, addService, events, newSubscription } from '../../dev/demo/crm.ts';
import { addToOutbox, type NewOutboxMessage } from '../../src/outcomes/outbox.ts';
import type { CrmActionOutcome } from '../../src/outcomes/outcome.generated.ts';
import { onFaultPoint } from '../../src/platform/fault-points.ts';
import kafkajs from '../../src/platform/kafkajs/index.ts';
import { openSchemaRegistry } from '../../src/platform/schema-registry.ts';
import { finishPending } from '../support/finish.ts';
import { schemaRegistryUrl } from '../support/stack.ts';
import { startTcpProxy, targetOf, through } from '../support/tcp-proxy.ts';
import { eventually, type Ground, openGround } from './support.ts';

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

async function open(): Promise<Ground> {
  const ground = await openGround('relay');
  closers.push(() => ground.close());
  return ground;
}

function actionOutcome(key: string, number: string, more: Partial<CrmActionOutcome> = {}): NewOutboxMessage {
  const now = Date.now();
  return {
    kind: 'ACTION_OUTCOME',
    key,
    record: {
      eventId: randomUUID(),
      occurredAt: now,
      actionId: randomUUID(),
      actionNumber: number,
      facets: [],
      subscriptionNumber: key,
      outcome: 'NOTHING_TO_DO',
      requests: [],
      withheld: [],
      receivedAt: now,
      ...more,
    },
    headers: { ce_time: new Date(now).toISOString(), ce_subject: key },
  };
}

const put = (ground: Ground, messages: readonly NewOutboxMessage[]) =>
  ground.db.transaction((tx) => Promise.resolve(addToOutbox(tx, messages)));

/** The numbers of the actions that came out of Kafka, in order of arrival. */
function arrived(ground: Ground, key?: string): string[] {
  return ground.wire.arrivals.actionOutcomes
    .filter((message) => key === undefined || message.key === key)
    .map(({ value }) => value.actionNumber);
}

const untilArrived = (ground: Ground, count: number) =>
  eventually(() => (arrived(ground).length >= count ? true : undefined), `${count} outcomes`);

function numbers(count: number, from = 0): string[] {
  return Array.from({ length: count }, (_none, index) => String(from + index));
}

describe('An outcome that is published', () => {
  it('is a CloudEvent that the SDK reads, and an Avro record under its schema id', async () => {
    const ground = await open();
    ground.intake();
    ground.outcomes();
    const subscription = newSubscription('S0000000329');
    addItem(subscription, 'card', 'SMARTCARD', '12345678901');
    addService(subscription, 'sports', '101');
    const [event] = events(subscription, [{ action: 'V:START_SERVICE', incomingServices: ['sports'] }]);
    if (!event) throw new Error('no event');
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    await ground.sendRaw({
      value: await ground.encode(event),
      key: subscription.number,
      headers: { traceparent },
    });
    await eventually(async () => {
      const rows = await ground.db.query('select 1 from request');
      return rows.length === 1 ? true : undefined;
    }, 'the request');
    await finishPending(ground.db);
    const [request, action] = await ground.wire.until(
      ({ requestOutcomes: [one], actionOutcomes: [other] }) => (one && other ? ([one, other] as const) : undefined),
      'both outcomes',
      20_000,
    );
    for (const [message, type] of [
      [request, 'com.conax.provisioning.v1.ProvisioningRequestOutcome'],
      [action, 'com.conax.provisioning.v1.CrmActionOutcome'],
    ] as const) {
      expect(message.headers['content-type']).toBe('application/avro');
      // The SDK would take the bytes for text; the record has been decoded by another client already.
      const read = KafkaBinding.toEvent({
        headers: message.headers,
        body: 'x',
        key: message.key ?? '',
        value: 'x',
      } as Parameters<typeof KafkaBinding.toEvent>[0]) as CloudEventV1<unknown>;
      expect(read).toMatchObject({
        id: message.value.eventId,
        source: '/conax-provisioning',
        specversion: '1.0',
        type,
        subject: subscription.number,
        correlationid: event.value.action.id,
        causationid: event.value.eventId,
        time: new Date(message.value.occurredAt).toISOString(),
      });
      expect(message.headers['traceparent']).toBe(traceparent);
      expect(message.key).toBe(subscription.number);
    }
  });

  it('is on its way when it is announced, and does not wait for the next look', async () => {
    const ground = await open();
    const outcomes = ground.outcomes({ pollMs: 600_000 });
    await eventually(
      () => (outcomes.state().detail === 'publishes for all instances' ? true : undefined),
      'the relay that leads',
    );
    for (const number of numbers(5)) {
      await put(ground, [actionOutcome('S1', number)]);
      outcomes.wake();
      await untilArrived(ground, Number(number) + 1);
    }
    expect(arrived(ground, 'S1')).toEqual(numbers(5));
  });
});

describe('The relay', () => {
  it('publishes again, with the same ce_id and in the same order, what it published and could not mark', async () => {
    const ground = await open();
    await put(
      ground,
      numbers(30).map((number) => actionOutcome(`S${Number(number) % 3}`, number)),
    );
    let crashes = 2;
    onFaultPoint((point) => {
      if (point !== 'relay: after publish') return;
      crashes -= 1;
      if (crashes >= 0) throw new Error('crash between publishing and marking');
    });
    onTestFinished(() => onFaultPoint(null));
    ground.outcomes();
    await eventually(async () => {
      const rows = await ground.db.query('select 1 from outbox where published_at is null');
      return rows.length === 0 ? true : undefined;
    }, 'all marked');
    await untilArrived(ground, 90);
    const messages = ground.wire.arrivals.actionOutcomes;
    for (const key of ['S0', 'S1', 'S2']) {
      const ids = messages.filter((message) => message.key === key).map(({ headers }) => headers['ce_id']);
      const once = ids.slice(0, 10);
      expect(new Set(once).size).toBe(10);
      expect(ids).toEqual([...once, ...once, ...once]);
    }
  });

  it('parks a message that the broker will never take, and those of its key go on', async () => {
    const ground = await open();
    const huge = actionOutcome('S1', 'huge', { outcome: 'PROVISIONED', actionNumber: 'x'.repeat(1_500_000) });
    await put(ground, [actionOutcome('S1', '1'), huge, actionOutcome('S1', '2'), actionOutcome('S2', '3')]);
    ground.outcomes();
    await untilArrived(ground, 3);
    expect(arrived(ground, 'S1')).toEqual(['1', '2']);
    const parked = await eventually(async () => {
      const rows = await ground.db.query<{ reason: string }>(
        'select parked_reason as reason from outbox where parked_reason is not null',
      );
      return rows[0];
    }, 'the parked message');
    expect(parked.reason).toMatch(/larger than the max message size/);
    expect(await ground.metrics.metrics()).toMatch(/conax_outbox_parked_total\{kind="ACTION_OUTCOME"\} 1/);
  });

  it('measures from the event to the acknowledged outcome, of replayed ones only from their storing', async () => {
    const ground = await open();
    const receivedAt = Date.now() - 90_000;
    await put(ground, [actionOutcome('S1', 'live', { receivedAt }), actionOutcome('S1', 'again', { receivedAt })]);
    await ground.db.query(
      `update outbox set created_at = now() - interval '20 seconds',
         replay_id = case record ->> 'actionNumber' when 'again' then 1 end`,
    );
    ground.outcomes();
    await untilArrived(ground, 2);
    const text = await eventually(async () => {
      const shown = await ground.metrics.metrics();
      return /published_total\{kind="ACTION_OUTCOME"\} 2/.test(shown) ? shown : undefined;
    }, 'both counted');
    const [count, sum] = ['count', 'sum'].map((part) =>
      ['outbox_publish', 'outcome'].map((name) =>
        Number(new RegExp(`^conax_${name}_seconds_${part}\\{kind="ACTION_OUTCOME"\\} (\\S+)$`, 'm').exec(text)?.[1]),
      ),
    );
    expect(count).toEqual([2, 1]);
    expect(Math.floor((sum?.[0] ?? 0) / 40)).toBe(1);
    expect(Math.floor((sum?.[1] ?? 0) / 90)).toBe(1);
  });

  it('publishes a dead letter that is too large without its value and headers, then without its key, and says so', async () => {
    const ground = await open();
    const letter = (offset: string, key: string, value: string): NewOutboxMessage => ({
      kind: 'DEAD_LETTER',
      eventId: randomUUID(),
      key: Buffer.from(key),
      body: Buffer.from(value),
      headers: [
        ['own', null],
        ['dead-letter-offset', Buffer.from(offset).toString('base64')],
      ],
    });
    const large = 300_000;
    // Topics that were there before the service may take less than those that it creates.
    const admin = ground.kafka.admin();
    await admin.connect();
    await admin.alterConfigs({
      validateOnly: false,
      resources: [
        {
          type: kafkajs.ConfigResourceTypes.TOPIC,
          name: ground.topics.DEAD_LETTER_TOPIC,
          configEntries: [{ name: 'max.message.bytes', value: '100000' }],
        },
      ],
    });
    await admin.disconnect();
    await put(ground, [
      letter('1', 'S1', 'v'.repeat(large)),
      letter('2', 'k'.repeat(large), 'value'),
      letter('3', 'S2', 'value'),
    ]);
    ground.outcomes();
    // A letter that went out beside one that is too large may go out again: at least once.
    const byOffset = await ground.wire.until(
      ({ deadLetters }) => {
        const seen = new Map(deadLetters.map((one) => [one.headers['dead-letter-offset'], one]));
        return seen.size >= 3 ? seen : undefined;
      },
      'all dead letters',
      20_000,
    );
    const shown = ['1', '2', '3'].map((offset) => {
      const { key, value, headers } = byOffset.get(offset) ?? {};
      return { key, bytes: value?.length, leftOut: headers?.['dead-letter-left-out'] };
    });
    expect(shown).toEqual([
      { key: 'S1', bytes: 0, leftOut: `the value of ${large} bytes, 1 headers: too large for this topic` },
      {
        key: null,
        bytes: 0,
        leftOut: `the value of 5 bytes, 1 headers: too large for this topic,the key of ${large} bytes: too large for this topic`,
      },
      { key: 'S2', bytes: 5, leftOut: undefined },
    ]);
    expect(await ground.db.query('select 1 from outbox where parked_reason is not null')).toEqual([]);
  });

  it('publishes many small messages that are too much for one record batch together', async () => {
    const ground = await open();
    const large = numbers(60).map((number) =>
      actionOutcome('S1', number, {
        withheld: [{ type: 'ADD_SUBSCRIPTIONS', reason: 'x'.repeat(40_000), smartcard: null, serviceCaId: null }],
      }),
    );
    await put(ground, large);
    ground.outcomes();
    await untilArrived(ground, 60);
    expect(arrived(ground)).toEqual(numbers(60));
  });

  it('is one for all instances; another takes over when it stops, and each key keeps its order', async () => {
    const ground = await open();
    const first = ground.outcomes();
    const second = ground.outcomes();
    const leads = () => [first, second].map((relay) => relay.state().detail === 'publishes for all instances');
    await eventually(() => (leads().some(Boolean) ? true : undefined), 'a relay that leads');
    expect(leads().filter(Boolean)).toHaveLength(1);
    const [leader, other] = leads()[0] ? [first, second] : [second, first];
    const total = 400;
    const writing = (async () => {
      for (const number of numbers(total)) await put(ground, [actionOutcome('S1', number)]);
    })();
    await untilArrived(ground, total / 8);
    await leader.stop();
    await writing;
    await untilArrived(ground, total);
    expect(other.state().detail).toBe('publishes for all instances');
    expect([...new Set(arrived(ground))]).toEqual(numbers(total));
  });

  it('waits for a registry that is away, and goes on by itself', async () => {
    const ground = await open();
    const proxy = await startTcpProxy(targetOf(schemaRegistryUrl()));
    closers.push(() => proxy.close());
    proxy.cut();
    const registry = openSchemaRegistry({ url: through(proxy, schemaRegistryUrl()), timeoutMs: 500 });
    const outcomes = ground.outcomes({ registry });
    await put(ground, [actionOutcome('S1', '1')]);
    await eventually(() => (outcomes.state().ready ? undefined : true), 'the wait');
    proxy.heal();
    await untilArrived(ground, 1);
    await eventually(() => (outcomes.state().ready ? true : undefined), 'ready again');
    expect(arrived(ground)).toEqual(['1']);
  });

  it('says which command helps where the schemas were never registered', async () => {
    const ground = await open();
    const outcomes = ground.outcomes({ actionOutcomeTopic: `${ground.topics.ACTION_OUTCOME_TOPIC}.nowhere` });
    await put(ground, [actionOutcome('S1', '1')]);
    const detail = await eventually(() => {
      const state = outcomes.state();
      return state.ready ? undefined : state.detail;
    }, 'the wait');
    expect(detail).toMatch(/lacks the schema of this version: run "conax-provisioning migrate"/);
  });
});

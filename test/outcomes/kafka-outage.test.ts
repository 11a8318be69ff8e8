import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startStack, type Stack } from '../../dev/stack/index.ts';
import { addItem, addService, type CrmEvent, events, newSubscription } from '../../dev/demo/crm.ts';
import { finishPending } from '../support/finish.ts';
import { ALONE } from '../stack/processes.ts';
import { eventually, type Ground, metric, openGround } from './support.ts';

let stack: Stack;
let ground: Ground;
beforeAll(async () => {
  stack = await startStack({ parts: ['kafka'], env: { ...process.env, ...ALONE } });
  ground = await openGround('outage', { brokers: stack.kafkaBrokers });
});
afterAll(async () => {
  await ground.close();
  await stack.stop();
});

let counter = 0;
function activation(): CrmEvent {
  counter += 1;
  const subscription = newSubscription(`S${String(counter).padStart(8, '0')}`);
  addItem(subscription, 'card', 'SMARTCARD', String(counter).padStart(11, '6'));
  addService(subscription, 'sports', '101');
  const [event] = events(subscription, [{ action: 'S:ACTIVATE_SUBSCRIPTION' }]);
  if (!event) throw new Error('no event');
  return event;
}

const untilPending = (count: number) =>
  eventually(
    async () => {
      const rows = await ground.db.query(`select 1 from request where life_cycle_state = 'PENDING'`);
      return rows.length >= count ? true : undefined;
    },
    `${count} pending requests`,
    60_000,
  );

const showsLag = async () => /^conax_intake_lag_messages\{/m.test(await ground.metrics.metrics());

describe('When Kafka crashes', () => {
  it('outcomes wait in the outbox, and reading and publishing go on by themselves once it is back', async () => {
    const intake = ground.intake();
    const outcomes = ground.outcomes();
    const [first, second] = [activation(), activation()];
    await ground.send([first, second]);
    await untilPending(2);
    await stack.control.kafka.kill();
    await finishPending(ground.db);
    await eventually(() => (outcomes.state().ready ? undefined : true), 'publishing waits', 60_000);
    await eventually(
      async () => ((await metric(ground, 'conax_intake_kafka_silent_seconds')) > 3 ? true : undefined),
      'the silence',
    );
    expect(await metric(ground, 'conax_intake_reading')).toBe(0);
    // Another instance could have the partitions by then.
    await eventually(async () => ((await showsLag()) ? undefined : true), 'no lag after the session time-out');
    await stack.control.kafka.start();
    await eventually(
      () => (ground.wire.arrivals.actionOutcomes.length >= 2 ? true : undefined),
      'the outcomes of before',
      60_000,
    );
    await eventually(() => (intake.state().ready && outcomes.state().ready ? true : undefined), 'ready again', 60_000);
    expect(await metric(ground, 'conax_intake_reading')).toBe(1);
    expect(await metric(ground, 'conax_intake_kafka_silent_seconds')).toBeLessThan(3);
    await eventually(async () => ((await showsLag()) ? true : undefined), 'the lag');
    const third = activation();
    await ground.send([third]);
    await untilPending(1);
    await finishPending(ground.db);
    await eventually(
      () => ground.wire.arrivals.actionOutcomes.find(({ value }) => value.actionId === third.value.action.id),
      'the outcome of after',
    );
    const ids = new Set(ground.wire.arrivals.actionOutcomes.map(({ value }) => value.actionId));
    expect(ids).toEqual(new Set([first, second, third].map(({ value }) => value.action.id)));
  }, 120_000);
});

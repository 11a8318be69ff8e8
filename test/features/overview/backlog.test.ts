import { Registry } from '@prometheus-io/client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { backlogMetrics, watchBacklog } from '../../../src/features/overview/backlog.ts';
import { createLogger } from '../../../src/platform/logging.ts';
import { eventually } from '../../support/scene.ts';
import { openTestRequests, type TestRequests } from '../../requests/support.ts';

let requests: TestRequests;
beforeAll(async () => {
  requests = await openTestRequests();
});
afterAll(() => requests.close());

const FILL = /* sql */ `
insert into inbox (event_id, disposition, topic, partition, message_offset, message_timestamp, received_at, resolved_at)
values ('1', 'DEAD_LETTERED', 'crm', 0, 1, now(), now() - interval '3 hours', now()),
       ('2', 'DEAD_LETTERED', 'crm', 0, 2, now(), now() - interval '2 hours', null),
       ('3', 'DEAD_LETTERED', 'crm', 0, 3, now(), now(), null),
       ('4', 'STALE', 'crm', 0, 4, now(), now() - interval '1 hour', null);
insert into outbox (kind, event_id, body, created_at, published_at, parked_reason)
values ('DEAD_LETTER', gen_random_uuid(), 'x', now() - interval '5 hours', now(), null),
       ('DEAD_LETTER', gen_random_uuid(), 'x', now() - interval '4 hours', null, 'too large'),
       ('DEAD_LETTER', gen_random_uuid(), 'x', now() - interval '10 minutes', null, null);
insert into run (kind, state, parameters, selection, created_by_user, failures, open)
values ('RESYNC', 'RUNNING', '{}', '{}', 'anna', 2, true), ('RESYNC', 'RUNNING', '{}', '{}', 'anna', 0, true),
       ('RESYNC', 'FAILED', '{}', '{}', 'anna', 5, false), ('RESYNC', 'COMPLETED', '{}', '{}', 'anna', 0, false);
insert into replay (kind, state, selection, reason, created_by_user)
values ('EVENTS', 'RUNNING', '{}', 'x', 'anna'), ('EVENTS', 'STOPPED', '{}', 'x', 'anna')`;

test('what waits for a person or a neighbour is counted with the age of the oldest, and so are runs and replays', async () => {
  await requests.db.query(FILL);
  const registry = new Registry();
  const metrics = backlogMetrics(registry);
  expect(await registry.metrics()).not.toMatch(/^[^#\n]/m);
  const watch = watchBacklog({ db: requests.db, metrics, logger: createLogger('silent') });
  const shown = await eventually(async () => {
    const samples = (await registry.metrics()).matchAll(/^conax_([^ ]+) (\S+)$/gm);
    const values = Object.fromEntries([...samples].map(([, name, value]) => [name, Math.floor(Number(value) / 60)]));
    return Object.keys(values).length > 0 ? { samples: await registry.metrics(), minutes: values } : undefined;
  }, 'the figures');
  await watch.stop();
  const values = [
    ...shown.samples.matchAll(/^conax_(waiting_items|runs|runs_failing|replays_running)(?:\{\w+="(\w+)"\})? (\d+)$/gm),
  ];
  expect(values.map(([, name, of = '', value]) => `${name} ${of} ${value}`)).toEqual([
    'waiting_items dead_letter 2',
    'waiting_items held_event 1',
    'waiting_items parked_message 1',
    'waiting_items unpublished_message 1',
    'waiting_items retrying_request 0',
    'waiting_items scheduled_request 0',
    'runs PREPARING 0',
    'runs READY 0',
    'runs RUNNING 2',
    'runs STOPPED 0',
    'runs FAILED 1',
    'runs_failing  1',
    'replays_running  1',
  ]);
  expect(shown.minutes).toMatchObject({
    'waiting_oldest_seconds{kind="dead_letter"}': 120,
    'waiting_oldest_seconds{kind="held_event"}': 60,
    'waiting_oldest_seconds{kind="parked_message"}': 240,
    'waiting_oldest_seconds{kind="unpublished_message"}': 10,
  });
});

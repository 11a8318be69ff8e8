import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import kafkajs from '../../src/platform/kafkajs/index.ts';
import { createSeal } from '../../src/platform/seal.ts';
import { card, type Scene } from './scene.ts';

/** Something that goes wrong, the alerts that it makes fire, and its remedy, which lets them end. */
export interface Trouble {
  readonly name: string;
  readonly alerts: readonly string[];
  cause(scene: Scene): Promise<void>;
  remedy(scene: Scene): Promise<void>;
}

const EVENTS = 'crm.subscription-events';
const OUTCOMES = 'conax.provisioning-outcomes';
/** A parallel hand on the database, which holds its locks until the remedy. */
let release: (() => void) | null = null;
let locked: Promise<unknown> = Promise.resolve();

/** In this order. With what only SQL can make happen in a run of minutes, it says so in its name. */
export function troubles(archive: string): Trouble[] {
  return [
    {
      name: 'bad messages, an unknown action, odd answers and refusals of the CAS',
      alerts: [
        'ConaxDeadLetters',
        'ConaxEventsWait',
        'ConaxUnknownAction',
        'ConaxCasAnswersWrong',
        'ConaxUnknownRefusals',
        'ConaxRefusalsJump',
        'ConaxCustomersWait',
      ],
      async cause(scene) {
        await scene.fault('status:BRAND_NEW_CODE', card(1), 1);
        await scene.fault('garbage', card(2), 1);
        await scene.fault('status:CLIENT_NOT_FOUND', card(3));
        await scene.fault('status:SYSTEM_ERROR', card(4));
        await scene.send({ kind: 'bytes', key: 'alerts', value: Buffer.from('no event') });
        await scene.subscribe(card(5), 1, 'UPGRADE_SERVICE');
        for (const number of [1, 2, 4]) await scene.subscribe(card(number));
        await scene.subscribe(card(3), 60);
      },
      async remedy(scene) {
        await scene.neighbours.simulator('DELETE', 'faults');
        const { db } = scene.neighbours;
        for (const { id } of await db.query<{ id: number }>(`select id from inbox where disposition = 'DEAD_LETTERED'`))
          await scene.run('events', 'discard', String(id), '--reason', 'seen');
      },
    },
    {
      name: 'a PIN that another key sealed (SQL), a run set to FAILED (SQL), a clock that looks set back (SQL)',
      alerts: ['ConaxPinsUnopened', 'ConaxRunFailed', 'ConaxClockJumped'],
      async cause(scene) {
        const { db } = scene.neighbours;
        await scene.run('provider', 'pause', '--reason', 'the alerts are tried');
        await db.query(
          `insert into run (kind, parameters, selection, state, open, created_by_user)
             values ('QUEUE', '{}', '{}', 'FAILED', false, 'alerts')`,
        );
        await db.query(`update clock set seen_at = now() + interval '1 hour'`);
        await setPin(scene);
        const foreign = createSeal(randomBytes(32).toString('hex')).seal('1234');
        await db.query('update request_pin set sealed = $1', [foreign]);
        await scene.run('provider', 'resume');
      },
      async remedy(scene) {
        const { db } = scene.neighbours;
        for (const { id } of await db.query<{ id: number }>(`select id from run where state = 'FAILED'`))
          await scene.run('runs', 'stop', String(id));
        for (const { number } of await db.query<{ number: number }>('select request_number as number from request_pin'))
          await scene.run('requests', 'withdraw', String(number));
      },
    },
    {
      name: 'a session of somebody else locks tables',
      alerts: ['ConaxReadingBehind', 'ConaxPartitionStalled', 'ConaxDatabasePoolFull'],
      async cause(scene) {
        const isLocked = Promise.withResolvers<void>();
        const unlock = Promise.withResolvers<void>();
        release = () => unlock.resolve();
        locked = scene.neighbours.db.transaction(async (tx) => {
          await tx.query('lock table inbox, login_limit in access exclusive mode');
          isLocked.resolve();
          await unlock.promise;
        });
        await isLocked.promise;
        await scene.subscribe(card(10));
        for (let login = 0; login < 30; login += 1)
          void fetch(`http://${scene.address}/crmapi/rest/v2/authentication/token`, {
            method: 'POST',
            headers: { 'content-type': 'application/json' },
            body: JSON.stringify({ username: `nobody${login}`, password: 'x', organisation: 'x' }),
          }).then(
            (answer) => answer.text(),
            () => {},
          );
      },
      async remedy() {
        release?.();
        await locked;
      },
    },
    {
      name: 'Kafka is away, and the database is not',
      alerts: ['ConaxNotReading', 'ConaxInstanceNotReady', 'ConaxOutcomesNotPublished'],
      async cause(scene) {
        await scene.neighbours.proxies.kafka.spoil('stop');
        await scene.run('message', 'mail', 'hello', '--card', card(20));
      },
      remedy: (scene) => scene.neighbours.proxies.kafka.heal(),
    },
    {
      name: 'the CAS is away',
      alerts: ['ConaxCasUnreachable'],
      async cause(scene) {
        await scene.neighbours.proxies.cas.spoil('stop');
        for (let number = 30; number < 45; number += 1) await scene.subscribe(card(number));
      },
      remedy: (scene) => scene.neighbours.proxies.cas.heal(),
    },
    {
      name: 'the CAS refuses the login',
      alerts: ['ConaxCasLoginRefused', 'ConaxSendingPaused'],
      async cause(scene) {
        await scene.fault('http:401', card(50));
        await scene.subscribe(card(50));
      },
      async remedy(scene) {
        await scene.neighbours.simulator('DELETE', 'faults');
        await scene.run('provider', 'resume');
      },
    },
    {
      name: 'an outcome that is larger than the topic accepts',
      alerts: ['ConaxOutcomeParked'],
      async cause(scene) {
        await largestMessage(scene, 100);
        await scene.subscribe(card(60));
      },
      async remedy(scene) {
        await largestMessage(scene, 1_048_588);
        const { db } = scene.neighbours;
        await db.query('update outbox set parked_reason = null where parked_reason is not null');
      },
    },
    {
      name: 'the instance stands still during a call, and another one takes its request over',
      alerts: ['ConaxLeasesLost'],
      async cause(scene) {
        await scene.fault('hang', card(70));
        await scene.subscribe(card(70));
        await untilShown(scene.address, /^conax_dispatch_calls_under_way [1-9]/m);
        scene.signal('SIGSTOP');
        const another = await scene.startAnother();
        await untilShown(another.address, /^conax_dispatch_reclaimed_total [1-9]/m);
        scene.signal('SIGCONT');
        await another.stop();
      },
      remedy: (scene) => scene.neighbours.simulator('DELETE', 'faults'),
    },
    {
      name: 'retention with an archive that does not exist',
      alerts: ['ConaxRetentionFailing'],
      async cause(scene) {
        await scene.neighbours.db.query('truncate retention_pass');
      },
      async remedy() {
        await mkdir(archive);
      },
    },
    {
      name: 'no instance runs',
      alerts: ['ConaxNoInstance'],
      cause: (scene) => scene.stop(),
      remedy: (scene) => scene.start(),
    },
    {
      name: 'Kafka removes unread messages while no instance runs',
      alerts: ['ConaxMessagesLost'],
      async cause(scene) {
        // Kafka has to know how far the group has read: else nothing counts as unread.
        for (let number = 80; number < 90; number += 1) await scene.subscribe(card(number));
        const last = `S${card(89)}`;
        await scene.wire.until(
          ({ actionOutcomes }) => actionOutcomes.find(({ value }) => value.subscriptionNumber === last),
          `the outcome of ${last}`,
          60_000,
        );
        await scene.stop();
        for (let number = 80; number < 90; number += 1) await scene.subscribe(card(number));
        await removeUnread(scene);
        await scene.start();
      },
      remedy: () => Promise.resolve(),
    },
    {
      name: 'an instance is killed three times',
      alerts: ['ConaxInstanceRestarts'],
      async cause(scene) {
        for (let restarts = 0; restarts < 3; restarts += 1) {
          await scrapedOnce();
          await scene.stop('SIGKILL');
          await scene.start();
        }
      },
      remedy: () => Promise.resolve(),
    },
  ];
}

async function setPin(scene: Scene): Promise<void> {
  await scene.run('pin', 'set', '--card', card(90), '--pin-file', scene.pinFile, '--no-wait');
}

async function largestMessage(scene: Scene, bytes: number): Promise<void> {
  await scene.kafka((admin) =>
    admin.alterConfigs({
      validateOnly: false,
      resources: [
        {
          type: kafkajs.ConfigResourceTypes.TOPIC,
          name: OUTCOMES,
          configEntries: [{ name: 'max.message.bytes', value: String(bytes) }],
        },
      ],
    }),
  );
}

async function removeUnread(scene: Scene): Promise<void> {
  await scene.kafka(async (admin) => {
    const ends = await admin.fetchTopicOffsets(EVENTS);
    await admin.deleteTopicRecords({
      topic: EVENTS,
      partitions: ends.map(({ partition, high }) => ({ partition, offset: high })),
    });
  });
}

/** Resolves when the metrics of an instance have such a line. @throws Error after 40 s. */
async function untilShown(address: string, line: RegExp): Promise<void> {
  const deadline = performance.now() + 40_000;
  while (!line.test(await (await fetch(`http://${address}/metrics`)).text())) {
    if (performance.now() > deadline) throw new Error(`${address} does not show ${line}`);
    await pause(20);
  }
}

/** Two rounds of Prometheus, which reads each second. */
async function scrapedOnce(): Promise<void> {
  await pause(2_500);
}

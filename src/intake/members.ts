import { setTimeout as sleep } from 'node:timers/promises';
import type { Kafka } from 'kafkajs';
import type pg from 'pg';
import { messageOf } from '../platform/errors.ts';
import { leaveGroupFor } from '../platform/kafkajs/leave-group.ts';
import { keepSession } from '../platform/listen.ts';
import type { Logger } from '../platform/logging.ts';
import { repeat } from '../platform/repeat.ts';

export interface MembersOptions {
  readonly kafka: Kafka;
  readonly groupId: string;
  readonly databaseUrl: string;
  readonly logger: Logger;
}

/** This instance's membership in the consumer group, as the other instances see it. */
export interface Members {
  /** This instance joined the group under this id. */
  joined(memberId: string): void;
  /** Ends the watch. Call it after this instance left the group. */
  stop(): Promise<void>;
}

const LOOK_MS = 250;
/** A member seems dead only if two looks in a row say so: a session that breaks is opened again at once. */
const LOOKS = 2;
/** A look that takes longer shows that the database or this process stood still. */
const SLOW_LOOK_MS = 1_000;
/**
 * For how long every look must have been good before anybody is taken for dead. After an outage of the database the
 * others open their sessions again in this time: a silent server is noticed after 2 s, and connecting takes at most 4 s.
 */
const CALM_MS = 10_000;
/** How long a stop waits for a removal that is under way. */
const STOP_MS = 1_000;

/**
 * Removes an instance that died from the consumer group within about half a second. The others notice it at their next
 * heartbeat and get its partitions, instead of after KAFKA_SESSION_TIMEOUT_MS.
 *
 * Each instance holds an advisory lock on a session of its own: PostgreSQL frees it when the process is gone. An instance
 * that lives and only lost its session may be removed by mistake; it joins again, which costs a rebalance. If a whole
 * machine dies, its lock stays until the server's kernel notices, and Kafka's timeout is faster.
 */
export function watchMembers({ kafka, groupId, databaseUrl, logger }: MembersOptions): Members {
  let client: pg.Client | null = null;
  let joined: string | null = null;
  /** The id that the session holds the lock of. */
  let held: string | null = null;
  /** Since when every look was good; null: the last one was not. */
  let calmSince: number | null = null;
  /** In how many looks in a row each member seemed dead. */
  let seemDead = new Map<string, number>();
  let removing: Promise<void> = Promise.resolve();

  const kept = keepSession({
    databaseUrl,
    applicationName: 'conax-provisioning member',
    onOpen(opened) {
      client = opened;
      held = null;
      calmSince = null;
      return Promise.resolve();
    },
    logger,
  });
  const looks = repeat(LOOK_MS, look, (error) => {
    logger.debug({ reason: messageOf(error) }, 'the members of the consumer group are looked at later');
    openAnother();
  });

  /** A statement that had no answer in time holds its session up. */
  function openAnother(): void {
    const session = client;
    client = null;
    session?.end().catch(() => {});
  }

  async function look(): Promise<void> {
    if (client === null || joined === null) return;
    const session = client;
    const [wasCalmSince, askedAt] = [calmSince, performance.now()];
    calmSince = null;
    if (held !== joined) await hold(session, joined);
    const { rows } = await session.query<{ id: string }>(DEAD, [groupId, held]);
    const now = performance.now();
    calmSince = wasCalmSince !== null && now - askedAt < SLOW_LOOK_MS ? wasCalmSince : now;
    seemDead = new Map(rows.map(({ id }) => [id, (seemDead.get(id) ?? 0) + 1]));
    if (now - calmSince < CALM_MS) return;
    const dead = [...seemDead].filter(([, times]) => times >= LOOKS).map(([id]) => id);
    if (dead.length > 0) await remove(session, dead);
  }

  async function hold(session: pg.Client, memberId: string): Promise<void> {
    const { rows } = await session.query<{ locked: boolean }>(LOCK, [memberId]);
    // An earlier session of ours still has it: the next look tries again.
    if (rows[0]?.locked !== true) return;
    await session.query(ENTER, [memberId, groupId, held]);
    if (held !== null) await session.query(UNLOCK, [held]);
    held = memberId;
  }

  /** Who deletes the row removes the member, so that only one instance does. If that fails, Kafka's timeout is left. */
  async function remove(session: pg.Client, dead: readonly string[]): Promise<void> {
    const { rows } = await session.query<{ id: string }>(TAKE, [dead]);
    if (rows.length > 0) removing = removing.then(() => leave(rows.map(({ id }) => id)));
  }

  async function leave(dead: readonly string[]): Promise<void> {
    const admin = kafka.admin({ retry: { retries: 1 } });
    try {
      await admin.connect();
      for (const memberId of dead) {
        // One that stopped has left already, and only its row stayed.
        if (await leaveGroupFor(admin, groupId, memberId))
          logger.warn(
            { memberId },
            'an instance died: it is removed from the consumer group, and its partitions go to the others',
          );
      }
    } catch (error) {
      logger.warn(
        { err: error, memberIds: dead },
        'a dead instance could not be removed from the consumer group: its partitions wait for KAFKA_SESSION_TIMEOUT_MS',
      );
    } finally {
      await admin.disconnect().catch(() => {});
    }
  }

  return {
    joined(memberId) {
      joined = memberId;
      looks.now();
    },
    async stop() {
      await looks.stop();
      await Promise.race([removing, sleep(STOP_MS, undefined, { ref: false })]);
      await kept.stop();
    },
  };
}

const KEY = /* sql */ `hashtextextended('intake_member ' || member_id, 0)`;
const LOCK = /* sql */ `select pg_try_advisory_lock(${KEY}) as locked from (select $1::text as member_id) one`;
const UNLOCK = /* sql */ `select pg_advisory_unlock(${KEY}) from (select $1::text as member_id) one`;
/** Once the lock is held, so that nobody finds the row without it. */
const ENTER = /* sql */ `
with left_before as (delete from intake_member where member_id = $3)
insert into intake_member (member_id, consumer_group) values ($1, $2) on conflict (member_id) do nothing`;
/** Shared, and only until the end of the statement: several instances may look at once. A session always gets its own locks. */
const DEAD = /* sql */ `
select member_id as id from intake_member
 where consumer_group = $1 and member_id is distinct from $2 and pg_try_advisory_xact_lock_shared(${KEY})`;
const TAKE = /* sql */ `
delete from intake_member
 where member_id = any ($1::text[]) and pg_try_advisory_xact_lock_shared(${KEY}) returning member_id as id`;

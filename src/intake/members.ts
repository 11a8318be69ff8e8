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
/** A member seems dead only if two looks in a row say so: a connection may break and be opened again. */
const LOOKS = 2;
/** After an outage of the database, how long the others have to come back before anybody takes them for dead. */
const GRACE_MS = 2_500;

/**
 * Removes an instance that died from the consumer group within about a second, so that the others get its partitions
 * then, and not after KAFKA_SESSION_TIMEOUT_MS.
 *
 * Each instance holds an advisory lock on a session of its own: PostgreSQL frees it when the process is gone. An instance
 * that lives and only lost its session is removed by mistake; it joins again, which costs a rebalance. An instance whose
 * machine is gone keeps its lock until the kernel notices, and then Kafka's timeout is faster.
 */
export function watchMembers({ kafka, groupId, databaseUrl, logger }: MembersOptions): Members {
  let session: { readonly client: pg.Client; readonly since: number } | null = null;
  let joined: string | null = null;
  /** The id that the session holds the lock of. */
  let held: string | null = null;
  /** In how many looks in a row each member seemed dead. */
  let seemDead = new Map<string, number>();

  const kept = keepSession({
    databaseUrl,
    applicationName: 'conax-provisioning member',
    onOpen: (client) => {
      session = { client, since: performance.now() };
      held = null;
      return Promise.resolve();
    },
    logger,
  });
  const looks = repeat(LOOK_MS, look, (error) =>
    logger.debug({ reason: messageOf(error) }, 'the members of the consumer group are looked at later'),
  );

  async function look(): Promise<void> {
    if (session === null || joined === null) return;
    const { client, since } = session;
    if (held !== joined) await hold(client, joined);
    const { rows } = await client.query<{ id: string }>(DEAD, [groupId, held]);
    seemDead = new Map(rows.map(({ id }) => [id, (seemDead.get(id) ?? 0) + 1]));
    if (performance.now() - since < GRACE_MS) return;
    const dead = [...seemDead].filter(([, times]) => times >= LOOKS).map(([id]) => id);
    if (dead.length > 0) await remove(client, dead);
  }

  async function hold(client: pg.Client, memberId: string): Promise<void> {
    const { rows } = await client.query<{ locked: boolean }>(LOCK, [memberId]);
    // An earlier session of ours still has it: the next look tries again.
    if (rows[0]?.locked !== true) return;
    await client.query(ENTER, [memberId, groupId, held]);
    if (held !== null) await client.query(UNLOCK, [held]);
    held = memberId;
  }

  async function remove(client: pg.Client, dead: readonly string[]): Promise<void> {
    const admin = kafka.admin();
    try {
      await admin.connect();
      for (const memberId of dead) {
        const wasThere = await leaveGroupFor(admin, groupId, memberId);
        await client.query(FORGET, [memberId]);
        // One that stopped has left already, and only its row stayed.
        if (wasThere)
          logger.warn(
            { memberId },
            'an instance died: it is removed from the consumer group, and its partitions go to the others',
          );
      }
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
const FORGET = /* sql */ `delete from intake_member where member_id = $1`;

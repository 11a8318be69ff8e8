/** A bug that somebody could make, and the test that has to notice. */
export interface Bug {
  readonly name: string;
  readonly what: string;
  readonly changes: readonly {
    readonly file: string;
    /** Occurs exactly once in the file. */
    readonly find: string;
    readonly replace: string;
  }[];
  /** A test file, or several: a text that their paths contain. */
  readonly test: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** A few kills at the points whose names contain the text, instead of ten at every one. */
function crash(points: string, kills = 3): Pick<Bug, 'test' | 'env'> {
  return {
    test: 'test/crash/crash.test.ts',
    env: { CRASH_POINTS: points, CRASH_KILLS: String(kills), CRASH_WORLDS: '2' },
  };
}

export const BUGS: readonly Bug[] = [
  {
    name: 'no-token',
    what: 'finishing does not look at the lease token',
    changes: [
      {
        file: 'src/requests/finish.ts',
        find: ' where w.number = held.number and w.token = held.token\nreturning w.number, w.token::text as token,',
        replace: ' where w.number = held.number\nreturning w.number, held.token::text as token,',
      },
    ],
    test: 'test/dispatch/leases.test.ts',
  },
  {
    name: 'offsets-first',
    what: 'Kafka is told before the transaction',
    changes: [
      {
        file: 'src/intake/intake.ts',
        find: 'read: (messages) => readMessages(decoder, messages.map(incoming)),',
        replace: `read: async (messages) => {
        await batch.done(Number(messages.at(-1)?.offset ?? 0) + 1);
        return readMessages(decoder, messages.map(incoming));
      },`,
      },
    ],
    ...crash('intake: before commit'),
  },
  {
    name: 'offsets-stored-first',
    what: 'Kafka is told and the offset stored before the transaction',
    changes: [
      {
        file: 'src/intake/intake.ts',
        find: 'read: (messages) => readMessages(decoder, messages.map(incoming)),',
        replace: `read: async (messages) => {
        const next = Number(messages.at(-1)?.offset ?? 0) + 1;
        await options.database.transaction((tx) => storeOffset(tx, options.groupId, topic, partition, next));
        await batch.done(next);
        return readMessages(decoder, messages.map(incoming));
      },`,
      },
      {
        file: 'src/intake/intake.ts',
        find: "import type { Decision } from './fold.ts';",
        replace: "import type { Decision } from './fold.ts';\nimport { storeOffset } from './inbox.ts';",
      },
    ],
    ...crash('intake: before commit'),
  },
  {
    name: 'mark-before-publish',
    what: 'the relay marks as published what it is about to publish',
    changes: [
      {
        file: 'src/outcomes/relay.ts',
        find: "faultPoint('relay: before publish');",
        replace:
          "await markPublished(database, encoded.map(({ stored }) => stored.id));\n    faultPoint('relay: before publish');",
      },
    ],
    ...crash('relay: before publish'),
  },
  {
    name: 'publish-before-commit',
    what: 'outcomes are committed before the requests are final',
    changes: [
      {
        file: 'src/requests/finish.ts',
        find: '  await parts.recordOutcomes(tx, numbers);',
        replace: `  await parts.recordOutcomes(tx, numbers);
  // Everything but the requests' own rows is committed; these are taken back, and written again with the commit.
  await tx.query('create temp table if not exists late (number bigint, state text)');
  await tx.query('insert into late select number, life_cycle_state from request where number = any($1::bigint[])', [numbers]);
  await tx.query("update request set life_cycle_state = 'PENDING' where number = any($1::bigint[])", [numbers]);
  await tx.query('commit');
  await tx.query('begin');
  await tx.query('update request r set life_cycle_state = l.state from late l where l.number = r.number');
  await tx.query('delete from late');`,
      },
    ],
    ...crash('settle: before commit'),
  },
  {
    name: 'no-order',
    what: "a request does not wait for its card's earlier ones",
    changes: [
      {
        file: 'src/requests/claim.ts',
        find: '   where waits = 0 and rank =',
        replace: '   where waits >= 0 and rank =',
      },
    ],
    test: 'test/requests/order.test.ts',
  },
  {
    name: 'no-order-crash',
    what: 'the same, seen from the CAS while the service is killed',
    changes: [
      {
        file: 'src/requests/claim.ts',
        find: '   where waits = 0 and rank =',
        replace: '   where waits >= 0 and rank =',
      },
    ],
    ...crash('dispatch: after send'),
  },
  {
    name: 'no-lock',
    what: "the cards' locks are not taken",
    changes: [
      {
        file: 'src/requests/locks.ts',
        find: 'if (cards.length === 0) return;',
        replace: 'if (cards.length >= 0) return;',
      },
    ],
    test: 'test/requests/claim.test.ts',
  },
  {
    name: 'unknown-is-accepted',
    what: 'an answer that cannot be read counts as done',
    changes: [
      {
        file: 'src/dispatch/next-step.ts',
        find: "      return kindOf(command) === 'once'\n",
        replace:
          "      if (command.type !== 'CREATE_PAIRING') return completed({});\n      return kindOf(command) === 'once'\n",
      },
    ],
    test: 'test/dispatch/simulator.test.ts',
  },
  {
    name: 'unknown-is-accepted-crash',
    what: 'the same, seen from the CAS while the service is killed',
    changes: [
      {
        file: 'src/dispatch/next-step.ts',
        find: "      return kindOf(command) === 'once'\n",
        replace:
          "      if (command.type !== 'CREATE_PAIRING') return completed({});\n      return kindOf(command) === 'once'\n",
      },
    ],
    ...crash('dispatch', 10),
  },
  {
    name: 'send-without-mark',
    what: 'a message leaves before its mark is committed',
    changes: [
      { file: 'src/dispatch/next-step.ts', find: "    mark: kindOf(command) === 'once',", replace: '    mark: false,' },
    ],
    ...crash('dispatch: after send', 12),
  },
  {
    name: 'claim-by-number',
    what: 'two claims of one request are taken for one',
    changes: [
      {
        file: 'src/requests/claim.ts',
        find: '  return `${number} ${token}`;',
        replace: '  return `${number} ${token.slice(0, 0)}`;',
      },
    ],
    test: 'test/requests/claimed-again.test.ts',
  },
  {
    name: 'everyone-takes-all',
    what: 'every instance takes the whole of the limits',
    changes: [
      {
        file: 'src/dispatch/shares.ts',
        find: 'const share: Share = { slots: available(fair.slots, free.slots), burst: available(fair.burst, free.burst) };',
        replace: 'const share: Share = { slots: limits.maxConcurrency, burst: limits.burst };',
      },
    ],
    test: 'test/crash/instances.test.ts',
  },
  {
    name: 'endless-lease',
    what: "the relay's lease outlives its holder by a minute",
    changes: [{ file: 'src/outcomes/relay.ts', find: 'const LEASE_MS = 3_000;', replace: 'const LEASE_MS = 60_000;' }],
    test: 'test/crash/recovery.test.ts',
  },
];

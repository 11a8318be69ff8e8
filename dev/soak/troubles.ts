import { setTimeout as pause } from 'node:timers/promises';
import { submitRequests } from '../../src/requests/submit.ts';
import type { Command } from '../../src/planning/command.ts';
import type { Load, Poison } from '../../test/outages/load.ts';
import { bringBack, takeAway } from '../../test/outages/outage.ts';
import { FAULTS } from '../../test/outages/under-outages.ts';
import { type Neighbours, NEIGHBOURS } from '../../test/outages/whole-service.ts';
import { requestFor } from '../../test/requests/support.ts';
import { type Random, randomFrom } from '../../test/support/random.ts';
import type { Instance } from './instance.ts';

export interface TroubledParts {
  readonly neighbours: Neighbours;
  readonly load: Load;
  /** The instance that is killed, stopped and frozen; the other one lives all the time, and its memory is watched. */
  readonly victim: Instance;
}

/** One trouble and its end; it resolves when everything is as it was before, but for what piled up. */
interface Trouble {
  readonly name: string;
  readonly weight: number;
  begin(parts: TroubledParts, random: Random, seconds: number): Promise<void>;
}

/** Faults of the CAS after which the service gets there by itself, whatever is sent. */
const CAS_FAULTS = [
  'http:503',
  'status:SYSTEM_ERROR',
  'cut-before',
  'cut-after',
  'hang',
  'hang-after',
  'garbage',
  'empty',
  'truncated',
  'half-xml',
  'html500',
  'too-large',
  'tag-flood',
] as const;

const OUTAGES: readonly Trouble[] = NEIGHBOURS.flatMap((neighbour) =>
  FAULTS.map((fault) => ({
    name: `${neighbour} ${fault}`,
    weight: 1,
    async begin({ neighbours, load }, _random, seconds) {
      // Schemas that were fetched once are known for good: only a new one asks the registry.
      if (neighbour === 'registry') await load.newSchema();
      await takeAway(neighbours, neighbour, fault);
      await pause(seconds * 1_000);
      await bringBack(neighbours, neighbour, fault);
    },
  })),
);

const TROUBLES: readonly Trouble[] = [
  ...OUTAGES,
  {
    name: 'instance killed',
    weight: 4,
    async begin({ victim }, _random, seconds) {
      await victim.end('SIGKILL');
      await pause(seconds * 1_000);
      await victim.start();
    },
  },
  {
    name: 'instance stopped',
    weight: 2,
    async begin({ victim }, _random, seconds) {
      await victim.end('SIGTERM');
      await pause(seconds * 1_000);
      await victim.start();
    },
  },
  {
    name: 'instance frozen',
    weight: 2,
    async begin({ victim }, _random, seconds) {
      victim.signal('SIGSTOP');
      await pause(3 * seconds * 1_000);
      victim.signal('SIGCONT');
    },
  },
  {
    name: 'sessions killed',
    weight: 3,
    async begin({ neighbours }, random) {
      for (let times = 1 + random.int(4); times > 0; times -= 1) {
        await neighbours.db.query(
          `select pg_terminate_backend(pid) from pg_stat_activity
            where application_name like 'conax%' and random() < $1`,
          [random.pick([0.1, 0.5, 1])],
        );
        await pause(random.int(1_000));
      }
    },
  },
  {
    name: 'CAS faults',
    weight: 6,
    async begin({ neighbours }, random) {
      const fault = (): object => ({ times: 1 + random.int(3), fault: random.pick(CAS_FAULTS) });
      const rules = [
        // They are few, and the only ones whose outcome may stay unknown.
        { match: { command: 'SEND_MAIL_MESSAGE_TO_CLIENT' }, ...fault() },
        { match: { command: 'DISPLAY_FINGERPRINT' }, ...fault() },
        ...Array.from({ length: 8 }, fault),
      ];
      await neighbours.simulator('POST', 'faults', { rules });
    },
  },
];

/** What was done, and what has to come of it. */
export interface Troubles {
  /** How often each was. */
  readonly counts: ReadonlyMap<string, number>;
  /** Keys of the messages that are to be dead-lettered. */
  readonly poisoned: ReadonlySet<string>;
}

const GAP_MS_MAX = 12_000;
const TROUBLE_SECONDS_MAX = 6;
const POISON_CHANCE = 0.4;

/**
 * Makes one trouble after the other, at random, until the time is over; with messages that are no event now and then, and
 * messages to screens and fingerprints all the time.
 */
export async function makeTroubles(
  parts: TroubledParts,
  options: { readonly seed: number; readonly over: AbortSignal; readonly tell: (what: object) => void },
): Promise<Troubles> {
  const random = randomFrom(options.seed);
  const counts = new Map<string, number>();
  const poisoned = new Set<string>();
  const requesting = requestDirectly(parts.neighbours, options.seed, options.over);
  const lots = TROUBLES.flatMap((trouble) => Array.from({ length: trouble.weight }, () => trouble));
  while (!options.over.aborted) {
    await pause(1_000 + random.int(GAP_MS_MAX));
    if (random.chance(POISON_CHANCE)) {
      const poison = somePoison(random, poisoned.size);
      for (const { key } of poison) poisoned.add(key);
      await parts.load.poison(poison);
    }
    const trouble = random.pick(lots);
    counts.set(trouble.name, (counts.get(trouble.name) ?? 0) + 1);
    const seconds = 1 + random.int(TROUBLE_SECONDS_MAX);
    const beganAt = performance.now();
    await trouble.begin(parts, random, seconds);
    options.tell({ trouble: trouble.name, seconds: Math.round(performance.now() - beganAt) / 1_000 });
  }
  await requesting;
  return { counts, poisoned };
}

function somePoison(random: Random, from: number): Poison[] {
  const values = [
    null,
    Buffer.alloc(0),
    Buffer.from('{"json": true}'),
    // Confluent's frame with a schema that the registry does not know.
    Buffer.from([0, 0x7f, 0xff, 0xff, 0xfe, 1, 2, 3]),
    Buffer.from([0, 0, 0]),
    Buffer.alloc(100_000, 'x'),
  ];
  return Array.from({ length: 1 + random.int(3) }, (_, index) => ({
    key: `poison-${from + index}`,
    value: random.pick(values),
  }));
}

const CARDS = 50;
const REQUEST_EVERY_MS = 500;

/** Messages and fingerprints, which must never be sent twice, to cards of their own. */
async function requestDirectly({ db }: Neighbours, seed: number, over: AbortSignal): Promise<void> {
  const random = randomFrom(seed + 1);
  for (let number = 1; !over.aborted; number += 1) {
    await pause(REQUEST_EVERY_MS);
    const request = requestFor(shown(random, number), { priority: random.pick(['REGULAR', 'EXPRESS']) });
    // Without PostgreSQL there is nobody to ask for it.
    await db.transaction((tx) => submitRequests(tx, [request])).catch(() => {});
  }
}

/** Each has a text or a time of its own, by which the journal tells it. */
function shown(random: Random, number: number): Command {
  const smartcard = { caId: `98${String(random.int(CARDS)).padStart(9, '0')}`, distributor: null };
  const startAt = Date.UTC(2026, 0, 1) + number * 1_000;
  return random.chance(0.5)
    ? {
        type: 'SEND_MAIL_MESSAGE_TO_CLIENT',
        smartcard,
        message: `message ${smartcard.caId} ${number}`,
        startAt,
        queueNumber: null,
      }
    : {
        type: 'DISPLAY_FINGERPRINT',
        smartcard,
        displayAt: startAt,
        durationSeconds: 5,
        x: 1,
        y: 2,
        height: 3,
        slot: 1,
      };
}

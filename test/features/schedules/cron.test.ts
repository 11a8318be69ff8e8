import { describe, expect, test } from 'vitest';
import { cronProblem, nextTime, nextTimes } from '../../../src/features/schedules/cron.ts';
import { type Random, randomFrom } from '../../support/random.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

/** All times of an expression from one instant (inclusive) to another. */
function timesOf(cron: string, zone: string, from: number, until: number): string[] {
  const found: string[] = [];
  let at = nextTime(cron, zone, new Date(from - 1));
  for (; at !== null && at.getTime() < until; at = nextTime(cron, zone, at)) found.push(shown(at.getTime()));
  return found;
}

function shown(instant: number): string {
  return new Date(instant).toISOString().slice(0, 16);
}

function times(cron: string, zone: string, from: string, until: string): string[] {
  return timesOf(cron, zone, Date.parse(from), Date.parse(until));
}

describe('a time that the clocks skip', () => {
  const [from, until] = ['2027-03-27T22:00:00Z', '2027-03-28T21:00:00Z'];
  test.each(['30 3 * * *', '15,45 3 * * *', '*/15 3 * * *', '0-59 3 * * *', '30 3 28 3 *', '59 3 * * SUN'])(
    'comes once, when they have gone forward: %s',
    (cron) => {
      expect(times(cron, 'Asia/Nicosia', from, until)).toEqual(['2027-03-28T01:00']);
    },
  );

  test('comes when they have gone forward also if that is midnight (Cairo) or the next day (Apia)', () => {
    expect(times('0 */2 * * *', 'Africa/Cairo', '2026-04-23T20:30:00Z', '2026-04-24T00:00:00Z')).toEqual([
      '2026-04-23T22:00',
      '2026-04-23T23:00',
    ]);
    expect(times('0 8 * * *', 'Pacific/Apia', '2011-12-29T18:00:00Z', '2011-12-31T00:00:00Z')).toEqual([
      '2011-12-29T18:00',
      '2011-12-30T10:00',
      '2011-12-30T18:00',
    ]);
    expect(times('*/10 * 30 12 *', 'Pacific/Apia', '2011-12-29T12:00:00Z', '2012-01-02T00:00:00Z')).toEqual([
      '2011-12-30T10:00',
    ]);
  });
});

describe('a time that the clocks show twice', () => {
  const [from, until] = ['2027-10-30T21:00:00Z', '2027-10-31T22:00:00Z'];
  test.each([
    ['30 3 * * *', ['2027-10-31T00:30']],
    ['*/20 3 * * *', ['2027-10-31T00:00', '2027-10-31T00:20', '2027-10-31T00:40']],
    ['0 3-4 * * *', ['2027-10-31T00:00', '2027-10-31T02:00']],
  ])('comes the first time: %s', (cron, expected) => {
    expect(times(cron, 'Asia/Nicosia', from, until)).toEqual(expected);
  });
});

describe('what comes every hour', () => {
  test.each(['0 * * * *', '30 * * * *', '*/15 * * * *', '10,50 0-23 * * *'])(
    'comes every hour whatever the clocks do: %s',
    (cron) => {
      const minutes = timesOf(cron, 'UTC', 0, 60 * MINUTE_MS).map((time) => time.slice(14));
      for (const day of ['2027-03-28', '2027-10-31']) {
        const found = times(cron, 'Asia/Nicosia', `${day}T00:00:00Z`, `${day}T04:00:00Z`);
        expect(found).toEqual([0, 1, 2, 3].flatMap((hour) => minutes.map((minute) => `${day}T0${hour}:${minute}`)));
      }
    },
  );

  test('comes whenever clocks that change by half an hour show it, and is not missed when they skip it', () => {
    const on = (cron: string, from: string, until: string): string[] =>
      times(cron, 'Australia/Lord_Howe', from, until).map((time) => time.slice(11));
    // 02:00 becomes 02:30 at 15:30 UTC.
    const spring = ['2026-10-03T14:00:00Z', '2026-10-03T17:00:00Z'] as const;
    expect(on('15 * * * *', ...spring)).toEqual(['14:45', '15:30', '16:15']);
    expect(on('45 * * * *', ...spring)).toEqual(['14:15', '15:15', '15:45', '16:45']);
    // 02:00 becomes 01:30 at 15:00 UTC.
    const autumn = ['2027-04-03T14:00:00Z', '2027-04-03T17:00:00Z'] as const;
    expect(on('15 * * * *', ...autumn)).toEqual(['14:15', '15:45', '16:45']);
    expect(on('45 * * * *', ...autumn)).toEqual(['14:45', '15:15', '16:15']);
  });
});

describe('a cron expression', () => {
  test.each([
    ['x * * * *', 'UTC', 'cron', 'cannot be read'],
    ['0 0 8 * * *', 'UTC', 'cron', 'does not have five fields'],
    ['0 0 30 2 *', 'UTC', 'cron', 'never comes'],
    ['* * 31 2,4,6,9,11 *', 'Africa/Casablanca', 'cron', 'never comes'],
    ['0 8 * * *', 'Mars/Olympus', 'time_zone', 'is not a time zone'],
  ])('%j in %s is refused', (cron, zone, field, problem) => {
    const found = cronProblem(cron, zone);
    expect(found?.field).toBe(field);
    expect(found?.problem).toContain(problem);
  });

  const ZONES = [
    'Asia/Nicosia',
    'Europe/Berlin',
    'Europe/Dublin',
    'America/New_York',
    'America/Sao_Paulo',
    'America/St_Johns',
    'Africa/Cairo',
    'Africa/Casablanca',
    'Australia/Lord_Howe',
    'Asia/Tehran',
    'Asia/Gaza',
    'Antarctica/Troll',
    'Pacific/Apia',
    'Pacific/Chatham',
    'UTC',
  ];
  const seed = Number(process.env['CRON_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
  test(`comes once for each of its times in any zone around any change of the clocks (seed ${seed})`, () => {
    const random = randomFrom(seed);
    for (let round = 0; round < 30; round += 1) {
      const zone = ZONES[round % ZONES.length] ?? 'UTC';
      const change = changeOfClocks(zone, Date.UTC(1990 + random.int(45), random.int(12), random.int(28)));
      const [from, until] = [change - DAY_MS / 4, change + DAY_MS];
      const clocks = walk(zone, from - DAY_MS, until);
      for (let one = 0; one < 3; one += 1) {
        const fields = randomFields(random);
        const expected = expectedTimes(fields, clocks).filter((at) => at >= from);
        expect(
          timesOf(cronOf(fields), zone, from, until),
          `${cronOf(fields)} in ${zone} around ${shown(change)}`,
        ).toEqual(expected.map(shown));
      }
    }
  });
});

/** Minutes and hours that match, not all hours; every day, or one day of the week. */
interface Fields {
  readonly minutes: readonly number[];
  readonly hours: readonly number[];
  readonly weekday: number | null;
}

function randomFields(random: Random): Fields {
  const some = (count: number, below: number): number[] =>
    [...new Set(Array.from({ length: count }, () => random.int(below)))].toSorted((one, other) => one - other);
  return {
    minutes: random.chance(0.2) ? Array.from({ length: 60 }, (_, minute) => minute) : some(1 + random.int(6), 60),
    // Most clocks change in the first hours of a day.
    hours: random.chance(0.7) ? some(1 + random.int(4), 4) : some(1 + random.int(23), 23),
    weekday: random.chance(0.3) ? random.int(7) : null,
  };
}

function cronOf({ minutes, hours, weekday }: Fields): string {
  return `${minutes.join(',')} ${hours.join(',')} * * ${weekday ?? '*'}`;
}

/** What the clocks show at each minute: the instant, and the wall time as the milliseconds of the same time in UTC. */
type Clocks = readonly (readonly [instant: number, wall: number])[];

function walk(zone: string, from: number, until: number): Clocks {
  const wallAt = wallsOf(zone);
  const found: [number, number][] = [];
  for (let at = from; at < until; at += MINUTE_MS) found.push([at, wallAt(at)]);
  return found;
}

function wallsOf(zone: string): (instant: number) => number {
  const format = new Intl.DateTimeFormat('sv-SE', { timeZone: zone, dateStyle: 'short', timeStyle: 'medium' });
  return (instant) => Date.parse(`${format.format(instant).replace(' ', 'T')}Z`);
}

/** The first change of the clocks after an instant, to the minute; if there is none within a year, the instant itself. */
function changeOfClocks(zone: string, after: number): number {
  const wallAt = wallsOf(zone);
  const offsetAt = (at: number): number => wallAt(at) - at;
  for (let day = after; day < after + 366 * DAY_MS; day += DAY_MS) {
    if (offsetAt(day) === offsetAt(day + DAY_MS)) continue;
    for (let at = day; ; at += MINUTE_MS) if (offsetAt(at) !== offsetAt(day)) return at;
  }
  return after;
}

/** Says by itself when each time comes: at the first minute at which the clocks show it or have gone past it. */
function expectedTimes({ minutes, hours, weekday }: Fields, clocks: Clocks): number[] {
  let reached = clocks[0]?.[1] ?? 0;
  return clocks.flatMap(([instant, wall]) => {
    let comes = false;
    for (let time = reached + MINUTE_MS; time <= wall; time += MINUTE_MS) {
      const date = new Date(time);
      comes ||=
        minutes.includes(date.getUTCMinutes()) &&
        hours.includes(date.getUTCHours()) &&
        (weekday === null || weekday === date.getUTCDay());
    }
    reached = Math.max(reached, wall);
    return comes ? [instant] : [];
  });
}

describe('the next times of an expression', () => {
  test('follow each other, as many as are asked for', () => {
    const next = nextTimes('0 18 * * *', 'Asia/Nicosia', new Date('2027-03-26T16:00:00Z'), 3);
    expect(next.map((date) => shown(date.getTime()))).toEqual([
      '2027-03-27T16:00',
      '2027-03-28T15:00',
      '2027-03-29T15:00',
    ]);
  });
});

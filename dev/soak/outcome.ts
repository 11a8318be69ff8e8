import type { Surroundings } from '../../test/support/world.ts';

/** Hundreds of thousands of outcomes are decoded one by one. */
const ARRIVE_WITHIN_MS = 600_000;

/** Waits until as many outcomes came out of Kafka as were published; where some never come, the checks tell which. */
export async function untilOutcomesArrived({ db, wire }: Surroundings): Promise<void> {
  const [row] = await db.query<Record<'requests' | 'actions', number>>(`
    select count(*) filter (where kind = 'REQUEST_OUTCOME') as requests,
      count(*) filter (where kind = 'ACTION_OUTCOME') as actions from outbox where published_at is not null`);
  const { requests = 0, actions = 0 } = row ?? {};
  await wire
    .until(
      ({ requestOutcomes, actionOutcomes }) =>
        (requestOutcomes.length >= requests && actionOutcomes.length >= actions) || undefined,
      'as many outcomes as were published',
      ARRIVE_WITHIN_MS,
    )
    .catch(() => {});
}

/** Each message that is no event is a dead letter, in PostgreSQL and in Kafka; and nothing else is. */
export async function brokenPoison({ db, wire }: Surroundings, poisoned: ReadonlySet<string>): Promise<string[]> {
  const rows = await db.query<{ key: string; published: boolean }>(`
    select convert_from(message_key, 'UTF8') as key, published_at is not null as published
      from outbox where kind = 'DEAD_LETTER'`);
  const stored = new Set(rows.map(({ key }) => key));
  const arrived = new Set(wire.arrivals.deadLetters.map(({ key }) => key ?? ''));
  return [
    ...[...poisoned].filter((key) => !stored.has(key)).map((key) => `${key} is no dead letter`),
    ...[...poisoned].filter((key) => !arrived.has(key)).map((key) => `${key} did not come out of Kafka`),
    ...[...stored].filter((key) => !poisoned.has(key)).map((key) => `${key} is a dead letter`),
    ...rows.filter(({ published }) => !published).map(({ key }) => `the dead letter of ${key} is not published`),
  ];
}

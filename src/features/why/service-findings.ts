import type { EventFact, Facts, IntakeFact, PartitionFact } from './facts.ts';
import { type Finding, finding } from './finding-codes.ts';

/** How long something may stay unread before it is a finding. */
const BEHIND_MS = 60_000;

/** Returns what keeps the service from reading events or sending commands. */
export function serviceFindings(facts: Facts): Finding[] {
  return [...reading(facts), ...sending(facts)];
}

function sending({ provider, requests, now }: Facts): Finding[] {
  const pending = requests.filter(({ state }) => state === 'PENDING');
  const severity = pending.length > 0 ? 'blocking' : 'attention';
  const waits = pending.length > 0 ? `${pending.length} of its requests wait` : 'new requests would wait';
  const found: Finding[] = [];
  if (provider.paused) {
    const { changedAt, pausedBy: by, pausedReason: reason } = provider;
    const sentence = `Sending to the CAS is paused by ${by ?? 'somebody'} (${reason ?? 'no reason'}), so ${waits}.`;
    const evidence = { by, reason, pending: pending.length };
    found.push(
      finding('PROVIDER_PAUSED', sentence, {
        severity,
        since: changedAt,
        evidence,
        calls: [{ operation: 'provider.resume', input: {} }],
      }),
    );
  }
  if (provider.breaker !== 'closed') {
    const last = pending.find(({ lastCode }) => lastCode !== null);
    const error = last === undefined ? '' : ` (${last.lastCode})`;
    const evidence = {
      failures_in_a_row: provider.failuresInARow,
      next_try: (provider.breakerOpenUntil ?? now).toISOString(),
      last_error: last?.lastDescription ?? null,
    };
    const sentence = `The CAS does not answer${error}, so ${waits}.`;
    found.push(
      finding('BREAKER_OPEN', sentence, { severity, evidence, calls: [{ operation: 'provider.status', input: {} }] }),
    );
  }
  return found;
}

/** Whether events are read. With versions that do not report, only whether an instance runs is known. */
function reading({ provider, intake, events }: Facts): Finding[] {
  const alive = intake.filter((one) => one.alive);
  if (provider.instances.length === 0) return [nothingRuns(intake)];
  const [first] = alive;
  if (first === undefined) return [];
  const places = placesOf(alive);
  const concerned = places.filter(({ place }) => isOf(place, events));
  const unread = sumOf(concerned.map(({ place }) => place.unread));
  if (alive.every(({ problem }) => problem !== null)) {
    const since = new Date(Math.max(...alive.map((one) => one.since.getTime())));
    const evidence = { why: first.problem, instances: alive.length, unread };
    const sentence = `No events are read: ${first.problem}.${unreadText(unread)}`;
    return [finding('INTAKE_STOPPED', sentence, { since, evidence })];
  }
  const stopped = places.filter(({ problem }) => problem !== null);
  const mine = stopped.find(({ place }) => isOf(place, events));
  const shown = mine ?? stopped[0];
  if (shown !== undefined) {
    const { place, problem, since } = shown;
    const where = `${place.topic}/${place.partition}`;
    const whose = mine === undefined ? ', from which no event of this number came,' : '';
    const evidence = { why: problem, partition: where, stopped_partitions: stopped.length, unread: place.unread };
    const sentence = `Events of partition ${where}${whose} are not read: ${problem}.${unreadText(place.unread)}`;
    const severity = mine === undefined ? 'attention' : 'blocking';
    return [finding('INTAKE_STOPPED', sentence, { severity, since, evidence })];
  }
  const late = concerned.filter(({ place }) => (place.behind_ms ?? 0) >= BEHIND_MS);
  if (late.length === 0) return [];
  const since = new Date(Math.min(...late.map(({ behindSince }) => behindSince)));
  const sentence = `Reading of events is behind: ${unread} messages are not read yet.`;
  return [finding('INTAKE_STOPPED', sentence, { severity: 'attention', since, evidence: { unread } })];
}

function nothingRuns([last]: readonly IntakeFact[]): Finding {
  const unread = last === undefined ? null : sumOf(last.partitions.map((one) => one.unread));
  const sentence = `No instance of the service runs: no event is read, and nothing is sent.${unreadText(unread)}`;
  const evidence = { instances: 0, unread };
  return finding('INTAKE_STOPPED', sentence, { since: last?.reported ?? null, evidence, command: 'serve' });
}

function unreadText(unread: number | null): string {
  return unread === null || unread === 0 ? '' : ` At least ${unread} messages are not read yet.`;
}

/** A partition as the instance that is best at it has it: another one may list it still and not read it any more. */
interface PlaceState {
  readonly place: PartitionFact;
  readonly problem: string | null;
  readonly since: Date | null;
  readonly behindSince: number;
}

function placesOf(alive: readonly IntakeFact[]): PlaceState[] {
  const listed = alive.flatMap(({ problem, since, partitions, reported }) =>
    partitions.map((place): PlaceState => {
      const ago = (ms: number | null): number => reported.getTime() - (ms ?? 0);
      const own = { problem: place.problem, since: place.problem === null ? null : new Date(ago(place.problem_ms)) };
      return { place, ...(problem === null ? own : { problem, since }), behindSince: ago(place.behind_ms) };
    }),
  );
  const byPlace = Map.groupBy(listed, ({ place }) => `${place.topic}/${place.partition}`);
  return [...byPlace.values()].flatMap((same) => same.find(({ problem }) => problem === null) ?? same[0] ?? []);
}

/** Whether events of the subject come from the partition; of one without events, every partition may have some. */
function isOf({ topic, partition }: PartitionFact, events: readonly EventFact[]): boolean {
  return events.length === 0 || events.some((event) => event.topic === topic && event.partition === partition);
}

/** How many messages are unread in the partitions that these events came from; null if not known. */
export function unreadOf({ intake }: Facts, events: readonly EventFact[]): number | null {
  const places = placesOf(intake.filter(({ alive }) => alive)).filter(({ place }) => isOf(place, events));
  return sumOf(places.map(({ place }) => place.unread));
}

/** Null if none is known. */
function sumOf(counts: readonly (number | null)[]): number | null {
  const known = counts.filter((count) => count !== null);
  return known.length === 0 ? null : known.reduce((sum, count) => sum + count, 0);
}

import { Cron } from 'croner';
import { messageOf } from '../../platform/errors.ts';
import { HOUR_MS, type WallClock, wallClock } from '../../platform/wall-clock.ts';

/** Returns what is wrong with a cron expression or a time zone; null if both are valid. */
export function cronProblem(cron: string, timeZone: string): { field: 'cron' | 'time_zone'; problem: string } | null {
  try {
    wallClock(timeZone);
  } catch {
    return {
      field: 'time_zone',
      problem: `${JSON.stringify(timeZone)} is not a time zone: give one like Asia/Nicosia or UTC`,
    };
  }
  if (cron.trim().split(/\s+/).length !== 5) {
    return {
      field: 'cron',
      problem: `${JSON.stringify(cron)} does not have five fields: give minute, hour, day of the month, month, day of the week`,
    };
  }
  try {
    if (nextTime(cron, timeZone, new Date()) !== null) return null;
    return { field: 'cron', problem: `${JSON.stringify(cron)} never comes: check day and month` };
  } catch (error) {
    return { field: 'cron', problem: `${JSON.stringify(cron)} cannot be read: ${messageOf(error)}` };
  }
}

/**
 * Returns the first instant after `after` at which an expression is due on the clocks of a time zone; null if there is
 * none.
 *
 * croner finds the wall times of an expression without a time zone. With a zone it skips whole days in spring and
 * repeats an hour in autumn. So this function maps wall times to instants:
 * - Every wall time is due exactly once: when the clocks first show it, or when they go forward over it.
 * - An expression that names every hour is due whenever the clocks show one of its times, so also in a repeated hour. A
 *   skipped time of it is due only if more than an hour would pass without it.
 */
export function nextTime(cron: string, timeZone: string, after: Date): Date | null {
  const clock = wallClock(timeZone);
  const walls = wallTimes(cron);
  const next = comesEveryHour(cron)
    ? nextOfEveryHour(walls, clock, after.getTime())
    : nextOnce(walls, clock, after.getTime());
  return next === null ? null : new Date(next);
}

/** Returns the next `count` instants after `after` at which an expression is due; fewer if there are no more. */
export function nextTimes(cron: string, timeZone: string, after: Date, count: number): Date[] {
  const times: Date[] = [];
  for (let next = nextTime(cron, timeZone, after); next !== null && times.length < count;) {
    times.push(next);
    next = nextTime(cron, timeZone, next);
  }
  return times;
}

/** Returns the first wall time of an expression after a wall time; null if there is none. */
type WallTimes = (after: number) => number | null;

function wallTimes(cron: string): WallTimes {
  // UTC clocks skip and repeat no time.
  const times = new Cron(cron, { utcOffset: 0, paused: true });
  return (after) => times.nextRun(new Date(after))?.getTime() ?? null;
}

function comesEveryHour(cron: string): boolean {
  const [, hour] = cron.trim().split(/\s+/);
  const day = new Cron(`0 ${hour} 1 1 *`, { utcOffset: 0, paused: true }).nextRuns(
    24,
    new Date('2026-12-31T12:00:00Z'),
  );
  return day[23]?.toISOString() === '2027-01-01T23:00:00.000Z';
}

/** Later wall times are never due before earlier ones, so the first one due after the instant is the next. */
function nextOnce(walls: WallTimes, clock: WallClock, after: number): number | null {
  for (let wall = walls(clock.wallAt(after)); wall !== null; wall = walls(wall)) {
    const { shown, skippedUntil } = clock.instantsOf(wall);
    const [instant = skippedUntil] = shown;
    if (instant > after) return instant;
  }
  return null;
}

function nextOfEveryHour(walls: WallTimes, clock: WallClock, after: number): number | null {
  const now = clock.wallAt(after);
  const repeated = nextRepeated(walls, clock, after);
  for (let wall = walls(now); wall !== null; wall = walls(wall)) {
    const { shown, skippedUntil } = clock.instantsOf(wall);
    const instant = shown.find((one) => one > after);
    if (instant !== undefined) return Math.min(instant, repeated);
    if (shown.length > 0 || skippedUntil <= after || repeated < skippedUntil) continue;
    if (isMissed(walls, clock, skippedUntil)) return skippedUntil;
  }
  return repeated === Infinity ? null : repeated;
}

/** Returns the first instant at which clocks that were put back show one of the times again; else Infinity. */
function nextRepeated(walls: WallTimes, clock: WallClock, after: number): number {
  const now = clock.wallAt(after);
  const putBackMs = now + 24 * HOUR_MS - clock.wallAt(after + 24 * HOUR_MS);
  for (let wall = walls(now - Math.max(0, putBackMs)); wall !== null && wall <= now; wall = walls(wall)) {
    const again = clock.instantsOf(wall).shown.find((one) => one > after);
    if (again !== undefined) return again;
  }
  return Infinity;
}

/** Returns whether more than an hour would pass without a shown time when the clocks go forward at this instant. */
function isMissed(walls: WallTimes, clock: WallClock, skippedUntil: number): boolean {
  const next = nextShown(skippedUntil - 1);
  if (next === null) return true;
  const before = nextShown(next - HOUR_MS - 1);
  return before === null || before >= skippedUntil;

  function nextShown(after: number): number | null {
    for (let wall = walls(clock.wallAt(after)); wall !== null; wall = walls(wall)) {
      const instant = clock.instantsOf(wall).shown.find((one) => one > after);
      if (instant !== undefined) return instant;
    }
    return null;
  }
}

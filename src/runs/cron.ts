import { Cron } from 'croner';
import { messageOf } from '../platform/errors.ts';

/** What is wrong with a cron expression or a time zone; null where both can be used. */
export function cronProblem(cron: string, timeZone: string): { field: 'cron' | 'time_zone'; problem: string } | null {
  try {
    Intl.DateTimeFormat('en', { timeZone }).resolvedOptions();
  } catch {
    return {
      field: 'time_zone',
      problem: `${JSON.stringify(timeZone)} is no time zone: give one like Asia/Nicosia or UTC`,
    };
  }
  if (cron.trim().split(/\s+/).length !== 5) {
    return {
      field: 'cron',
      problem: `${JSON.stringify(cron)} has not five fields: give minute, hour, day of the month, month, day of the week`,
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
 * The first time after `after` that fits the expression on the clocks of the time zone; null where there is none. A time
 * that the clocks skip in spring comes when they have gone forward; one that they show twice in autumn comes once.
 */
export function nextTime(cron: string, timeZone: string, after: Date): Date | null {
  return new Cron(cron, { timezone: timeZone, paused: true }).nextRun(after);
}

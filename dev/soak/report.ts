import type { Broken } from '../../test/crash/promises.ts';
import type { Load } from '../../test/outages/load.ts';
import type { Surroundings } from '../../test/support/world.ts';
import { flatness, median } from './flatness.ts';
import type { Instance } from './instance.ts';
import type { Sample } from './samples.ts';
import type { Troubles } from './troubles.ts';

export interface Run {
  readonly world: Surroundings;
  readonly samples: readonly Sample[];
  readonly troubles: Troubles;
  readonly load: Load;
  readonly steady: Instance;
  readonly victim: Instance;
  readonly settledMs: number;
  /** How the instances ended when they were told to. */
  readonly ends: readonly string[];
  readonly broken: Broken & { readonly poison: readonly string[] };
}

/** What was seen, as Markdown; and whether all of it is as promised. */
export async function report(run: Run): Promise<{ text: string; good: boolean }> {
  const { world, samples, troubles, load, steady, victim, settledMs, ends, broken } = run;
  const [counts] = await world.db.query<Record<string, number>>(`
    select (select count(*) from request) as requests, (select count(*) from attempt) as calls,
      (select count(*) from outbox where published_at is not null) as outcomes,
      (select count(*) from inbox where disposition = 'DUPLICATE') as duplicates,
      (select count(*) from inbox where late) as late,
      (select count(*) from request where error_code = 'OUTCOME_UNKNOWN') as unknown`);
  const measures = flatness(samples);
  const problems = Object.entries(broken).flatMap(([promise, found]) =>
    found.map((one: string) => `${promise}: ${one}`),
  );
  const falls = [...steady.falls, ...victim.falls];
  const good =
    problems.length === 0 &&
    falls.length === 0 &&
    ends.every((end) => end === '0') &&
    measures.every(({ flat }) => flat);
  const loads = samples.map(({ load1 }) => load1);
  const text = [
    `${load.sent.size} events, ${counts?.['duplicates']} of the messages duplicates, ${counts?.['late']} late, ` +
      `${troubles.poisoned.size} poison; ${counts?.['requests']} requests, ${counts?.['calls']} calls, ` +
      `${counts?.['outcomes']} outcomes published, ${counts?.['unknown']} outcomes of the CAS unknown; ` +
      `all settled ${Math.round(settledMs)} ms after the last fault.`,
    `Load of the machine: median ${median(loads).toFixed(1)}, at most ${Math.max(...loads).toFixed(1)}. ` +
      `Starts: steady ${steady.starts}, victim ${victim.starts}; ends when told: ${ends.join(', ')}; ` +
      `fell over: ${falls.length === 0 ? 'never' : falls.join(', ')}.`,
    `Troubles: ${[...troubles.counts].map(([name, times]) => `${name} ${times}`).join(', ')}.`,
    problems.length === 0 ? 'No promise was broken.' : `BROKEN:\n${problems.join('\n')}`,
    '',
    '| over the second half | median | most | rise | allowed | |',
    '|---|---|---|---|---|---|',
    ...measures.map(
      ({ name, median: middle, max, growth, allowed, flat }) =>
        `| ${name} | ${short(middle)} | ${short(max)} | ${short(growth)} | ${short(allowed)} | ${flat ? 'flat' : 'GROWS'} |`,
    ),
  ].join('\n');
  return { text, good };
}

function short(value: number): string {
  return Math.abs(value) >= 100 ? Math.round(value).toLocaleString('en') : value.toFixed(1);
}

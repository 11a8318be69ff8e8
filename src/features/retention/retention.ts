import { z } from 'zod';
import { instant, noInput } from '../../operations/fields.ts';
import { type Feature, operation } from '../../operations/operation.ts';
import { type RetentionKindName, retentionKinds } from './kinds.ts';
import { retentionPasses } from './pass.ts';
import type { RowCounts } from './rows.ts';

const passes = z
  .strictObject({
    passes: z.array(
      z.strictObject({
        kind: z.enum(Object.keys(retentionKinds) as [RetentionKindName]),
        began_date: instant(),
        ended_date: instant().nullable().describe('Null: the pass is under way, or the next run continues it.'),
        position: z.int().describe('The number or id of the last row that was looked at.'),
        removed: z.record(z.string(), z.int()).describe('Rows, by table.'),
      }),
    ),
  })
  .meta({ id: 'Retention', description: 'The last pass over each kind of row; empty if retention has never run.' });

/** `retention`: what was archived and removed. `retention run` is a command alone: the service runs it by its settings. */
export const retention: Feature = {
  name: 'retention',
  summary: 'Archives and removes rows that are older than the RETENTION_ settings (docs/retention.md).',
  operations: [
    operation({
      name: 'retention.status',
      summary: 'Show what retention has removed',
      description: 'Shows the last pass over each kind of row.',
      role: 'viewer',
      route: 'GET /retention',
      input: noInput,
      output: passes,
      example: {},
      cli: { empty: 'retention has not run yet', text: statusText },
      async handle({ db }) {
        const found = await retentionPasses(db);
        return {
          passes: found.map(({ kind, beganAt, endedAt, position, removed }) => ({
            kind,
            began_date: beganAt.toISOString(),
            ended_date: endedAt?.toISOString() ?? null,
            position,
            removed: { ...removed },
          })),
        };
      },
    }),
  ],
};

function statusText({ passes: shown }: z.output<typeof passes>): string {
  return shown
    .map(({ kind, began_date: began, ended_date: ended, position, removed }) => {
      const end = ended === null ? `not ended, at ${position}` : `ended ${ended}`;
      return `${kind.padEnd(8)}  began ${began}, ${end}: ${countsText(removed)} removed`;
    })
    .join('\n');
}

/** What people call the tables; a row in the lists of requests comes and goes with its request. */
const WORDS = {
  request: 'requests',
  attempt: 'attempts',
  inbox: 'events',
  withheld: 'withheld commands',
  outbox: 'outcomes and dead letters',
  crm_action: 'actions',
  run: 'runs',
  run_target: 'targets of runs',
  audit: 'entries of the audit',
} as const;

/** Writes counts for people: `1,000 requests, 1,200 attempts`. */
export function countsText(counts: RowCounts): string {
  const parts = Object.entries(WORDS).flatMap(([table, word]) => {
    const count = counts[table] ?? 0;
    return count > 0 ? [`${count.toLocaleString('en')} ${word}`] : [];
  });
  return parts.length === 0 ? 'nothing' : parts.join(', ');
}

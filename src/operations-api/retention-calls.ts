import { z } from 'zod';
import { retentionPasses } from '../operations/retention-pass.ts';
import { type Call, call } from '../http/calls.ts';
import { formatDate } from '../http/dates.ts';
import { success, successSchema } from '../http/envelope.ts';
import type { OperationsParts } from './parts.ts';
import { shownDate } from './shapes.ts';

const retentionView = z
  .strictObject({
    passes: z.array(
      z.strictObject({
        kind: z.string(),
        began_date: shownDate(),
        ended_date: shownDate().nullable().describe('Null: it goes on, or will where it was broken off.'),
        position: z.int().describe('How far it came: the number or id of the last row that was looked at.'),
        removed: z.record(z.string(), z.int()).describe('Rows, by table.'),
      }),
    ),
  })
  .meta({ id: 'Retention', description: 'The last pass over each kind of row; none where it has never run.' });

/** Retention in the operations API: the service runs it by its settings, and people look. */
export function retentionCalls({ db }: Pick<OperationsParts, 'db'>): Call[] {
  return [
    call({
      name: 'showRetention',
      method: 'GET',
      paths: ['/retention'],
      access: 'reader',
      tag: 'retention',
      summary: 'What retention has removed',
      description: 'The last pass over each kind of row. The RETENTION_ settings say what is old; the service runs it.',
      input: z.strictObject({}),
      output: successSchema(retentionView),
      async handle() {
        const passes = await retentionPasses(db);
        return success({
          passes: passes.map(({ kind, beganAt, endedAt, position, removed }) => ({
            kind,
            began_date: formatDate(beganAt),
            ended_date: endedAt === null ? null : formatDate(endedAt),
            position,
            removed: { ...removed },
          })),
        });
      },
    }),
  ];
}

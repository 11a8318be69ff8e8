import { Command } from 'commander';
import { registryOf } from '../connections.ts';
import { DeadLetterError } from '../intake/release-dead-letter.ts';
import { NotHeldError } from '../intake/stale.ts';
import { localUser } from '../operations/actor.ts';
import { heldEvents } from '../features/waiting-events/held.ts';
import { discardEvent, releaseEvent } from '../features/waiting-events/decide.ts';
import type { Database } from '../platform/database.ts';
import { plan } from '../planning/plan.ts';
import { showEvent } from '../features/waiting-events/show.ts';
import { deadLetters } from '../features/waiting-events/stored.ts';
import { planningRulesOf, readSettings } from '../settings.ts';
import { withDatabase } from './database.ts';
import { DEAD_LETTER_COLUMNS, HELD_COLUMNS, shownEventText } from './event-text.ts';
import { NotFoundError, UsageError } from './exit-codes.ts';
import { wholeNumberOf } from './options.ts';
import { print, printJson, printList } from './output.ts';

/** `events`: what a person decides about late events that STALE_POLICY=hold keeps, and about dead letters. */
export function eventsCommand(): Command {
  const events = new Command('events').description(
    'what waits for a person: late events that are held (STALE_POLICY=hold), and dead letters',
  );
  events
    .command('held')
    .description('lists the held events, the oldest first, at most 1,000')
    .option('--json', 'print JSON')
    .action(async ({ json }: { json?: boolean }) => {
      const held = await withDatabase(heldEvents);
      await printList(held, { columns: HELD_COLUMNS, nothing: 'No event is held.', json: json ? 'array' : null });
    });
  events
    .command('dead-letters')
    .description('lists the dead letters that nobody has decided about, the oldest first')
    .option('--all', 'also those that were discarded')
    .option('--after <id>', 'goes on behind this one', '0')
    .option('--limit <n>', 'how many, at most 1000', '100')
    .option('--json', 'print JSON')
    .action(async ({ all = false, after, limit, json }: ListArguments) => {
      const options = {
        all,
        after: wholeNumberOf('--after', after, 0, Number.MAX_SAFE_INTEGER),
        limit: wholeNumberOf('--limit', limit, 1, 1_000),
      };
      const letters = await withDatabase((db) => deadLetters(db, options));
      await printList(letters, {
        columns: DEAD_LETTER_COLUMNS,
        nothing: 'There are no such dead letters.',
        json: json ? 'array' : null,
        widest: 200,
      });
    });
  events
    .command('show')
    .description('one message: its event, and of a dead letter all that can be read of it, with its bytes beside')
    .argument('<id>', 'the number that `events held` and `events dead-letters` show first')
    .option('--json', 'print JSON')
    .action(async (id: string, { json }: { json?: boolean }) => {
      const registry = registryOf(readSettings(['kafka']));
      const found = await withDatabase((db) =>
        showEvent(db, idOf(id), (schemaId) => registry.findWriterSchema(schemaId)),
      );
      if (!found) throw new NotFoundError(`There is no event ${id}`);
      await (json ? printJson(found) : print(shownEventText(found)));
    });
  events
    .command('release')
    .description(
      'plans a held event, or a dead letter whose cause is mended, after all: it undoes nothing that is newer',
    )
    .argument('<id>', 'the number that `events held` and `events dead-letters` show first')
    .option('--schema <id>', 'reads a dead letter with this schema of the registry instead of the one that it names')
    .option('--reason <text>', 'why, for the trail')
    .option('--by <name>', 'who decides', localUser())
    .action(async (id: string, { by, reason, schema }: { by: string; reason?: string; schema?: string }) => {
      const disposition = await decided(id, (db, inboxId) => release(db, inboxId, { by, reason, schema }));
      await print(`event ${id} is released: ${disposition}`);
    });
  events
    .command('discard')
    .description('gives up a held event or a dead letter: nothing is sent for it, and the trail says who decided so')
    .argument('<id>', 'the number that `events held` and `events dead-letters` show first')
    .requiredOption('--reason <text>', 'why, for the trail')
    .option('--by <name>', 'who decides', localUser())
    .action(async (id: string, { by, reason }: { by: string; reason: string }) => {
      const { ACTION_FACET_WAIT_MS: facetWaitMs } = readSettings(['rules']);
      await decided(id, (db, inboxId) => discardEvent(db, { inboxId, by, reason }, { facetWaitMs }));
      await print(`event ${id} is discarded`);
    });
  return events;
}

interface ListArguments {
  readonly all?: boolean;
  readonly after: string;
  readonly limit: string;
  readonly json?: boolean;
}

async function release(
  db: Database,
  inboxId: number,
  how: { readonly by: string; readonly reason: string | undefined; readonly schema: string | undefined },
): Promise<'PLANNED' | 'NOTHING_TO_DO'> {
  const settings = readSettings(['rules']);
  const schemaId = how.schema === undefined ? null : wholeNumberOf('--schema', how.schema, 1, 2 ** 31 - 1);
  return releaseEvent(
    db,
    { inboxId, by: how.by, reason: how.reason ?? '', schemaId },
    {
      plan,
      rules: planningRulesOf(settings),
      facetWaitMs: settings.ACTION_FACET_WAIT_MS,
      findWriterSchema: (id) => registryOf(readSettings(['kafka'])).findWriterSchema(id),
    },
  );
}

/** Checks the id before, and tells an event that nobody can decide about as not found. */
async function decided<T>(id: string, decide: (db: Database, inboxId: number) => Promise<T>): Promise<T> {
  const inboxId = idOf(id);
  try {
    return await withDatabase((db) => decide(db, inboxId));
  } catch (error) {
    if (error instanceof NotHeldError) throw new NotFoundError(error.message);
    throw error instanceof DeadLetterError ? new Error(error.message) : error;
  }
}

function idOf(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new UsageError(`The id is ${JSON.stringify(text)}: give the number of an event`);
  return Number(text);
}

import { userInfo } from 'node:os';
import { Command } from 'commander';
import { NotHeldError, discardStale, releaseStale } from '../intake/stale.ts';
import { heldEvents } from '../operations/held-events.ts';
import { plan } from '../planning/plan.ts';
import { planningRulesOf, readSettings } from '../settings.ts';
import { withDatabase } from './database.ts';
import { NotFoundError, UsageError } from './exit-codes.ts';

/** `events`: what a person decides about late events that STALE_POLICY=hold keeps. */
export function eventsCommand(): Command {
  const events = new Command('events').description('late events that are held for a person (STALE_POLICY=hold)');
  events
    .command('held')
    .description('lists the held events, the oldest first, at most 1,000')
    .option('--json', 'print JSON')
    .action(async ({ json }: { json?: boolean }) => {
      const held = await withDatabase(heldEvents);
      if (json) console.log(JSON.stringify(held, null, 2));
      else for (const one of held) console.log(Object.values(one).map(shown).join('  '));
    });
  events
    .command('release')
    .description('plans a held event after all, against the newest snapshot: it undoes nothing that is newer')
    .argument('<id>', 'the number that `events held` shows first')
    .option('--by <name>', 'who decides', userInfo().username)
    .action(async (id: string, { by }: { by: string }) => {
      const settings = readSettings(['rules']);
      const disposition = await decided((inboxId) =>
        withDatabase((db) =>
          releaseStale(
            db,
            { inboxId, by },
            { plan, rules: planningRulesOf(settings), facetWaitMs: settings.ACTION_FACET_WAIT_MS },
          ),
        ),
      )(id);
      console.log(`event ${id} is released: ${disposition}`);
    });
  events
    .command('discard')
    .description('gives up a held event: nothing is sent for it, and the outcome of its action says so')
    .argument('<id>', 'the number that `events held` shows first')
    .requiredOption('--reason <text>', 'why, for the trail')
    .option('--by <name>', 'who decides', userInfo().username)
    .action(async (id: string, { by, reason }: { by: string; reason: string }) => {
      const { ACTION_FACET_WAIT_MS: facetWaitMs } = readSettings(['rules']);
      await decided((inboxId) => withDatabase((db) => discardStale(db, { inboxId, by, reason }, { facetWaitMs })))(id);
      console.log(`event ${id} is discarded`);
    });
  return events;
}

/** Checks the id before, and tells an event that is not held as not found. */
function decided<T>(decide: (inboxId: number) => Promise<T>): (id: string) => Promise<T> {
  return async (id) => {
    if (!/^\d{1,15}$/.test(id))
      throw new UsageError(`The id is ${JSON.stringify(id)}: give the number of a held event`);
    try {
      return await decide(Number(id));
    } catch (error) {
      throw error instanceof NotHeldError ? new NotFoundError(error.message) : error;
    }
  };
}

function shown(value: unknown): string {
  if (value instanceof Date) return value.toISOString();
  return typeof value === 'string' ? value : JSON.stringify(value);
}

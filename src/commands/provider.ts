import { Command } from 'commander';
import { pauseProvider, providerStatus, type ProviderStatus, resumeProvider } from '../dispatch/provider.ts';
import { localUser } from '../operations/actor.ts';
import { withDatabase } from './database.ts';
import { print, printJson } from './output.ts';

/** `provider`: sending to the CAS off and on, while the service runs. */
export function providerCommand(): Command {
  const provider = new Command('provider').description('switches sending to the CAS off and on while the service runs');
  provider
    .command('pause')
    .description('stops all sending on every instance; requests stay PENDING and in order')
    .option('--reason <text>', 'why, for those who find it paused', 'paused on the command line')
    .option('--by <name>', 'who does it', localUser())
    .action(async ({ reason, by }: { reason: string; by: string }) => {
      const changed = await withDatabase((db) => pauseProvider(db, { reason, by }));
      await print(changed ? 'paused' : 'it was paused before; the first reason stays');
    });
  provider
    .command('resume')
    .description('lets sending go on, with the breaker closed')
    .option('--by <name>', 'who does it', localUser())
    .action(async ({ by }: { by: string }) => {
      const changed = await withDatabase((db) => resumeProvider(db, { by }));
      await print(changed ? 'resumed' : 'it was not paused');
    });
  provider
    .command('status')
    .description('whether commands are sent, the breaker, and the instances with their shares of the limits')
    .option('--json', 'print JSON')
    .action(async ({ json }: { json?: boolean }) => {
      const status = await withDatabase(providerStatus);
      await (json ? printJson(status) : print(statusText(status)));
    });
  return provider;
}

function statusText(status: ProviderStatus): string {
  const sending = status.paused
    ? `paused since ${status.changedAt.toISOString()} by ${status.pausedBy}: ${status.pausedReason}`
    : 'sending';
  const until = status.breakerOpenUntil ? ` until ${status.breakerOpenUntil.toISOString()}` : '';
  const instances = status.instances.map(
    ({ id, slots, requestsPerSecond }) => `  ${id}: ${slots} calls at once, ${requestsPerSecond} a second`,
  );
  return [
    `provider   ${sending}`,
    `breaker    ${status.breaker}${until}, ${status.failuresInARow} failures in a row`,
    `instances  ${instances.length === 0 ? '0: no instance of the service sends now' : instances.length}`,
    ...instances,
  ].join('\n');
}

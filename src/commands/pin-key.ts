import type { Command } from 'commander';
import { createSeal } from '../platform/seal.ts';
import { changePinKey } from '../requests/pin-key.ts';
import { readSettings } from '../settings.ts';
import { withDatabase } from './database.ts';
import { UsageError } from './exit-codes.ts';
import { print } from './output.ts';

/** Adds `pin change-key`. */
export function addPinKeyCommand(pin: Command): void {
  pin
    .command('change-key')
    .description('Makes the first key of PIN_KEY the one that seals PINs; docs/utilities.md has the steps.')
    .action(changeKey);
}

async function changeKey(): Promise<void> {
  const { PIN_KEY } = readSettings(['database', 'rules']);
  if (PIN_KEY === undefined) throw new UsageError('PIN_KEY is not set: set it, or PIN_KEY_FILE, to the new key');
  const change = await withDatabase((db) => changePinKey(db, createSeal(PIN_KEY)));
  if (typeof change === 'object') {
    throw new Error(
      `${change.unopenable} PINs wait that the former key sealed, and PIN_KEY lacks that key: give it in a second line ` +
        'to every instance, or let these requests end first.',
    );
  }
  const since = change === 'changed' ? 'from now on' : 'already';
  await print(`PINs are sealed with the first key of PIN_KEY ${since}`);
}

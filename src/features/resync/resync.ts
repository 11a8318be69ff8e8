import type { Feature } from '../../operations/operation.ts';
import { startCommand } from '../runs/start.ts';

/** `resync`: what the newest snapshots entitle is sent to the CAS again. */
export const resync: Feature = {
  name: 'resync',
  summary: 'Sends again what the newest snapshots entitle, pairings first (docs/reconcile.md).',
  operations: [],
  commands: [
    startCommand({
      name: 'resync',
      summary: 'Send again what the newest snapshots of subscriptions entitle, pairings first',
      kind: 'RESYNC',
    }),
  ],
};

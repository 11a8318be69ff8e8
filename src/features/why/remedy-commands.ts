import { quoted } from '../../platform/terminal-text.ts';

/** The command that sends again what the CRM entitles; null without a subscription. */
export function resyncOf(subscription: string | null): string | null {
  return subscription === null ? null : `resync --subscription ${quoted(subscription)} --yes`;
}

/** The command that sends again what the CRM entitles; null without a subscription. */
export function resyncOf(subscription: string | null): string | null {
  return subscription === null ? null : `resync --subscription ${quoted(subscription)} --yes`;
}

/** Returns a value as a shell takes it for one word: the CRM chooses it, and people paste the command. */
export function quoted(value: string): string {
  return /^[\w.:/][\w.:/-]*$/.test(value) ? value : `'${value.replaceAll("'", "'\\''")}'`;
}

import type { PlannedCommand } from '../planning/types.ts';
import type { Effect } from '../features/replay/effects.ts';
import type { PlanSummary } from '../features/replay/plan-events.ts';
import type { PlanRow } from '../features/replay/plan-rows.ts';

/** One row of a plan for a terminal: who, which event, what differs, what would be done. */
export function planRowText(row: PlanRow): string {
  const { subscription, version, action, verdict, thenState, reason, effects } = row;
  const what = row.now ?? row.made;
  const command =
    what === null ? [row.type, row.smartcard, row.serviceCaId].filter(Boolean).join(' ') : commandText(what);
  const then = thenState === null ? '' : ` (then ${thenState})`;
  const why = reason === null ? '' : ` ${reason}`;
  const lines = effects.map((effect) => `\n    ${effectText(effect)}`);
  return `${subscription} v${version}  ${action}  ${verdict}  ${command}${why}${then}${lines.join('')}`;
}

/** The summary of a plan, by command and reason. */
export function summaryText(summary: PlanSummary, unreadable: Readonly<Record<string, number>>): string {
  const { events, subscriptions, differing, mended, lines, send, unsent } = summary;
  const rows = lines.map(({ verdict, type, reason, count }) => [String(count), verdict, type ?? '', reason ?? '']);
  const counted = (title: string, counts: Readonly<Record<string, number>>): string[] =>
    Object.keys(counts).length === 0
      ? []
      : [title, ...Object.entries(counts).map(([name, count]) => `  ${count}  ${name}`)];
  return [
    `${events} events of ${subscriptions} subscriptions: ${differing} subscriptions differ, for ${mended} something would be sent`,
    ...table(rows),
    ...counted('A run would send', send),
    ...counted('It would not send, by reason', unsent),
    ...counted('Messages that cannot be read', unreadable),
  ].join('\n');
}

function effectText(effect: Effect): string {
  return effect.kind === 'send'
    ? `send ${commandText(effect.command)} for ${effect.subscription.number}`
    : `${effect.reason}: ${effect.detail}`;
}

function commandText(command: PlannedCommand): string {
  const { type } = command;
  if ('service' in command) return `${type} ${command.smartcard}/${command.service.caId}`;
  const existing = type === 'ADD_TO_EXISTING_PAIRING' ? [command.existingSmartcard] : [];
  return [type, ...[...existing, ...command.smartcards, ...command.setTopBoxes].map(({ caId }) => caId)].join(' ');
}

function table(rows: readonly (readonly string[])[]): string[] {
  const widths = [0, 1, 2, 3].map((column) => Math.max(0, ...rows.map((row) => row[column]?.length ?? 0)));
  return rows
    .map((row) =>
      row
        .map((cell, column) => (column === 0 ? cell.padStart(widths[0] ?? 0) : cell.padEnd(widths[column] ?? 0)))
        .join('  ')
        .trimEnd(),
    )
    .map((line) => `  ${line}`);
}

import { z } from 'zod';
import { instant } from '../../operations/fields.ts';
import { commandFields, NO_COMMAND, showCommand, type ShownCommand } from '../runs/shown-command.ts';
import type { PlanSummary } from './plan-events.ts';
import type { PlanRow } from './plan-rows.ts';
import type { Replay } from './record.ts';

/** A replay as operations show it. */
export const shownReplay = z
  .strictObject({
    id: z.int(),
    kind: z.enum(['PLAN', 'EVENTS', 'OUTCOMES']),
    state: z
      .enum(['RUNNING', 'STOPPED', 'COMPLETED'])
      .describe('RUNNING also while it waits for an instance of the service.'),
    reason: z.string(),
    created_by_user: z.string(),
    created_by_unit: z.string().nullable(),
    started_date: instant(),
    ended_date: instant().nullable(),
    counts: z.record(z.string(), z.int()).describe('How far it came.'),
    stop_requested_by: z.string().nullable(),
    hosted: z.boolean().describe('The service works on it, rather than a command.'),
    failure: z
      .string()
      .nullable()
      .describe('Why the service gave it up; while it is RUNNING, the outage that it waits for.'),
    selection: z.unknown().describe('What it takes, and how fast; `unreadable`: messages that could not be read.'),
    result: z.unknown().describe('The summary of a plan that is COMPLETED, by command and reason.'),
  })
  .meta({ id: 'Replay', description: 'Events planned or processed again, or outcomes published again.' });
export type ShownReplay = z.output<typeof shownReplay>;

/** Returns a replay as operations show it. */
export function showReplay(one: Replay): ShownReplay {
  return {
    id: one.id,
    kind: one.kind,
    state: one.state,
    reason: one.reason,
    created_by_user: one.createdBy.user,
    created_by_unit: one.createdBy.unit,
    started_date: one.startedAt.toISOString(),
    ended_date: one.endedAt?.toISOString() ?? null,
    counts: { ...one.counts },
    stop_requested_by: one.stopRequestedBy,
    hosted: one.hosted,
    failure: one.failure,
    selection: one.selection,
    result: one.result,
  };
}

/** `3 events, 1 received` */
export function countsText(counts: Readonly<Record<string, number>>): string {
  return Object.entries(counts)
    .map(([name, count]) => `${count} ${name}`)
    .join(', ');
}

/** A row of a plan as operations show it. */
export const shownRow = z
  .strictObject({
    subscription_number: z.string(),
    version: z.int(),
    action: z.string(),
    action_id: z.string(),
    action_number: z.string(),
    event_id: z.string(),
    inbox_id: z.int().nullable().describe('Null for an event that was never received.'),
    verdict: z.enum(['same', 'new', 'no longer', 'changed', 'withheld']),
    ...commandFields,
    then_state: z.string().nullable().describe('What became of it then.'),
    reason: z.string().nullable().describe("Why today's rules make nothing."),
    effects: z.array(
      z.strictObject({
        kind: z.enum(['send', 'nothing']),
        ...commandFields,
        subscription_number: z.string().nullable(),
        reason: z.string().nullable(),
        detail: z.string().nullable(),
      }),
    ),
  })
  .meta({ id: 'ReplayPlanRow', description: 'One command of one past event: then, now, and what a run would do.' });
export type ShownRow = z.output<typeof shownRow>;

/** Returns a row of a plan as operations show it. */
export function showRow(row: PlanRow): ShownRow {
  const made = row.now ?? row.made;
  return {
    subscription_number: row.subscription,
    version: row.version,
    action: row.action,
    action_id: row.actionId,
    action_number: row.actionNumber,
    event_id: row.eventId,
    inbox_id: row.inboxId,
    verdict: row.verdict,
    ...NO_COMMAND,
    ...(made === null
      ? { type: row.type, smartcard_ca_id: row.smartcard, service_ca_id: row.serviceCaId }
      : showCommand(made)),
    then_state: row.thenState,
    reason: row.reason,
    effects: row.effects.map((effect) =>
      effect.kind === 'send'
        ? {
            kind: 'send',
            ...showCommand(effect.command),
            subscription_number: effect.subscription.number,
            reason: null,
            detail: null,
          }
        : { kind: 'nothing', ...NO_COMMAND, subscription_number: null, reason: effect.reason, detail: effect.detail },
    ),
  };
}

/** One row of a plan for people: who, which event, what differs, what would be done. */
export function rowText(row: ShownRow): string {
  const then = row.then_state === null ? '' : ` (then ${row.then_state})`;
  const why = row.reason === null ? '' : ` ${row.reason}`;
  const effects = row.effects.map((effect) =>
    effect.kind === 'send'
      ? `\n    send ${commandText(effect)} for ${effect.subscription_number}`
      : `\n    ${effect.reason}: ${effect.detail}`,
  );
  const { subscription_number: number, version, action, verdict } = row;
  return `${number} v${version}  ${action}  ${verdict}  ${commandText(row)}${why}${then}${effects.join('')}`;
}

function commandText(shown: ShownCommand): string {
  const { type, smartcard_ca_id: card, stb_ca_ids: boxes, service_ca_id: service } = shown;
  if (service !== null) return `${type} ${card}/${service}`;
  return [type, card, ...boxes].filter(Boolean).join(' ');
}

/** The summary of a plan for people, by command and reason. */
export function summaryText(summary: PlanSummary, unreadable: Readonly<Record<string, number>>): string {
  const { events, subscriptions, differing, mended, lines, send, unsent } = summary;
  const rows = lines.map(({ verdict, type, reason, count }) => [String(count), verdict, type ?? '', reason ?? '']);
  const counted = (title: string, counts: Readonly<Record<string, number>>): string[] =>
    Object.keys(counts).length === 0
      ? []
      : [title, ...Object.entries(counts).map(([name, count]) => `  ${count}  ${name}`)];
  return [
    `${events} events of ${subscriptions} subscriptions: ${differing} subscriptions differ, for ${mended} something would be sent`,
    ...aligned(rows),
    ...counted('A run would send', send),
    ...counted('It would not send, by reason', unsent),
    ...counted('Messages that cannot be read', unreadable),
  ].join('\n');
}

function aligned(rows: readonly (readonly string[])[]): string[] {
  const widths = [0, 1, 2, 3].map((column) => Math.max(0, ...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) => {
    const cells = row.map((cell, column) =>
      column === 0 ? cell.padStart(widths[0] ?? 0) : cell.padEnd(widths[column] ?? 0),
    );
    return `  ${cells.join('  ').trimEnd()}`;
  });
}

/** One replay for people. */
export function replayText(replay: ShownReplay): string {
  const { created_by_user: user, created_by_unit: unit, stop_requested_by: stopper } = replay;
  return [
    `replay     ${replay.id}`,
    `kind       ${replay.kind}`,
    `state      ${replay.state}${stopper === null ? '' : `, ${stopper} asked to stop it`}`,
    `reason     ${replay.reason}`,
    `author     ${user}${unit === null ? '' : ` (${unit})`}`,
    `started    ${replay.started_date}`,
    `ended      ${replay.ended_date ?? '-'}`,
    `selection  ${JSON.stringify(replay.selection)}`,
    `done       ${countsText(replay.counts) || '-'}`,
    `by         ${replay.hosted ? 'the service' : 'a command'}`,
    ...(replay.failure === null ? [] : [`failure    ${replay.failure}`]),
  ].join('\n');
}

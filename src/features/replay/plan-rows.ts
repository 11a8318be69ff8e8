import type { ActionEvent } from '../../events/action-event.ts';
import type { PlannedCommand } from '../../planning/types.ts';
import { type CommandType, smartcardsOf } from '../../planning/command.ts';
import type { Verdict } from './compare.ts';
import type { Evaluated } from './evaluate.ts';
import type { Effect, RowWithEffects } from './effects.ts';
import { actionName } from './select-events.ts';

/** One command of one event in the plan of a replay. */
export interface PlanRow {
  readonly subscription: string;
  readonly version: number;
  /** `V: ADD_SERVICE` */
  readonly action: string;
  readonly actionId: string;
  readonly actionNumber: string;
  readonly eventId: string;
  /** Null for an event that was never received. */
  readonly inboxId: number | null;
  readonly verdict: Verdict;
  /** Null if the row is about the whole event, because it is held or was discarded. */
  readonly type: CommandType | null;
  readonly smartcard: string | null;
  readonly serviceCaId: string | null;
  /** The whole command that today's rules make. */
  readonly now: PlannedCommand | null;
  /** The whole command that was made then. */
  readonly made: PlannedCommand | null;
  /** The state of its request then and the error, or the reason why it was withheld. */
  readonly thenState: string | null;
  /** Why today's rules make nothing. */
  readonly reason: string | null;
  /** What a run would do about it now. */
  readonly effects: readonly Effect[];
}

/** Returns the rows of one subscription, in version order. */
export function planRows({ rows, received }: Evaluated): PlanRow[] {
  return [...rows.map(rowOf), ...received.flatMap(receivedRows)];
}

function rowOf({ past, verdict, now, made, thenState, withheld, effects }: RowWithEffects): PlanRow {
  const { event } = past;
  const command = now ?? made;
  return {
    ...eventColumns(event),
    inboxId: past.id,
    verdict,
    ...(command === null
      ? {
          type: withheld?.type ?? null,
          smartcard: withheld?.smartcard ?? null,
          serviceCaId: withheld?.serviceCaId ?? null,
        }
      : commandColumns(command)),
    now,
    made,
    thenState,
    reason: withheld?.reason ?? null,
    effects,
  };
}

/** Returns the rows of an event that was never received: all its commands are new. */
function receivedRows({ event, plan, disposition }: Evaluated['received'][number]): PlanRow[] {
  if (event === null) return [];
  const common = { ...eventColumns(event), inboxId: null, made: null, thenState: 'not received' };
  if (plan === null) {
    const nothing = { type: null, smartcard: null, serviceCaId: null, now: null, effects: [] };
    return [{ ...common, ...nothing, verdict: 'withheld', reason: disposition }];
  }
  const { id, number } = event.subscription;
  return [
    ...plan.commands.map((command): PlanRow => ({
      ...common,
      ...commandColumns(command),
      verdict: 'new',
      now: command,
      reason: null,
      effects: [{ kind: 'send', command, subscription: { id, number } }],
    })),
    ...plan.withheld.map(({ type, smartcard, serviceCaId, reason }): PlanRow => ({
      ...common,
      verdict: 'withheld',
      type,
      smartcard,
      serviceCaId,
      now: null,
      reason,
      effects: [],
    })),
  ];
}

function eventColumns(event: ActionEvent) {
  return {
    subscription: event.subscription.number,
    version: event.subscription.version,
    action: actionName(event),
    actionId: event.action.id,
    actionNumber: event.action.number,
    eventId: event.eventId,
  };
}

function commandColumns(command: PlannedCommand) {
  return {
    type: command.type,
    smartcard: smartcardsOf(command).join(' '),
    serviceCaId: 'service' in command ? command.service.caId : null,
  };
}

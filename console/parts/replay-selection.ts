import type { Input, Output } from '../api/client.ts';

type Replay = Output<'replay.show'>;

/** The kinds of replays, in the words of the console. */
export const REPLAY_KINDS: Readonly<Record<Replay['kind'], string>> = {
  PLAN: 'Plan',
  EVENTS: 'Replay of events',
  OUTCOMES: 'Outcomes again',
};

/** The selection that a plan stores. */
interface Stored {
  readonly source:
    | { kind: 'inbox'; from: string | null; to: string | null; disposition: string | null }
    | {
        kind: 'kafka';
        topic: string;
        partition: number | null;
        fromOffset: number | null;
        toOffset: number | null;
        from: string | null;
        to: string | null;
      };
  readonly subscription: string | null;
  readonly action: string | null;
  readonly type: string | null;
  readonly again: boolean;
}

/** The input of a run that does exactly what a plan shows. */
export function inputOfPlan({ selection }: Replay): Omit<Input<'replay.run'>, 'reason'> {
  const { source, subscription, action, type, again } = selection as unknown as Stored;
  const given = {
    from_date: source.from,
    to_date: source.to,
    ...(source.kind === 'inbox'
      ? { disposition: source.disposition }
      : {
          topic: source.topic,
          partition: source.partition,
          from_offset: source.fromOffset,
          to_offset: source.toOffset,
        }),
    subscription_number: subscription,
    action_id: action,
    action_type: type,
    again,
  };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== null));
}

/** The summary of a plan that is COMPLETED. */
export interface PlanSummary {
  readonly events: number;
  readonly subscriptions: number;
  readonly differing: number;
  readonly mended: number;
  readonly lines: readonly { verdict: string; type: string | null; reason: string | null; count: number }[];
  readonly send: Readonly<Record<string, number>>;
  readonly unsent: Readonly<Record<string, number>>;
  readonly rowsLeftOut?: number;
}

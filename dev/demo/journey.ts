import { type CrmEvent, type CrmSubscription, events, type Facet, newSubscription } from './crm.ts';

/** What the action's outcome has to say, as it comes out of Kafka. */
export interface ExpectedOutcome {
  readonly outcome: 'PROVISIONED' | 'PARTLY_PROVISIONED' | 'FAILED' | 'NOTHING_TO_DO' | 'HELD' | 'INVALID';
  /** In the order in which they were sent: `ADD_SUBSCRIPTIONS card/service`, with the error code of a rejected one. */
  readonly requests?: readonly string[];
  /** `COMMAND REASON card/service`. */
  readonly withheld?: readonly string[];
  /** `FAMILY TYPE DISPOSITION` of each, in the order of arrival; not looked at where it is left out. */
  readonly facets?: readonly string[];
}

/** A message for the topic: an event of the CRM, or bytes that are none. */
export type Message =
  | { readonly kind: 'event'; readonly event: CrmEvent }
  /** An action type that this version of the service does not know. */
  | { readonly kind: 'newer-crm'; readonly event: CrmEvent; readonly symbol: string }
  /** Only the first bytes of an event. */
  | { readonly kind: 'cut'; readonly event: CrmEvent; readonly bytes: number }
  | { readonly kind: 'bytes'; readonly key: string; readonly value: Buffer };

export interface Step {
  readonly journey: string;
  readonly says: string;
  readonly actions: readonly string[];
  readonly subscriptionNumber: string;
  readonly messages: readonly Message[];
  /** Null for a message that is no action: it has to come out of the dead-letter topic with this reason. */
  readonly actionId: string | null;
  readonly actionNumber: string;
  readonly expected: ExpectedOutcome | { readonly deadLetter: string };
  /** Done before the step is sent: a fault at the CAS. */
  readonly before?: CasFault | undefined;
}

export interface CasFault {
  readonly says: string;
  readonly rules: readonly object[];
  /** The fault goes by itself after so many milliseconds; without it, after its number of times. */
  readonly healsAfterMs?: number;
}

export interface Journey {
  readonly title: string;
  readonly subscription: CrmSubscription;
  readonly steps: readonly Step[];
}

interface StepOptions {
  /** Turns the action's events into what is really sent: doubled, late, ... */
  readonly deliver?: (sent: CrmEvent[]) => Message[];
  readonly before?: CasFault;
}

export interface Script {
  readonly subscription: CrmSubscription;
  /** One CRM action: `change` makes the subscription what it is after it, and names the facets. */
  readonly act: (
    says: string,
    change: (subscription: CrmSubscription) => readonly Facet[],
    expected: ExpectedOutcome,
    options?: StepOptions,
  ) => void;
  /** Events that the last action made and that are kept back, to be delivered by a later step. */
  readonly hold: (says: string, change: (subscription: CrmSubscription) => readonly Facet[]) => CrmEvent[];
  /** Messages of no new action. */
  readonly deliver: (
    says: string,
    messages: readonly Message[],
    expected: ExpectedOutcome & { actionId: string; actionNumber: string },
  ) => void;
  /** A message that has to come out of the dead-letter topic with this reason. */
  readonly deadLetter: (says: string, message: Message, reason: string) => void;
}

/** Plays a script once, in memory, and gives what it would send. */
export function journey(title: string, number: string, script: (script: Script) => void): Journey {
  const subscription = newSubscription(number);
  const steps: Step[] = [];
  const base = { journey: title, subscriptionNumber: number };
  script({
    subscription,
    act(says, change, expected, { deliver, before } = {}) {
      const facets = change(subscription);
      const sent = events(subscription, facets);
      const [first] = sent;
      if (!first) throw new Error(`${title}: ${says} names no facet`);
      steps.push({
        ...base,
        says,
        actions: facets.map((facet) => facet.action),
        messages: deliver ? deliver(sent) : sent.map(asMessage),
        actionId: first.value.action.id,
        actionNumber: first.value.action.number,
        expected,
        before,
      });
    },
    hold: (_says, change) => events(subscription, change(subscription)),
    deliver(says, messages, { actionId, actionNumber, ...expected }) {
      steps.push({ ...base, says, actions: [], messages, actionId, actionNumber, expected });
    },
    deadLetter(says, message, deadLetter) {
      steps.push({
        ...base,
        says,
        actions: [],
        messages: [message],
        actionId: null,
        actionNumber: '-',
        expected: { deadLetter },
      });
    },
  });
  return { title, subscription, steps };
}

export function asMessage(event: CrmEvent): Message {
  return { kind: 'event', event };
}

import { commandOf, type RemedyCall } from './remedy-calls.ts';

export const SEVERITIES = ['blocking', 'attention', 'info'] as const;
export type Severity = (typeof SEVERITIES)[number];

/**
 * Every code that a finding can have, the most important first, with its severity, its meaning and its remedy
 * (docs/why.md). The verdict is the sentence of the first finding: blocking ones before the others, then in this order.
 */
export const FINDING_CODES = {
  INTAKE_STOPPED: {
    severity: 'blocking',
    meaning:
      'Events are not read, and why, since when, how many are unread. Attention only, if reading is a minute behind, or if it stopped for other subscriptions.',
    remedy:
      'Remove the cause that the sentence names: reading then continues by itself. If no instance runs, start the service.',
  },
  UNKNOWN_TO_US: {
    severity: 'blocking',
    meaning: 'No subscription, device, request, action or event with the number is known.',
    remedy:
      'Compare it with the CRM: a digit may be wrong, or its event never arrived. An import brings what the CRM has.',
  },
  PROVIDER_PAUSED: {
    severity: 'blocking',
    meaning: 'Somebody paused sending to the CAS. Attention only, if nothing of the subject waits.',
    remedy: 'Ask who paused it; then resume sending.',
  },
  BREAKER_OPEN: {
    severity: 'blocking',
    meaning:
      'The CAS did not answer several calls in a row, so sending stops for a while. Attention only, if nothing of the subject waits.',
    remedy: 'Check the CAS and the way to it. Sending continues by itself; the command shows when it is tried next.',
  },
  CAS_UNREADABLE: {
    severity: 'blocking',
    meaning: 'The CAS answers, but its answers cannot be read.',
    remedy: 'Look at the answer, compare it with the paths in conax.json, and correct them.',
  },
  WAITING_BEHIND: {
    severity: 'blocking',
    meaning: 'An earlier request of the card goes first, and it is not final.',
    remedy: 'Look at why the earlier request waits. If it can never be done, withdraw it.',
  },
  RETRYING: {
    severity: 'blocking',
    meaning: 'The request was tried, and is tried again.',
    remedy: 'If the cause is fixed, send it now. If the CAS can never do it, withdraw it, and the card goes on.',
  },
  WAITING_IN_LINE: {
    severity: 'blocking',
    meaning: 'Requests of other cards go first.',
    remedy: 'Wait, or send it before the others.',
  },
  EVENT_HELD: {
    severity: 'blocking',
    meaning: 'An event came late and is held for a decision (STALE_POLICY=hold).',
    remedy: 'Look at the event, then release it (`events release`) or discard it (`events discard`).',
  },
  DEAD_LETTER: {
    severity: 'blocking',
    meaning: 'A message of the subscription could not be used, or a message with its number as key could not be read.',
    remedy:
      'Look at the message and fix the cause (docs/errors-intake.md). Then release it (`events release`), or discard it (`events discard`) if the CRM sent it again.',
  },
  OUTCOME_UNKNOWN: {
    severity: 'blocking',
    meaning:
      'Nobody knows whether the CAS did the last command. Attention only, if it is a message or fingerprint of the last seven days.',
    remedy: 'Look at its attempts, and find out whether it happened. If not, send it again.',
  },
  CARD_UNKNOWN_IN_CAS: {
    severity: 'blocking',
    meaning: 'The CAS does not know the card.',
    remedy:
      'Compare the number with the card. If it is right, the operator of the CAS must add the card. Then send again what the CRM entitles.',
  },
  REFUSED: {
    severity: 'blocking',
    meaning:
      'The CAS refused, or a person withdrew, the last command for something that the CRM entitles, or the last pairing.',
    remedy: 'Fix the cause that the code names (docs/errors.md), then send again what the CRM entitles.',
  },
  NO_CARD_IN_DISTRIBUTOR: {
    severity: 'blocking',
    meaning: 'A service is in a distributor that has no smart card.',
    remedy: 'Give the distributor a card in the CRM, or move the service to one with a card.',
  },
  WITHHELD: {
    severity: 'blocking',
    meaning: 'A command was not sent, and the customer lacks something (docs/reasons.md).',
    remedy: 'Correct in the CRM what docs/reasons.md names for this reason. Then send again what it entitles.',
  },
  NOT_ENTITLED: {
    severity: 'blocking',
    meaning: 'The CRM entitles nothing on the cards.',
    remedy: 'Check the subscription and its services in the CRM.',
  },
  PAIRING_DIFFERS: {
    severity: 'blocking',
    meaning: 'The CAS has the card paired with other set-top boxes than the CRM.',
    remedy: 'Pair the devices of the subscription again.',
  },
  MISSING_IN_CAS: {
    severity: 'blocking',
    meaning: 'The CRM entitles a service that the CAS does not have.',
    remedy: 'Send again what the CRM entitles.',
  },
  TOO_MUCH_IN_CAS: {
    severity: 'attention',
    meaning: 'The CAS has a service that the CRM does not entitle.',
    remedy: 'Compare the card with the CRM by a reconcile run; then cancel what is too much (`reconcile fix`).',
  },
  SCHEDULED: {
    severity: 'attention',
    meaning: 'A request waits for its date.',
    remedy: 'Wait, or send it now.',
  },
  CARD_HELD_TWICE: {
    severity: 'attention',
    meaning: 'Several subscriptions have the card.',
    remedy: 'Take it out of all but one in the CRM.',
  },
  VERSION_GAP: {
    severity: 'attention',
    meaning: 'An event of the subscription may be missing.',
    remedy: 'Ask the CRM for the missing versions. If the newest state is right, send again what it entitles.',
  },
  SUPERSEDED: {
    severity: 'attention',
    meaning: 'A command was not sent, because a newer action decided otherwise.',
    remedy: 'Nothing, if the CRM shows the newer state.',
  },
  LATE_EVENT: {
    severity: 'attention',
    meaning: 'An event came after a newer one.',
    remedy: 'Nothing: it was planned against the newest state. The command shows it.',
  },
  NOTHING_NEW: {
    severity: 'attention',
    meaning: 'When the last event of the subscription came. If the CRM acted later, its event has not arrived.',
    remedy: 'Compare the version with the CRM. If it is behind, look at the export and at the topic.',
  },
  ALL_EQUAL: {
    severity: 'info',
    meaning: 'The CRM, our record and the CAS agree.',
    remedy: 'Refresh the card by sending its entitlements again, or look at the set-top box.',
  },
} as const satisfies Record<string, { severity: Severity; meaning: string; remedy: string }>;
export type FindingCode = keyof typeof FINDING_CODES;

export interface Finding {
  readonly code: FindingCode;
  readonly severity: Severity;
  readonly sentence: string;
  readonly since: Date | null;
  readonly evidence: Readonly<Record<string, string | number | null>>;
  /** What a person may do about it; the command makes the first call. */
  readonly calls: readonly RemedyCall[];
  /** The command to type; null if there is none. */
  readonly command: string | null;
}

/** A finding with the severity of its code, and the command of its first call, unless the facts give it others. */
export function finding(
  code: FindingCode,
  sentence: string,
  more: Partial<Omit<Finding, 'code' | 'sentence'>> = {},
): Finding {
  const [first] = more.calls ?? [];
  const command = first === undefined ? null : commandOf(first);
  const { severity } = FINDING_CODES[code];
  return { code, severity, sentence, since: null, evidence: {}, calls: [], command, ...more };
}

/** Returns the findings in the order of their importance. */
export function sorted(findings: readonly Finding[]): Finding[] {
  const codes = Object.keys(FINDING_CODES);
  return findings.toSorted(
    (one, other) =>
      SEVERITIES.indexOf(one.severity) - SEVERITIES.indexOf(other.severity) ||
      codes.indexOf(one.code) - codes.indexOf(other.code),
  );
}

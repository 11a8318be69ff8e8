import type { ConaxAnswer } from '../conax/client.types.ts';
import type { Doubt } from '../requests/claim.ts';
import { type Command, isPairing, type PairingCommand, smartcardsOf } from '../planning/command.ts';
import type { RequestAnswer } from '../requests/finish.ts';
import { devicesOf, heldPairing, isDone, pairedElsewhere } from '../pairings/held-pairing.ts';
import type { PairingAnswer, PairingNews } from '../pairings/news.ts';
import type { DispatchErrorCode } from './error-codes.ts';

/**
 * How far one claimed request is: which SOAP call comes next, and what its answer means (domain: "Sending", R8). Pure:
 * the caller makes the calls.
 *
 * There are three kinds of commands. Repeatable ones (ADD, CANCEL, PIN, GET) have the same effect twice, so an
 * unreadable answer means another try. For a pairing, the CAS is asked what it has before another try, and also after a
 * refusal. Messages and fingerprints are never sent twice: without a readable answer a person decides.
 */
export interface Course {
  readonly request: CourseRequest;
  /** The doubt that an earlier try left, and the subject of the question while `asked` is not empty. */
  readonly doubt: Doubt | null;
  /** The cards about which the CAS was asked since the command was last sent, including a running question. */
  readonly asked: readonly string[];
  /** The answers; a refused question has none. */
  readonly told: readonly PairingAnswer[];
  /** How often the command itself was sent since the claim. */
  readonly sent: number;
}

/** The request's properties that decide its steps. */
export interface CourseRequest {
  readonly command: Command;
  readonly doubt: Doubt | null;
  readonly sentAt: Date | null;
}

export type Step =
  /** `mark`: commit the mark of a message before it leaves. */
  | { readonly step: 'call'; readonly command: Command; readonly mark: boolean; readonly course: Course }
  | ({ readonly step: 'finish' } & Ending)
  | {
      readonly step: 'put-off';
      readonly why: 'try-later' | 'unknown' | 'not-sent' | 'not-authorised';
      readonly doubt: Doubt | null;
    };

export interface Ending {
  readonly state: 'COMPLETED' | 'REJECTED';
  readonly referenceNumber: string | null;
  readonly errorCode: string | null;
  readonly errorDescription: string | null;
  readonly answer: RequestAnswer | null;
  readonly pairingNews: PairingNews | null;
  /** True if the code is not in the known list, so that a person should look at it. */
  readonly review: boolean;
}

/** How often a pairing command is sent at most under one claim; then it is put off. */
const MAX_SENDS = 2;

/** If a question is refused with one of these, the CAS does not know the card, so it paired nothing. */
const CARD_UNKNOWN: ReadonlySet<string> = new Set(['CLIENT_NOT_FOUND', 'CLIENT_NOT_MANAGED_BY_SMS']);

/** Returns the first step of a claimed request. */
export function firstStep(request: CourseRequest): Step {
  const course: Course = { request, doubt: request.doubt, asked: [], told: [], sent: 0 };
  if (kindOf(request.command) === 'once' && request.sentAt !== null) {
    const at = request.sentAt.toISOString();
    return rejected(
      'OUTCOME_UNKNOWN',
      `It left for the CAS at ${at}, and its sender died before an answer was written down; it is not sent twice.`,
    );
  }
  return isPairing(request.command) && request.doubt !== null ? ask(course, request.command) : send(course);
}

/** Returns the next step after the answer to the previous call. */
export function nextStep(course: Course, answer: ConaxAnswer): Step {
  const { command } = course.request;
  if (isPairing(command)) {
    return course.asked.length > 0 ? afterQuestion(course, command, answer) : afterPairing(course, command, answer);
  }
  switch (answer.kind) {
    case 'accepted':
      return accepted(command, answer);
    case 'refused':
      return rejected(answer.code, answer.description, answer.review);
    case 'invalid':
      return rejected(answer.code, answer.description);
    case 'unknown':
      return kindOf(command) === 'once'
        ? rejected(
            'OUTCOME_UNKNOWN',
            `No readable answer (${answer.code}: ${answer.description}); the CAS may have done it, and it is not sent twice.`,
          )
        : { step: 'put-off', why: 'unknown', doubt: { kind: 'unknown' } };
    case 'try-later':
    case 'not-sent':
    case 'not-authorised':
      return { step: 'put-off', why: answer.kind, doubt: course.doubt };
  }
}

function afterPairing(course: Course, command: PairingCommand, answer: ConaxAnswer): Step {
  switch (answer.kind) {
    case 'accepted':
      return completed({ referenceNumber: answer.referenceNumber, pairingNews: { kind: 'done' } });
    case 'refused': {
      const { kind, code, description, review } = answer;
      return ask({ ...course, doubt: { kind, code, description, review } }, command);
    }
    case 'unknown':
      return ask({ ...course, doubt: { kind: 'unknown' } }, command);
    case 'invalid':
      return rejected(answer.code, answer.description);
    // The question was answered before the command was sent, or there was none, so no doubt remains.
    case 'try-later':
    case 'not-sent':
    case 'not-authorised':
      return { step: 'put-off', why: answer.kind, doubt: null };
  }
}

function afterQuestion(course: Course, command: PairingCommand, answer: ConaxAnswer): Step {
  const { doubt } = course;
  const card = course.asked.at(-1) ?? '';
  switch (answer.kind) {
    case 'accepted': {
      const told = [...course.told, { smartcard: card, pairing: heldPairing(card, answer.pairing) }];
      return conclude({ ...course, told }, command);
    }
    case 'refused':
    case 'invalid': {
      // Keeps the CAS's text about the command; another of its cards may still explain it.
      if (doubt?.kind === 'refused') return conclude(course, command);
      const { code, description } = answer;
      if (CARD_UNKNOWN.has(code)) return rejected(code, `On being asked about card ${card}: ${description}`);
      return rejected(
        'OUTCOME_UNKNOWN',
        `The pairing had no readable answer, and the question about card ${card} was refused (${code}: ${description}).`,
        answer.kind === 'refused' && answer.review,
      );
    }
    case 'try-later':
    case 'unknown':
    case 'not-sent':
    case 'not-authorised':
      return { step: 'put-off', why: answer.kind, doubt };
  }
}

/** Concludes from the CAS's pairings of the cards that it was asked about (R8). */
function conclude(course: Course, command: PairingCommand): Step {
  const { doubt, asked, told } = course;
  const pairingNews: PairingNews | null = told.length > 0 ? { kind: 'told', answers: told } : null;
  if (told.some(({ pairing }) => pairing !== null && isDone(command, pairing))) {
    const before = doubt?.kind === 'refused' ? `The CAS refused it (${doubt.code})` : 'It had no readable answer';
    return completed({
      pairingNews,
      errorDescription: `${before}; on being asked, the CAS named all its devices as paired together.`,
    });
  }
  if (doubt?.kind !== 'refused') {
    // A card is in one pairing at most (A25), so one answer shows that it was not done. Tries once more at once; after
    // a second unanswered try the CAS gets a rest.
    if (course.sent < MAX_SENDS) return send({ ...course, doubt: null });
    return { step: 'put-off', why: 'unknown', doubt: { kind: 'unknown' } };
  }
  const elsewhere = pairedElsewhere(command, told, doubt.code);
  if (elsewhere !== undefined) {
    const devices = devicesOf(elsewhere.pairing).join(', ');
    return rejected(
      'PAIRED_ELSEWHERE',
      `The CAS refused it (${doubt.code}: ${doubt.description}); it holds card ${elsewhere.smartcard} in the pairing of ${devices}.`,
      doubt.review,
      pairingNews,
    );
  }
  if (asked.length < smartcardsOf(command).length) return ask(course, command);
  return rejected(doubt.code, doubt.description, doubt.review, pairingNews);
}

function send(course: Course): Step {
  const { command } = course.request;
  return {
    step: 'call',
    command,
    mark: kindOf(command) === 'once',
    course: { ...course, sent: course.sent + 1, asked: [], told: [] },
  };
}

/** Asks about the next card; of ADD_TO_EXISTING_PAIRING the paired card comes first. */
function ask(course: Course, command: PairingCommand): Step {
  const devices =
    command.type === 'CREATE_PAIRING' ? command.smartcards : [command.existingSmartcard, ...command.smartcards];
  const caId = smartcardsOf(command)[course.asked.length] ?? '';
  const distributor = devices.find((device) => device.caId === caId)?.distributor ?? null;
  return {
    step: 'call',
    command: { type: 'GET_PAIRING_STATUS_FOR_CARD', smartcard: { caId, distributor } },
    mark: false,
    course: { ...course, asked: [...course.asked, caId] },
  };
}

function accepted(command: Command, answer: Extract<ConaxAnswer, { kind: 'accepted' }>): Step {
  const { referenceNumber, activeServices, pairing } = answer;
  switch (command.type) {
    case 'GET_ACTIVE_SUBSCRIPTIONS':
      return completed({ referenceNumber, answer: { activeServices: activeServices ?? [] } });
    case 'GET_PAIRING_STATUS_FOR_CARD': {
      const card = command.smartcard.caId;
      const held = heldPairing(card, pairing);
      return completed({
        referenceNumber,
        answer: { pairing: held },
        pairingNews: { kind: 'told', answers: [{ smartcard: card, pairing: held }] },
      });
    }
    case 'GET_PAIRING_STATUS_FOR_PAIRING_MODULE': {
      // An STB may be in several pairings (A25), so its answer does not show one card's whole pairing.
      return completed({ referenceNumber, answer: { pairing } });
    }
    case 'ADD_SUBSCRIPTIONS':
    case 'CANCEL_SUBSCRIPTIONS':
    case 'CREATE_PAIRING':
    case 'ADD_TO_EXISTING_PAIRING':
    case 'SEND_MAIL_MESSAGE_TO_CLIENT':
    case 'SEND_BARK_MESSAGE_TO_CLIENT':
    case 'SEND_REPEATING_BARK_MESSAGE_TO_CLIENT':
    case 'DISPLAY_FINGERPRINT':
    case 'UPDATE_CA_PIN_TO_DEFAULT_VALUE':
    case 'UPDATE_CA_PIN_TO_GIVEN_VALUE':
      return completed({ referenceNumber });
  }
}

function completed(more: Partial<Ending>): Step {
  return { step: 'finish', ...NOTHING, ...more, state: 'COMPLETED' };
}

function rejected(
  code: DispatchErrorCode | (string & {}),
  description: string,
  review = false,
  pairingNews: PairingNews | null = null,
): Step {
  return {
    step: 'finish',
    ...NOTHING,
    state: 'REJECTED',
    errorCode: code,
    errorDescription: description,
    review,
    pairingNews,
  };
}

const NOTHING: Ending = {
  state: 'COMPLETED',
  referenceNumber: null,
  errorCode: null,
  errorDescription: null,
  answer: null,
  pairingNews: null,
  review: false,
};

/** Returns whether the service may repeat a command after an unreadable answer. */
export function kindOf(command: Command): 'pairing' | 'once' | 'repeatable' {
  switch (command.type) {
    case 'CREATE_PAIRING':
    case 'ADD_TO_EXISTING_PAIRING':
      return 'pairing';
    case 'SEND_MAIL_MESSAGE_TO_CLIENT':
    case 'SEND_BARK_MESSAGE_TO_CLIENT':
    case 'SEND_REPEATING_BARK_MESSAGE_TO_CLIENT':
    case 'DISPLAY_FINGERPRINT':
      return 'once';
    case 'ADD_SUBSCRIPTIONS':
    case 'CANCEL_SUBSCRIPTIONS':
    case 'GET_ACTIVE_SUBSCRIPTIONS':
    case 'GET_PAIRING_STATUS_FOR_CARD':
    case 'GET_PAIRING_STATUS_FOR_PAIRING_MODULE':
    case 'UPDATE_CA_PIN_TO_DEFAULT_VALUE':
    case 'UPDATE_CA_PIN_TO_GIVEN_VALUE':
      return 'repeatable';
  }
}

import type { ConaxAnswer } from '../conax/client.types.ts';
import type { Doubt } from '../requests/claim.ts';
import { type Command, isPairing, type PairingCommand, smartcardsOf } from '../planning/command.ts';
import type { RequestAnswer } from '../requests/finish.ts';
import { devicesOf, heldPairing, isDone, pairedElsewhere } from '../pairings/held-pairing.ts';
import type { PairingAnswer, PairingNews } from '../pairings/news.ts';
import type { DispatchErrorCode } from './error-codes.ts';

/**
 * The course of one claimed request: which SOAP call comes next, and what its answer means for the request (domain:
 * "Sending", R8). Pure: the caller makes the calls.
 *
 * Commands are of three kinds. Repeatable ones (ADD, CANCEL, PIN, GET) have the same effect twice, so an unreadable
 * answer means another try. A pairing asks the CAS what it holds before it is tried again, and also after a refusal.
 * Messages and fingerprints are never sent twice: without a readable answer a person decides.
 */
export interface Course {
  readonly request: CourseRequest;
  /** What an earlier try left open; what the question is about while `asked` is not empty. */
  readonly doubt: Doubt | null;
  /** The cards about which the CAS was, or is being, asked since the command was last sent. */
  readonly asked: readonly string[];
  /** What it answered; a question that it refused has no answer here. */
  readonly told: readonly PairingAnswer[];
  /** How often the command itself left since the request was claimed. */
  readonly sent: number;
}

/** What the course depends on. */
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
  /** A person should look at the code: it is not in the known list. */
  readonly review: boolean;
}

/** A pairing command is sent at most so often under one claim; then it is put off. */
const MAX_SENDS = 2;

/** A question that is refused with one of these says that the CAS does not have the card, so it paired nothing. */
const CARD_UNKNOWN: ReadonlySet<string> = new Set(['CLIENT_NOT_FOUND', 'CLIENT_NOT_MANAGED_BY_SMS']);

/** The first step of a claimed request. */
export function begin(request: CourseRequest): Step {
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

/** The next step after the answer to the call of the step before. */
export function proceed(course: Course, answer: ConaxAnswer): Step {
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
    // Before the command left the question was answered, or there was nothing to ask: no doubt remains.
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
      // The CAS's own words about the command stay; another of its cards may still explain them.
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

/** What follows from the pairings that the CAS holds of the cards that it was asked about (R8). */
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
    // A card is in one pairing at most (A25), so one answer shows that it was not done. One more try at once; a CAS
    // that leaves that unanswered too gets a rest.
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

/** Asks about the next card that was not asked about: of ADD_TO_EXISTING_PAIRING the paired card comes first. */
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
      // An STB may be in several pairings (A25), so what it is in says nothing about one card's whole pairing.
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

/** Whether the machine may repeat a command whose answer it could not read. */
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

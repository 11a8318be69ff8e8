/** An error code of a rejected request, for docs/errors.md. */
export interface ErrorCode {
  readonly code: string;
  readonly meaning: string;
  readonly remedy: string;
}

/** The service's own codes of rejected requests. The CAS's codes are passed on unchanged. */
export const DISPATCH_ERROR_CODES = [
  {
    code: 'OUTCOME_UNKNOWN',
    meaning:
      'The command left for the CAS and no readable answer came, and it is of a kind that the machine may not repeat: a message, a fingerprint, or a pairing about which the CAS could not be asked.',
    remedy:
      'Find out at the CAS, or from the customer, whether it was done; if it was not, make the request again. The last attempt shows what was sent and what came back.',
  },
  {
    code: 'PAIRED_ELSEWHERE',
    meaning:
      'The CAS refused a pairing, named no other cause, and holds a card to be paired in a pairing with other devices than the command names; the description shows that pairing and the answer of the CAS.',
    remedy:
      'Take the card out of that pairing at the CAS (there is no command for it), or correct the subscription in the CRM, and ask for the pairing again.',
  },
  {
    code: 'PIN_UNREADABLE',
    meaning:
      'The sealed PIN of the request is missing in the database. It was not sent; the log has an error for it. (A PIN that only another key opens is not rejected: its request waits for an instance that has the key.)',
    remedy: 'Find out who removed rows from `request_pin`, and make the request again with the PIN.',
  },
  {
    code: 'WITHDRAWN',
    meaning:
      'A person withdrew the request before it was final. The description shows whether the CAS may have done it.',
    remedy: 'None is needed; if it was a mistake, make the request again.',
  },
] as const satisfies readonly ErrorCode[];

export type DispatchErrorCode = (typeof DISPATCH_ERROR_CODES)[number]['code'];

/** Returns the whole text of docs/errors-dispatch.md. */
export function errorCodesDocument(): string {
  return [
    '# Error codes of the service itself',
    '',
    'The codes that the service gives to rejected requests. Those of the CAS and of the connection to it are in [errors-conax.md](errors-conax.md).',
    '',
    '| code | meaning | what to do |',
    '|---|---|---|',
    ...DISPATCH_ERROR_CODES.map(({ code, meaning, remedy }) => `| \`${code}\` | ${meaning} | ${remedy} |`),
    '',
  ].join('\n');
}

/** The codes with which the CAS refuses, as far as they are known (domain: "Sending"). */
export const casRefusalCodes = [
  'INPUT_VALIDATION_ERROR',
  'CLIENT_NOT_FOUND',
  'CLIENT_NOT_MANAGED_BY_SMS',
  'FEATURE_NOT_AVAILABLE',
] as const;

/** The code with which the CAS asks for a later try. */
export const casTryLaterCode = 'SYSTEM_ERROR';

/**
 * Every code that an answer of the SOAP adapter can carry, beside codes that the CAS made up after this was written
 * (they come as they are, with `review`). HTTP_4xx stands for HTTP_400 and its like. Documented in docs/errors-conax.md.
 */
export const conaxCodes = [
  ...casRefusalCodes,
  casTryLaterCode,
  'SOAP_FAULT',
  'SOAP_SERVER_FAULT',
  'HTTP_4xx',
  'CAS_NO_ANSWER_IN_TIME',
  'CAS_CONNECTION_LOST',
  'CAS_ANSWER_TOO_LARGE',
  'CAS_ANSWER_UNREADABLE',
  'CAS_SERVER_ERROR',
  'CAS_CONNECTION_REFUSED',
  'CAS_HOST_UNKNOWN',
  'CAS_HOST_UNREACHABLE',
  'CAS_TLS_FAILED',
  'CAS_CONNECT_TIMEOUT',
  'CAS_NO_FREE_CONNECTION',
  'CAS_NOT_SENT',
  'CAS_TOO_MANY_REQUESTS',
  'CAS_UNAVAILABLE',
  'CAS_ENDPOINT_WRONG',
  'CAS_CLIENT_CLOSED',
  'CAS_NOT_AUTHORISED',
  'COMMAND_NOT_ENCODABLE',
  'PIN_MISSING',
] as const;

export type ConaxCode = (typeof conaxCodes)[number] | `HTTP_${number}`;

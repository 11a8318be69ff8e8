/** What the Web API and the operations API answer when it does not do what it was asked for. */
export interface WebApiCode {
  /** The HTTP status. */
  readonly status: number;
  /** The envelope's `message`: what is wrong, always the same sentence. The `description` names field and value. */
  readonly message: string;
  /** What the caller, or the operator, does about it. */
  readonly remedy: string;
}

/** Every code of the envelope but OK, by name: the one source for answers and docs/errors-web-api.md. */
export const webApiCodes = {
  PARAMETER_MISSING: {
    status: 400,
    message: 'A mandatory parameter is missing',
    remedy: 'The description names it.',
  },
  PARAMETER_INVALID: {
    status: 400,
    message: 'A parameter has a wrong value',
    remedy: 'The description has the allowed values.',
  },
  PARAMETER_UNKNOWN: {
    status: 400,
    message: 'The call has no such parameter',
    remedy: 'Correct the name (lower case) or remove the parameter; `/docs` lists them.',
  },
  PARAMETERS_CONFLICT: {
    status: 400,
    message: 'These parameters do not go together',
    remedy: 'The description names the ones to keep.',
  },
  IDENTIFIER_INVALID: {
    status: 400,
    message: 'An identifier has to carry exactly one field',
    remedy: 'Give exactly one of the fields that the description names, such as `{"number":"S0000000329"}`.',
  },
  SET_TOO_LARGE: {
    status: 400,
    message: 'A set has too many elements',
    remedy: 'Name at most 100 smart cards and 100 set-top boxes; for more make a run.',
  },
  SET_HAS_DUPLICATES: {
    status: 400,
    message: 'A set names the same device twice',
    remedy: 'Name each device once.',
  },
  DATE_OUT_OF_RANGE: {
    status: 400,
    message: 'A date is too far away',
    remedy: 'A `scheduled_date` is at most one day in the past and ten years in the future; omit it for now.',
  },
  SCHEDULED_AND_IMMEDIATE: {
    status: 400,
    message: 'A request cannot be scheduled and processed immediately',
    remedy: 'Keep `process_immediately` or the future `scheduled_date`.',
  },
  FIELD_UNKNOWN: {
    status: 400,
    message: 'A provisioning request has no such field',
    remedy: 'Name fields in `fields_set`, separated by commas, without blanks.',
  },
  BODY_NOT_JSON: {
    status: 400,
    message: 'The body cannot be read as JSON',
    remedy: 'Send one JSON object: without comments, NaN, Infinity, and commas before a closing bracket.',
  },
  TEXT_NOT_UTF8: {
    status: 400,
    message: 'The address or the body is not UTF-8',
    remedy: 'Send UTF-8, in the address also percent-encoded. Nothing was stored.',
  },
  TOKEN_MISPLACED: {
    status: 400,
    message: 'The token is in the wrong place',
    remedy: 'Use the header `Authorization: Bearer`, or `token` in the query (GET) or in the JSON body (POST).',
  },
  IDEMPOTENCY_KEY_INVALID: {
    status: 400,
    message: 'The Idempotency-Key cannot be used',
    remedy: 'Give 1 to 200 visible ASCII characters, such as a UUID.',
  },
  TOKEN_MISSING: {
    status: 401,
    message: 'The call needs a token',
    remedy: 'Log in with `POST authentication/token` and give the token with every call.',
  },
  TOKEN_INVALID: {
    status: 401,
    message: 'The token is not valid, or no longer',
    remedy: 'Log in again: it expired, was released, or its user was disabled.',
  },
  WRONG_CREDENTIALS: {
    status: 401,
    message: 'User name, password or organisation is wrong',
    remedy: 'Check all three; `users reset-password` sets a new password.',
  },
  NOT_PERMITTED: {
    status: 403,
    message: 'The user’s role does not permit the call',
    remedy: 'Log in as a user with the role that the description names.',
  },
  NOT_FROM_CONSOLE: {
    status: 403,
    message: 'The cookie of a session is accepted only from the console',
    remedy:
      'Open the console at its own address. Other programs give a token, or, from a page of this server, the header `x-conax-console: user` or `background`.',
  },
  ROUTE_NOT_FOUND: {
    status: 404,
    message: 'There is no such address',
    remedy: 'Compare the path with `/docs`; the calls lie under `/crmapi/rest/v2` and `/api/v1`.',
  },
  PROVISIONING_REQUEST_NOT_FOUND: {
    status: 404,
    message: 'There is no such provisioning request',
    remedy: 'Check id or number.',
  },
  RUN_NOT_FOUND: {
    status: 404,
    message: 'There is no such run',
    remedy: 'Check the id; `GET /api/v1/runs` lists them.',
  },
  SCHEDULE_NOT_FOUND: {
    status: 404,
    message: 'There is no such schedule',
    remedy: 'Check the name; `GET /api/v1/schedules` lists them.',
  },
  REPLAY_NOT_FOUND: {
    status: 404,
    message: 'There is no such replay',
    remedy: 'Check the id; `GET /api/v1/replays` lists them.',
  },
  REPLAY_NOT_RESUMABLE: {
    status: 409,
    message: 'The replay cannot be resumed',
    remedy:
      'It is completed or under way: start a new one, or stop it first. Resume one of a file on the command line.',
  },
  EVENT_NOT_FOUND: {
    status: 404,
    message: 'There is no such event',
    remedy: 'Check the id; `GET /api/v1/dead_letters` and `GET /api/v1/held_events` list the waiting ones.',
  },
  EVENT_NOT_WAITING: {
    status: 409,
    message: 'The event does not wait for this decision',
    remedy:
      'The description has the reason: it is decided already, it came again, its bytes are gone, or it still cannot be read.',
  },
  QUEUE_ENTRY_NOT_FOUND: {
    status: 404,
    message: 'There is no such entry in the communication queue',
    remedy: 'Check the number; `GET /api/v1/queue` lists them.',
  },
  REQUEST_IS_FINAL: {
    status: 409,
    message: 'The provisioning request is final',
    remedy: 'Nothing more is sent for it. Make a new request if you need one.',
  },
  USER_NOT_FOUND: {
    status: 404,
    message: 'There is no such user',
    remedy: 'Check the name; `GET /api/v1/users` lists them.',
  },
  SUBSCRIPTION_NOT_FOUND: {
    status: 404,
    message: 'The subscription is not known',
    remedy: 'Check the identifier. A subscription is known from its first event or import.',
  },
  SUBSCRIPTION_AMBIGUOUS: {
    status: 409,
    message: 'Several subscriptions have this id',
    remedy: 'Identify the subscription by its number.',
  },
  SERVICE_NOT_FOUND: {
    status: 404,
    message: 'The subscription has no such service',
    remedy: 'Check the product identifier and the subscription.',
  },
  SERVICE_AMBIGUOUS: {
    status: 409,
    message: 'Several services of the subscription fit, and their commands would differ',
    remedy: 'Identify the product by its id or code; the description names the matching services.',
  },
  SERVICE_WITHOUT_CA_ID: {
    status: 422,
    message: 'The service has no service CA id',
    remedy: 'The CAS does not know it. If it should, give the product its CA id in the CRM.',
  },
  ITEM_NOT_FOUND: {
    status: 404,
    message: 'The subscription has no such installed item',
    remedy: 'Check the identifier and the subscription.',
  },
  ITEM_AMBIGUOUS: {
    status: 409,
    message: 'Several installed items of the subscription fit',
    remedy: 'Identify the item by its id.',
  },
  ITEM_IS_NO_SMARTCARD: {
    status: 422,
    message: 'The installed item is no smart card',
    remedy: "Identify a smart card; the description has the item's kind.",
  },
  SMARTCARD_WITHOUT_CA_ID: {
    status: 422,
    message: 'The smart card has no CA id',
    remedy: 'Give the item its CA id in the CRM.',
  },
  SMARTCARD_NOT_OF_SUBSCRIPTION: {
    status: 422,
    message: 'The smart card does not belong to the subscription',
    remedy: 'Check both; pairing calls may omit the subscription.',
  },
  STB_NOT_OF_SUBSCRIPTION: {
    status: 422,
    message: 'The set-top box does not belong to the subscription',
    remedy: 'Check both; pairing calls may omit the subscription.',
  },
  NO_DEVICE: {
    status: 422,
    message: 'The subscription has no device for it',
    remedy: 'The description has what is missing. Correct it in the CRM, or name devices by their CA ids.',
  },
  CA_ID_INVALID: {
    status: 422,
    message: 'A CA id that the CRM gave does not look like one',
    remedy: 'Correct it in the CRM, or the pattern in the settings (`…_CA_ID_PATTERN`).',
  },
  METHOD_NOT_ALLOWED: {
    status: 405,
    message: 'The address is called with another method',
    remedy: 'The header `Allow` and the description name the method.',
  },
  STATE_CONFLICT: {
    status: 409,
    message: 'The state that it is in does not permit it',
    remedy: 'The description has the state and what is possible in it.',
  },
  NAME_TAKEN: {
    status: 409,
    message: 'The name is taken',
    remedy: 'Take another name, or change what has it.',
  },
  IDEMPOTENCY_KEY_REUSED: {
    status: 422,
    message: 'The Idempotency-Key was used for another body',
    remedy: 'Use a new key for each new request, and the old one only to repeat a request.',
  },
  REQUEST_TIMEOUT: {
    status: 408,
    message: 'The call did not arrive in time',
    remedy: 'Send headers and body within 15 seconds.',
  },
  BODY_TOO_LARGE: {
    status: 413,
    message: 'The body is too large',
    remedy: 'A body has at most 1 MiB, unless `/docs` allows more.',
  },
  ADDRESS_TOO_LONG: {
    status: 414,
    message: 'A part of the path is too long',
    remedy: 'Correct the path: a name or number in it has at most 100 characters.',
  },
  CONTENT_TYPE_NOT_SUPPORTED: {
    status: 415,
    message: 'The body has another content type or charset',
    remedy: 'Send JSON in UTF-8 with the header `Content-Type: application/json`.',
  },
  CONTENT_ENCODING_NOT_SUPPORTED: {
    status: 415,
    message: 'The body is compressed',
    remedy: 'Send the body uncompressed, without the header `Content-Encoding`.',
  },
  EXPECTATION_FAILED: {
    status: 417,
    message: 'The header Expect asks for what is not known here',
    remedy: 'Send `Expect: 100-continue`, or no such header.',
  },
  TOO_MANY_ATTEMPTS: {
    status: 429,
    message: 'Too many attempts to log in',
    remedy: 'Wait for `Retry-After` seconds.',
  },
  HEADERS_TOO_LARGE: {
    status: 431,
    message: 'Address and headers are too large',
    remedy: 'They have at most 16 KiB together.',
  },
  HTTP_MALFORMED: {
    status: 400,
    message: 'The call is not valid HTTP',
    remedy: 'Use an HTTP library; the description names what could not be read.',
  },
  INTERNAL_ERROR: {
    status: 500,
    message: 'Something went wrong here',
    remedy: 'Report the number in the description: the log has the cause.',
  },
  PIN_KEY_MISSING: {
    status: 501,
    message: 'PINs cannot be set on this installation',
    remedy: 'The operator sets `PIN_KEY_FILE` to a key that seals PINs until they are sent.',
  },
  TOO_MANY_BODIES: {
    status: 503,
    message: 'The bodies of the calls under way are too large together',
    remedy: 'Repeat the call after `Retry-After` seconds. Send large bodies one at a time.',
  },
  DATABASE_UNAVAILABLE: {
    status: 503,
    message: 'The database is away or too busy',
    remedy:
      'Repeat the call after `Retry-After` seconds; a POST with the same `Idempotency-Key`, since it may have been done.',
  },
  SCHEMA_REGISTRY_UNAVAILABLE: {
    status: 503,
    message: 'The schema registry does not answer',
    remedy: 'Repeat the call when it is back; nothing was decided.',
  },
  SHUTTING_DOWN: {
    status: 503,
    message: 'This instance is stopping',
    remedy: 'Repeat the call: another instance answers, or this one after its restart.',
  },
} as const satisfies Record<string, WebApiCode>;

export type WebApiCodeName = keyof typeof webApiCodes;

/** docs/errors-web-api.md, whole. */
export function webApiCodesDocument(): string {
  const rows = Object.entries<WebApiCode>(webApiCodes)
    .toSorted(([, one], [, other]) => one.status - other.status)
    .map(([code, { status, remedy }]) => `| \`${code}\` | ${status} | ${remedy} |`);
  return `# Codes of the Web API and the operations API

\`status.code\` of the envelope is \`OK\` or one of these, \`status.message\` explains it, and \`status.description\` names the field,
the problem and the remedy. A refusal of the CAS is not an error of the call: it is in \`data\` (\`life_cycle_state\`,
\`error_code\`), with the codes of [errors-conax.md](errors-conax.md) and [errors-dispatch.md](errors-dispatch.md).

| code | HTTP | what to do |
|---|---|---|
${rows.join('\n')}
`;
}

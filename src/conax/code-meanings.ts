import type { conaxCodes } from './codes.ts';

/** What a code of the adapter means, for docs/errors-conax.md and for people who read refusals. */
interface CodeMeaning {
  readonly kind: 'refused' | 'try-later' | 'unknown' | 'not-sent' | 'not-authorised' | 'invalid';
  readonly meaning: string;
  readonly remedy: string;
}

/** Every code of the adapter. */
export const CONAX_CODE_MEANINGS: Readonly<Record<(typeof conaxCodes)[number], CodeMeaning>> = {
  INPUT_VALIDATION_ERROR: {
    kind: 'refused',
    meaning: 'The CAS does not accept a value, or not now.',
    remedy: 'Read the description, correct the data in the CRM, and repeat the action.',
  },
  CLIENT_NOT_FOUND: {
    kind: 'refused',
    meaning: 'The CAS does not know the smart card or set-top box, or the card is in no pairing.',
    remedy: 'Check the CA id in the CRM, and whether the hardware is loaded into the CAS.',
  },
  CLIENT_NOT_MANAGED_BY_SMS: {
    kind: 'refused',
    meaning: 'The card belongs to another operator or system in the CAS.',
    remedy: 'Have the card assigned to this system in the CAS.',
  },
  FEATURE_NOT_AVAILABLE: {
    kind: 'refused',
    meaning: 'The CAS does not have this function, or `conax.json` declares the command as unsupported.',
    remedy: 'Ask Conax, or do without the command.',
  },
  SYSTEM_ERROR: {
    kind: 'try-later',
    meaning: 'The CAS reports that it failed.',
    remedy: 'Wait; if it stays, check the CAS.',
  },
  SOAP_FAULT: {
    kind: 'refused',
    meaning: 'A SOAP Fault without a known code; for review.',
    remedy: 'Read the description. Often a template does not fit the installation.',
  },
  SOAP_SERVER_FAULT: {
    kind: 'try-later',
    meaning:
      'A SOAP Fault without a known code that blames the server (`Server`, `Receiver`). For messages and fingerprints it is `SOAP_FAULT`.',
    remedy: "Wait; if it stays, check the CAS and the attempt's request.",
  },
  HTTP_4xx: {
    kind: 'refused',
    meaning: 'HTTP status 4xx (the code has the number, such as `HTTP_400`) without SOAP in the body; for review.',
    remedy: "Read the attempt's response body; check proxies before the CAS.",
  },
  CAS_NO_ANSWER_IN_TIME: {
    kind: 'unknown',
    meaning: 'The whole answer did not arrive within `CONAX_TIMEOUT_MS`.',
    remedy: 'If it happens often, the CAS is slow or the time-out is too short.',
  },
  CAS_CONNECTION_LOST: {
    kind: 'unknown',
    meaning:
      'The connection broke after the request was sent. With TLS 1.3, also if the CAS refuses the client certificate.',
    remedy:
      'If it happens often, check network, proxies and idle time-outs. If it happens on every call, check the client certificate.',
  },
  CAS_ANSWER_TOO_LARGE: {
    kind: 'unknown',
    meaning: 'The answer has more than 1 MiB, or comes in more than 50,000 pieces.',
    remedy: 'Find out what answers there; no command has such an answer.',
  },
  CAS_ANSWER_UNREADABLE: {
    kind: 'unknown',
    meaning:
      'The answer is not the SOAP answer of this operation, for example no XML, another element, no status code or two different ones, a Fault in it, a list that stands elsewhere than its path says, is not all understood or may be one page of several, several pairings, wrong charset, compressed, or too many elements ([conax.md](conax.md)), whatever the status. Also HTTP 408.',
    remedy:
      "Compare the attempt's response body with the answer's paths in conax.json. Several in a row open the breaker.",
  },
  CAS_SERVER_ERROR: {
    kind: 'unknown',
    meaning: 'HTTP 5xx without a readable SOAP refusal.',
    remedy: 'If it stays, check the CAS and its proxies.',
  },
  CAS_CONNECTION_REFUSED: {
    kind: 'not-sent',
    meaning: 'Nothing listens at the address.',
    remedy: 'Check whether the CAS runs, and `CONAX_BASE_URL`.',
  },
  CAS_HOST_UNKNOWN: {
    kind: 'not-sent',
    meaning: 'The host name cannot be resolved.',
    remedy: 'Check `CONAX_BASE_URL` and DNS.',
  },
  CAS_HOST_UNREACHABLE: {
    kind: 'not-sent',
    meaning: 'There is no route to the host.',
    remedy: 'Check network and firewall.',
  },
  CAS_TLS_FAILED: {
    kind: 'not-sent',
    meaning: 'No TLS connection: untrusted or wrong certificate, no common version, or no TLS there at all.',
    remedy:
      'Check `CONAX_CA_FILE`, `CONAX_CLIENT_CERT_FILE`, `CONAX_CLIENT_KEY_FILE`, and the name in the certificate of the CAS.',
  },
  CAS_CONNECT_TIMEOUT: {
    kind: 'not-sent',
    meaning: 'No connection in time.',
    remedy: 'Check network and firewall, and the load of the CAS.',
  },
  CAS_NO_FREE_CONNECTION: {
    kind: 'not-sent',
    meaning: 'All connections of this instance were busy for the whole time-out.',
    remedy: 'If it happens often, the CAS is slow or `CONAX_MAX_CONCURRENCY` is too small.',
  },
  CAS_NOT_SENT: {
    kind: 'not-sent',
    meaning: 'Another failure before the request was sent.',
    remedy: 'Read the description.',
  },
  CAS_TOO_MANY_REQUESTS: {
    kind: 'not-sent',
    meaning: 'HTTP 429 without SOAP, or with a refusal.',
    remedy: 'Lower `CONAX_MAX_REQUESTS_PER_SECOND` or `CONAX_MAX_CONCURRENCY`.',
  },
  CAS_UNAVAILABLE: {
    kind: 'not-sent',
    meaning: 'HTTP 503 without SOAP in the body: a proxy or the CAS refuses calls.',
    remedy: 'Wait; if it stays, check the CAS.',
  },
  CAS_ENDPOINT_WRONG: {
    kind: 'not-sent',
    meaning:
      'HTTP 3xx, 404, 405, 407 or 421 without SOAP in the body: no Conax service is there. The commands are kept.',
    remedy: 'Correct `CONAX_BASE_URL`, the paths in conax.json, or the proxy.',
  },
  CAS_CLIENT_CLOSED: {
    kind: 'not-sent',
    meaning: 'The service is stopping.',
    remedy: 'Nothing.',
  },
  CAS_NOT_AUTHORISED: {
    kind: 'not-authorised',
    meaning: 'HTTP 401 or 403 without SOAP or with a refusal, or a code of `notAuthorised`.',
    remedy: 'Correct `CONAX_USERNAME`, `CONAX_PASSWORD` or the client certificate, then resume the provider.',
  },
  COMMAND_NOT_ENCODABLE: {
    kind: 'invalid',
    meaning:
      'A value cannot be written in XML (a control character, half a surrogate pair), or is no number or time. The description names the field.',
    remedy: 'Correct the value where it comes from.',
  },
  PIN_MISSING: {
    kind: 'invalid',
    meaning: 'The PIN of the request is gone.',
    remedy: 'Make a new request with the PIN.',
  },
};

/** Returns the whole text of docs/errors-conax.md. */
export function conaxCodesDocument(): string {
  return [
    '# Codes of the CAS adapter',
    '',
    'The error codes of attempts. The kind decides what the service does:',
    '',
    '- **accepted**: the request is COMPLETED.',
    '- **refused**: final; the request is REJECTED with this code.',
    '- **try-later**, **not-sent**: the CAS did nothing. The request stays PENDING and is retried with back-off. Several *not-sent* in',
    '  a row open the breaker, and so do several unreadable answers.',
    '- **unknown**: the request left, and no readable answer came; the CAS may have done it. Entitlements, PINs and questions are',
    '  repeated. After a pairing command the service asks the CAS first. A message or fingerprint is never repeated.',
    '- **not-authorised**: the CAS did nothing. Sending is paused until a person corrects the login.',
    '- **invalid**: final; the command never left the service.',
    '',
    'A refusal by a status code is seen only if `conax.json` has the path of `statusCode`: `conax check` warns if the WSDL seems to',
    'have a code that is not read.',
    '',
    "The first five codes are those of the project's `conax.json`; yours may have others ([conax.md](conax.md)). A status code that is",
    'in no list refuses, with its own text as the code, and is flagged for review. Mistakes in `conax.json`, templates and WSDLs have no',
    'codes: they refuse the start ([conax.md](conax.md#what-is-checked-at-start)). So do two commands that send the same request,',
    'and devices of a list that run together in one text: the CAS would accept them and do the wrong thing.',
    '',
    '| code | kind | meaning | what to do |',
    '|---|---|---|---|',
    ...Object.entries(CONAX_CODE_MEANINGS).map(
      ([code, { kind, meaning, remedy }]) => `| \`${code}\` | ${kind} | ${meaning} | ${remedy} |`,
    ),
    '',
  ].join('\n');
}

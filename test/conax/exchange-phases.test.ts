import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ConaxClient } from '../../src/conax/client.types.ts';
import { type Cas, calls, openClient, said, startCas } from './support.ts';

let cas: Cas;
/** For the faults that only a deadline ends. */
let impatient: ConaxClient;
beforeAll(async () => {
  cas = await startCas();
  impatient = await openClient(cas.url, { timeoutMs: 1_000 });
});
afterAll(async () => {
  await impatient.close();
  await cas.close();
});
beforeEach(async () => {
  await cas.view('DELETE', 'faults');
  await cas.view('DELETE', 'state');
});

/** Fault of the CAS -> what the client makes of it, HTTP status, and whether the CAS did the work. */
const faults: readonly (readonly [string, string, number | null, boolean])[] = [
  ['none', 'accepted', 200, true],
  ['latin1', 'accepted', 200, true],
  ['status:INPUT_VALIDATION_ERROR', 'refused INPUT_VALIDATION_ERROR', 200, false],
  ['status:CLIENT_NOT_FOUND', 'refused CLIENT_NOT_FOUND', 200, false],
  ['status:CLIENT_NOT_MANAGED_BY_SMS', 'refused CLIENT_NOT_MANAGED_BY_SMS', 200, false],
  ['status:FEATURE_NOT_AVAILABLE', 'refused FEATURE_NOT_AVAILABLE', 200, false],
  ['status:SYSTEM_ERROR', 'try-later SYSTEM_ERROR', 200, false],
  ['status:NEVER_HEARD_OF', 'refused NEVER_HEARD_OF', 200, false],
  ['soap-fault', 'try-later SOAP_SERVER_FAULT', 500, false],
  ['soap-fault-200', 'try-later SOAP_SERVER_FAULT', 200, false],
  ['soap-fault:CLIENT_NOT_FOUND', 'refused CLIENT_NOT_FOUND', 500, false],
  ['soap-fault:SYSTEM_ERROR', 'try-later SYSTEM_ERROR', 500, false],
  ['soap-fault-code:FailedAuthentication', 'not-authorised CAS_NOT_AUTHORISED', 500, false],
  ['cut-before', 'unknown CAS_CONNECTION_LOST', null, false],
  ['cut-after', 'unknown CAS_CONNECTION_LOST', null, true],
  ['hang', 'unknown CAS_NO_ANSWER_IN_TIME', null, false],
  ['hang-after', 'unknown CAS_NO_ANSWER_IN_TIME', null, true],
  ['half-open', 'unknown CAS_NO_ANSWER_IN_TIME', null, true],
  ['slow-body', 'unknown CAS_NO_ANSWER_IN_TIME', 200, true],
  ['drip', 'unknown CAS_NO_ANSWER_IN_TIME', 200, true],
  ['endless', 'unknown CAS_ANSWER_TOO_LARGE', 200, true],
  ['too-large', 'unknown CAS_ANSWER_TOO_LARGE', 200, true],
  ['garbage', 'unknown CAS_ANSWER_UNREADABLE', 200, true],
  ['empty', 'unknown CAS_ANSWER_UNREADABLE', 200, true],
  ['truncated', 'unknown CAS_CONNECTION_LOST', 200, true],
  ['half-xml', 'unknown CAS_ANSWER_UNREADABLE', 200, true],
  ['other-element', 'unknown CAS_ANSWER_UNREADABLE', 200, true],
  ['wrong-namespace', 'unknown CAS_ANSWER_UNREADABLE', 200, true],
  ['two-envelopes', 'unknown CAS_ANSWER_UNREADABLE', 200, true],
  ['wrong-charset', 'unknown CAS_ANSWER_UNREADABLE', 200, true],
  ['entity-bomb', 'unknown CAS_ANSWER_UNREADABLE', 200, true],
  ['tag-flood', 'unknown CAS_ANSWER_UNREADABLE', 200, true],
  ['deep', 'unknown CAS_ANSWER_UNREADABLE', 200, true],
  ['html500', 'unknown CAS_SERVER_ERROR', 500, false],
  ['xml500', 'unknown CAS_SERVER_ERROR', 500, false],
  ['http:500', 'unknown CAS_SERVER_ERROR', 500, false],
  ['http:502', 'unknown CAS_SERVER_ERROR', 502, false],
  ['http:408', 'unknown CAS_ANSWER_UNREADABLE', 408, false],
  ['http:202', 'unknown CAS_ANSWER_UNREADABLE', 202, false],
  ['http:503', 'not-sent CAS_UNAVAILABLE', 503, false],
  ['http:429', 'not-sent CAS_TOO_MANY_REQUESTS', 429, false],
  ['http:302', 'not-sent CAS_ENDPOINT_WRONG', 302, false],
  ['http:404', 'not-sent CAS_ENDPOINT_WRONG', 404, false],
  ['http:405', 'not-sent CAS_ENDPOINT_WRONG', 405, false],
  ['http:407', 'not-sent CAS_ENDPOINT_WRONG', 407, false],
  ['http:421', 'not-sent CAS_ENDPOINT_WRONG', 421, false],
  ['http:401', 'not-authorised CAS_NOT_AUTHORISED', 401, false],
  ['http:403', 'not-authorised CAS_NOT_AUTHORISED', 403, false],
  ['http:400', 'refused HTTP_400', 400, false],
  ['http:413', 'refused HTTP_413', 413, false],
];

describe('every way in which an exchange can end has its answer', () => {
  it.each(faults)('%s is %s', async (fault, expected, status, worked) => {
    await cas.view('POST', 'faults', { fault, times: 1 });
    const before = (await cas.journal()).length;
    const client = expected.endsWith('NO_ANSWER_IN_TIME') ? impatient : cas.client;
    const exchange = await client.call(calls.ADD_SUBSCRIPTIONS);
    expect(said(exchange.answer)).toBe(expected);
    expect(exchange.httpStatus).toBe(status);
    const entries = (await cas.journal()).slice(before);
    expect(entries.map((entry) => entry.effect)).toEqual([worked]);
  });

  it('flags a refusal for review exactly where its code is not a known one of the CAS', async () => {
    const reviewed: string[] = [];
    for (const [fault, expected] of faults.filter(([, answer]) => answer.startsWith('refused'))) {
      await cas.view('POST', 'faults', { fault, times: 1 });
      const { answer } = await cas.client.call(calls.ADD_SUBSCRIPTIONS);
      if (answer.kind === 'refused' && answer.review) reviewed.push(expected);
    }
    expect([...new Set(reviewed)]).toEqual(['refused NEVER_HEARD_OF', 'refused HTTP_400', 'refused HTTP_413']);
  });

  it('keeps what came of an answer that broke off', async () => {
    await cas.view('POST', 'faults', { fault: 'truncated', times: 1 });
    const exchange = await cas.client.call(calls.ADD_SUBSCRIPTIONS);
    expect(exchange.responseBody).toMatch(/^<\?xml.*<soap:Body>/);
  });

  it('goes on working on the next call after each of them', async () => {
    for (const [fault, expected] of faults) {
      const client = expected.endsWith('NO_ANSWER_IN_TIME') ? impatient : cas.client;
      await cas.view('POST', 'faults', { fault, times: 1, match: { command: 'CANCEL_SUBSCRIPTIONS' } });
      const [spoilt, whole] = await Promise.all([
        client.call(calls.CANCEL_SUBSCRIPTIONS),
        cas.client.call(calls.ADD_SUBSCRIPTIONS),
      ]);
      expect([fault, said(spoilt.answer), said(whole.answer)]).toEqual([fault, expected, 'accepted']);
    }
  });
});

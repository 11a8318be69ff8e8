/** PIN and password, in a template that puts them into odd places, and a CAS that repeats the request in odd ways. */
import { rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { escapeXml } from '../../src/soap/xml.ts';
import { foundIn, needlesOf } from '../secrecy/traces.ts';
import { apiKey, bodyOf, conduct, password, pin, username, writeOddDefinition } from './sets/odd.ts';
import { calls, type Listener, listen, onRequests, openClient, said } from './support.ts';

const passwordNeedles = [...needlesOf(password), ...needlesOf(escapeXml(password)), ...needlesOf(apiKey)];
const needles = [...needlesOf(pin), ...passwordNeedles];

let mappingFile: string;
beforeAll(async () => {
  mappingFile = await writeOddDefinition();
});
afterAll(() => rm(dirname(mappingFile), { recursive: true }));

describe('a template with PIN and password in odd places, to a CAS that', () => {
  let cas: Listener;
  let request = '';
  let answer: (request: string) => string;
  beforeAll(async () => {
    cas = await listen((socket) =>
      onRequests(socket, (whole) => {
        request = whole;
        socket.end(answer(whole), 'utf8');
      }),
    );
  });
  afterAll(() => cas.close());

  it.each(Object.entries(conduct))('%s, leaves no trace of either', async (_how, [act, outcome]) => {
    answer = (whole) => act(whole, pin);
    const client = await openClient(cas.url, { mappingFile, username, password });
    const exchange = await client.call({ ...calls.UPDATE_CA_PIN_TO_GIVEN_VALUE, pin });
    await client.close();
    // The CAS got both, in every place, and the comments stayed here.
    expect(bodyOf(request).split(pin)).toHaveLength(12);
    expect(bodyOf(request).split('Tr0ub4dor')).toHaveLength(5);
    expect(bodyOf(request)).toContain(apiKey);
    expect(bodyOf(request)).not.toContain('<!--');
    expect(said(exchange.answer)).toMatch(outcome);
    expect(exchange.requestBody).toContain('<o:Inside>before****after****</o:Inside>');
    expect(foundIn(JSON.stringify(exchange), needles)).toEqual([]);
  });

  it.each(Object.entries(conduct))('%s, leaves no trace of the password of another command', async (_how, [act]) => {
    answer = (whole) => act(whole, 'none');
    const client = await openClient(cas.url, { mappingFile, username, password });
    const exchange = await client.call(calls.ADD_SUBSCRIPTIONS);
    await client.close();
    expect(bodyOf(request).split('Tr0ub4dor')).toHaveLength(5);
    expect(exchange.requestBody).toContain('<o:Inside>before101after****</o:Inside>');
    expect(foundIn(JSON.stringify(exchange), passwordNeedles)).toEqual([]);
  });

  it('cannot be asked, leaves no trace of either in the error', async () => {
    const client = await openClient(cas.url, { mappingFile, username, password });
    const exchange = await client.call({ ...calls.UPDATE_CA_PIN_TO_GIVEN_VALUE, pin: `${pin}\u0000` });
    await client.close();
    expect(said(exchange.answer)).toBe('invalid COMMAND_NOT_ENCODABLE');
    expect(foundIn(JSON.stringify(exchange), needles)).toEqual([]);
  });

  it('is not there, leaves no trace of either', async () => {
    const gone = await listen(() => undefined);
    await gone.close();
    const client = await openClient(gone.url, { mappingFile, username, password });
    const exchange = await client.call({ ...calls.UPDATE_CA_PIN_TO_GIVEN_VALUE, pin });
    await client.close();
    expect(exchange.answer.kind).toBe('not-sent');
    expect(foundIn(JSON.stringify(exchange), needles)).toEqual([]);
  });
});

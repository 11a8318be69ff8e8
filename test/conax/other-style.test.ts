/**
 * A CAS of another style, served by files alone (`sets/harbour`): Apache CXF makes its WSDL and its parser from Java classes. Children
 * are in a second namespace, result codes are numbers, success is 0, two operations answer with nothing, three commands share one.
 */
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadCasDefinition } from '../../src/conax-checks/cas-definition.ts';
import type { ConaxAnswer, ConaxCall, ConaxClient } from '../../src/conax/client.types.ts';
import { type CxfServers, startCxf } from './servers/cxf.ts';
import { variants } from './servers/expected.ts';
import { type SoapServer, startSoapServer } from './servers/soap-server.ts';
import { call, card, device, openClient, said } from './support.ts';

let cxf: CxfServers;
let directory: string;
let file: string;
beforeAll(async () => {
  cxf = await startCxf();
  directory = await mkdtemp(join(tmpdir(), 'harbour-'));
  await cp(join(import.meta.dirname, 'sets/harbour'), directory, { recursive: true });
  await writeFile(join(directory, 'harbour.wsdl'), await (await fetch(`${cxf.url}/harbour?wsdl`)).text());
  file = join(directory, 'conax.json');
});
afterAll(async () => {
  await cxf.close();
  await rm(directory, { recursive: true });
});

const time = (epochMs: number): string => new Date(epochMs).toISOString().replace('.000Z', 'Z');
/** Every value in an object, in its order, as text; what is not there is left out. */
function valuesIn(value: unknown): string[] {
  if (value === null || value === undefined) return [];
  if (value instanceof Date) return [time(value.getTime())];
  return typeof value === 'object' ? Object.values(value).flatMap(valuesIn) : [`${value as string | number}`];
}

/** What the Java method must be called with. */
function expected({ command, pin, requestNumber }: ConaxCall): Record<string, unknown> {
  const cardOf = (one: { caId: string; distributor: string | null }) => ({ number: one.caId, room: one.distributor });
  switch (command.type) {
    case 'ADD_SUBSCRIPTIONS':
    case 'CANCEL_SUBSCRIPTIONS': {
      const product = { code: command.service.caId, room: command.service.distributor };
      return command.type === 'ADD_SUBSCRIPTIONS'
        ? { operation: 'grant', card: { number: command.smartcard, room: null }, product, period: null }
        : { operation: 'revoke', card: { number: command.smartcard, room: null }, product };
    }
    case 'CREATE_PAIRING':
    case 'ADD_TO_EXISTING_PAIRING': {
      const lists = {
        cards: command.smartcards.length === 0 ? null : command.smartcards.map(cardOf),
        boxes: command.setTopBoxes.length === 0 ? null : command.setTopBoxes.map(({ caId }) => caId),
      };
      return command.type === 'CREATE_PAIRING'
        ? { operation: 'pair', ...lists }
        : { operation: 'extend', paired: cardOf(command.existingSmartcard), ...lists };
    }
    case 'GET_ACTIVE_SUBSCRIPTIONS':
      return { operation: 'holdings', card: cardOf(command.smartcard) };
    case 'GET_PAIRING_STATUS_FOR_CARD':
      return { operation: 'pairOfCard', card: cardOf(command.smartcard) };
    case 'GET_PAIRING_STATUS_FOR_PAIRING_MODULE':
      return { operation: 'pairOfBox', box: command.setTopBox.caId };
    case 'SEND_MAIL_MESSAGE_TO_CLIENT':
    case 'SEND_BARK_MESSAGE_TO_CLIENT':
    case 'SEND_REPEATING_BARK_MESSAGE_TO_CLIENT':
      return {
        operation: 'show',
        notice: {
          kind: { MAIL: 'MAIL', BARK: 'BARK', REPEATING: 'REPEATED' }[command.type.split('_')[1] ?? ''],
          card: cardOf(command.smartcard),
          text: command.message,
          start: time(command.startAt),
          seconds: 'durationSeconds' in command ? command.durationSeconds : null,
          times: 'repetitions' in command ? command.repetitions : null,
          pause: 'repetitions' in command ? command.intervalSeconds : null,
          number: requestNumber,
        },
      };
    case 'DISPLAY_FINGERPRINT': {
      const { x, y, height, slot } = command;
      const mark = { at: time(command.displayAt), x, y, height, slot };
      return { operation: 'mark', card: cardOf(command.smartcard), seconds: command.durationSeconds, mark };
    }
    case 'UPDATE_CA_PIN_TO_DEFAULT_VALUE':
      return { operation: 'resetPin', card: cardOf(command.smartcard) };
    case 'UPDATE_CA_PIN_TO_GIVEN_VALUE':
      return { operation: 'setPin', newPin: { card: cardOf(command.smartcard), pin } };
  }
}

describe('a code-first CAS on Apache CXF', () => {
  let client: ConaxClient;
  beforeAll(async () => {
    client = await openClient(cxf.url, { mappingFile: file });
  });
  afterAll(() => client.close());

  it('has a WSDL that every request is checked against, without a word', async () => {
    expect((await loadCasDefinition(file)).warnings).toEqual([]);
  });

  it.each(Object.keys(variants))('calls its Java method for %s with what was meant', async (name) => {
    const meant = variants[name] ?? call({ type: 'ADD_SUBSCRIPTIONS', smartcard: card, service: device('1') });
    const { answer } = await client.call(meant);
    expect(await cxf.received('/harbour')).toEqual([expected(meant)]);
    expect(answer.kind).toBe('accepted');
  });

  it('tells what it holds, and the client understands it', async () => {
    const own = device('20000000001', 'room 1');
    const ask = async (command: ConaxCall['command']): Promise<ConaxAnswer> =>
      (await client.call(call(command))).answer;
    await ask({ type: 'ADD_SUBSCRIPTIONS', smartcard: own.caId, service: device('101') });
    await ask({ type: 'ADD_SUBSCRIPTIONS', smartcard: own.caId, service: device('0102') });
    await ask({ type: 'CREATE_PAIRING', smartcards: [own], setTopBoxes: [device('BOX-1'), device('BOX-2')] });
    const done = { kind: 'accepted', referenceNumber: `T-${own.caId}`, activeServices: null, pairing: null };
    const pairing = { smartcards: [own.caId], setTopBoxes: ['BOX-1', 'BOX-2'] };
    expect(await ask({ type: 'GET_ACTIVE_SUBSCRIPTIONS', smartcard: own })).toEqual({
      ...done,
      activeServices: ['0102', '101'],
    });
    expect(await ask({ type: 'GET_PAIRING_STATUS_FOR_CARD', smartcard: own })).toEqual({ ...done, pairing });
    expect(await ask({ type: 'GET_PAIRING_STATUS_FOR_PAIRING_MODULE', setTopBox: device('BOX-2') })).toEqual({
      ...done,
      referenceNumber: 'T-box',
      pairing,
    });
    expect(await ask({ type: 'CANCEL_SUBSCRIPTIONS', smartcard: own.caId, service: device('101') })).toEqual(done);
    expect(await ask({ type: 'GET_ACTIVE_SUBSCRIPTIONS', smartcard: own })).toHaveProperty('activeServices', ['0102']);
  });

  it('answers two operations with nothing, which is declared to be success', async () => {
    for (const type of ['UPDATE_CA_PIN_TO_DEFAULT_VALUE', 'UPDATE_CA_PIN_TO_GIVEN_VALUE'] as const) {
      const { answer } = await client.call(variants[type] as ConaxCall);
      expect(answer).toEqual({ kind: 'accepted', referenceNumber: null, activeServices: null, pairing: null });
    }
  });

  it('refuses with a number that the file knows, and with its explanation', async () => {
    const stranger = call({ type: 'ADD_SUBSCRIPTIONS', smartcard: '90000000001', service: device('1') });
    expect((await client.call(stranger)).answer).toEqual({
      kind: 'refused',
      code: '404',
      description: 'no such card',
      review: false,
    });
  });
});

describe('the package soap as server, with the WSDL that Apache CXF made', () => {
  let server: SoapServer;
  let client: ConaxClient;
  const names: Readonly<Record<string, string>> = { holdings: 'holding', pairOfCard: 'pairing', pairOfBox: 'pairing' };
  beforeAll(async () => {
    server = await startSoapServer({ '/harbour': join(directory, 'harbour.wsdl') }, (operation) =>
      operation === 'resetPin' || operation === 'setPin'
        ? {}
        : {
            [`ns1:${names[operation] ?? 'outcome'}`]: { 'ns1:code': 0, 'ns1:explanation': 'done', 'ns1:ticket': 'T-1' },
          },
    );
    client = await openClient(server.url, { mappingFile: file });
  });
  afterAll(async () => {
    await client.close();
    await server.close();
  });

  it.each(Object.keys(variants))('receives %s as it was meant', async (name) => {
    const meant = variants[name] ?? call({ type: 'ADD_SUBSCRIPTIONS', smartcard: card, service: device('1') });
    const { answer } = await client.call(meant);
    const { operation, ...values } = expected(meant);
    const received = server.received();
    expect(received.map((one) => [one.operation, valuesIn(one.arguments)])).toEqual([[operation, valuesIn(values)]]);
    // Where the WSDL promises an empty body, the package answers with an element that the WSDL does not have.
    expect(said(answer)).toBe(operation === 'setPin' ? 'unknown CAS_ANSWER_UNREADABLE' : 'accepted');
  });
});

import { createServer, type Server, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import { defaultCasFile, loadCasDefinition } from '../../src/conax-checks/cas-definition.ts';
import { openConaxClient, type OpenOptions } from '../../src/conax-checks/open-client.ts';
import type { CasCommand } from '../../src/conax/cas-definition.types.ts';
import type { ConaxAnswer, ConaxCall, ConaxClient } from '../../src/conax/client.types.ts';
import type { CommandType, Device } from '../../src/planning/command.ts';
import type { JournalEntry } from '../../src/simulator/journal.ts';
import { type SimulatorOptions, startSimulator } from '../../src/simulator/simulator.ts';

export const card = '00000000001';

export function device(caId: string, distributor: string | null = null): Device {
  return { caId, distributor };
}

/** One call of each of the 13 commands. */
export const calls: Readonly<Record<CommandType, ConaxCall>> = {
  ADD_SUBSCRIPTIONS: call({ type: 'ADD_SUBSCRIPTIONS', smartcard: card, service: device('101') }),
  CANCEL_SUBSCRIPTIONS: call({ type: 'CANCEL_SUBSCRIPTIONS', smartcard: card, service: device('101') }),
  CREATE_PAIRING: call({
    type: 'CREATE_PAIRING',
    smartcards: [device(card), device('00000000002')],
    setTopBoxes: [device('STB1'), device('STB2')],
  }),
  ADD_TO_EXISTING_PAIRING: call({
    type: 'ADD_TO_EXISTING_PAIRING',
    existingSmartcard: device(card),
    smartcards: [device('00000000003')],
    setTopBoxes: [device('STB3')],
  }),
  GET_ACTIVE_SUBSCRIPTIONS: call({ type: 'GET_ACTIVE_SUBSCRIPTIONS', smartcard: device(card) }),
  GET_PAIRING_STATUS_FOR_CARD: call({ type: 'GET_PAIRING_STATUS_FOR_CARD', smartcard: device(card) }),
  GET_PAIRING_STATUS_FOR_PAIRING_MODULE: call({
    type: 'GET_PAIRING_STATUS_FOR_PAIRING_MODULE',
    setTopBox: device('STB1'),
  }),
  SEND_MAIL_MESSAGE_TO_CLIENT: call({ type: 'SEND_MAIL_MESSAGE_TO_CLIENT', ...text() }),
  SEND_BARK_MESSAGE_TO_CLIENT: call({ type: 'SEND_BARK_MESSAGE_TO_CLIENT', ...text(), durationSeconds: 20 }),
  SEND_REPEATING_BARK_MESSAGE_TO_CLIENT: call({
    type: 'SEND_REPEATING_BARK_MESSAGE_TO_CLIENT',
    ...text(),
    durationSeconds: 20,
    repetitions: 3,
    intervalSeconds: 60,
  }),
  DISPLAY_FINGERPRINT: call({
    type: 'DISPLAY_FINGERPRINT',
    smartcard: device(card),
    displayAt: Date.UTC(2026, 0, 31, 23, 59, 59),
    durationSeconds: 15,
    x: 100,
    y: 200,
    height: 30,
    slot: 4,
  }),
  UPDATE_CA_PIN_TO_DEFAULT_VALUE: call({ type: 'UPDATE_CA_PIN_TO_DEFAULT_VALUE', smartcard: device(card) }),
  UPDATE_CA_PIN_TO_GIVEN_VALUE: {
    ...call({ type: 'UPDATE_CA_PIN_TO_GIVEN_VALUE', smartcard: device(card) }),
    pin: '4711',
  },
};

/** What the project's own conax.json says of each of the 13 commands. */
export async function ownCommands(): Promise<Readonly<Record<CommandType, CasCommand>>> {
  const { commands } = await loadCasDefinition(defaultCasFile);
  return commands as Record<CommandType, CasCommand>;
}

export const everyCommand = Object.keys(calls) as CommandType[];

export function call(command: ConaxCall['command']): ConaxCall {
  return { command, requestNumber: 12_345 };
}

function text(): { smartcard: Device; message: string; startAt: number; queueNumber: null } {
  return {
    smartcard: device(card),
    message: 'Film & more <20:15>',
    startAt: Date.UTC(2026, 0, 31, 20),
    queueNumber: null,
  };
}

export interface Cas {
  readonly url: string;
  readonly client: ConaxClient;
  /** A call to the simulator's HTTP view; the parsed answer. Throws where it is not 2xx. */
  view(method: string, path: string, body?: unknown): Promise<unknown>;
  journal(): Promise<JournalEntry[]>;
  close(): Promise<void>;
}

/** A simulator and a client of it. */
export async function startCas(
  clientOptions: Partial<OpenOptions> = {},
  simulatorOptions: Partial<SimulatorOptions> = {},
): Promise<Cas> {
  const simulator = await startSimulator({ port: 0, ...simulatorOptions });
  const client = await openClient(simulator.url, { mappingFile: simulatorOptions.mappingFile, ...clientOptions });
  const view = async (method: string, path: string, body?: unknown): Promise<unknown> => {
    const response = await fetch(`${simulator.url}/simulator/${path}`, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (!response.ok) throw new Error(`${method} ${path} answers ${response.status}: ${await response.text()}`);
    return response.json();
  };
  return {
    url: simulator.url,
    client,
    view,
    journal: async () => ((await view('GET', 'journal')) as { entries: JournalEntry[] }).entries,
    close: async () => {
      await client.close();
      await simulator.close();
    },
  };
}

export function openClient(baseUrl: string, options: Partial<OpenOptions> = {}): Promise<ConaxClient> {
  return openConaxClient({ baseUrl, timeoutMs: 5_000, maxConnections: 8, ...options });
}

export interface Listener {
  readonly port: number;
  readonly url: string;
  /** How many connections it has seen. */
  readonly connections: () => number;
  close(): Promise<void>;
}

/** A bare TCP server, for peers that speak no good HTTP. */
export async function listen(onConnection: (socket: Socket) => void): Promise<Listener> {
  const sockets = new Set<Socket>();
  let connections = 0;
  const server: Server = createServer((socket) => {
    connections++;
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket)).on('error', () => undefined);
    onConnection(socket);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    connections: () => connections,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

/** Calls back for each HTTP request that has arrived whole on the socket. */
export function onRequests(socket: Socket, answer: (request: string) => void): void {
  let pending = '';
  socket.on('data', (chunk: Buffer) => {
    pending += chunk.toString('latin1');
    for (;;) {
      const head = pending.indexOf('\r\n\r\n');
      const length = Number(/content-length: (\d+)/i.exec(pending)?.[1] ?? '0');
      if (head < 0 || pending.length < head + 4 + length) return;
      const request = pending.slice(0, head + 4 + length);
      pending = pending.slice(request.length);
      answer(request);
    }
  });
}

/** An HTTP answer with this body, written out. */
export function http(body: string, head = 'HTTP/1.1 200 OK\r\ncontent-type: text/xml; charset=utf-8'): string {
  return `${head}\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}

/** The answer with which ADD_SUBSCRIPTIONS, or another operation of an area, succeeds. */
export function okAnswer(operation = 'AddSubscriptions', area = 'authorization', statusCode = 'OK'): string {
  return soap(
    `<a:${operation}Response xmlns:a="http://www.conax.com/cas/xsd/${area}/v1" xmlns="http://www.conax.com/cas/xsd/common-types/v1">` +
      `<StatusCode>${statusCode}</StatusCode><Message>done</Message></a:${operation}Response>`,
  );
}

export function soap(content: string): string {
  return `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>${content}</s:Body></s:Envelope>`;
}

/** Kind and code in one word, as tests compare them. */
export function said(answer: ConaxAnswer): string {
  return answer.kind === 'accepted' ? 'accepted' : `${answer.kind} ${answer.code}`;
}

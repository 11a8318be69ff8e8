import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { kafkaSocket } from '../../../src/platform/kafkajs/socket.ts';

/** A broker that says what the test lets it say. */
let server: Server;
const open: Socket[] = [];
beforeEach(async () => {
  server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterEach(() => {
  for (const socket of open.splice(0)) socket.destroy();
  server.close();
});

interface Connection {
  readonly client: Socket;
  readonly broker: Socket;
  /** What was handed over, a piece at a time. */
  readonly heard: Buffer[];
}

async function connect(): Promise<Connection> {
  const { port } = server.address() as AddressInfo;
  const accepted = once(server, 'connection') as Promise<[Socket]>;
  const connected = Promise.withResolvers<void>();
  const client = kafkaSocket({ host: '127.0.0.1', port, onConnect: () => connected.resolve() } as Parameters<
    typeof kafkaSocket
  >[0]);
  const [broker] = await accepted;
  await connected.promise;
  open.push(client, broker);
  broker.on('error', () => {});
  const heard: Buffer[] = [];
  client.on('data', (bytes: Buffer) => heard.push(bytes));
  return { client, broker, heard };
}

/** An answer as brokers frame it. */
function answer(text: string): Buffer {
  const frame = Buffer.alloc(4 + text.length);
  frame.writeInt32BE(text.length);
  frame.write(text, 4);
  return frame;
}

/** A request of this kind, as kafkajs writes it. */
function request(kind: number): Buffer {
  const frame = Buffer.alloc(10);
  frame.writeInt32BE(6);
  frame.writeInt16BE(kind, 4);
  return frame;
}
const FETCH = 1;
const JOIN_GROUP = 11;

/** Sends, and resolves when the client's end has it. */
async function say({ client, broker }: Connection, bytes: Buffer): Promise<void> {
  const wanted = client.bytesRead + bytes.length;
  broker.write(bytes);
  while (client.bytesRead < wanted) await new Promise(setImmediate);
}

describe('An answer', () => {
  it('is handed over when it is whole, however it comes in pieces', async () => {
    const connection = await connect();
    const bytes = answer('the whole truth');
    for (const piece of [bytes.subarray(0, 2), bytes.subarray(2, 4), bytes.subarray(4, 9)])
      await say(connection, piece);
    expect(connection.heard).toEqual([]);
    await say(connection, bytes.subarray(9));
    expect(connection.heard).toEqual([bytes]);
  });

  it('is handed over with those behind it, without the beginning of the next', async () => {
    const connection = await connect();
    const [one, two, three] = [answer('one'), answer(''), answer('three')];
    await say(connection, Buffer.concat([one, two, three.subarray(0, 6)]));
    expect(Buffer.concat(connection.heard)).toEqual(Buffer.concat([one, two]));
    await say(connection, three.subarray(6));
    expect(Buffer.concat(connection.heard)).toEqual(Buffer.concat([one, two, three]));
  });

  it('that the end of the connection cut is never heard of', async () => {
    const connection = await connect();
    await say(connection, answer('half of it').subarray(0, 8));
    const ended = once(connection.client, 'end');
    connection.broker.end();
    await ended;
    expect(connection.heard).toEqual([]);
  });

  it.each([[-1], [0x7fffffff]])('with a length of %i breaks the connection: no broker says that', async (length) => {
    const connection = await connect();
    const failed = once(connection.client, 'error') as Promise<[Error]>;
    const bytes = Buffer.alloc(4);
    bytes.writeInt32BE(length);
    connection.broker.write(bytes);
    expect((await failed)[0].message).toMatch(/not an answer of Kafka/);
    expect(connection.heard).toEqual([]);
  });
});

describe('A connection', () => {
  it('that was given up tells nothing more, and is gone soon, also where the broker keeps its end open', async () => {
    const connection = await connect();
    const { client, broker, heard } = connection;
    const told: string[] = [];
    for (const event of ['end', 'error', 'timeout']) client.on(event, () => told.push(event));
    broker.on('end', () => {});
    client.end();
    broker.write(answer('too late'));
    await once(client, 'close');
    expect([heard, told]).toEqual([[], []]);
    expect(client.destroyed).toBe(true);
  });

  it('on which a request stays without any answer breaks after four seconds; one that waits for its group does not', async () => {
    const [silent, patient, answered] = [await connect(), await connect(), await connect()];
    const failed = once(silent.client, 'error') as Promise<[Error]>;
    const startedAt = performance.now();
    patient.client.write(request(JOIN_GROUP));
    answered.client.write(request(FETCH));
    await say(answered, answer('here'));
    silent.client.write(request(FETCH));
    expect((await failed)[0].message).toMatch(/has not answered for 4000 ms/);
    expect(performance.now() - startedAt).toBeGreaterThan(3_900);
    expect([patient.client.destroyed, answered.client.destroyed]).toEqual([false, false]);
  });

  it('on which something comes is not silent, however long the rest of it takes', async () => {
    const [slow, silent] = [await connect(), await connect()];
    const failed = once(silent.client, 'error');
    slow.client.write(request(FETCH));
    silent.client.write(request(FETCH));
    const bytes = answer('a long answer');
    let sent = 0;
    const timer = setInterval(() => {
      slow.broker.write(bytes.subarray(sent, sent + 1));
      sent += 1;
    }, 500);
    await failed;
    clearInterval(timer);
    expect(slow.heard).toEqual([]);
    expect(slow.client.destroyed).toBe(false);
  });
});

import { connect, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { ISocketFactory } from 'kafkajs';

const KEEP_ALIVE_MS = 5_000;
/** Every answer of a broker starts with its length. */
const LENGTH_BYTES = 4;
/** Larger than any answer that we ask for: a peer that announces more is no Kafka. */
const FRAME_BYTES_MAX = 512 * 1024 * 1024;
/** How long a connection that was given up may take to close. */
const GOODBYE_MS = 1_000;
/** A request that has waited so long, and nothing came meanwhile: the connection is half-open. */
const SILENT_MS = 4_000;
/** Requests that the broker answers when the other members of a group are there: JoinGroup and SyncGroup. */
const PATIENT = new Set([11, 14]);
/** What kafkajs listens to, or waits for. */
const HEARD = new Set<string | symbol>(['data', 'end', 'error', 'timeout', 'connect', 'secureConnect']);

/**
 * Connections for kafkajs that spare it three faults of its own (2.2.4), all of an object that outlives its sockets: it
 * keeps the start of an answer that a broken connection cut, and takes the answers of the next connection for the
 * rest of it, which ends the process with a RangeError or leaves it waiting for gigabytes; and it listens on to
 * connections that it gave up, and takes their end for that of the next; and it uses a connection
 * on which requests time out again and again. So an answer is handed over when it is whole, of a connection that was
 * given up nothing more is heard, and a silent one breaks.
 */
export const kafkaSocket: ISocketFactory = ({ host, port, ssl, onConnect }) => {
  // Unlike its type, it may be null: no TLS is wanted.
  const tls = ssl as typeof ssl | null | undefined;
  const socket: Socket = tls
    ? connectTls({ host, port, ...(isIP(host) === 0 ? { servername: host } : {}), ...tls }, onConnect)
    : connect({ host, port }, onConnect);
  socket.setKeepAlive(true, KEEP_ALIVE_MS);
  return wholeAnswers(socket);
};

function wholeAnswers(socket: Socket): Socket {
  const cut = createCutter();
  const emit = socket.emit.bind(socket) as (event: string | symbol, ...values: unknown[]) => boolean;
  const end = socket.end.bind(socket);
  const write = socket.write.bind(socket) as (bytes: Buffer | string, ...more: unknown[]) => boolean;
  let givenUp = false;
  /** Requests without an answer, in their order, which is that of the answers. */
  const waiting: { readonly since: number; readonly patient: boolean }[] = [];
  let heardAt = 0;
  let timer: NodeJS.Timeout | undefined;
  const watch = (): void => {
    clearTimeout(timer);
    const [oldest] = waiting;
    if (oldest === undefined || oldest.patient) return;
    const silentMs = performance.now() - Math.max(oldest.since, heardAt);
    if (silentMs < SILENT_MS) timer = setTimeout(watch, SILENT_MS - silentMs + 1);
    else socket.destroy(new Error(`The broker has not answered for ${SILENT_MS} ms`));
  };
  socket.once('close', () => clearTimeout(timer));

  socket.write = (bytes: Buffer | string, ...more: unknown[]): boolean => {
    // One request, as kafkajs writes it: its length, and what kind it is.
    const kind = Buffer.isBuffer(bytes) && bytes.length >= 6 ? bytes.readInt16BE(LENGTH_BYTES) : -1;
    waiting.push({ since: performance.now(), patient: PATIENT.has(kind) });
    if (waiting.length === 1) watch();
    return write(bytes, ...more);
  };
  socket.emit = (event: string | symbol, ...values: unknown[]): boolean => {
    if (givenUp && HEARD.has(event)) return true;
    if (event !== 'data') return emit(event, ...values);
    const answers = cut(values[0] as Buffer);
    if (answers === null) {
      socket.destroy(new Error('The broker sent something that is not an answer of Kafka'));
      return true;
    }
    heardAt = performance.now();
    if (answers.count === 0) return true;
    waiting.splice(0, answers.count);
    watch();
    return emit('data', answers.bytes);
  };
  // Called by kafkajs when it gives the connection up, and at no other time.
  socket.end = (): Socket => {
    givenUp = true;
    if (socket.connecting) return socket.destroy();
    setTimeout(() => socket.destroy(), GOODBYE_MS).unref();
    return end();
  };
  return socket;
}

const NOTHING = Buffer.alloc(0);

interface Answers {
  readonly count: number;
  /** All of them, one after the other. */
  readonly bytes: Buffer;
}

/** Returns, for each chunk, the answers that it completes; null after the lengths made no sense. */
function createCutter(): (chunk: Buffer) => Answers | null {
  let chunks: Buffer[] = [];
  let bytes = 0;
  /** How many bytes are needed before there is anything to hand over. */
  let needed = LENGTH_BYTES;

  return (chunk) => {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes < needed) return { count: 0, bytes: NOTHING };
    const all = chunks.length === 1 ? chunk : Buffer.concat(chunks, bytes);
    let whole = 0;
    let count = 0;
    for (;;) {
      needed = LENGTH_BYTES;
      if (all.length - whole < LENGTH_BYTES) break;
      const length = all.readInt32BE(whole);
      if (length < 0 || length > FRAME_BYTES_MAX) return null;
      needed += length;
      if (all.length - whole < needed) break;
      whole += needed;
      count += 1;
    }
    const rest = all.subarray(whole);
    chunks = rest.length === 0 ? [] : [rest];
    bytes = rest.length;
    return { count, bytes: all.subarray(0, whole) };
  };
}

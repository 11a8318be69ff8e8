import { Socket } from 'node:net';
import { buildConnector } from 'undici';

/** PEM texts: the client's certificate and key, and the authorities that the CAS's certificate is checked against. */
export type ClientTls = Readonly<Partial<Record<'cert' | 'key' | 'ca', string | undefined>>>;

export interface ConnectionOptions {
  readonly tls: ClientTls;
  readonly connectTimeoutMs: number;
  /** Called when bytes follow an answer on a connection that is about to close. */
  readonly onSurplus: () => void;
}

/** How long the CAS may take to close a connection after its answer. Then we close it. */
const PEER_CLOSES_MS = 25;

/**
 * Opens connections to the CAS. After an answer with `Connection: close` the CAS closes first if it does so within 25 ms:
 * the side that closes first keeps the port for a minute, and at 500 calls a second the client would run out of ports. What
 * arrives in that time is surplus. Keeps the newest TLS session, so that the next connection needs no full handshake.
 */
export function createConnector({ tls, connectTimeoutMs, onSurplus }: ConnectionOptions): buildConnector.connector {
  const connect = buildConnector({ ...tls, allowH2: false, timeout: connectTimeoutMs });
  // undici holds sessions weakly: without a kept connection the next garbage collection takes them.
  const held: { session?: Buffer } = {};
  return (options, callback) => {
    // It returns the socket, although its type does not say so; a session of TLS 1.2 comes before the callback.
    const opening: unknown = connect(options, (...result) => {
      // After an error there is no socket: undefined, although the type says null.
      if (result[1] instanceof Socket) letPeerCloseFirst(result[1], onSurplus);
      callback(...result);
    });
    if (opening instanceof Socket) opening.on('session', (session: Buffer) => (held.session = session));
  };
}

function letPeerCloseFirst(socket: Socket, onSurplus: () => void): void {
  const destroy = socket.destroy.bind(socket);
  let answered: Error | undefined;
  let surplus = 0;
  const drain = (): void => {
    for (let chunk: unknown = socket.read(); chunk instanceof Buffer; chunk = socket.read()) surplus += chunk.length;
  };
  const close = (): Socket => {
    drain();
    if (surplus > 0) onSurplus();
    socket.destroy = destroy;
    return destroy(answered);
  };
  socket.destroy = (error) => {
    if (answered !== undefined) return close();
    if (!isAnswered(error)) return destroy(error);
    answered = error;
    // undici hands back what follows the answer in the same read only after this call.
    setImmediate(drain);
    socket.on('readable', drain);
    setTimeout(() => void socket.destroy(), PEER_CLOSES_MS).unref();
    return socket;
  };
}

/** What undici closes a connection with once the answer is complete and the connection is not kept. */
function isAnswered(error: Error | undefined): error is Error {
  return error !== undefined && 'code' in error && error.code === 'UND_ERR_INFO' && error.message === 'reset';
}

import { connect } from 'node:net';

/** What came over a connection until its other side closed it. */
export interface RawAnswer {
  readonly text: string;
  readonly status: number;
  /** The body of the last answer, where it is JSON. */
  readonly body: unknown;
  readonly ms: number;
}

/** Sends bytes over a connection of their own, and more of them with `more`, until the server closes it. */
export async function sendRaw(
  url: string,
  bytes: string | Uint8Array,
  more: { readonly everyMs: number; readonly piece: string } | null = null,
): Promise<RawAnswer> {
  const { hostname, port } = new URL(url);
  const startedAt = performance.now();
  const text = await new Promise<string>((resolve, reject) => {
    let read = '';
    let timer: NodeJS.Timeout | undefined;
    const socket = connect(Number(port), hostname, () => {
      if (bytes.length > 0) socket.write(bytes);
      if (more !== null) timer = setInterval(() => socket.write(more.piece), more.everyMs);
    });
    socket.setEncoding('utf8').on('data', (data: string) => (read += data));
    // Writing to a connection that the server has closed: what came before it is what counts.
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE' && error.code !== 'ECONNRESET') reject(error);
    });
    socket.once('close', () => {
      clearInterval(timer);
      resolve(read);
    });
  });
  const ms = performance.now() - startedAt;
  return { text, status: Number(text.slice(9, 12)), body: jsonAtEnd(text), ms };
}

/** A call as it is written; without a body its length is not said. */
export function written(
  line: string,
  headers: readonly string[] = ['Host: a', 'Connection: close'],
  body = '',
): string {
  return [line, ...headers, '', body].join('\r\n');
}

function jsonAtEnd(text: string): unknown {
  try {
    return JSON.parse(text.slice(text.lastIndexOf('\r\n\r\n')));
  } catch {
    return null;
  }
}

import { connect } from 'node:net';

const METADATA = 3;
/** The oldest version that says which brokers there are without naming topics; every Kafka since 0.10 speaks it. */
const METADATA_VERSION = 1;
const ANSWER_WITHIN_MS = 5_000;

/**
 * Resolves when the broker answers a metadata request in which at least one broker is named: from then on clients can
 * create topics. Written out, because a client library retries, logs and warns in ways that a start-up poll has no use for.
 */
export function answersMetadata(host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, timeout: ANSWER_WITHIN_MS });
    let answer = Buffer.alloc(0);
    const settle = (failure?: Error) => {
      socket.destroy();
      if (failure === undefined) resolve();
      else reject(failure);
    };
    socket.on('connect', () => socket.write(metadataRequest()));
    socket.on('data', (chunk: Buffer) => {
      answer = Buffer.concat([answer, chunk]);
      // Size, correlation id, number of brokers: four bytes each.
      if (answer.length < 12) return;
      settle(answer.readInt32BE(8) > 0 ? undefined : new Error('the broker does not name itself yet'));
    });
    socket.on('timeout', () => settle(new Error('the broker accepts connections but does not answer')));
    socket.on('error', settle);
    socket.on('close', () => settle(new Error('the broker closed the connection')));
  });
}

function metadataRequest(): Buffer {
  const request = Buffer.alloc(18);
  request.writeInt32BE(request.length - 4, 0);
  request.writeInt16BE(METADATA, 4);
  request.writeInt16BE(METADATA_VERSION, 6);
  request.writeInt32BE(1, 8); // correlation id
  request.writeInt16BE(-1, 12); // no client id
  request.writeInt32BE(0, 14); // no topics
  return request;
}

import { serversOf } from './database-servers.ts';
import { messageOf } from './errors.ts';

/** PostgreSQL's answers to who connects: not allowed, no such database, too many connections, starting or stopping. */
const REFUSED_BY_SERVER = /^(28|3D|53|57P)/;
const NETWORK =
  /^(ECONN|EPIPE|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|EHOST|ENET|EACCES|ENOENT|CERT_|ERR_TLS|UNABLE_|DEPTH_|SELF_)/;
/** pg's own errors about a connection have no code. */
const PG_CONNECTION =
  /^(timeout expired|timeout exceeded when trying|Query read timeout|Connection terminated|The connection broke|The server does not support SSL)/;

/**
 * The same error for people, if a neighbour of the service cannot be reached: it names the part and its address, and
 * never a password. Every other error comes back as it is.
 * @param part for instance `PostgreSQL`.
 * @param address `host:port`, as `addressOf` returns it.
 */
export function namingPart(part: string, address: string, error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const code = codeOf(error);
  const at = `${part} at ${address}`;
  const say = (text: string): Error => new Error(text, { cause: error });
  if (code === 'ECONNREFUSED') return say(`${at} refused the connection (ECONNREFUSED)`);
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return say(`${at} cannot be reached: no such host (${code})`);
  if (NETWORK.test(code) || PG_CONNECTION.test(error.message))
    return say(`${at} cannot be reached: ${messageOf(error)}`);
  if (REFUSED_BY_SERVER.test(code)) return say(`${at} refused: ${messageOf(error)}`);
  return error;
}

/**
 * `host:port` of an address, without user and password; the directory if PostgreSQL is reached by a socket. Several hosts of
 * PostgreSQL are separated by commas.
 */
export function addressOf(url: string): string {
  return serversOf(url).map(oneAddress).join(', ');
}

function oneAddress(url: string): string {
  try {
    const { hostname, port, protocol, searchParams } = new URL(url);
    const usual = protocol.startsWith('postgres') ? '5432' : protocol === 'https:' ? '443' : '80';
    const host = searchParams.get('host') ?? hostname;
    return host.startsWith('/') ? host : `${host || 'localhost'}:${searchParams.get('port') ?? (port || usual)}`;
  } catch {
    return 'an address that cannot be read';
  }
}

/** The code of the error, or of the first of the addresses that were tried. */
function codeOf(error: Error): string {
  const [first] = error instanceof AggregateError ? (error.errors as unknown[]) : [];
  const { code } = (first ?? error) as { code?: unknown };
  return typeof code === 'string' ? code : '';
}

/** An address of PostgreSQL with one host or several, as libpq takes it: before the hosts, the hosts, after them. */
const ADDRESS = /^(postgres(?:ql)?:\/\/(?:[^/?#]*@)?)([^/?#@]*)([^]*)$/;

/** The servers of each address, and which of them is used: every statement asks for it. */
const known = new Map<string, { readonly servers: readonly string[]; current: number }>();

/**
 * Returns the servers of a DATABASE_URL, an address each. Several hosts are separated by commas, with a port each if it is
 * not 5432: `postgres://user:password@db1,db2:5433/conax`.
 */
export function serversOf(databaseUrl: string): readonly string[] {
  const [, before = '', hosts = '', after = ''] = ADDRESS.exec(databaseUrl) ?? [];
  if (!hosts.includes(',')) return [databaseUrl];
  return hosts.split(',').map((host) => `${before}${host}${after}`);
}

function stateOf(databaseUrl: string): { readonly servers: readonly string[]; current: number } {
  const state = known.get(databaseUrl) ?? { servers: serversOf(databaseUrl), current: 0 };
  known.set(databaseUrl, state);
  return state;
}

/** Returns the server to open a session with: the one that last worked. */
export function serverOf(databaseUrl: string): string {
  const { servers, current } = stateOf(databaseUrl);
  return servers[current] ?? databaseUrl;
}

/**
 * Notes that a server cannot be reached or takes no writes: the next session is opened with the one after it. Does nothing if
 * another session has noted it before.
 */
export function leaveServer(databaseUrl: string, server: string): void {
  const state = stateOf(databaseUrl);
  if (serverOf(databaseUrl) === server) state.current = (state.current + 1) % state.servers.length;
}

/**
 * Calls `open` with the server to use, and with each other one in turn if that fails. `isItsFault` tells whether an error
 * is a reason to leave the server; by default each is.
 * @throws the error of the last one.
 */
export async function onAnyServer<T>(
  databaseUrl: string,
  open: (server: string) => Promise<T>,
  isItsFault: (error: unknown) => boolean = () => true,
): Promise<T> {
  for (let left = stateOf(databaseUrl).servers.length - 1; ; left -= 1) {
    const server = serverOf(databaseUrl);
    try {
      return await open(server);
    } catch (error) {
      if (!isItsFault(error)) throw error;
      leaveServer(databaseUrl, server);
      if (left <= 0) throw error;
    }
  }
}

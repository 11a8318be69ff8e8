import { type Calls, ROUTES } from './operations.generated.ts';

export type CallName = keyof Calls & keyof typeof ROUTES;
/** An optional field may be undefined as well: it is left out then. */
export type Input<N extends CallName> = Loose<Calls[N]['input']>;
export type Output<N extends CallName> = Calls[N]['output'];
export type Role = 'viewer' | 'operator' | 'admin';

type Loose<T> = T extends readonly unknown[]
  ? T
  : T extends object
    ? { [F in keyof T]: Partial<Pick<T, F>> extends Pick<T, F> ? Loose<T[F]> | undefined : Loose<T[F]> }
    : T;

/** The service refused a call, or did not answer. `code` is one of docs/errors-web-api.md, or UNREACHABLE. */
export class ApiError extends Error {
  override name = 'ApiError';
  readonly code: string;

  constructor(code: string, description: string) {
    super(description);
    this.code = code;
  }

  /** Whether the person has to log in again. */
  get isLoggedOut(): boolean {
    return this.code === 'TOKEN_INVALID' || this.code === 'TOKEN_MISSING';
  }
}

const NO_ANSWER = 'The service does not answer. The page tries again by itself.';
/** The last answer of each GET with an ETag: an unchanged answer is not sent again. */
const known = new Map<string, { etag: string; data: unknown }>();
const KNOWN_MAX = 50;

/** Whether the person did something since the last call was sent. Only then a call keeps the session alive. */
let isActive = true;
for (const event of ['pointerdown', 'keydown', 'wheel', 'touchstart'])
  addEventListener(event, noticePerson, { capture: true, passive: true });

/** A key that repeats may have something lying on it. */
function noticePerson(event: Event): void {
  if (!('repeat' in event && event.repeat === true)) isActive = true;
}

/**
 * Calls the operations API. Fields of the input that the path names go there, the others into the query or the body.
 * Undefined fields are left out.
 * @param key the Idempotency-Key: a call that is repeated with it after no answer is done once.
 * @throws ApiError
 */
export async function callApi<N extends CallName>(
  name: N,
  input: Input<N>,
  { signal, key }: { signal?: AbortSignal; key?: string } = {},
): Promise<Output<N>> {
  const { method, path } = ROUTES[name];
  const rest = new Map<string, unknown>(Object.entries(input).filter(([, value]) => value !== undefined));
  const address = path.replaceAll(/\{(\w+)\}/g, (_, field: string) => {
    const value = rest.get(field);
    rest.delete(field);
    return encodeURIComponent(asText(value));
  });
  const query = new URLSearchParams([...rest].map(([field, value]) => [field, asText(value)]));
  const isGet = method === 'GET';
  const url = `/api/v1${address}${isGet && query.size > 0 ? `?${query}` : ''}`;
  const seen = isGet ? known.get(url) : undefined;
  const isOfPerson = isActive;
  isActive = false;
  const response = await fetch(url, {
    method,
    credentials: 'same-origin',
    signal: signal ?? null,
    headers: {
      'x-conax-console': isOfPerson ? 'user' : 'background',
      ...(isGet ? {} : { 'content-type': 'application/json' }),
      ...(key === undefined ? {} : { 'idempotency-key': key }),
      ...(seen === undefined ? {} : { 'if-none-match': seen.etag }),
    },
    body: isGet ? null : JSON.stringify(Object.fromEntries(rest)),
  }).catch((error: unknown) => {
    isActive ||= isOfPerson;
    throw error instanceof DOMException ? error : new ApiError('UNREACHABLE', NO_ANSWER);
  });
  if (response.status === 304 && seen !== undefined) return seen.data as Output<N>;
  const data = await dataOf(response);
  const etag = response.headers.get('etag');
  if (isGet && etag !== null) remember(url, etag, data);
  return data as Output<N>;
}

/** As the API reads it from a path or a query. */
function asText(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

async function dataOf(response: Response): Promise<unknown> {
  const envelope = (await response.json().catch(() => null)) as {
    status?: { code: string; message: string | null; description: string | null };
    data?: unknown;
  } | null;
  if (envelope?.status === undefined) throw new ApiError('UNREACHABLE', NO_ANSWER);
  const { code, message, description } = envelope.status;
  if (code !== 'OK') throw new ApiError(code, description ?? message ?? code);
  return envelope.data;
}

function remember(url: string, etag: string, data: unknown): void {
  known.delete(url);
  known.set(url, { etag, data });
  if (known.size > KNOWN_MAX) known.delete(known.keys().next().value ?? '');
}

/** Forgets what was read: nothing of one person's session is shown to the next. */
export function forgetAnswers(): void {
  known.clear();
}

/** Whether a person with the role may make the call. */
export function mayCall(role: Role, name: CallName): boolean {
  const rank: Record<Role, number> = { viewer: 0, operator: 1, admin: 2 };
  const { role: wanted } = ROUTES[name] as { role?: Role };
  return wanted === undefined || rank[role] >= rank[wanted];
}

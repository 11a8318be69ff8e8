import { randomBytes } from 'node:crypto';
import type { CrmSubscription } from '../../dev/demo/crm.ts';
import type { CompleteRequest } from '../../src/web-api/shape.ts';
import { addUser } from '../../src/users/changes.ts';
import type { Role } from '../../src/users/user.ts';
import { act, household, outcomeOf } from '../support/scene.ts';
import { startWorld, type World } from '../support/world.ts';

export const BASE = '/crmapi/rest/v2';
export const OPERATIONS = '/api/v1';
export const PASSWORD = 'correct horse battery';
export const ORGANISATION = 'acme';

/** An answer, its body as an envelope. */
export interface Answer<T = unknown> {
  readonly status: number;
  readonly code: string;
  readonly message: string | null;
  readonly description: string;
  readonly data: T;
  readonly headers: Headers;
}

/** A world with the service, and somebody who calls its Web API. */
export interface WebWorld extends World {
  /** A call with this user's token, as a parameter; the path begins below BASE. */
  get<T = CompleteRequest>(path: string, query?: Readonly<Record<string, string>>, by?: Role): Promise<Answer<T>>;
  post<T = CompleteRequest>(path: string, body: object, more?: PostOptions): Promise<Answer<T>>;
  /** A call of the operations API with this user's token as a header: GET without a body, POST with one. */
  operate<T = unknown>(path: string, body?: object, by?: Role): Promise<Answer<T>>;
  /** Exactly this call. */
  raw(path: string, init?: RequestInit): Promise<Answer>;
  token(of?: Role): Promise<string>;
}

export interface PostOptions {
  readonly by?: Role;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Starts the service with a PIN key and one user of each role. */
export async function startWebWorld(overrides: Readonly<Record<string, string>> = {}): Promise<WebWorld> {
  const world = await startWorld({ PIN_KEY: randomBytes(32).toString('hex'), ...overrides });
  const tokens = new Map<Role, Promise<string>>();
  for (const role of ['viewer', 'operator', 'admin'] as const) {
    await addUser(world.db, {
      username: role,
      role,
      organisation: ORGANISATION,
      unit: role === 'operator' ? 'Nicosia' : null,
      password: PASSWORD,
      by: 'test',
    });
  }
  const raw = async (path: string, init: RequestInit = {}): Promise<Answer> =>
    answerOf(await fetch(`${world.service.url}${path}`, init));
  const token = (of: Role = 'operator'): Promise<string> => {
    const known = tokens.get(of) ?? login(of);
    tokens.set(of, known);
    return known;
  };
  const login = async (username: string): Promise<string> => {
    const answer = await raw(
      `${BASE}/authentication/token`,
      json({ username, password: PASSWORD, organisation: ORGANISATION }),
    );
    if (answer.code !== 'OK') throw new Error(`${username} cannot log in: ${answer.description}`);
    return (answer.data as { token: string }).token;
  };
  return {
    ...world,
    raw,
    token,
    async get<T>(path: string, query: Readonly<Record<string, string>> = {}, by: Role = 'operator') {
      const parameters = new URLSearchParams({ token: await token(by), ...query });
      return (await raw(`${BASE}${path}?${parameters.toString()}`)) as Answer<T>;
    },
    async operate<T>(path: string, body?: object, by: Role = 'operator') {
      const headers = { authorization: `Bearer ${await token(by)}` };
      return (await raw(`${OPERATIONS}${path}`, body === undefined ? { headers } : json(body, headers))) as Answer<T>;
    },
    async post<T>(path: string, body: object, { by = 'operator', headers = {} }: PostOptions = {}) {
      return (await raw(`${BASE}${path}`, json({ token: await token(by), ...body }, headers))) as Answer<T>;
    },
  };
}

/** A POST of JSON. */
export function json(body: unknown, headers: Readonly<Record<string, string>> = {}): RequestInit {
  return {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  };
}

async function answerOf(response: Response): Promise<Answer> {
  const text = await response.text();
  const { status, data } = JSON.parse(text) as {
    status: { code: string; message: string | null; description: string | null };
    data: unknown;
  };
  return {
    status: response.status,
    code: status.code,
    message: status.message,
    description: status.description ?? '',
    data,
    headers: response.headers,
  };
}

/** A household that the CRM told of; all that its event made is at the CAS. */
export async function tellHousehold(
  world: World,
  number: string,
  card: string,
  serviceCaIds: readonly string[],
  change: (subscription: CrmSubscription) => void = () => {},
): Promise<CrmSubscription> {
  const subscription = household(number, card, serviceCaIds);
  change(subscription);
  await outcomeOf(world, await act(world, subscription, { action: 'S:ACTIVATE_SUBSCRIPTION' }));
  return subscription;
}

export const SHOW = '/conax_web_services/provisioning_requests/show';
export const LIST = '/conax_web_services/provisioning_requests/list';
export const CREATE = '/conax_web_services/provisioning_request';

/** What a refusal says; of the description the part that is looked for, or all of it where that is missing. */
export function refusal({ status, code, message, data, description }: Answer, named: string): unknown[] {
  return [status, code, description.includes(named) && message !== null && data === null ? named : description];
}

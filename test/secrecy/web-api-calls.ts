import { addUser } from '../../src/users/changes.ts';
import type { Database } from '../../src/platform/database.ts';

const BASE = '/crmapi/rest/v2';
const CREATE = `${BASE}/conax_web_services/provisioning_request/reset_pin_to_given_value`;
const UTILITY = '/api/v1/utilities/pin/given';
const LOGIN = { username: 'anna', password: 'correct horse battery', organisation: 'acme' };

/** An answer as it came, headers and all. */
interface Answered {
  readonly status: number;
  readonly text: string;
}

/**
 * Sets a PIN through the Web API in every way, right ones and wrong ones, and gives the answers, each named by what was
 * called.
 */
export async function setPinThroughWebApi(
  db: Database,
  serviceUrl: string,
  { pin, subscription, card }: { readonly pin: string; readonly subscription: string; readonly card: string },
): Promise<Record<string, Answered>> {
  await addUser(db, { ...LOGIN, role: 'operator', unit: null, by: 'test' });
  const answered = async (path: string, init: RequestInit): Promise<Answered> => {
    const response = await fetch(`${serviceUrl}${path}`, init);
    return { status: response.status, text: JSON.stringify([...response.headers]) + (await response.text()) };
  };
  const post = (path: string, body: string, headers: Record<string, string> = {}): Promise<Answered> =>
    answered(path, { method: 'POST', body, headers: { 'content-type': 'application/json', ...headers } });
  const login = await post(`${BASE}/authentication/token`, JSON.stringify(LOGIN));
  const token = /"token":"([0-9A-Fa-f]{32})"/.exec(login.text)?.[1] ?? '';
  const good = {
    token,
    subscription_identifier: { number: subscription },
    smartcard_ca_id: card,
    pin,
    process_immediately: true,
  };
  const key = { 'idempotency-key': 'one-call' };
  const calls: Record<string, () => Promise<Answered>> = {
    'refused by the CAS': () => post(CREATE, JSON.stringify(good), key),
    'the same call again': () => post(CREATE, JSON.stringify(good), key),
    'another PIN under the same key': () => post(CREATE, JSON.stringify({ ...good, pin: reversed(pin) }), key),
    'not waited for': () => post(CREATE, JSON.stringify({ ...good, process_immediately: false })),
    'too long': () => post(CREATE, JSON.stringify({ ...good, pin: `${pin}9` })),
    'a number': () => post(CREATE, JSON.stringify({ ...good, pin: Number(pin) })),
    'a list': () => post(CREATE, JSON.stringify({ ...good, pin: [pin] })),
    'a wrong card beside it': () => post(CREATE, JSON.stringify({ ...good, smartcard_ca_id: '99999999999' })),
    'broken JSON': () => post(CREATE, JSON.stringify(good).slice(0, -1)),
    'broken at the PIN': () => post(CREATE, `{"token":"${token}","pin":${pin}x}`),
    'another content type': () => post(CREATE, JSON.stringify(good), { 'content-type': 'text/plain' }),
    'in the address': () => post(`${CREATE}?pin=${pin}`, JSON.stringify(good)),
    'by a utility': () => post(UTILITY, JSON.stringify({ token, smartcard_ca_ids: [card], pin })),
    'by a utility, too long': () => post(UTILITY, JSON.stringify({ token, smartcard_ca_ids: [card], pin: `${pin}9` })),
    'without a token': () => post(CREATE, JSON.stringify({ ...good, token: undefined })),
    list: () =>
      answered(
        `${BASE}/conax_web_services/provisioning_requests/list?${new URLSearchParams({ token, type: 'UPDATE_CA_PIN_TO_GIVEN_VALUE' }).toString()}`,
        {},
      ),
  };
  const answers: Record<string, Answered> = {};
  for (const [name, call] of Object.entries(calls)) answers[name] = await call();
  return answers;
}

function reversed(text: string): string {
  return Array.from(text).toReversed().join('');
}

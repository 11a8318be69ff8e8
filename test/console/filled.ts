import { act, action, eventually, household, outcomeOf, send, spoil } from '../support/scene.ts';
import { type ConsoleWorld } from './support.ts';

/** Markup that would run, a word that does not end, a mark that turns the reading direction, and quotes. */
export const HOSTILE = `<img src=x onerror="document.title='broken in'">${'w'.repeat(70)}\u202E'"</script><script>document.title='broken in'</script>`;

/** What the addresses of the console's pages name in a filled service. */
export interface Filled {
  readonly card: string;
  readonly request: number;
  readonly event: number;
  readonly run: number;
  readonly replay: number;
}

/**
 * Fills a service with one of everything that a page shows, with hostile texts in every field that the CRM, the CAS or
 * a user can fill.
 */
export async function fill(world: ConsoleWorld): Promise<Filled> {
  const card = '38000000001';
  const number = `S38${HOSTILE}`;
  const subscription = household(number, card, ['1001', '1002']);
  for (const service of subscription.services)
    Object.assign(service, { productCode: HOSTILE, productAlternativeCode: HOSTILE, distributor: HOSTILE });
  for (const item of subscription.installedItems)
    Object.assign(item, { serialNumber: HOSTILE, alternativeCode: HOSTILE, distributor: HOSTILE });
  await spoil(world, {
    match: { command: 'ADD_SUBSCRIPTIONS', serviceCaId: '1002' },
    times: null,
    fault: 'status:CLIENT_NOT_FOUND',
  });
  const first = action(subscription, { action: 'S:BECOME_SUBSCRIBER' });
  for (const { value } of first.events)
    Object.assign(value.action, { executedBy: HOSTILE, transactionReference: HOSTILE, number: HOSTILE });
  await send(world, first.events);
  await outcomeOf(world, first);
  // As if the CAS had said it: the simulator's words are its own.
  await world.db.query(`update request set error_description = $1 where life_cycle_state = 'REJECTED'`, [HOSTILE]);
  await world.db.query('update attempt set description = $1, response_body = $1 where code is not null', [HOSTILE]);
  await world.wire.send([{ key: HOSTILE, message: { kind: 'bytes', key: HOSTILE, value: Buffer.from(HOSTILE) } }]);
  await world.wire.until(({ deadLetters }) => deadLetters[0], 'the dead letter', 20_000);
  await outcomeOf(
    world,
    await act(world, household('S0000038002', '38000000002', ['1001']), { action: 'S:BECOME_SUBSCRIBER' }),
  );

  const operate = async <T>(path: string, body?: object): Promise<T> => {
    const { code, description, data } = await world.operate<T>(path, body, 'admin');
    if (code !== 'OK') throw new Error(`${path}: ${code} ${description}`);
    return data;
  };
  // No message may be longer, or change the direction of texts.
  const message = { type: 'MAIL', message: HOSTILE.replace('\u202E', '').slice(0, 141) };
  await operate('/queue', { ...message, smartcard_ca_id: card });
  const { id: run } = await operate<{ id: number }>('/runs', {
    kind: 'MESSAGE',
    parameters: message,
    selection: { cards: [card] },
  });
  await operate('/runs', { kind: 'RECONCILE', parameters: {}, selection: { cards: [card] } });
  await operate('/schedules', { name: 'nightly', kind: 'RECONCILE', cron: '0 3 * * *', selection: { all: true } });
  const { id: replay } = await operate<{ id: number }>('/replays/plan', {
    subscription_number: number,
    reason: HOSTILE,
  });
  await operate('/provider/pause', { reason: HOSTILE });
  await operate('/provider/resume', {});
  const { requests } = await operate<{ requests: { number: number }[] }>(`/requests?state=REJECTED`);
  const { dead_letters: letters } = await operate<{ dead_letters: { id: number }[] }>('/dead_letters');
  const [request, event] = [requests[0]?.number, letters[0]?.id];
  if (request === undefined || event === undefined) throw new Error('There is no refusal or no dead letter');
  await eventually(async () => {
    const { state } = await operate<{ state: string }>(`/runs/${run}`);
    return state === 'COMPLETED' ? state : undefined;
  }, 'the end of the run');
  return { card, request, event, run, replay };
}

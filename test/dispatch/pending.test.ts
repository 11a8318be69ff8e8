import { afterAll, beforeAll, expect, test } from 'vitest';
import { oldestRequests } from '../../src/dispatch/count-ready.ts';
import { CLASS } from '../../src/requests/request-class.ts';
import {
  addTo,
  cancelOf,
  claim,
  openTestRequests,
  requestFor,
  submit,
  type TestRequests,
} from '../requests/support.ts';

let requests: TestRequests;
beforeAll(async () => {
  requests = await openTestRequests();
});
afterAll(() => requests.close());

test('a request that is tried again and again is as old as its date, also while it waits for the next try', async () => {
  const { db } = requests;
  const ages = async () =>
    Object.fromEntries(
      (await oldestRequests(db)).map(({ requestClass, readyS, pendingS }) => [
        requestClass,
        [readyS, pendingS].map((seconds) => Math.floor(seconds / 60)),
      ]),
    );
  await submit(
    db,
    requestFor(addTo('10000000001')),
    requestFor(addTo('10000000002')),
    requestFor(cancelOf('10000000003')),
  );
  const tried = (await claim(db)).filter(({ command }) => command.type === 'ADD_SUBSCRIPTIONS');
  await db.query(
    `update request set submitted_at = now() - interval '1 hour', scheduled_at = now() - interval '1 hour'`,
  );
  const [first, second] = tried.map(({ number }) => number);
  await db.query(
    "update request set scheduled_at = submitted_at - interval '2 hours', submitted_at = submitted_at - interval '2 hours' where number = $1",
    [first],
  );
  // The first waits for its next try, the second is being sent, and a third could be sent for ten minutes.
  await db.query(`update work set token = null, ready_at = now() + interval '5 minutes' where number = $1`, [first]);
  await submit(db, requestFor(addTo('10000000004')));
  await db.query(`update work set ready_at = now() - interval '10 minutes' where number > $1`, [(second ?? 0) + 1]);
  expect(await ages()).toEqual({
    [CLASS.EXPRESS]: [0, 0],
    [CLASS.GIVING]: [10, 180],
    [CLASS.TAKING]: [0, 60],
    [CLASS.BULK]: [0, 0],
  });
});

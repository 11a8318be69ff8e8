import { afterAll, beforeAll, expect, test } from 'vitest';
import { addTo, openTestRequests, PARTS, requestFor, submit, type TestRequests } from '../requests/support.ts';
import { ACCEPTED, dispatch, scriptedConax, until } from './support.ts';

let store: TestRequests;
beforeAll(async () => {
  store = await openTestRequests();
});
afterAll(() => store.close());

test('a CAS that is faster than the database does not fill the memory: no more is claimed than can be written', async () => {
  const requests = 3_000;
  await submit(store.db, ...Array.from({ length: requests }, (_, index) => requestFor(addTo(`card-${index}`))));
  let goOn = (): void => {};
  const writing = new Promise<void>((resolve) => (goOn = resolve));
  const conax = scriptedConax(() => ACCEPTED);
  const dispatching = dispatch(store.url, conax, {
    finishing: { ...PARTS, recordOutcomes: () => writing },
    leaseMs: 30_000,
    pollMs: 5,
  });
  try {
    // Everything that was claimed is answered, and at many looks nothing more is claimed although there is enough.
    let [last, alike] = [0, 0];
    const held = await until(
      () => dispatching.dispatcher.state(),
      ({ unwritten, underWay, buffered }) => {
        alike = unwritten === last && underWay + buffered === 0 ? alike + 1 : 0;
        last = unwritten;
        return unwritten > 0 && alike === 50;
      },
    );
    expect(held.unwritten).toBeGreaterThanOrEqual(1_000);
    expect(held.unwritten).toBeLessThan(1_100);
    expect(conax.calls.length).toBe(held.unwritten);
    goOn();
    await until(
      async () => (await store.db.query<{ left: number }>('select count(*) as left from work'))[0]?.left,
      (left) => left === 0,
    );
    expect(conax.calls.length).toBe(requests);
  } finally {
    goOn();
    await dispatching.stop();
  }
});

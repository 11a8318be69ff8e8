import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Explanation } from '../../../src/features/why/explanation.ts';
import { why } from '../../../src/features/why/why.ts';
import type { OperationContext } from '../../../src/operations/operation.ts';
import { type Database, openDatabase } from '../../../src/platform/database.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';

const CARD = '20000000101';

let database: TestDatabase;
let db: Database;
beforeAll(async () => {
  database = await createTestDatabase();
  const writing = openDatabase({ url: database.url, maxConnections: 1, applicationName: 'test' });
  await writing.query(
    `insert into request (number, type, sequence_number, life_cycle_state, command, cards, process_name)
    values (1, 'ADD_SUBSCRIPTIONS', 1, 'COMPLETED', $1, array[$2], 'TRIGGER')`,
    [JSON.stringify({ type: 'ADD_SUBSCRIPTIONS', smartcard: CARD, service: { caId: '101', distributor: null } }), CARD],
  );
  await writing.query(
    `insert into dispatcher_instance (id, slots, expires_at) values (gen_random_uuid(), 1, now() + interval '1 hour')`,
  );
  const [name] = await writing.query<{ name: string }>('select current_database() as name');
  await writing.query(`alter database ${name?.name} set default_transaction_read_only = on`);
  await writing.close();
  db = openDatabase({ url: database.url, maxConnections: 2, applicationName: 'test', acceptReadOnly: true });
});
afterAll(async () => {
  await db?.close();
  await database?.drop();
});

test('a database that takes no writes explains from what is stored, and says why the CAS was not asked', async () => {
  const context = {
    db,
    by: { user: 'olga', unit: null },
    patterns: { smartcard: /^\d{11}$/ },
  } as unknown as OperationContext;
  const shown = (await why.operations[0]?.handle(context, { of: CARD, ask: true })) as Explanation;
  expect(shown).toMatchObject({
    subject: { kind: 'smartcard', id: CARD },
    cas_not_asked: 'the database takes no writes now',
    timeline: [{ what: 'request', text: 'ADD_SUBSCRIPTIONS of service 101 (request 1) by TRIGGER', request: 1 }],
  });
});

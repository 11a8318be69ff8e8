import { readFileSync } from 'node:fs';
import avro from 'avsc';
import type { Random } from '../support/random.ts';

/** A record for the CRM's topic. Headers may repeat a name, and names may be any text. */
export interface OutgoingRecord {
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: Record<string, Buffer | string | (Buffer | string)[]>;
  /** The event must be planned, and its one command must be completed. */
  readonly good: boolean;
}

const FAMILIES = ['SubscriptionActionEvent', 'ServiceActionEvent', 'InstalledItemActionEvent'] as const;
export type RecordName = `com.crm.subscription.v1.${(typeof FAMILIES)[number]}`;
export const RECORD_NAMES: readonly RecordName[] = FAMILIES.map((name) => `com.crm.subscription.v1.${name}` as const);

/** The contract's schema as JSON text. */
export function schemaText(name: RecordName): string {
  return readFileSync(new URL(`../../schemas/${name}.avsc`, import.meta.url), 'utf8');
}

const types = new Map(
  RECORD_NAMES.map((name) => [name, avro.Type.forSchema(JSON.parse(schemaText(name)) as avro.Schema)]),
);

/** What the records are made from: the ids under which the registry has the schemas. */
export type SchemaIds = ReadonlyMap<RecordName, number>;

/** Each good event has a subscription and a card of its own. */
const GOOD_PREFIX = 'G';

/** An event that adds one service to a subscription with one card: exactly one ADD_SUBSCRIPTIONS follows. */
export function goodRecord(number: number, ids: SchemaIds, random: Random): OutgoingRecord {
  const subscription = `${GOOD_PREFIX}${String(number).padStart(9, '0')}`;
  const value = encode(event(subscription, `7${String(number).padStart(10, '0')}`, random), ids);
  return { key: Buffer.from(subscription), value, headers: {}, good: true };
}

/** A record that differs from a good one in at least one hostile way. Its subscription number starts with H. */
export function hostileRecord(number: number, ids: SchemaIds, random: Random): OutgoingRecord {
  const subscription = `H${String(number).padStart(9, '0')}`;
  let record: OutgoingRecord = {
    key: Buffer.from(subscription),
    value: encode(event(subscription, `8${String(number).padStart(10, '0')}`, random), ids),
    headers: {},
    good: false,
  };
  for (let left = 1 + random.int(2); left > 0; left -= 1) record = random.pick(MUTATIONS)(record, ids, random);
  return record;
}

type Mutation = (record: OutgoingRecord, ids: SchemaIds, random: Random) => OutgoingRecord;

const MUTATIONS: readonly Mutation[] = [
  flippedBytes,
  flippedBytes,
  cut,
  spliced,
  randomBytes,
  (record) => ({ ...record, value: null }),
  (record) => ({ ...record, value: Buffer.alloc(0) }),
  otherSchemaId,
  claimedItems,
  oddFields,
  oddFields,
  oddKey,
  oddHeaders,
  oddHeaders,
  manyHeaders,
];

function flippedBytes(record: OutgoingRecord, _ids: SchemaIds, random: Random): OutgoingRecord {
  if (record.value === null || record.value.length === 0) return record;
  const value = Buffer.from(record.value);
  for (let left = 1 + random.int(8); left > 0; left -= 1) value[random.int(value.length)] = random.int(256);
  return { ...record, value };
}

function cut(record: OutgoingRecord, _ids: SchemaIds, random: Random): OutgoingRecord {
  return { ...record, value: record.value?.subarray(0, random.int(record.value.length + 1)) ?? null };
}

function spliced(record: OutgoingRecord, _ids: SchemaIds, random: Random): OutgoingRecord {
  if (record.value === null) return record;
  const [from, to] = [random.int(record.value.length + 1), random.int(record.value.length + 1)];
  return { ...record, value: Buffer.concat([record.value.subarray(0, from), record.value.subarray(to)]) };
}

function randomBytes(record: OutgoingRecord, _ids: SchemaIds, random: Random): OutgoingRecord {
  const length = random.chance(0.02) ? 200_000 : random.int(300);
  return { ...record, value: Buffer.from(Array.from({ length }, () => random.int(256))) };
}

function otherSchemaId(record: OutgoingRecord, ids: SchemaIds, random: Random): OutgoingRecord {
  if (record.value === null || record.value.length < 5) return record;
  const value = Buffer.from(record.value);
  // Few enough that the registry is asked, and many enough that nothing can be kept for all of them.
  const unknown = [0, 0x7fffffff, 0x80000000, 0xffffffff, 1_000_000 + random.int(2_000)];
  value.writeUInt32BE(random.pick([...unknown, ...ids.values()]), 1);
  return { ...record, value };
}

/** An array that claims more items than there are bytes. */
function claimedItems(record: OutgoingRecord, _ids: SchemaIds, random: Random): OutgoingRecord {
  if (record.value === null) return record;
  const claim = random.pick(['fefffffffffffffff01', 'ffffffffffffffffff01', 'feffffff0f', '808080801001']);
  const at = random.int(record.value.length + 1);
  const bytes = Buffer.from(claim.padStart(claim.length + (claim.length % 2), '0'), 'hex');
  return { ...record, value: Buffer.concat([record.value.subarray(0, at), bytes, record.value.subarray(at)]) };
}

const ODD_TEXTS = [
  '',
  ' ',
  '\u0000',
  'a\u0000b',
  '__proto__',
  'constructor',
  'toString',
  '\u202egnirts',
  '\u001b[2J',
  "'; drop table request; --",
  'x'.repeat(3_000),
  '\u{1f4fa}'.repeat(500),
  '%s%n',
  '\ufeff',
  '\uffff',
];

/** Readable Avro that says odd things. */
function oddFields(record: OutgoingRecord, ids: SchemaIds, random: Random): OutgoingRecord {
  const subscription = `H${random.uuid()}`;
  const card = random.chance(0.3) ? random.pick(ODD_TEXTS) : `8${String(random.int(1e10)).padStart(10, '0')}`;
  const odd = event(random.chance(0.1) ? random.pick(ODD_TEXTS) : subscription, card, random);
  const { action, subscription: snapshot } = odd;
  const changes: (() => void)[] = [
    () => (odd.eventId = random.pick(ODD_TEXTS)),
    () => (odd.occurredAt = random.pick(ODD_LONGS)),
    () => (action.executedAt = random.pick(ODD_LONGS)),
    () => (action.id = random.pick(ODD_TEXTS)),
    () => (action.number = random.pick(ODD_TEXTS)),
    () => (action.executedBy = random.pick(ODD_TEXTS)),
    () => (action.facets = random.pick([-1, 0, 4, 2 ** 31 - 1, -(2 ** 31)])),
    () => (snapshot.version = random.pick([...ODD_LONGS, -1, 0])),
    () => (snapshot.id = random.pick(ODD_TEXTS)),
    () => void snapshot.services.push(...snapshot.services),
    () => (snapshot.services = many(random.int(60), (at) => service(`many-${at}`, String(2_000 + at)))),
    () => (snapshot.installedItems = many(random.int(60), (at) => card11(`many-${at}`, random))),
    () => (snapshot.services[0] = service(random.pick(ODD_TEXTS), random.pick(ODD_TEXTS))),
    () => (odd.incomingServices = many(random.int(40), () => random.pick(ODD_TEXTS))),
    () => (odd.outgoingServices = [...odd.incomingServices]),
    () => (odd.incomingServices = []),
  ];
  for (let left = 1 + random.int(2); left > 0; left -= 1) random.pick(changes)();
  return { ...record, value: encode(odd, ids) };
}

/** Within what JavaScript holds exactly; larger ones come from flipped bytes. */
const ODD_LONGS = [
  -1,
  0,
  1,
  253_402_300_800_000,
  8_640_000_000_000_001,
  Number.MAX_SAFE_INTEGER - 1,
  -(Number.MAX_SAFE_INTEGER - 1),
];

function oddKey(record: OutgoingRecord, _ids: SchemaIds, random: Random): OutgoingRecord {
  const key = random.pick([
    null,
    Buffer.alloc(0),
    Buffer.from([0xff, 0xfe, 0x00]),
    Buffer.from('G000000001'),
    Buffer.alloc(random.chance(0.05) ? 100_000 : 300, 0x61),
  ]);
  return { ...record, key };
}

const ODD_NAMES = [
  '',
  'constructor',
  '__proto__',
  'toString',
  'hasOwnProperty',
  'dead-letter-reason',
  'dead-letter-offset',
  'ce_id',
  'traceparent',
  '__value_schema_id',
  'a\u0000b',
  '\u{1f4fa}',
  'x'.repeat(5_000),
];

function oddHeaders(record: OutgoingRecord, _ids: SchemaIds, random: Random): OutgoingRecord {
  const headers: OutgoingRecord['headers'] = Object.assign(Object.create(null) as object, record.headers);
  for (let left = 1 + random.int(4); left > 0; left -= 1) {
    const value = (): Buffer | string =>
      random.chance(0.5) ? random.pick(ODD_TEXTS) : Buffer.from([random.int(256), 0xff, 0x00, random.int(256)]);
    headers[random.pick(ODD_NAMES)] = random.chance(0.3) ? many(random.int(6), value) : value();
  }
  return { ...record, headers };
}

function manyHeaders(record: OutgoingRecord, _ids: SchemaIds, random: Random): OutgoingRecord {
  const count = random.chance(0.02) ? 20_000 : random.int(200);
  const headers = random.chance(0.5)
    ? { same: many(count, () => '') }
    : Object.fromEntries(many(count, (at) => [`header-${at}`, 'v']));
  return { ...record, headers };
}

/** What brokers accept as a batch's time, in milliseconds since 1970. */
export const ODD_TIMESTAMPS: readonly string[] = [
  '-1',
  '-2',
  '0',
  '-62135596800001',
  '-210866803200001',
  '-8640000000000001',
];

type Service = ReturnType<typeof service>;
type Item = ReturnType<typeof card11>;

function event(subscription: string, card: string, random: Random) {
  const at = Date.now();
  const id = `v-${subscription}`;
  return {
    eventId: random.uuid(),
    occurredAt: at,
    type: 'ADD_SERVICE',
    action: {
      id: random.uuid(),
      number: `A-${subscription}`,
      transactionReference: null,
      executedAt: at,
      executedBy: null as string | null,
      facets: 1,
    },
    subscription: {
      id: `s-${subscription}`,
      number: subscription,
      version: 1,
      state: 'EFFECTIVE',
      services: [service(id, '1001')] as Service[],
      installedItems: [{ ...card11(`i-${subscription}`, random), caId: card }] as Item[],
    },
    incomingServices: [id],
    outgoingServices: [] as string[],
    removedInstalledItems: [] as Item[],
    incomingInstalledItems: [] as string[],
    movedServices: [],
    movedInstalledItems: [],
  };
}

function service(id: string, caId: string) {
  return {
    id,
    productId: 'p',
    productCode: 'P',
    productAlternativeCode: null,
    caId,
    state: 'EFFECTIVE',
    distributor: null,
  };
}

function card11(id: string, random: Random) {
  const caId = `9${String(random.int(1e10)).padStart(10, '0')}`;
  return { id, serialNumber: `SN-${id}`, alternativeCode: null, kind: 'SMARTCARD', caId, distributor: null };
}

function encode(value: ReturnType<typeof event>, ids: SchemaIds): Buffer {
  const name: RecordName = 'com.crm.subscription.v1.ServiceActionEvent';
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(ids.get(name) ?? 0, 1);
  const bytes = types.get(name)?.toBuffer(value);
  if (bytes === undefined) throw new Error(`There is no type ${name}`);
  return Buffer.concat([prefix, bytes]);
}

function many<T>(count: number, make: (index: number) => T): T[] {
  return Array.from({ length: count }, (_, index) => make(index));
}

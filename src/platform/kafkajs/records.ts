/**
 * Defects of kafkajs' record decoder: it copies the object with the headers for each header (10,000 headers take 17 s,
 * 50,000 for ever), it takes the members of every object for headers that it has seen (`constructor`), and it makes an
 * object of every record of a batch before anybody asks how many there are.
 *
 * Repair: a decoder whose work is linear and bounded before it starts.
 */
import type { IHeaders } from 'kafkajs';
import { CorruptError, type Cursor, readByte, readBytes, readVarint, readVarlong } from './bytes.ts';
import type { BatchHeader } from './record-batch.ts';
import type { ReceivedMessage } from './unreadable.ts';

/** Nobody sends more; each becomes an object here, in the database and in the dead letter. */
export const HEADERS_MAX = 10_000;
export const HEADER_BYTES_MAX = 1024 * 1024;

/** What may still be made: records and headers count one each. */
export interface ObjectBudget {
  objects: number;
}

export interface RecordsRead {
  readonly messages: readonly ReceivedMessage[];
  /** The position after what was read. */
  readonly nextOffset: number;
  /** Why reading stopped before the end of the batch and of the budget; null if it did not. */
  readonly fault: string | null;
}

export interface RecordsToRead {
  readonly unpacked: Buffer;
  readonly batch: BatchHeader;
  /** Records before this position are skipped. */
  readonly from: number;
  /** Whether a record that cannot be read becomes a marker; otherwise reading stops before it. */
  readonly mark: boolean;
}

type Headers = Record<string, Buffer | Buffer[] | null>;

/** Reads the records of a batch from a position on, until the budget is used. At least one is read. */
export function readRecords({ unpacked, batch, from, mark }: RecordsToRead, budget: ObjectBudget): RecordsRead {
  const messages: ReceivedMessage[] = [];
  const cursor: Cursor = { bytes: unpacked, at: 0, end: unpacked.length };
  let previous = batch.baseOffset - 1;
  for (let count = 0; count < batch.recordCount; count += 1) {
    const found = nextRecord(cursor, batch, previous);
    const offset = Math.max(from, previous + 1);
    if (typeof found === 'string') {
      if (!mark) return { messages, nextOffset: offset, fault: found };
      // Where the next record starts is not known.
      messages.push(unreadable(offset, batch.lastOffset, found));
      break;
    }
    previous = found.offset;
    if (found.offset >= from) {
      if (budget.objects <= 0 && messages.length > 0) return { messages, nextOffset: found.offset, fault: null };
      const read = readRecord(cursor, found, budget);
      if (typeof read === 'string' && !mark) return { messages, nextOffset: found.offset, fault: read };
      messages.push(typeof read === 'string' ? unreadable(found.offset, null, read) : read);
    }
    cursor.at = found.end;
    cursor.end = unpacked.length;
  }
  return { messages, nextOffset: batch.lastOffset + 1, fault: null };
}

/** The marker for positions that cannot be read. */
export function unreadable(offset: number, lastOffset: number | null, detail: string): ReceivedMessage {
  const range = lastOffset === null || lastOffset === offset ? null : lastOffset;
  const named = range === null ? detail : `${detail} (offsets ${offset} to ${range})`;
  return {
    offset: String(offset),
    timestamp: '0',
    attributes: 0,
    key: null,
    value: null,
    headers: {},
    unreadable: { detail: named, lastOffset: range },
  };
}

interface FoundRecord {
  readonly offset: number;
  readonly timestamp: bigint;
  /** Where the next one starts. */
  readonly end: number;
}

/** Finds the next record: the cursor then stands at its key and ends with it. Returns why it cannot be found. */
function nextRecord(cursor: Cursor, batch: BatchHeader, previous: number): FoundRecord | string {
  try {
    const length = readVarint(cursor);
    const end = cursor.at + length;
    if (length < 0 || end > cursor.end) throw new CorruptError('a record is longer than its batch');
    cursor.end = end;
    readByte(cursor);
    const delta = readVarlong(cursor);
    const offset = batch.baseOffset + readVarint(cursor);
    if (offset <= previous || offset > batch.lastOffset)
      throw new CorruptError('the offsets of the records do not rise');
    return { offset, timestamp: batch.logAppendTime ? batch.maxTimestamp : batch.firstTimestamp + delta, end };
  } catch (error) {
    return faultOf(error);
  }
}

function readRecord(cursor: Cursor, found: FoundRecord, budget: ObjectBudget): ReceivedMessage | string {
  budget.objects -= 1;
  try {
    const key = readBytes(cursor, 'key');
    const value = readBytes(cursor, 'value');
    const headers = readHeaders(cursor, budget) as IHeaders;
    if (cursor.at !== cursor.end) throw new CorruptError('the record is longer than what is in it');
    return { offset: String(found.offset), timestamp: String(found.timestamp), attributes: 0, key, value, headers };
  } catch (error) {
    return faultOf(error);
  }
}

function faultOf(error: unknown): string {
  if (error instanceof CorruptError) return error.message;
  throw error;
}

/** An object without prototype, so that every name is that of a header. A name that comes again has a list of values. */
function readHeaders(cursor: Cursor, budget: ObjectBudget): Headers {
  const count = readVarint(cursor);
  if (count < 0) throw new CorruptError('the number of headers is negative');
  if (count > HEADERS_MAX) throw new CorruptError(`the record has ${count} headers; at most ${HEADERS_MAX} are read`);
  const bytes = cursor.end - cursor.at;
  if (count > 0 && bytes > HEADER_BYTES_MAX) {
    throw new CorruptError(`the headers of the record have ${bytes} bytes; at most ${HEADER_BYTES_MAX} are read`);
  }
  const headers = Object.create(null) as Headers;
  for (let index = 0; index < count; index += 1) {
    const name = readBytes(cursor, 'name of a header')?.toString('utf8');
    if (name === undefined) throw new CorruptError('a header has no name');
    const value = readBytes(cursor, 'value of a header');
    const known = headers[name];
    if (known === undefined) headers[name] = value;
    else if (Array.isArray(known)) known.push(value as Buffer);
    else headers[name] = [known as Buffer, value as Buffer];
  }
  budget.objects -= count;
  return headers;
}

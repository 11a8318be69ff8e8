import type { CommandType } from '../planning/command.ts';
import type { Transaction } from '../platform/database.ts';
import { storable } from './storable.ts';

/** One SOAP call as an attempt stores it, secrets masked. The exchanges of the CAS's client have this form. */
export interface Exchange {
  readonly answer: { readonly kind: string; readonly code?: string; readonly description?: string };
  /** The command that was sent; a question differs from the request's own. */
  readonly command: CommandType;
  readonly operation: string;
  readonly url: string;
  readonly requestBody: string | null;
  readonly responseBody: string | null;
  readonly httpStatus: number | null;
  /** Epoch milliseconds. */
  readonly startedAt: number;
  readonly durationMs: number;
}

/** The SOAP calls of one request to store, in their order. */
export interface AttemptsOf {
  readonly number: number;
  /** How many calls were stored before these. */
  readonly before: number;
  readonly exchanges: readonly Exchange[];
}

/** Stores the SOAP calls of requests that the caller's transaction still holds, and the instance that made them. */
export function writeAttempts(tx: Transaction, requests: readonly AttemptsOf[], instance: string): void {
  const rows = requests.flatMap(({ number, before, exchanges }) =>
    exchanges.map((exchange, index) => ({ number, attempt: before + index + 1, exchange })),
  );
  if (rows.length === 0) return;
  const answers = rows.map(({ exchange }) => exchange.answer);
  tx.send(INSERT_ATTEMPTS, [
    rows.map(({ number }) => number),
    rows.map(({ attempt }) => attempt),
    rows.map(({ exchange }) => exchange.command),
    rows.map(({ exchange }) => exchange.operation),
    rows.map(({ exchange }) => exchange.url),
    answers.map(({ kind }) => kind),
    answers.map(({ code = null }) => storable(code)),
    answers.map(({ description = null }) => storable(description)),
    rows.map(({ exchange }) => exchange.httpStatus),
    rows.map(({ exchange }) => storable(exchange.requestBody)),
    rows.map(({ exchange }) => storable(exchange.responseBody)),
    rows.map(({ exchange }) => new Date(exchange.startedAt)),
    rows.map(({ exchange }) => exchange.durationMs),
    instance,
  ]);
}

const INSERT_ATTEMPTS = /* sql */ `
insert into attempt (request_number, attempt, command, operation, url, answer, code, description, http_status,
                     request_body, response_body, started_at, duration_ms, instance)
select *, $14::text
  from unnest($1::bigint[], $2::int[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::int[],
              $10::text[], $11::text[], $12::timestamptz[], $13::real[])`;

import { readFile } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { basename, dirname, join } from 'node:path';
import type { z } from 'zod';
import { bodyProblemOf, isReadableAddress, jsonTextOf, NotUtf8Error } from '../platform/http-text.ts';
import { inOurWords, mistakesOf } from '../platform/schema-words.ts';
import { comparableServiceCaId } from '../planning/command.ts';
import { type Faults, rulesSchema } from './faults.ts';
import type { Journal } from './journal.ts';
import type { Inventory } from './rules.ts';
import { type CasClock, clockSchema, inventorySchema, type Settings, settingsSchema, stateSchema } from './settings.ts';
import { type CasState, viewOf } from './state.ts';
import type { Statistics } from './statistics.ts';

/** What the HTTP view looks at and changes. */
export interface ViewedParts {
  readonly state: CasState;
  readonly clock: CasClock;
  readonly settings: Settings;
  readonly journal: Journal;
  readonly faults: Faults;
  readonly statistics: Statistics;
  readonly wsdlFiles: readonly string[];
  inventory: Inventory;
}

type Route = (parts: ViewedParts, request: ViewRequest) => unknown;
interface ViewRequest {
  readonly url: URL;
  /** What follows the route's path. */
  readonly rest: string;
  readonly body: unknown;
  readonly accept: string;
}

/** A body that is written as it is made. */
interface Streamed {
  readonly contentType: string;
  readonly pieces: Iterable<string>;
}

class ViewError extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

const routes: Readonly<Record<string, Route>> = {
  'GET journal': ({ journal }, { url }) => {
    const after = Number(url.searchParams.get('after') ?? '0');
    if (!Number.isSafeInteger(after)) throw new ViewError(400, 'after: write the seq of the last entry that you know');
    return json(
      '{"entries":[',
      mapped(journal.after(after), (entry) => JSON.stringify(entry)),
      ',',
      ']}',
    );
  },
  'DELETE journal': ({ journal }) => journal.clear(),
  'GET cards': ({ state }, { accept }) => {
    const cards = mapped(state.cards(), ([smartcard, card]) => JSON.stringify(viewOf(smartcard, card)));
    return accept.includes('ndjson') ? ndjson(cards) : json('[', cards, ',\n', ']');
  },
  'GET cards/': ({ state }, { rest }) => viewOf(rest, state.peek(rest)),
  'GET screens/': ({ state }, { rest }) => {
    const card = state.peek(rest);
    return {
      smartcard: rest,
      messages: card?.messages ?? [],
      fingerprints: card?.fingerprints ?? [],
      pin: card?.pin ?? null,
    };
  },
  'GET settings': ({ settings }) => settings,
  'PUT settings': ({ settings }, { body }) => Object.assign(settings, definedOf(parse(settingsSchema, body))),
  'GET clock': ({ clock }) => clockView(clock),
  'PUT clock': ({ clock }, { body }) => clockView(Object.assign(clock, parse(clockSchema, body))),
  'GET inventory': ({ inventory }) => ({
    smartcards: [...inventory.smartcards],
    setTopBoxes: [...inventory.setTopBoxes],
    services: [...inventory.services],
  }),
  'PUT inventory': (parts, { body }) => {
    const { smartcards, setTopBoxes, services } = parse(inventorySchema, body);
    parts.inventory = {
      smartcards: new Set(smartcards),
      setTopBoxes: new Set(setTopBoxes),
      services: new Set(services.map((caId) => comparableServiceCaId(caId))),
    };
    return { smartcards: smartcards.length, setTopBoxes: setTopBoxes.length, services: services.length };
  },
  'PUT state': ({ state }, { body }) => {
    const cards = parse(stateSchema, body);
    state.clear();
    for (const card of cards) state.put(card);
    return { cards: state.cardCount };
  },
  'PATCH state': ({ state }, { body }) => {
    for (const card of parse(stateSchema, body)) state.put(card);
    return { cards: state.cardCount };
  },
  'DELETE state': ({ state }) => state.clear(),
  'GET faults': ({ faults }) => ({ rules: faults.list() }),
  'POST faults': ({ faults }, { body }) => ({ rules: faults.add(parse(rulesSchema, body)) }),
  'DELETE faults': ({ faults }) => faults.clear(),
  'GET stats': ({ statistics }) => statistics.view(),
  'DELETE stats': ({ statistics }) => statistics.reset(),
  'GET wsdl': ({ wsdlFiles }) => ({ files: wsdlFiles.map((file) => basename(file)) }),
  'GET wsdl/': async ({ wsdlFiles }, { rest }) => {
    const directory = wsdlFiles.map((file) => dirname(file)).find((path) => path !== undefined);
    const isPlain = /^[\w.-]+\.(?:wsdl|xsd)$/.test(rest);
    const text =
      isPlain && directory !== undefined ? await readFile(join(directory, rest), 'utf8').catch(() => null) : null;
    if (text === null) throw new ViewError(404, `${rest} is no WSDL or schema of this simulator`);
    return { contentType: 'text/xml; charset=utf-8', pieces: [text] } satisfies Streamed;
  },
};

/** Answers a request below /simulator/. Never rejects. */
export async function answerView(
  parts: ViewedParts,
  request: IncomingMessage,
  response: ServerResponse,
  body: Buffer,
): Promise<void> {
  try {
    const { url: address = '/', headers } = request;
    if (!isReadableAddress(address)) throw new ViewError(400, 'the address is not percent-encoded UTF-8');
    const url = new URL(address, 'http://simulator');
    const path = decodeURIComponent(url.pathname.replace(/^\/simulator\/?/, ''));
    const slash = path.indexOf('/');
    const [name, rest] = slash < 0 ? [path, ''] : [path.slice(0, slash + 1), path.slice(slash + 1)];
    const route = routes[`${request.method} ${name}`];
    if (route === undefined) {
      throw new ViewError(
        404,
        `${request.method} /simulator/${name} is not there; there are ${Object.keys(routes).join(', ')}`,
      );
    }
    const problem = body.length === 0 ? null : bodyProblemOf(headers);
    if (problem !== null) throw new ViewError(415, problem.sentence);
    const result = await route(parts, { url, rest, accept: headers.accept ?? '', body: jsonOf(body) });
    if (result === undefined) response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
    else if (isStreamed(result)) await stream(response, result);
    else response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(result));
  } catch (error) {
    if (response.headersSent) {
      response.destroy();
      return;
    }
    const status = error instanceof ViewError ? error.status : 500;
    const message = error instanceof Error ? error.message : String(error);
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify({ error: message }));
  }
}

function clockView({ aheadMs, now }: CasClock): object {
  return { aheadMs, now: new Date(now()).toISOString() };
}

function jsonOf(body: Buffer): unknown {
  if (body.length === 0) return undefined;
  try {
    return JSON.parse(jsonTextOf(body)) as unknown;
  } catch (error) {
    if (error instanceof NotUtf8Error) throw new ViewError(400, `the body ${error.message}`);
    throw new ViewError(400, `the body is no JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function parse<T>(schema: z.ZodType<T>, body: unknown): T {
  const parsed = schema.safeParse(body, { error: inOurWords });
  if (parsed.success) return parsed.data;
  const mistakes = mistakesOf(parsed.error).map(({ path, problem }) => `${path.join('.') || 'the body'}: ${problem}`);
  throw new ViewError(400, mistakes.join('\n'));
}

function definedOf<T extends object>(values: T): Partial<T> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Partial<T>;
}

function* mapped<T>(items: Iterable<T>, write: (item: T) => string): Generator<string> {
  for (const item of items) yield write(item);
}

function json(start: string, items: Iterable<string>, separator: string, end: string): Streamed {
  function* pieces(): Generator<string> {
    yield start;
    let isFirst = true;
    for (const item of items) {
      yield isFirst ? item : separator + item;
      isFirst = false;
    }
    yield end;
  }
  return { contentType: 'application/json', pieces: pieces() };
}

function ndjson(items: Iterable<string>): Streamed {
  return { contentType: 'application/x-ndjson', pieces: mapped(items, (item) => `${item}\n`) };
}

function isStreamed(result: unknown): result is Streamed {
  return typeof result === 'object' && result !== null && 'pieces' in result && 'contentType' in result;
}

const pieceBytes = 65_536;

async function stream(response: ServerResponse, { contentType, pieces }: Streamed): Promise<void> {
  response.writeHead(200, { 'content-type': contentType });
  let pending = '';
  for (const piece of pieces) {
    pending += piece;
    if (pending.length < pieceBytes) continue;
    if (!response.write(pending)) await drained(response);
    pending = '';
    if (response.destroyed) return;
  }
  response.end(pending);
}

function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      response.off('drain', done).off('close', done);
      resolve();
    };
    response.on('drain', done).on('close', done);
  });
}

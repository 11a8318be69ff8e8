import { setTimeout as sleep } from 'node:timers/promises';
import { Agent, fetch } from 'undici';
import { boundedText } from './byte-collector.ts';
import { messageOf } from './errors.ts';
import { createSchemaLookUps, type Urgency, type WriterSchema } from './schema-look-ups.ts';
import { addressOf, namingPart } from './unreachable.ts';

export interface SchemaRegistryOptions {
  /** The Confluent API; for Apicurio it ends with /apis/ccompat/v7. */
  readonly url: string;
  /** Certificates to trust instead of the well-known ones, PEM. */
  readonly ca?: string | undefined;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  /** How long one look-up may take in all; default 3,000. */
  readonly timeoutMs?: number;
  /** How long after the first "no such schema" a second one is believed: followers lag; default 1,500. */
  readonly doubtMs?: number;
  /** How long "no such schema" is believed then, so that a stream of bad messages asks seldom; default 15,000. */
  readonly unknownForMs?: number;
  /** How many schemas are kept; default 32: each takes a tenth of a megabyte and more. */
  readonly schemasMax?: number;
  /** How many ids that lead nowhere are kept; default 20,000: hostile messages can name two thousand million. */
  readonly unknownMax?: number;
}

/** The registry returned no usable answer: it is away, overloaded, or refuses our credentials. The same call may be repeated. */
export class SchemaRegistryUnavailableError extends Error {
  override readonly name = 'SchemaRegistryUnavailableError';
  /** The status of its answer; null if it did not answer. */
  readonly status: number | null;

  constructor(message: string, { status, ...options }: ErrorOptions & { status?: number } = {}) {
    super(message, options);
    this.status = status ?? null;
  }
}

export type Compatibility = 'BACKWARD' | 'FULL_TRANSITIVE';

export interface SchemaRegistryClient {
  /**
   * The schema with an id and those that it refers to. Those that were asked for last are kept, `schemasMax` of them.
   * "Unknown" comes at a second answer, `doubtMs` after the first, and is believed for a while.
   * @throws SchemaRegistryUnavailableError
   */
  findWriterSchema(schemaId: number): Promise<WriterSchema>;
  /**
   * Like `findWriterSchema`, but asks once at most and waits for nothing else; null if "unknown" is not believed yet. The
   * second question follows by itself. Ids that are looked at for `later` wait until those for `now` have their answer.
   * @throws SchemaRegistryUnavailableError
   */
  lookAtSchema(schemaId: number, urgency?: Urgency): Promise<WriterSchema | null>;
  /**
   * The id under which a subject has this very schema; null if it has not. Cached by nobody.
   * @throws SchemaRegistryUnavailableError
   */
  registeredId(subject: string, schema: string): Promise<number | null>;
  /** Whether a subject has any version. @throws SchemaRegistryUnavailableError */
  hasVersions(subject: string): Promise<boolean>;
  /**
   * Registers a schema if the subject lacks it, and sets the subject's compatibility. Returns the schema's id.
   * @throws SchemaRegistryUnavailableError, also if the registry refuses the schema as incompatible.
   */
  register(subject: string, schema: string, compatibility: Compatibility): Promise<number>;
}

const LOOKS = 5;
const LOOK_MS = 200;

/** Error codes with which registries answer that something is not there: subject, version, schema. */
const NOT_FOUND = new Set([40401, 40402, 40403]);

/** Registries count in 32 bits with a sign, from 1; some answer a higher number as an address that they do not have. */
const HIGHEST_ID = 2 ** 31 - 1;

/** No answer of a registry is larger: it would be a schema of a million characters. */
const ANSWER_BYTES_MAX = 2 * 1024 * 1024;

/** Schemas that one schema may refer to, all together. */
const REFERENCES_MAX = 64;

/** What a registry answers every client whose address of it is right. */
const CONTROL_PATH = '/schemas/types';

export function openSchemaRegistry(options: SchemaRegistryOptions): SchemaRegistryClient {
  const { timeoutMs = 3_000, doubtMs = 1_500, unknownForMs = 15_000, schemasMax = 32, unknownMax = 20_000 } = options;
  const { base, authorization } = withoutCredentials(options);
  const dispatcher = new Agent({ connect: options.ca === undefined ? {} : { ca: options.ca } });
  const headers: Record<string, string> = {
    'content-type': 'application/vnd.schemaregistry.v1+json',
    ...(authorization === null ? {} : { authorization }),
  };
  const lookUps = createSchemaLookUps({
    ask: lookUp,
    isSilence: (error) => error instanceof SchemaRegistryUnavailableError && error.status === null,
    timeoutMs,
    doubtMs,
    unknownForMs,
    schemasMax,
    unknownMax,
  });

  return {
    findWriterSchema: async (schemaId) => (isPossible(schemaId) ? lookUps.find(schemaId) : { kind: 'unknown' }),
    lookAtSchema: async (schemaId, urgency) =>
      isPossible(schemaId) ? lookUps.look(schemaId, urgency) : { kind: 'unknown' },
    async registeredId(subject, schema) {
      const body = JSON.stringify({ schema });
      const answer = await ask(`/subjects/${encodeURIComponent(subject)}`, { method: 'POST', body });
      return answer === null ? null : (answer as { id: number }).id;
    },
    async hasVersions(subject) {
      return (await ask(`/subjects/${encodeURIComponent(subject)}/versions/latest`)) !== null;
    },
    async register(subject, schema, compatibility) {
      // Two who register at once get in each other's way (409): the second look finds what the other did.
      for (let look = 1; ; look += 1) {
        try {
          return await registerOnce(subject, schema, compatibility);
        } catch (error) {
          if (look === LOOKS || !(error instanceof SchemaRegistryUnavailableError)) throw error;
          await sleep(LOOK_MS);
        }
      }
    },
  };

  async function registerOnce(subject: string, schema: string, compatibility: Compatibility): Promise<number> {
    const name = encodeURIComponent(subject);
    const answer = await ask(`/subjects/${name}/versions`, { method: 'POST', body: JSON.stringify({ schema }) });
    // The registry can set a subject's compatibility only once the subject is there.
    const { compatibilityLevel } = Object(await ask(`/config/${name}`)) as { compatibilityLevel?: string };
    if (compatibilityLevel !== compatibility) {
      await ask(`/config/${name}`, { method: 'PUT', body: JSON.stringify({ compatibility }) });
    }
    return (answer as { id: number }).id;
  }

  /** `fetch` keeps what happened to the connection in the cause. */
  function problemOf(error: unknown): string {
    const cause = error instanceof Error ? (error.cause ?? error) : error;
    const named = namingPart('The schema registry', addressOf(base), cause);
    if (named !== cause) return messageOf(named);
    const reason = cause === error ? messageOf(error) : `${messageOf(error)} (${messageOf(cause)})`;
    return `The schema registry at ${addressOf(base)} did not answer: ${reason}`;
  }

  async function lookUp(schemaId: number): Promise<WriterSchema> {
    const signal = AbortSignal.timeout(timeoutMs);
    const references: unknown[] = [];
    try {
      const answer = await ask(`/schemas/ids/${schemaId}`, { signal });
      if (answer === null) return { kind: 'unknown' };
      await addReferences(answer, references, new Set(), signal);
      return { kind: 'schema', schema: schemaOf(answer), references };
    } catch (error) {
      if (error instanceof UnusableSchemaError) return { kind: 'unusable', detail: error.message };
      throw error;
    }
  }

  /** Adds what a schema refers to, and before it what that refers to. */
  async function addReferences(
    answer: unknown,
    references: unknown[],
    seen: Set<string>,
    signal: AbortSignal,
  ): Promise<void> {
    const given = (Object(answer) as { references?: unknown }).references ?? [];
    if (!Array.isArray(given)) throw new UnusableSchemaError('its references are no list');
    for (const one of given as unknown[]) {
      const { name, subject, version } = Object(one) as Record<string, unknown>;
      const place = `${String(subject)} version ${String(version)}`;
      if (seen.has(place)) continue;
      seen.add(place);
      if (seen.size > REFERENCES_MAX) throw new UnusableSchemaError(`it refers to more than ${REFERENCES_MAX} schemas`);
      const path = `/subjects/${encodeURIComponent(String(subject))}/versions/${encodeURIComponent(String(version))}`;
      const referred = await ask(path, { signal });
      if (referred === null) {
        throw new UnusableSchemaError(`it refers to ${String(name)} of ${place}, which the registry does not have`);
      }
      await addReferences(referred, references, seen, signal);
      references.push(schemaOf(referred));
    }
  }

  /**
   * One HTTP exchange: the JSON of a good answer, null if the registry itself answers that it is not there.
   * @throws SchemaRegistryUnavailableError
   */
  async function ask(
    path: string,
    init: { method?: string; body?: string; signal?: AbortSignal } = {},
  ): Promise<unknown> {
    const { status, answer } = await exchange(path, init);
    if (status === 200) return answer;
    const { error_code: code, message } = Object(answer) as { error_code?: number; message?: string };
    if (status === 404 && code !== undefined && NOT_FOUND.has(code)) return null;
    // A registry's own 404 with a code that means nothing to us; but a wrong address in the settings gets it, too.
    if (status === 404 && code !== undefined && (await exchange(CONTROL_PATH)).status === 200) return null;
    throw new SchemaRegistryUnavailableError(`The schema registry answered ${status}: ${message ?? 'no message'}`, {
      status,
    });
  }

  async function exchange(
    path: string,
    init: { method?: string; body?: string; signal?: AbortSignal } = {},
  ): Promise<{ status: number; answer: unknown }> {
    try {
      const signal = init.signal ?? AbortSignal.timeout(timeoutMs);
      const response = await fetch(base + path, { ...init, headers, signal, dispatcher });
      return {
        status: response.status,
        answer: JSON.parse(await boundedText(response.body, ANSWER_BYTES_MAX, tooLong)) as unknown,
      };
    } catch (error) {
      if (error instanceof UnusableSchemaError) throw error;
      throw new SchemaRegistryUnavailableError(problemOf(error), { cause: error });
    }
  }
}

function isPossible(schemaId: number): boolean {
  return schemaId >= 1 && schemaId <= HIGHEST_ID;
}

/** A registry's schema that cannot be read with; the message goes into the dead letters. */
class UnusableSchemaError extends Error {
  override readonly name = 'UnusableSchemaError';
}

function schemaOf(answer: unknown): unknown {
  const { schema, schemaType } = Object(answer) as { schema?: unknown; schemaType?: unknown };
  if (schemaType !== undefined && schemaType !== 'AVRO') {
    throw new UnusableSchemaError(`it is not an Avro schema, but ${JSON.stringify(schemaType)}`);
  }
  if (typeof schema !== 'string') {
    throw new SchemaRegistryUnavailableError(
      'The schema registry answered 200 without a schema: see whether SCHEMA_REGISTRY_URL leads to a registry',
    );
  }
  try {
    return JSON.parse(schema);
  } catch (error) {
    throw new UnusableSchemaError(`it is no JSON: ${messageOf(error)}`);
  }
}

const tooLong = (): Error => new UnusableSchemaError(`it has more than ${ANSWER_BYTES_MAX} bytes`);

/** The address without the user and password that may be in it: they must not show where the address does. */
function withoutCredentials(options: SchemaRegistryOptions): { base: string; authorization: string | null } {
  const url = new URL(options.url);
  const username = options.username ?? decodeURIComponent(url.username);
  const password = options.username === undefined ? decodeURIComponent(url.password) : (options.password ?? '');
  url.username = '';
  url.password = '';
  return {
    base: url.href.replace(/\/+$/, ''),
    authorization: username === '' ? null : `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`,
  };
}

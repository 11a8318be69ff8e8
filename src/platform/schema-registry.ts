import { Agent } from 'node:http';
import { Agent as TlsAgent } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import { SchemaRegistry } from '@kafkajs/confluent-schema-registry';
import type { Type } from 'avsc';
import type { WriterSchema } from '../events/decode.ts';
import { messageOf } from './errors.ts';
import { addressOf, namingPart } from './unreachable.ts';

export interface SchemaRegistryOptions {
  /** The Confluent API; for Apicurio it ends with /apis/ccompat/v7. */
  readonly url: string;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  /** How long one look-up may take in all; default 3,000. */
  readonly timeoutMs?: number;
  /** How long "no such schema" is believed, so that a stream of bad messages asks once; default 15,000. */
  readonly unknownForMs?: number;
  /**
   * How many schemas are kept, and how many ids that lead nowhere; default 32: each takes a tenth of a megabyte and more,
   * and who writes hostile messages can name four thousand million ids.
   */
  readonly schemasMax?: number;
}

/** The registry gave no usable answer: it is away, overloaded, or refuses our credentials. The same call may be repeated. */
export class SchemaRegistryUnavailableError extends Error {
  override readonly name = 'SchemaRegistryUnavailableError';
}

export type Compatibility = 'BACKWARD' | 'FULL_TRANSITIVE';

export interface SchemaRegistryClient {
  /**
   * The schema with an id. Those that were asked for last are kept, `schemasMax` of them; "unknown" is believed for a while.
   * @throws SchemaRegistryUnavailableError
   */
  findWriterSchema(schemaId: number): Promise<WriterSchema>;
  /**
   * The id under which a subject has this very schema; null where it has not. Cached by nobody.
   * @throws SchemaRegistryUnavailableError
   */
  registeredId(subject: string, schema: string): Promise<number | null>;
  /** Whether a subject has any version. @throws SchemaRegistryUnavailableError */
  hasVersions(subject: string): Promise<boolean>;
  /**
   * Registers a schema where the subject lacks it, and sets the subject's compatibility. Gives the schema's id.
   * @throws SchemaRegistryUnavailableError, also where the registry refuses the schema as incompatible.
   */
  register(subject: string, schema: string, compatibility: Compatibility): Promise<number>;
}

const LOOKS = 5;
const LOOK_MS = 200;

/** Error codes with which registries answer that something is not there: subject, version, schema. */
const NOT_FOUND = new Set([40401, 40402, 40403]);

export function openSchemaRegistry(options: SchemaRegistryOptions): SchemaRegistryClient {
  const { timeoutMs = 3_000, unknownForMs = 15_000, schemasMax = 32 } = options;
  const base = options.url.replace(/\/+$/, '');
  const { username, password } = options;
  /** Both: whose turn to go is next, first. */
  const found = new Map<number, WriterSchema>();
  const headers: Record<string, string> =
    username === undefined
      ? {}
      : { authorization: `Basic ${Buffer.from(`${username}:${password ?? ''}`).toString('base64')}` };
  const refused = new Map<number, { readonly until: number; readonly answer: WriterSchema }>();

  return {
    async findWriterSchema(schemaId) {
      const usable = found.get(schemaId);
      if (usable) return keep(found, schemaId, usable);
      const known = refused.get(schemaId);
      if (known && known.until > performance.now()) return known.answer;
      refused.delete(schemaId);
      try {
        const schema = await lookUp(schemaId);
        // Everything else that the registry can hold (JSON schema, Protobuf) has no Avro type.
        if (!('typeName' in schema)) return refuse(schemaId, { kind: 'unusable', detail: 'it is not an Avro schema' });
        return keep(found, schemaId, { kind: 'schema', type: schema as unknown as Type });
      } catch (error) {
        // It ran out of time already: asking for the reason would take as long again.
        if (error instanceof SchemaRegistryUnavailableError) throw error;
        return refuse(schemaId, await whyRefused(schemaId, error));
      }
    },
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

  function refuse(schemaId: number, answer: WriterSchema): WriterSchema {
    keep(refused, schemaId, { until: performance.now() + unknownForMs, answer });
    return answer;
  }

  /** Puts it last in turn, and lets the first ones go where there are too many. */
  function keep<T>(kept: Map<number, T>, schemaId: number, value: T): T {
    kept.delete(schemaId);
    kept.set(schemaId, value);
    for (const first of kept.keys()) {
      if (kept.size <= schemasMax) break;
      kept.delete(first);
    }
    return value;
  }

  /**
   * The client's errors do not tell a registry that has no such schema from a proxy that answers 404, or from one that
   * is away (it calls that status 400): so the answer itself is looked at.
   */
  async function whyRefused(schemaId: number, error: unknown): Promise<WriterSchema> {
    const answer = await ask(`/schemas/ids/${schemaId}`);
    if (answer === null) return { kind: 'unknown' };
    // It answers now: either it has just come back, or the schema itself is the trouble.
    if (error instanceof Error && /ArgumentError/.test(error.name + error.constructor.name)) {
      return { kind: 'unusable', detail: messageOf(error) };
    }
    throw new SchemaRegistryUnavailableError(`Schema ${schemaId} could not be fetched: ${messageOf(error)}`, {
      cause: error,
    });
  }

  /** One HTTP exchange: the JSON of a good answer, null where the registry itself says that it is not there. */
  async function ask(path: string, init: { method?: string; body?: string } = {}): Promise<unknown> {
    let status: number;
    let answer: unknown;
    try {
      const response = await fetch(base + path, {
        ...init,
        headers: { ...headers, 'content-type': 'application/vnd.schemaregistry.v1+json' },
        signal: AbortSignal.timeout(timeoutMs),
      });
      status = response.status;
      answer = await response.json();
    } catch (error) {
      throw new SchemaRegistryUnavailableError(problemOf(error), { cause: error });
    }
    if (status === 200) return answer;
    const { error_code: code, message } = Object(answer) as { error_code?: number; message?: string };
    if (status === 404 && code !== undefined && NOT_FOUND.has(code)) return null;
    throw new SchemaRegistryUnavailableError(`The schema registry answered ${status}: ${message ?? 'no message'}`);
  }

  /**
   * A client and a connection for this look-up alone: the client would keep every schema for good, and would give a
   * look-up that never settles to whoever asks for the same schema afterwards.
   */
  async function lookUp(schemaId: number): ReturnType<SchemaRegistry['getSchema']> {
    const agent = base.startsWith('https:') ? new TlsAgent() : new Agent();
    const client = new SchemaRegistry({
      host: base,
      agent,
      ...(username === undefined ? {} : { auth: { username, password: password ?? '' } }),
      // The caller decides about repeating: intake pauses, the relay waits.
      retry: { retries: 0 },
    });
    let timer: NodeJS.Timeout | undefined;
    const deadline = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(
        () => reject(new SchemaRegistryUnavailableError(`The schema registry did not answer within ${timeoutMs} ms`)),
        timeoutMs,
      );
    });
    try {
      // The client never settles when the connection breaks within an answer.
      return await Promise.race([client.getSchema(schemaId), deadline]);
    } finally {
      clearTimeout(timer);
      // An open connection would keep the process from ending.
      agent.destroy();
    }
  }
}

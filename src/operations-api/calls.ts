import { z } from 'zod';
import type { FindWriterSchema } from '../events/decode.ts';
import { auditedHandler } from '../features/audit/record.ts';
import { FEATURES } from '../features/features.ts';
import { type Api, type Asked, type Call, call, OPERATIONS_PATH } from '../http/calls.ts';
import { success, successSchema } from '../http/envelope.ts';
import { createIdempotencyHasher, idempotentCall, once } from '../http/idempotency.ts';
import { numeral } from '../http/input-kinds.ts';
import type { ApiParts } from '../http/parts.ts';
import type { Actor } from '../operations/actor.ts';
import { inputSchemaOf, type Operation, type OperationContext, routeOf } from '../operations/operation.ts';
import { awaitOutcome } from '../operations/outcome.ts';
import type { PlanningRules } from '../planning/types.ts';
import type { FinalWatch } from '../requests/await-final.ts';
import type { Role, User } from '../users/user.ts';
import { sessionCalls } from './session-calls.ts';

const ACCESS = { viewer: 'reader', operator: 'writer', admin: 'admin' } as const satisfies Record<Role, Call['access']>;

/** What the operations API needs of the others. */
export interface OperationsParts extends ApiParts {
  readonly finalWatch: Pick<FinalWatch, 'awaitFinal'>;
  readonly rules: PlanningRules;
  readonly stalePolicy: 'plan' | 'hold';
  readonly facetWaitMs: number;
  /** How long a session lasts without a call (WEB_API_TOKEN_IDLE_MS). */
  readonly tokenIdleMs: number;
  readonly findWriterSchema: FindWriterSchema;
  /** Topics that outcomes are not replayed into by name. */
  readonly ownTopics: readonly string[];
}

/** The operations API, under `/api/v1`: a call for each operation. */
export function operationsApi(parts: OperationsParts): Api {
  const withCalls = FEATURES.filter(({ operations }) => operations.length > 0);
  const tags = Object.fromEntries(withCalls.map(({ name, summary }) => [name, summary]));
  return {
    basePath: OPERATIONS_PATH,
    calls: operationsCalls(parts),
    plainInputs: true,
    sessions: true,
    etags: true,
    tags,
  };
}

/** Every call of the operations API. */
export function operationsCalls(parts: OperationsParts): Call[] {
  const contextFor = contextsOf(parts);
  const ofOperations = FEATURES.flatMap(({ name, operations }) =>
    operations.map((one) => callOf(one, name, parts.patterns, contextFor)),
  );
  return [...sessionCalls(parts), ...ofOperations];
}

type ContextFor = (one: Operation, asked: Asked<object>) => OperationContext;

function contextsOf(parts: OperationsParts): ContextFor {
  const { db, rules, patterns, seal, stalePolicy, facetWaitMs, findWriterSchema, ownTopics, pinKey } = parts;
  const hasher = createIdempotencyHasher(pinKey);
  const shared = { db, rules, patterns, seal, stalePolicy, facetWaitMs, findWriterSchema, ownTopics };
  return ({ name, takesIdempotencyKey = false }, asked) => {
    const idempotent = takesIdempotencyKey ? idempotentCall(hasher, name, asked) : null;
    return {
      ...shared,
      by: actorOf(asked.user),
      traceparent: asked.request.traceparent,
      once: (make, read) => once(db, idempotent, make, read),
      awaitOutcome: (numbers, waits, timeoutMs = parts.immediateTimeoutMs) =>
        awaitOutcome(parts, numbers, waits ? timeoutMs : 0),
    };
  };
}

function actorOf(user: User | null): Actor {
  if (user === null) throw new Error('A call of the operations API was answered without a user');
  return { user: user.username, unit: user.unit };
}

function callOf(one: Operation, tag: string, patterns: OperationsParts['patterns'], contextFor: ContextFor): Call {
  const { name, summary, description, role, output, takesIdempotencyKey, bodyBytesMax } = one;
  const { method, path } = routeOf(one);
  const input = inputSchemaOf(one, () => patterns);
  const { params, rest } = split(input, method, path);
  const handle = auditedHandler(one, 'api');
  const inPath = Object.keys(params?.shape ?? {});
  const example = Object.fromEntries(Object.entries(one.example).filter(([field]) => !inPath.includes(field)));
  return call({
    name,
    method,
    paths: [path.replaceAll(/\{(\w+)\}/g, ':$1')],
    access: ACCESS[role],
    tag,
    summary,
    description,
    input: Object.keys(example).length === 0 ? rest : rest.meta({ examples: [example] }),
    ...(params === null ? {} : { params }),
    output: successSchema(output),
    ...(takesIdempotencyKey === undefined ? {} : { takesIdempotencyKey }),
    ...(bodyBytesMax === undefined ? {} : { bodyBytesMax }),
    async handle(asked) {
      const given = { ...(asked.params as object), ...(asked.input as object) };
      return success(await handle(contextFor(one, { ...asked, input: given }), given));
    },
  });
}

/** The schemas of the path's parameters, and of the query or body. */
function split(
  input: ReturnType<typeof inputSchemaOf>,
  method: Call['method'],
  path: string,
): { params: z.ZodObject | null; rest: z.ZodObject | z.ZodDiscriminatedUnion } {
  // Only a POST whose fields are all in the body has several forms.
  if (!(input instanceof z.ZodObject)) return { params: null, rest: input };
  // The mask's type needs the names of the fields, which are forgotten here.
  const inPath = Object.fromEntries([...path.matchAll(/\{(\w+)\}/g)].map(([, field]) => [field, true])) as {};
  const hasPath = Object.keys(inPath).length > 0;
  const rest = hasPath ? input.omit(inPath) : input;
  return {
    params: hasPath ? fromTexts(input.pick(inPath)) : null,
    rest: method === 'GET' ? fromTexts(rest) : rest,
  };
}

/** The same schema for a query or a path, whose values are texts: its numbers and flags are read from them. */
function fromTexts(schema: z.ZodObject): z.ZodObject {
  const { properties = {} } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
  const read = Object.entries(schema.shape).flatMap(([name, field]) => {
    const { type } = properties[name] as { type?: string };
    if (type === 'integer' || type === 'number') return [[name, z.preprocess(numeral, field)] as const];
    return type === 'boolean' ? [[name, z.preprocess(truth, field)] as const] : [];
  });
  return schema.safeExtend(Object.fromEntries(read));
}

function truth(given: unknown): unknown {
  return given === 'true' || given === 'false' ? given === 'true' : given;
}

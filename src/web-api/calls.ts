import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import type { User } from '../users/user.ts';

/** Every call lies under this path. */
export const BASE_PATH = '/crmapi/rest/v2';

/** What a call's handler is given: input that its schema has read. */
export interface Asked<I> {
  readonly input: I;
  /** Null only for the login. */
  readonly user: User | null;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
}

/** One call of the Web API. */
export interface Call<I extends z.ZodType = z.ZodType, O extends z.ZodType = z.ZodType> {
  /** Its name in metrics and in the OpenAPI document (operationId). */
  readonly name: string;
  readonly method: 'GET' | 'POST';
  /** Below BASE_PATH; the first is the one of the documents, the others are the same. */
  readonly paths: readonly [string, ...string[]];
  /** Whether a token is needed, and whether its user has to be one who may create (operator, admin). */
  readonly access: 'anybody' | 'reader' | 'writer';
  readonly summary: string;
  readonly description: string;
  readonly input: I;
  /** The schema of the envelope around what the handler gives. */
  readonly output: O;
  readonly takesIdempotencyKey?: boolean;
  handle(asked: Asked<z.output<I>>): Promise<unknown>;
}

/** The same call, its types checked and then forgotten. */
export function call<I extends z.ZodType, O extends z.ZodType>(one: Call<I, O>): Call {
  return one;
}

/** The methods that an address of the whole server has. */
export function methodsAt(app: FastifyInstance): (path: string) => string[] {
  return (path) => (['GET', 'POST'] as const).filter((method) => hasRoute(app, path, method));
}

function hasRoute(app: FastifyInstance, path: string, method: 'GET' | 'POST'): boolean {
  return app.findRoute({ url: path, method }) !== null;
}

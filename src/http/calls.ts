import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import type { User } from '../users/user.ts';

/** Every call of the operations API lies under this path. */
export const OPERATIONS_PATH = '/api/v1';

/** Calls under one path. All APIs of the service have the same users, tokens, envelope, codes and metrics. */
export interface Api {
  readonly basePath: string;
  readonly calls: readonly Call[];
  /**
   * Whether a token that was given as a parameter is taken out of the input before the call's schema sees it, so that
   * the schemas need not know of it, and a POST without a body counts as one with an empty object.
   */
  readonly plainInputs: boolean;
  /** Whether its calls accept the cookie of the console's session. */
  readonly sessions: boolean;
  /** Whether an answer has an ETag, and is left out for a caller who has it already. */
  readonly etags?: boolean;
  /** Headings of its calls in the OpenAPI document that are not there in any case, with a sentence about each. */
  readonly tags?: Readonly<Record<string, string>>;
}

/** What a call's handler is given: input and parameters of the path that its schemas have read. */
export interface Asked<I, P = unknown> {
  readonly input: I;
  readonly params: P;
  /** Null only for the login. */
  readonly user: User | null;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
}

/** One call. */
export interface Call<
  I extends z.ZodType = z.ZodType,
  O extends z.ZodType = z.ZodType,
  P extends z.ZodType = z.ZodType,
> {
  /** Its name in metrics and in the OpenAPI document (operationId). */
  readonly name: string;
  readonly method: 'GET' | 'POST';
  /** Below the API's path, with `:name` for a parameter; the first is the one of the documents, the others are the same. */
  readonly paths: readonly [string, ...string[]];
  /** Whether a token is needed, and whether its user must be one who may create (operator, admin), or an admin. */
  readonly access: 'anybody' | 'reader' | 'writer' | 'admin';
  /** The heading in the OpenAPI document. */
  readonly tag: string;
  readonly summary: string;
  readonly description: string;
  /** Of the query (GET) or the body (POST). */
  readonly input: I;
  /** Of the parameters that the path has, as texts; without it there are none. */
  readonly params?: P;
  /** The schema of the envelope around what the handler gives. */
  readonly output: O;
  readonly takesIdempotencyKey?: boolean;
  /** The most that a body may have; without it what the server takes (1 MiB). */
  readonly bodyBytesMax?: number;
  handle(asked: Asked<z.output<I>, z.output<P>>): Promise<unknown>;
}

/** The same call, its types checked and then forgotten. */
export function call<I extends z.ZodType, O extends z.ZodType, P extends z.ZodType>(one: Call<I, O, P>): Call {
  return one;
}

/** The methods that an address of the whole server has. */
export function methodsAt(app: FastifyInstance, apis: readonly Api[]): (path: string) => string[] {
  const parametric = apis.flatMap(({ basePath, calls }) =>
    calls.flatMap(({ method, paths }) =>
      paths.filter((path) => path.includes(':')).map((path) => ({ method, fits: patternOf(`${basePath}${path}`) })),
    ),
  );
  return (path) => {
    // `OPTIONS *` asks about the whole server, and fastify would look for a route with that pattern.
    if (path === '*') return [];
    return (['GET', 'POST'] as const).filter(
      (method) =>
        hasRoute(app, path, method) || parametric.some((route) => route.method === method && route.fits.test(path)),
    );
  };
}

/** What the addresses of a path with parameters look like: fastify finds routes only by the path as it is written. */
function patternOf(path: string): RegExp {
  return new RegExp(`^${path.replaceAll(/:\w+/g, '[^/]+')}$`);
}

function hasRoute(app: FastifyInstance, path: string, method: 'GET' | 'POST'): boolean {
  return app.findRoute({ url: path, method }) !== null;
}

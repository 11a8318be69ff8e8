import { z } from 'zod';
import { type WebApiCodeName, webApiCodes } from './codes.ts';

/** What is wrong with a call; becomes the envelope of its answer, with the HTTP status of the code. */
export class WebApiError extends Error {
  override readonly name = 'WebApiError';
  readonly code: WebApiCodeName;
  /** Not a getter: fastify assigns it. */
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;

  /** `description` names the field, the value's problem and the remedy, and no secret. */
  constructor(code: WebApiCodeName, description: string, headers: Readonly<Record<string, string>> = {}) {
    super(description);
    this.code = code;
    this.statusCode = webApiCodes[code].status;
    this.headers = headers;
  }
}

/** The envelope of an answer that did what was asked for. */
export function success<T>(data: T): Envelope<T> {
  return { status: { code: 'OK', message: null, description: null }, data };
}

/** The envelope of an error. */
export function failure(code: WebApiCodeName, description: string): Failure {
  return { status: { code, message: webApiCodes[code].message, description }, data: null };
}

interface Envelope<T> {
  readonly status: { readonly code: 'OK'; readonly message: null; readonly description: null };
  readonly data: T;
}

export type Failure = z.output<typeof failureSchema>;

/**
 * Null. The document does not use `type: null` alone: OpenAPI Generator makes a class of it that it then does not
 * write, and its Java clients do not compile.
 */
const nothing = z.null().meta({ type: ['object', 'null'], maxProperties: 0 });

/** Every error's answer. */
export const failureSchema = z
  .strictObject({
    status: z.strictObject({
      code: z
        .enum(Object.keys(webApiCodes) as [WebApiCodeName, ...WebApiCodeName[]])
        .describe('Stable; docs/errors-web-api.md has them all.'),
      message: z.string().describe('The meaning of the code.'),
      description: z.string().describe('The field, what is wrong with its value, and the remedy.'),
    }),
    data: nothing,
  })
  .meta({ id: 'Failure', description: 'What every error looks like.' });

/** The envelope around data of a schema. */
export function successSchema<T extends z.ZodType>(data: T) {
  return z.strictObject({
    status: z.strictObject({
      code: z.literal('OK'),
      message: nothing,
      description: nothing,
    }),
    data,
  });
}

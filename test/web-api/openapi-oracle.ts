import { Ajv2020 } from 'ajv/dist/2020.js';
import { BASE } from './support.ts';

interface OpenApiDocument {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, object>> };
}
interface Operation {
  readonly operationId: string;
  readonly responses: Readonly<
    Record<string, { readonly content: { readonly 'application/json': { schema: object } } }>
  >;
}

/** What the service's own OpenAPI document says of answers. */
export interface Oracle {
  readonly document: OpenApiDocument;
  /** What of an answer differs from the document; null if it fits. An address that it lacks may only give errors. */
  problemOf(method: string, path: string, status: number, body: unknown): string | null;
}

/** Reads the document of a running service; paths are below `base`, as the document has them (`{number}`). */
export async function openApiOracle(url: string, base: string = BASE): Promise<Oracle> {
  const document = (await (await fetch(`${url}/openapi.json`)).json()) as OpenApiDocument;
  const ajv = new Ajv2020({ strict: false, validateFormats: false });
  ajv.addSchema({ $id: 'document', ...document });
  const pointer = (...parts: readonly string[]): string =>
    `document#/${parts.map((part) => encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1'))).join('/')}`;
  return {
    document,
    problemOf(method, path, status, body) {
      const documented = `${base}${path}`;
      const operation = document.paths[documented]?.[method.toLowerCase()];
      const response = status === 200 ? '200' : `${Math.floor(status / 100)}XX`;
      if (operation === undefined && status === 200) return `${method} ${path} is answered and not documented`;
      if (operation !== undefined && !(response in operation.responses)) return `${status} is not documented`;
      const ref =
        operation === undefined
          ? pointer('components', 'schemas', 'Failure')
          : pointer(
              'paths',
              documented,
              method.toLowerCase(),
              'responses',
              response,
              'content',
              'application/json',
              'schema',
            );
      const validate = ajv.getSchema(ref);
      if (!validate) return `the document has no ${ref}`;
      return validate(body) === true ? null : `${ref}: ${ajv.errorsText(validate.errors)}`;
    },
  };
}

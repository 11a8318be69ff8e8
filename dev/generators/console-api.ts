import { Registry } from '@prometheus-io/client';
import fastify from 'fastify';
import { compile } from 'json-schema-to-typescript';
import pino from 'pino';
import type { OpenAPIV3_1 } from 'openapi-types';
import { OPERATIONS_PATH } from '../../src/http/calls.ts';
import { webApiMetrics } from '../../src/http/metrics.ts';
import { registerApis, type ServerParts } from '../../src/http/server.ts';
import { operationsApi, type OperationsParts } from '../../src/operations-api/calls.ts';

const METHODS = ['get', 'post'] as const;
type Schema = NonNullable<Parameters<typeof compile>[0]>;

/** The types of the console's client: input and output of each call of the operations API, from the OpenAPI document. */
export async function consoleApiTypes(): Promise<string> {
  const document = await openApiDocument();
  const routes: string[] = [];
  const calls: Record<string, Schema> = {};
  for (const [path, item] of Object.entries(document.paths ?? {})) {
    for (const method of METHODS) {
      const entry = item?.[method];
      if (entry?.operationId === undefined) continue;
      const name = entry.operationId;
      const role = (entry as { 'x-role'?: string })['x-role'];
      const fields = { method: method.toUpperCase(), path: path.slice(OPERATIONS_PATH.length), role };
      routes.push(`  '${name}': ${JSON.stringify(fields)},`);
      calls[name] = object({ input: inputOf(entry), output: outputOf(entry) });
    }
  }
  const types = await compile({ ...object(calls), components: document.components }, 'Calls', {
    additionalProperties: false,
    bannerComment: '',
    format: false,
    unreachableDefinitions: false,
    ignoreMinAndMaxItems: true,
  });
  return [
    '// Generated from the OpenAPI document by `npm run generate`; do not edit.\n',
    '/** Method, path and the least role of each call. */',
    `export const ROUTES = {\n${routes.join('\n')}\n} as const;\n`,
    '/** Input and output of each call. */',
    types,
  ].join('\n');
}

/** Builds the document without a database or a port: only the routes are registered. */
export async function openApiDocument(): Promise<OpenAPIV3_1.Document> {
  const app = fastify();
  const logger = pino({ level: 'silent' });
  const unused = {} as ServerParts['db'];
  const parts = { db: unused, metrics: webApiMetrics(new Registry()), logger, drainMs: 0, starting: () => false };
  const patterns = { smartcard: /^/, setTopBox: /^/, pin: /^/ };
  const apis = await registerApis(app, parts, [operationsApi({ patterns } as OperationsParts)]);
  await app.ready();
  const document = app.swagger();
  await apis.stop();
  await app.close();
  return document as OpenAPIV3_1.Document;
}

function inputOf({ parameters = [], requestBody }: OpenAPIV3_1.OperationObject): Schema {
  const inPath = (parameters as OpenAPIV3_1.ParameterObject[]).filter((one) => one.in === 'path' || one.in === 'query');
  const named = object(
    Object.fromEntries(inPath.map(({ name, schema }) => [name, schema as Schema])),
    inPath.filter(({ required }) => required === true).map(({ name }) => name),
  );
  const body = (requestBody as OpenAPIV3_1.RequestBodyObject | undefined)?.content['application/json']?.schema;
  if (body === undefined) return named;
  return inPath.length === 0 ? (body as Schema) : { allOf: [named, body as Schema] };
}

function outputOf({ responses }: OpenAPIV3_1.OperationObject): Schema {
  const answer = responses?.['200'] as OpenAPIV3_1.ResponseObject | undefined;
  const envelope = answer?.content?.['application/json']?.schema as Schema | undefined;
  return envelope?.properties?.['data'] ?? object({});
}

function object(properties: Record<string, Schema>, required = Object.keys(properties)): Schema {
  return { type: 'object', properties, required, additionalProperties: false };
}

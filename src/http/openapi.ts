import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { FastifyInstance, FastifySchema } from 'fastify';
import { jsonSchemaTransform, jsonSchemaTransformObject } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Api, Call } from './calls.ts';
import { failureSchema } from './envelope.ts';
import { portable } from './openapi-portable.ts';
import { SESSION_COOKIE } from './session-cookie.ts';

/** Only for the document: the calls look at the header themselves. */
const idempotencyHeader = z.object({
  'Idempotency-Key': z
    .string()
    .optional()
    .describe(
      '1 to 200 visible ASCII characters, a UUID for example. The same key and body give the same request again, another body is an error.',
    ),
});

/** The least role for each kind of access. */
const ROLES = { anybody: undefined, reader: 'viewer', writer: 'operator', admin: 'admin' } as const;

/** The first headings of the document, in its order; every call names one of them or of its API's own. */
const TAGS: Readonly<Record<string, string>> = {
  authentication: 'Log in, and end the token.',
  'provisioning requests': 'Make, show and list commands for the CAS, as the CRM does.',
  requests: 'Send pending requests now.',
  replay: 'Past events and outcomes again.',
  events: 'Events of the CRM, and those that wait for a person.',
};

/** Adds the OpenAPI 3.1 document (`/openapi.json`) of all calls. Must come before their routes. `more` are tags of APIs. */
export async function registerDocument(app: FastifyInstance, more: Readonly<Record<string, string>>): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Conax provisioning requests',
        version: '2',
        description:
          'The part of CRM.COM’s Web API that makes and shows provisioning requests (`/crmapi/rest/v2`), and the operations API for utilities, runs and care (`/api/v1`), with the same users and tokens. Every answer is an envelope: `status` and `data`. Log in first; give the token as parameter `token` of the query (GET) or of the body (POST), or as `Authorization: Bearer`.',
        contact: { name: 'The operator of this installation' },
        license: { name: 'MIT', identifier: 'MIT' },
      },
      servers: [{ url: '/', description: 'The server that has this document.' }],
      tags: Object.entries({ ...TAGS, ...more }).map(([name, description]) => ({ name, description })),
      components: {
        securitySchemes: {
          bearer: { type: 'http', scheme: 'bearer' },
          session: {
            type: 'apiKey',
            in: 'cookie',
            name: SESSION_COOKIE,
            description:
              'Only for pages of this server, with the header `x-conax-console: user`, or `background` for calls that do not keep the session alive.',
          },
        },
      },
    },
    transform(route) {
      const call = route.route.config?.call;
      if (call === undefined) return { schema: { hide: true }, url: route.url };
      if (call.takesIdempotencyKey !== true) return jsonSchemaTransform(route);
      return jsonSchemaTransform({ ...route, schema: { ...route.schema, headers: idempotencyHeader } });
    },
    transformObject: (documents) => portable(jsonSchemaTransformObject(documents)),
  });
  app.get('/openapi.json', () => app.swagger());
}

/** Adds the document's pages, `/docs`, whose assets come from the server too. */
export async function registerPages(app: FastifyInstance): Promise<void> {
  await app.register(swaggerUi, {
    routePrefix: '/docs',
    staticCSP: true,
    uiConfig: { url: '/openapi.json', persistAuthorization: false },
  });
}

/** Adds the pages and the document of another server, which gets no more routes from now on. */
export async function registerPagesOf(documented: FastifyInstance, app: FastifyInstance): Promise<void> {
  await documented.ready();
  const document = documented.swagger();
  await app.register(swagger, { mode: 'static', specification: { document: document as never } });
  app.get('/openapi.json', () => document);
  await registerPages(app);
}

/** The entry of a call in the document; the other spelling of its path works the same and is not in it. */
export function documentationSchema(
  call: Call,
  { basePath, sessions }: Api,
  documented: boolean,
): FastifySchema & Record<string, unknown> {
  if (!documented) return { hide: true };
  const others = call.paths.slice(1).map((path) => `\`${basePath}${path}\``);
  return {
    operationId: call.name,
    summary: call.summary,
    description: others.length === 0 ? call.description : `${call.description} The same at ${others.join(', ')}.`,
    tags: [call.tag],
    // The console shows a person only what the role may do.
    'x-role': ROLES[call.access],
    // The empty alternative: a token may be given as a parameter too.
    security: call.access === 'anybody' ? [] : [{ bearer: [] }, ...(sessions ? [{ session: [] }] : []), {}],
    response: { 200: call.output, '4xx': failureSchema, '5xx': failureSchema },
  };
}

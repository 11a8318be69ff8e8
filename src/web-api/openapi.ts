import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { FastifyInstance, FastifySchema } from 'fastify';
import { jsonSchemaTransform, jsonSchemaTransformObject } from 'fastify-type-provider-zod';
import { z } from 'zod';
import type { Call } from './calls.ts';
import { failureSchema } from './envelope.ts';

/** Only for the document: the calls look at the header themselves. */
const idempotencyHeader = z.object({
  'Idempotency-Key': z
    .string()
    .optional()
    .describe(
      '1 to 200 visible ASCII characters, a UUID for example. The same key and body give the same request again, another body is an error.',
    ),
});

/** Adds the OpenAPI 3.1 document (`/openapi.json`) and its pages (`/docs`), whose assets come from this server too. */
export async function registerDocumentation(app: FastifyInstance): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Conax provisioning requests',
        version: '2',
        description:
          'The part of CRM.COM’s Web API that makes and shows provisioning requests (`/crmapi/rest/v2`), and the operations API for utilities, runs and care (`/api/v1`), with the same users and tokens. Every answer is an envelope: `status` and `data`. Log in first; give the token as parameter `token` of the query (GET) or of the body (POST), or as `Authorization: Bearer`.',
      },
      components: { securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } } },
    },
    transform(route) {
      const call = route.route.config?.call;
      if (call === undefined) return { schema: { hide: true }, url: route.url };
      if (call.takesIdempotencyKey !== true) return jsonSchemaTransform(route);
      return jsonSchemaTransform({ ...route, schema: { ...route.schema, headers: idempotencyHeader } });
    },
    transformObject: jsonSchemaTransformObject,
  });
  await app.register(swaggerUi, {
    routePrefix: '/docs',
    staticCSP: true,
    uiConfig: { url: '/openapi.json', persistAuthorization: false },
  });
  app.get('/openapi.json', () => app.swagger());
}

/** What the document says of a call; the other spelling of its path works the same and is not in it. */
export function documentationSchema(
  call: Call,
  basePath: string,
  documented: boolean,
): FastifySchema & Record<string, unknown> {
  if (!documented) return { hide: true };
  const others = call.paths.slice(1).map((path) => `\`${basePath}${path}\``);
  return {
    operationId: call.name,
    summary: call.summary,
    description: others.length === 0 ? call.description : `${call.description} The same at ${others.join(', ')}.`,
    tags: [call.tag],
    ...(call.access === 'anybody' ? {} : { security: [{ bearer: [] }, {}] }),
    response: { 200: call.output, '4xx': failureSchema, '5xx': failureSchema },
  };
}

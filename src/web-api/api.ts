import type { Api } from '../http/calls.ts';
import { createCalls } from './create-calls.ts';
import { loginCalls } from './login-calls.ts';
import type { WebApiParts } from './parts.ts';
import { readCalls } from './read-calls.ts';

/** CRM.COM's Web API, under `/crmapi/rest/v2`. */
export function webApi(parts: WebApiParts): Api {
  const calls = [...loginCalls(parts), ...readCalls(parts), ...createCalls(parts)];
  return { basePath: '/crmapi/rest/v2', calls, plainInputs: false, sessions: false };
}

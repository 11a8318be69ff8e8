import { z } from 'zod';
import { type Call, call } from '../http/calls.ts';
import { success, successSchema } from '../http/envelope.ts';
import { loginBody, loginRefusal } from '../http/log-in.ts';
import { invalidToken, tokenOf } from '../http/tokens.ts';
import { login } from '../users/login.ts';
import { release } from '../users/tokens.ts';
import { releaseBody } from './inputs.ts';
import type { WebApiParts } from './parts.ts';

/** The calls that give a token and end it. */
export function loginCalls({ db, tokenIdleMs }: Pick<WebApiParts, 'db' | 'tokenIdleMs'>): Call[] {
  return [
    call({
      name: 'login',
      method: 'POST',
      paths: ['/authentication/token'],
      access: 'anybody',
      tag: 'authentication',
      summary: 'Log in',
      description: 'Gives the token that every other call needs. It ends after an hour without a call, or on release.',
      input: loginBody,
      output: successSchema(z.strictObject({ token: z.string().regex(/^[0-9A-F]{32}$/) })),
      async handle({ input, request }) {
        const result = await login(db, { ...input, source: request.ip, tokenIdleMs });
        if ('refused' in result) throw loginRefusal(result);
        return success({ token: result.token });
      },
    }),
    call({
      name: 'releaseToken',
      method: 'POST',
      paths: ['/authentication/token/release'],
      access: 'reader',
      tag: 'authentication',
      summary: 'Log out',
      description: 'Ends the token.',
      input: releaseBody,
      output: successSchema(z.strictObject({ released: z.literal(true) })),
      async handle({ request }) {
        // Released by another call since this one started.
        if (!(await release(db, tokenOf(request)))) throw invalidToken();
        return success({ released: true });
      },
    }),
  ];
}

import { z } from 'zod';
import { type Call, call } from '../http/calls.ts';
import { recordSession } from '../features/audit/record.ts';
import { success, successSchema } from '../http/envelope.ts';
import { loginBody, loginRefusal } from '../http/log-in.ts';
import { clearSessionCookie, requireConsole, sessionToken, setSessionCookie } from '../http/session-cookie.ts';
import { invalidToken } from '../http/tokens.ts';
import { instant, noInput } from '../operations/fields.ts';
import type { Database } from '../platform/database.ts';
import { login } from '../users/login.ts';
import { authenticate, release, tokenLife } from '../users/tokens.ts';
import { ROLES, type User } from '../users/user.ts';

const session = z
  .strictObject({
    username: z.string(),
    role: z.enum(ROLES),
    organisation: z.string(),
    unit: z.string().nullable(),
    idle_seconds: z.int().describe('How long it lasts without a call of its user.'),
    expires_date: instant().describe('When it ends if its user makes no further call.'),
  })
  .meta({ id: 'Session', description: 'Who is logged in, and for how long.' });

/** The calls by which the web console logs in and out (docs/users.md). They are no operations: no command needs them. */
export function sessionCalls({ db, tokenIdleMs }: { readonly db: Database; readonly tokenIdleMs: number }): Call[] {
  return [
    call({
      name: 'session.start',
      method: 'POST',
      paths: ['/session'],
      access: 'anybody',
      tag: 'authentication',
      summary: 'Log in to the console',
      description:
        'Sets the cookie `conax_session`, which only calls of the console can use. Ends the session that the browser had. Other programs log in with `POST /crmapi/rest/v2/authentication/token`.',
      input: loginBody,
      output: successSchema(session),
      async handle({ input, request, reply }) {
        requireConsole(request);
        const result = await login(db, { ...input, source: request.ip, tokenIdleMs });
        if ('refused' in result) {
          // Others were not looked at, and there may be any number of them.
          if (result.refused === 'WRONG_CREDENTIALS')
            await recordSession(db, 'session.start', input.username, result.refused);
          throw loginRefusal(result);
        }
        const earlier = sessionToken(request);
        if (earlier !== null) await release(db, earlier);
        await recordSession(db, 'session.start', result.user.username, 'OK');
        setSessionCookie(request, reply, result.token);
        return success(await sessionData(db, result.user, result.token));
      },
    }),
    call({
      name: 'session.show',
      method: 'GET',
      paths: ['/session'],
      access: 'reader',
      tag: 'authentication',
      summary: 'Show who is logged in',
      description: 'Shows the user of the token and when it ends.',
      input: noInput,
      output: successSchema(session),
      async handle({ user, request }) {
        if (user === null || request.token === null) throw new Error('A call was answered without a user');
        return success(await sessionData(db, user, request.token));
      },
    }),
    call({
      name: 'session.end',
      method: 'POST',
      paths: ['/session/end'],
      access: 'anybody',
      tag: 'authentication',
      summary: 'Log out of the console',
      description: 'Ends the session of the cookie and clears the cookie. Works also if the session ended before.',
      input: noInput,
      output: successSchema(
        z
          .strictObject({ ended: z.boolean().describe('False: there was no session any more.') })
          .meta({ id: 'EndedSession', description: 'Nobody is logged in with this browser any more.' }),
      ),
      async handle({ request, reply }) {
        requireConsole(request);
        clearSessionCookie(request, reply);
        const token = sessionToken(request) ?? '';
        const user = await authenticate(db, token, false);
        const ended = await release(db, token);
        if (ended && user !== null) await recordSession(db, 'session.end', user.username, 'OK');
        return success({ ended });
      },
    }),
  ];
}

/** @throws WebApiError if the token has ended meanwhile. */
async function sessionData(db: Database, user: User, token: string): Promise<z.output<typeof session>> {
  const life = await tokenLife(db, token);
  if (life === null) throw invalidToken();
  const { username, role, organisation, unit } = user;
  const idleSeconds = Math.floor(life.idleMs / 1_000);
  return {
    username,
    role,
    organisation,
    unit,
    idle_seconds: idleSeconds,
    expires_date: life.expiresAt.toISOString(),
  };
}

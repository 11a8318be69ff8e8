import { z } from 'zod';
import { OperationError } from '../../http/operation-error.ts';
import { type Feature, operation, type OperationContext } from '../../operations/operation.ts';
import { instant, noInput } from '../../operations/fields.ts';
import { listUsers, setDisabled } from '../../users/changes.ts';
import { ROLES, usernameOf } from '../../users/user.ts';

const username = z
  .string('give a username')
  .max(64)
  .transform((given, context) => {
    const name = usernameOf(given);
    if (name !== null) return name;
    const message = 'give 1 to 64 letters, digits and . _ @ -, a letter or digit first';
    context.addIssue({ code: 'custom', input: given, message });
    return z.NEVER;
  })
  .describe('In any case: names are compared in lower case.');

const user = z
  .strictObject({
    username: z.string(),
    role: z.enum(ROLES),
    organisation: z.string(),
    unit: z.string().nullable(),
    disabled: z.boolean(),
    tokens: z.int().describe('Tokens that are alive.'),
    created_date: instant(),
    changed_date: instant(),
    changed_by: z.string().describe('Who made the last change.'),
  })
  .meta({ id: 'User', description: 'A user of the APIs.' });

const switched = z
  .strictObject({
    username: z.string(),
    disabled: z.boolean(),
    changed: z.boolean().describe('False: it was so before, and nothing changed.'),
  })
  .meta({ id: 'SwitchedUser', description: 'Whether a user may log in after the call.' });

/** `users`: who may use the APIs. Adding users and resetting passwords are commands alone. */
export const users: Feature = {
  name: 'users',
  summary: 'Adds, lists and disables the users of the Web API and the operations API.',
  operations: [
    operation({
      name: 'users.list',
      summary: 'List all users',
      description: 'Shows role, organisation, unit, live tokens and the last change, by name.',
      role: 'admin',
      route: 'GET /users',
      input: noInput,
      output: z.strictObject({ users: z.array(user) }).meta({ id: 'Users', description: 'All users.' }),
      example: {},
      async handle({ db }) {
        const listed = await listUsers(db);
        return {
          users: listed.map(({ createdAt, changedAt, changedBy, tokens, ...rest }) => ({
            ...rest,
            tokens,
            created_date: createdAt.toISOString(),
            changed_date: changedAt.toISOString(),
            changed_by: changedBy,
          })),
        };
      },
    }),
    operation({
      name: 'users.disable',
      summary: 'Keep a user out from now on',
      description: 'Ends all tokens of the user at once.',
      role: 'admin',
      route: 'POST /users/{username}/disable',
      input: z.strictObject({ username }),
      output: switched,
      example: { username: 'anna' },
      cli: { arguments: ['username'], text: switchedText },
      handle: (context, input) => switchUser(context, input.username, true),
    }),
    operation({
      name: 'users.enable',
      summary: 'Let a disabled user log in again',
      description: 'The user logs in with the same password as before.',
      role: 'admin',
      route: 'POST /users/{username}/enable',
      input: z.strictObject({ username }),
      output: switched,
      example: { username: 'anna' },
      cli: { arguments: ['username'], text: switchedText },
      handle: (context, input) => switchUser(context, input.username, false),
    }),
  ],
};

async function switchUser({ db, by }: OperationContext, name: string, disabled: boolean) {
  const result = await setDisabled(db, { username: name, disabled, by: by.user });
  if (result === 'NOT_FOUND') {
    throw new OperationError('USER_NOT_FOUND', 'username', `there is no user ${name}: check the name`);
  }
  return { username: name, disabled, changed: result === 'CHANGED' };
}

function switchedText({ username: name, disabled, changed }: z.output<typeof switched>): string {
  const state = disabled ? 'disabled' : 'enabled';
  return changed ? `user ${name} is ${state}` : `user ${name} was ${state} before`;
}

import { z } from 'zod';
import { because, refuse } from '../../http/input-kinds.ts';
import { OperationError } from '../../http/operation-error.ts';
import { type Feature, operation, type OperationContext } from '../../operations/operation.ts';
import { instant, noInput } from '../../operations/fields.ts';
import { addUser, listUsers, resetPassword, setDisabled } from '../../users/changes.ts';
import { generatePassword, HashingBusyError, passwordProblem } from '../../users/passwords.ts';
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

/** A password, or the wish to have one made up. */
const newPassword = {
  password: z
    .string('give the password as text')
    .superRefine((given, context) => {
      const problem = passwordProblem(given);
      if (problem !== null) refuse(context, 'PARAMETER_INVALID', problem);
    })
    .optional()
    .meta({ format: 'password', description: 'The new password: 12 to 256 characters.' }),
  generate: z.boolean('give true or false').optional().describe('Make a password up, and show it this once.'),
};
const PASSWORD_CLI = { instead: { password: 'generate' } };

function checkPassword(
  given: { password?: string | undefined; generate?: boolean | undefined },
  context: z.RefinementCtx,
) {
  const isGiven = given.password !== undefined;
  if (isGiven !== (given.generate === true)) return;
  const code = isGiven ? 'PARAMETERS_CONFLICT' : 'PARAMETER_MISSING';
  refuse(context, code, 'give {password}, or {generate}: exactly one of them');
}

const userText = (what: string) =>
  z
    .string(`give ${what}`)
    .max(100, 'give at most 100 characters')
    .refine((given) => given.trim() !== '' && !/\p{Cc}/u.test(given), {
      message: 'give 1 to 100 characters, none of them a control character',
      params: because('PARAMETER_INVALID'),
    });

const madeUp = z.string().nullable().describe('The password that was made up, shown only now; null if it was given.');

/** `users`: who may use the APIs. */
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
      name: 'users.add',
      summary: 'Add a user',
      description: 'The user can log in at once.',
      role: 'admin',
      route: 'POST /users',
      input: z
        .strictObject({
          username,
          role: z
            .enum(ROLES, `give one of ${ROLES.join(', ')}`)
            .describe('A viewer reads, an operator also makes requests, an admin may do everything.'),
          organisation: userText('the organisation').describe('What the user gives as organisation to log in.'),
          unit: userText('the unit').optional().describe("The unit that the user's requests are noted with."),
          ...newPassword,
        })
        .superRefine(checkPassword),
      output: z
        .strictObject({
          username: z.string(),
          role: z.enum(ROLES),
          organisation: z.string(),
          unit: z.string().nullable(),
          password: madeUp,
        })
        .meta({ id: 'AddedUser', description: 'A user that was added.' }),
      example: { username: 'anna', role: 'operator', organisation: 'Nordic', unit: 'Care', generate: true },
      cli: {
        ...PASSWORD_CLI,
        arguments: ['username'],
        text: ({ username: name, password }) => `user ${name} is added${shownOnce(password)}`,
      },
      async handle({ db, by }, { username: name, role, organisation, unit = null, password }) {
        const chosen = password ?? generatePassword();
        const added = { username: name, role, organisation, unit };
        if (await hashed(addUser(db, { ...added, password: chosen, by: by.user }))) {
          return { ...added, password: password === undefined ? chosen : null };
        }
        const problem = `there is a user ${name} already: take another name, or see users reset-password, enable`;
        throw new OperationError('NAME_TAKEN', null, problem);
      },
    }),
    operation({
      name: 'users.reset_password',
      summary: 'Give a user another password',
      description: 'Ends all tokens of the user at once.',
      role: 'admin',
      route: 'POST /users/reset_password',
      input: z.strictObject({ username, ...newPassword }).superRefine(checkPassword),
      output: z
        .strictObject({ username: z.string(), password: madeUp })
        .meta({ id: 'ResetPassword', description: 'A user whose password was reset.' }),
      example: { username: 'anna', generate: true },
      cli: {
        ...PASSWORD_CLI,
        arguments: ['username'],
        text: ({ username: name, password }) => `the password of ${name} is reset${shownOnce(password)}`,
      },
      async handle({ db, by }, { username: name, password }) {
        const chosen = password ?? generatePassword();
        if (!(await hashed(resetPassword(db, { username: name, password: chosen, by: by.user })))) throw noUser(name);
        return { username: name, password: password === undefined ? chosen : null };
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
  if (result === 'NOT_FOUND') throw noUser(name);
  return { username: name, disabled, changed: result === 'CHANGED' };
}

function noUser(name: string): OperationError {
  return new OperationError('USER_NOT_FOUND', 'username', `there is no user ${name}: check the name`);
}

function shownOnce(password: string | null): string {
  return password === null ? '' : `; its password, shown only now: ${password}`;
}

/** @throws OperationError if too many passwords are being hashed. */
function hashed<T>(work: Promise<T>): Promise<T> {
  return work.catch((error: unknown) => {
    throw error instanceof HashingBusyError ? new OperationError('TOO_MANY_ATTEMPTS', null, error.message) : error;
  });
}

function switchedText({ username: name, disabled, changed }: z.output<typeof switched>): string {
  const state = disabled ? 'disabled' : 'enabled';
  return changed ? `user ${name} is ${state}` : `user ${name} was ${state} before`;
}

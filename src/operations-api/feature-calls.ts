import { z } from 'zod';
import { type Feature, type Operation, routeOf } from '../operations/operation.ts';
import type { Role } from '../users/user.ts';
import { type Call, call } from '../http/calls.ts';
import { success, successSchema } from '../http/envelope.ts';
import { numeral } from '../http/input-kinds.ts';
import { actorOf } from './actor.ts';
import type { OperationsParts } from './parts.ts';

const ACCESS = { viewer: 'reader', operator: 'writer', admin: 'admin' } as const satisfies Record<Role, Call['access']>;

/** The HTTP calls of features, for `registerApis`. */
export function featureCalls(features: readonly Feature[], parts: Parts): Call[] {
  return features.flatMap(({ name, operations }) => operations.map((one) => callOf(one, name, parts)));
}

type Parts = Pick<OperationsParts, 'db' | 'rules'>;

function callOf(one: Operation, tag: string, { db, rules }: Parts): Call {
  const { name, summary, description, role, input, output } = one;
  const { method, path } = routeOf(one);
  // The mask's type needs the names of the fields, which are forgotten here.
  const inPath = Object.fromEntries([...path.matchAll(/\{(\w+)\}/g)].map(([, field]) => [field, true])) as {};
  const hasPath = Object.keys(inPath).length > 0;
  const inBody = hasPath ? input.omit(inPath) : input;
  const rest = method === 'GET' ? fromTexts(inBody) : inBody;
  const example = Object.fromEntries(Object.entries(one.example).filter(([field]) => !(field in inPath)));
  return call({
    name,
    method,
    paths: [path.replaceAll(/\{(\w+)\}/g, ':$1')],
    access: ACCESS[role],
    tag,
    summary,
    description,
    input: Object.keys(example).length === 0 ? rest : rest.meta({ examples: [example] }),
    ...(hasPath ? { params: fromTexts(input.pick(inPath)) } : {}),
    output: successSchema(output),
    async handle(asked) {
      const given = { ...asked.params, ...(asked.input as object) };
      return success(await one.handle({ db, rules, by: actorOf(asked) }, given));
    },
  });
}

/** The same schema for a query or a path, whose values are texts: its numbers are read from them. */
function fromTexts(schema: z.ZodObject): z.ZodObject {
  const { properties = {} } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
  const isNumber = (name: string) => /^(integer|number)$/.test(String((properties[name] as { type?: string }).type));
  const numbers = Object.entries(schema.shape).filter(([name]) => isNumber(name));
  return schema.safeExtend(Object.fromEntries(numbers.map(([name, field]) => [name, z.preprocess(numeral, field)])));
}

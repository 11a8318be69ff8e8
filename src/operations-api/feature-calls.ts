import { type Feature, type Operation, routeOf } from '../operations/operation.ts';
import type { Database } from '../platform/database.ts';
import type { Role } from '../users/user.ts';
import { type Call, call } from '../http/calls.ts';
import { success, successSchema } from '../http/envelope.ts';
import { actorOf } from './actor.ts';

const ACCESS = { viewer: 'reader', operator: 'writer', admin: 'admin' } as const satisfies Record<Role, Call['access']>;

/** The HTTP calls of features, for `registerApis`. */
export function featureCalls(features: readonly Feature[], db: Database): Call[] {
  return features.flatMap(({ name, operations }) => operations.map((one) => callOf(one, name, db)));
}

function callOf(one: Operation, tag: string, db: Database): Call {
  const { name, summary, description, role, input, output } = one;
  const { method, path } = routeOf(one);
  // The mask's type needs the names of the fields, which are forgotten here.
  const inPath = Object.fromEntries([...path.matchAll(/\{(\w+)\}/g)].map(([, field]) => [field, true])) as {};
  const rest = input.omit(inPath);
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
    params: input.pick(inPath),
    output: successSchema(output),
    handle: async (asked) => success(await one.handle({ db, by: actorOf(asked) }, { ...asked.params, ...asked.input })),
  });
}

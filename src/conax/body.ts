import type { ElementModel } from './content-model.ts';
import { type FieldValue, NotEncodable } from './fields.ts';
import type { BodyNode, BodyValue } from './guard.ts';
import type { FieldPath } from './mapped-fields.ts';
import type { MappedCommand } from './mapping.ts';

/** Puts the fields of a command where the mapping says. A field that the mapping does not name is left out. */
export function buildBody(command: MappedCommand, values: Readonly<Record<string, FieldValue>>): BodyNode {
  const body: BodyNode = {};
  for (const { path, text } of command.constants) setText(body, path.steps, text);
  for (const field in command.request) {
    const path = command.request[field];
    const value = values[field];
    if (path === undefined || value === undefined || value === null) continue;
    if (typeof value === 'string') setText(body, path.steps, value);
    else setList(body, path, value, field);
  }
  return body;
}

function setText(node: BodyNode, steps: readonly ElementModel[], text: string): void {
  const last = steps.at(-1);
  if (last === undefined) return;
  enter(node, steps.slice(0, -1))[last.name] = text;
}

function setList(body: BodyNode, path: FieldPath, values: readonly (string | null)[], field: string): void {
  const outer = path.steps.slice(0, path.repeatedStep);
  const inner = path.steps.slice(path.repeatedStep + 1);
  const repeated = path.steps[path.repeatedStep];
  if (repeated === undefined) throw new NotEncodable(`${field}: is a list, and no element of its path is repeated`);
  if (values.length === 0) {
    // An empty list needs the elements around it only where the WSDL does.
    const optional = outer.findIndex((step) => step.minOccurs === 0);
    enter(body, optional < 0 ? outer : outer.slice(0, optional));
    return;
  }
  const parent = enter(body, outer);
  const items = (parent[repeated.name] ??= []) as (string | BodyNode)[];
  for (const [index, value] of values.entries()) {
    if (inner.length > 0) {
      const item = (items[index] ??= {}) as BodyNode;
      if (value !== null) setText(item, inner, value);
    } else if (value !== null) {
      items[index] = value;
    }
  }
}

function enter(node: BodyNode, steps: readonly ElementModel[]): BodyNode {
  let at = node;
  for (const step of steps) {
    const next: BodyValue = (at[step.name] ??= {});
    at = next as BodyNode;
  }
  return at;
}

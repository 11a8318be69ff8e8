import type { CommandType } from '../requests/command.ts';
import { childrenOf, type ElementModel } from './content-model.ts';
import { answerLists, type FieldCount, requestFields as fieldsOfTemplates } from './field-names.ts';

const devices = { smartcardDistributors: 'any', setTopBoxDistributors: 'any' } as const;
const requestFields = {
  ...fieldsOfTemplates,
  CREATE_PAIRING: { ...fieldsOfTemplates.CREATE_PAIRING, ...devices },
  ADD_TO_EXISTING_PAIRING: { ...fieldsOfTemplates.ADD_TO_EXISTING_PAIRING, ...devices },
};

/** The way from the body's element to a field's element, every step checked against the WSDL. */
export interface FieldPath {
  /** As the mapping file writes it. */
  readonly text: string;
  readonly steps: readonly ElementModel[];
  /** The step that is repeated, once for each value of a list; -1 where none is. */
  readonly repeatedStep: number;
}

export type MappedFields = Readonly<Record<string, FieldPath>>;

/** Finds the elements of a command's request fields. Mistakes are added to the list; the result counts only without. */
export function mapRequest(
  type: CommandType,
  input: ElementModel,
  paths: Readonly<Record<string, string>>,
  constants: Readonly<Record<string, string>>,
  mistakes: string[],
): { request: MappedFields; constants: { path: FieldPath; text: string }[] } {
  const at = `commands.${type}.request`;
  const counts: Readonly<Record<string, FieldCount>> = { requestNumber: 'optional', ...requestFields[type] };
  const request = mapFields(at, input, paths, counts, mistakes);
  for (const [field, count] of Object.entries(counts)) {
    const needed = field !== 'startAt' && !field.endsWith('Distributors') && count !== 'optional';
    if (needed && paths[field] === undefined) mistakes.push(`${at}.${field}: is missing; name its element`);
  }
  for (const [devices, distributors] of [
    ['smartcards', 'smartcardDistributors'],
    ['setTopBoxes', 'setTopBoxDistributors'],
  ] as const) {
    if (!areBesideEachOther(request[devices], request[distributors])) {
      mistakes.push(
        `${at}.${distributors}: must stand in the same repeated element as ${devices}, so that each keeps its own`,
      );
    }
  }
  const fixed = Object.entries(constants).flatMap(([path, text]) => {
    const found = findPath(`commands.${type}.constants`, path, input, path, mistakes);
    return found === undefined ? [] : [{ path: found, text }];
  });
  return { request, constants: fixed };
}

/** Finds the elements of a command's answer. Mistakes are added to the list; the result counts only without. */
export function mapAnswer(
  type: CommandType,
  output: ElementModel,
  paths: Readonly<Record<string, string>>,
  mistakes: string[],
): MappedFields {
  const at = `commands.${type}.response`;
  const lists = answerLists[type] ?? [];
  const counts: Readonly<Record<string, FieldCount>> = {
    statusCode: 'one',
    message: 'optional',
    referenceNumber: 'optional',
    ...Object.fromEntries(lists.map((name) => [name, 'any'])),
  };
  for (const field of ['statusCode', ...lists]) {
    if (paths[field] === undefined) mistakes.push(`${at}.${field}: is missing; name its element`);
  }
  return mapFields(at, output, paths, counts, mistakes);
}

function mapFields(
  at: string,
  model: ElementModel,
  paths: Readonly<Record<string, string>>,
  counts: Readonly<Record<string, FieldCount>>,
  mistakes: string[],
): MappedFields {
  const fields: Record<string, FieldPath> = {};
  for (const [field, path] of Object.entries(paths)) {
    const count = counts[field];
    if (count === undefined) {
      mistakes.push(`${at}.${field}: is no field of this command; it has ${Object.keys(counts).join(', ')}`);
      continue;
    }
    const isList = count === 'many' || count === 'any';
    const marks = path.split('[]').length - 1;
    if (isList ? marks !== 1 : marks > 0) {
      const remedy = isList ? 'put [] behind the one element that is repeated' : 'leave out the []';
      mistakes.push(`${at}.${field}: ${path} ${isList ? 'is a list' : 'is no list'}; ${remedy}`);
      continue;
    }
    const found = findPath(`${at}.${field}`, path, model, path, mistakes);
    if (found !== undefined) fields[field] = found;
  }
  return fields;
}

function findPath(
  at: string,
  path: string,
  model: ElementModel,
  text: string,
  mistakes: string[],
): FieldPath | undefined {
  const steps: ElementModel[] = [];
  const names = path.split('/');
  let parent = model;
  for (const name of names) {
    const plain = name.replace('[]', '');
    const children = childrenOf(parent);
    const child = children.find((candidate) => candidate.name === plain);
    if (child === undefined) {
      const known = children.length === 0 ? 'only text' : children.map((candidate) => candidate.name).join(', ');
      mistakes.push(`${at}: ${path}: the WSDL has no ${plain} in ${parent.name}, but ${known}`);
      return undefined;
    }
    if (name !== plain && child.maxOccurs === 1) {
      mistakes.push(`${at}: ${path}: the WSDL does not repeat ${plain}; put the [] behind the element that it repeats`);
      return undefined;
    }
    steps.push(child);
    parent = child;
  }
  if (parent.type().kind !== 'text') {
    mistakes.push(`${at}: ${path}: ${parent.name} holds elements, not text; name the element with the text`);
    return undefined;
  }
  return { text, steps, repeatedStep: names.findIndex((name) => name.endsWith('[]')) };
}

function areBesideEachOther(devices: FieldPath | undefined, distributors: FieldPath | undefined): boolean {
  if (devices === undefined || distributors === undefined) return true;
  const shared = devices.steps.slice(0, devices.repeatedStep + 1);
  return (
    devices.repeatedStep === distributors.repeatedStep &&
    devices.repeatedStep < devices.steps.length - 1 &&
    devices.repeatedStep < distributors.steps.length - 1 &&
    shared.every((step, index) => step.name === distributors.steps[index]?.name)
  );
}

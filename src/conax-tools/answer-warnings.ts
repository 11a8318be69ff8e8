import type { AnswerShape, CasCommand } from '../conax/cas-definition.types.ts';
import { answerLists } from '../conax/field-names.ts';
import type { CommandType } from '../planning/command.ts';
import { nameOf } from '../soap/envelope.ts';
import type { AnswerPath } from '../soap/xml-path.ts';
import { isNamedLikeStatusCode } from './answer-guesses.ts';
import { commandLike } from './command-guesses.ts';
import { besideEntries, likeEntries, pagingDoubt, type Place, placesOf, shownPath, stepsOf } from './outline-places.ts';
import type { OutlineElement } from './schema-outline.ts';
import { readOutline, type WsdlOutline } from './wsdl-outline.ts';

/**
 * Returns one line for each doubt about the answer of a command that only the WSDL shows. An answer that counts as a success
 * without a status code, or if it is empty, has content in the WSDL, or is that of another operation: then a refusal may
 * count as a success. An answer with a list may be one page of several, or has what makes its list unreadable. Never
 * throws; a WSDL that cannot be read is reported by the check of conax.json.
 */
export function answerWarnings(commands: readonly CasCommand[]): string[] {
  const outlines = new Map<string, WsdlOutline | null>();
  return commands.flatMap(({ type, wsdlFile, body, answer }) => {
    const isUncoded = answer.paths['statusCode'] === undefined || answer.emptySuccess;
    if (wsdlFile === null || !(isUncoded || answerLists[type] !== undefined)) return [];
    if (!outlines.has(wsdlFile)) outlines.set(wsdlFile, outlineOf(wsdlFile));
    const operation = outlines
      .get(wsdlFile)
      ?.operations.find(({ input }) => input.element !== null && nameOf(input.element) === nameOf(body));
    if (operation === undefined) return [];
    const like = commandLike(operation.name);
    const { element = null, body: root = null } = operation.output ?? {};
    const problems = [
      isUncoded && answer.element === null && like !== null && like !== type
        ? `takes an empty answer as a success, and sends ${operation.name}, which looks like ${like}; look whether it has the template of another command`
        : null,
      isUncoded && root !== null ? problemOf(root, answer) : null,
      root === null && element !== null && answer.emptySuccess
        ? `takes an empty answer as a success, and the WSDL answers with ${nameOf(element)}, which is in no schema that was read; add the file, and check again`
        : null,
      ...(root === null ? [] : listProblems(type, root, answer, operation.input.body)),
    ];
    return problems.flatMap((problem) => (problem === null ? [] : [`${wsdlFile}:1: ${type} ${problem}`]));
  });
}

function outlineOf(wsdlFile: string): WsdlOutline | null {
  try {
    return readOutline(wsdlFile);
  } catch {
    return null;
  }
}

function problemOf(root: OutlineElement, { element, emptySuccess, paths }: AnswerShape): string | null {
  if (element !== null && emptySuccess && paths['statusCode'] !== undefined) {
    return root.text !== null || placesOf(root).some(isRequired)
      ? `takes an empty answer as a success, and the WSDL demands content in ${nameOf(root.name)}; remove "emptySuccess", unless the CAS answers with nothing all the same`
      : null;
  }
  const places = placesOf(root).filter((place) => !place.isList && fieldAt(place, paths) === undefined);
  const named = places.filter(isNamedLikeStatusCode);
  const codes = (named.length > 0 ? named : places.filter(mayBeCode)).map((place) => stepsOf(place).slice(1).join('/'));
  if (root.text !== null) codes.unshift('its text');
  if (element === null) {
    return root.text === null && root.content.length === 0
      ? null
      : `takes only an empty answer as a success, and the WSDL answers with ${nameOf(root.name)}, which has content; write the paths of it into its "answer" in conax.json`;
  }
  if (codes.length === 0) return null;
  return `takes ${nameOf(element)} alone as a success, and the WSDL has in it ${codes.join(', ')}, which may be a status code: then every refusal counts as a success; write its path into "statusCode" in place of "element", unless the CAS refuses with a Fault only`;
}

/** Whether every answer has it, as a text or number. */
function mayBeCode(place: Place): boolean {
  const { text } = place.node;
  return text !== null && !/date|time|duration|binary|anyURI/i.test(text.base) && isRequired(place);
}

function isRequired({ node, path }: Place): boolean {
  const isThere = node.kind === 'attribute' ? node.isRequired : !node.isOptional;
  return isThere && path.every(({ isOptional }) => !isOptional);
}

/** What the WSDL shows of an answer whose lists will not be read, or not as a whole. */
function listProblems(
  type: CommandType,
  root: OutlineElement,
  { paths }: AnswerShape,
  request: OutlineElement | null,
): (string | null)[] {
  const lists = answerLists[type] ?? [];
  if (lists.length === 0) return [];
  const places = placesOf(root);
  const isNamed = (place: Place): boolean => fieldAt(place, paths) !== undefined;
  const code = places.find((place) => fieldAt(place, paths) === 'statusCode');
  const entries = lists.flatMap((list) => places.find((place) => fieldAt(place, paths) === list) ?? []);
  const unread = entries.map((entry) => {
    const beside = besideEntries(places, entry, code, isNamed);
    if (beside.length === 0) return null;
    return `takes an answer as unreadable that has ${beside.map(shownPath).join(', ')} beside ${shownPath(entry)}; write the path of each into "ignored" that never says that an entry does not count`;
  });
  const alike = entries.map((entry) => {
    const like = likeEntries(places, entry, code, isNamed);
    if (like.length === 0) return null;
    return `takes an answer without ${shownPath(entry)} as unreadable that has a number in ${like.map(shownPath).join(', ')}, which may be the list; write the path of each into "ignored" that is something else`;
  });
  return [pagingDoubt(places, isNamed, request), ...unread, ...alike];
}

/** The member of the answer that reads a place, or ignores it with what is around it. */
function fieldAt(place: Place, paths: AnswerShape['paths']): string | undefined {
  const steps = stepsOf(place);
  const isStep = ({ isAttribute, ...name }: AnswerPath[number], index: number): boolean =>
    steps[index] === `${isAttribute ? '@' : ''}${nameOf(name)}`;
  return Object.entries(paths).find(
    ([field, path]) => path.every(isStep) && (path.length === steps.length || field.startsWith('ignored')),
  )?.[0];
}

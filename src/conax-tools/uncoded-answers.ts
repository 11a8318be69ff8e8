import type { AnswerShape } from '../conax/answer-shape.ts';
import type { CasCommand } from '../conax/cas-definition.types.ts';
import { nameOf } from '../soap/envelope.ts';
import { isNamedLikeStatusCode, type Place, placesOf } from './answer-guesses.ts';
import { commandLike } from './command-guesses.ts';
import type { OutlineElement } from './schema-outline.ts';
import { readOutline, type WsdlOutline } from './wsdl-outline.ts';

/**
 * Returns one line for each command whose answer counts as a success without a status code, or if it is empty, and for
 * which the WSDL has an answer with content: then a refusal may count as a success. So does the answer of another
 * operation, if a success has no element of its own. Never throws; a WSDL that cannot be read is
 * reported by the check of conax.json.
 */
export function uncodedAnswers(commands: readonly CasCommand[]): string[] {
  const outlines = new Map<string, WsdlOutline | null>();
  return commands.flatMap(({ type, wsdlFile, body, answer }) => {
    if (wsdlFile === null || (answer.paths['statusCode'] !== undefined && !answer.emptySuccess)) return [];
    if (!outlines.has(wsdlFile)) outlines.set(wsdlFile, outlineOf(wsdlFile));
    const operation = outlines
      .get(wsdlFile)
      ?.operations.find(({ input }) => input.element !== null && nameOf(input.element) === nameOf(body));
    if (operation === undefined) return [];
    const like = commandLike(operation.name);
    const { element = null, body: root = null } = operation.output ?? {};
    const problems = [
      answer.element === null && like !== null && like !== type
        ? `takes an empty answer as a success, and sends ${operation.name}, which looks like ${like}; look whether it has the template of another command`
        : null,
      root !== null
        ? problemOf(root, answer)
        : element !== null && answer.emptySuccess
          ? `takes an empty answer as a success, and the WSDL answers with ${nameOf(element)}, which is in no schema that was read; add the file, and check again`
          : null,
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
  const read = new Set(Object.values(paths).map((path) => path.map(stepText).join('/')));
  const places = placesOf(root).filter((place) => !place.isList && !read.has(pathOf(place).join('/')));
  const named = places.filter(isNamedLikeStatusCode);
  const codes = (named.length > 0 ? named : places.filter(mayBeCode)).map((place) => pathOf(place).slice(1).join('/'));
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

function pathOf({ node, path }: Place): string[] {
  return [...path, node].map(({ kind, name }) => stepText({ ...name, isAttribute: kind === 'attribute' }));
}

function stepText({ isAttribute, ...name }: { ns: string; name: string; isAttribute: boolean }): string {
  return `${isAttribute ? '@' : ''}${nameOf(name)}`;
}

import type { AnswerShape } from '../conax/answer-shape.ts';
import type { CasCommand } from '../conax/cas-definition.types.ts';
import { nameOf } from '../conax/soap-envelope.ts';
import { isNamedLikeStatusCode, type Place, placesOf } from './answer-guesses.ts';
import type { OutlineElement } from './schema-outline.ts';
import { readOutline, type WsdlOutline } from './wsdl-outline.ts';

/**
 * Returns one line for each command whose answer counts as a success without a status code, and for which the WSDL has
 * an answer that may hold one: then every refusal would count as a success. Never throws; a WSDL that cannot be read is
 * reported by the check of conax.json.
 */
export function uncodedAnswers(commands: readonly CasCommand[]): string[] {
  const outlines = new Map<string, WsdlOutline | null>();
  return commands.flatMap(({ type, wsdlFile, body, answer }) => {
    if (wsdlFile === null || answer.paths['statusCode'] !== undefined) return [];
    if (!outlines.has(wsdlFile)) outlines.set(wsdlFile, outlineOf(wsdlFile));
    const operation = outlines
      .get(wsdlFile)
      ?.operations.find(({ input }) => input.body !== null && nameOf(input.body.name) === nameOf(body));
    const root = operation?.output?.body ?? null;
    if (root === null) return [];
    const problem = problemOf(root, answer);
    return problem === null ? [] : [`${wsdlFile}:1: ${type} ${problem}`];
  });
}

function outlineOf(wsdlFile: string): WsdlOutline | null {
  try {
    return readOutline(wsdlFile);
  } catch {
    return null;
  }
}

function problemOf(root: OutlineElement, { element, paths }: AnswerShape): string | null {
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
function mayBeCode({ node, path }: Place): boolean {
  const isRequired = node.kind === 'attribute' ? node.isRequired : !node.isOptional;
  const isText = node.text !== null && !/date|time|duration|binary|anyURI/i.test(node.text.base);
  return isRequired && isText && path.every(({ isOptional }) => !isOptional);
}

function pathOf({ node, path }: Place): string[] {
  return [...path, node].map(({ kind, name }) => stepText({ ...name, isAttribute: kind === 'attribute' }));
}

function stepText({ isAttribute, ...name }: { ns: string; name: string; isAttribute: boolean }): string {
  return `${isAttribute ? '@' : ''}${nameOf(name)}`;
}

import { extentNamed, isAside, mayNotCount } from '../conax/list-names.ts';
import { nameOf } from '../soap/envelope.ts';
import { deviceField, elementsIn, plain } from './field-guesses.ts';
import type { OutlineElement } from './schema-outline.ts';
import type { OutlineAttribute } from './schema-texts.ts';

/** An element or attribute of an outline, and the elements down to it. */
export interface Place {
  readonly node: OutlineElement | OutlineAttribute;
  readonly path: readonly OutlineElement[];
  readonly isList: boolean;
}

/** The texts below an element, and the attributes. */
export function placesOf(root: OutlineElement): Place[] {
  const places: Place[] = [];
  const walk = (node: OutlineElement, path: readonly OutlineElement[], isList: boolean): void => {
    const inList = isList || node.isList;
    for (const attribute of node.attributes) places.push({ node: attribute, path: [...path, node], isList: inList });
    if (node.text !== null && path.length > 0) places.push({ node, path, isList: inList });
    for (const child of elementsIn(node.content)) walk(child, [...path, node], inList);
  };
  walk(root, [], false);
  return places;
}

/** The steps to a place, each as a path of an answer has it. */
export function stepsOf({ node, path }: Place): string[] {
  return [...path, node].map(({ kind, name }) => `${kind === 'attribute' ? '@' : ''}${nameOf(name)}`);
}

/** The path to a place below the root, for people: without namespaces. */
export function shownPath({ node, path }: Place): string {
  return [...path.slice(1), node].map(({ kind, name }) => `${kind === 'attribute' ? '@' : ''}${name.name}`).join('/');
}

/** Returns the element that an entry of a list is, or whose attribute it is. */
function rowOf({ node, path }: Place): OutlineElement | undefined {
  return node.kind === 'attribute' ? path.at(-1) : node;
}

/**
 * Returns the places that make an answer unreadable if no path names them: elements and attributes next to the entries of a
 * list in their container, and attributes that may void an entry. Leaves out the size of the list, and everything next to
 * the status code.
 */
export function besideEntries(
  places: readonly Place[],
  entry: Place,
  statusCode: Place | undefined,
  isNamed: (place: Place) => boolean,
): Place[] {
  const row = rowOf(entry);
  const doubtful = places.filter(
    ({ node, path }) => node.kind === 'attribute' && path.at(-1) === row && mayNotCount(node.name.name, '?'),
  );
  return [...doubtful.filter((place) => !isNamed(place)), ...inContainer(places, entry, statusCode, isNamed)];
}

function inContainer(
  places: readonly Place[],
  entry: Place,
  statusCode: Place | undefined,
  isNamed: (place: Place) => boolean,
): Place[] {
  const container = entry.path.at(-1);
  if (container === undefined || entry.path.length < 2 || entry.node.kind === 'attribute') return [];
  if (statusCode?.path.includes(container)) return [];
  const depth = entry.path.length;
  const inside = places.filter(({ path }) => path[depth - 1] === container);
  const byTop = Map.groupBy(inside, ({ node, path }) => path[depth] ?? node);
  return [...byTop].flatMap(([node, own]) => {
    const isSize = extentNamed(node.name.name) !== null;
    return isSize || own.some(isNamed) ? [] : [{ node, path: entry.path, isList: true }];
  });
}

/**
 * Returns the numbers of an answer that may be taken for the entries of a list, as `OperatorId` may be, if the answer leaves
 * the list out: then it is unreadable, and one with entries is not, so that nobody notices in time.
 */
export function likeEntries(
  places: readonly Place[],
  entry: Place,
  statusCode: Place | undefined,
  isNamed: (place: Place) => boolean,
): Place[] {
  const row = rowOf(entry);
  const containers = entry.path.slice(1).filter((one) => one !== row && !statusCode?.path.includes(one));
  // An element that every answer has is the list, or has it.
  const first = containers.findIndex(({ isOptional }) => isOptional);
  const left = containers.length === 0 ? row : containers[first];
  const around = containers[first - 1];
  if (left === undefined || !left.isOptional) return [];
  // The device that was asked about may be repeated.
  const isDevice = (names: readonly string[]): boolean =>
    !['service', null].includes(deviceField(names.map(plain).toReversed()));
  return places.filter((place) => {
    const { node, path } = place;
    const names = [...path.slice(1), node].map(({ name }) => name.name);
    const isInside = path.includes(left) || node === left || (around !== undefined && !path.includes(around));
    const isNumber = /int|long|short|byte|decimal/i.test(node.text?.base ?? '');
    return isNumber && !isInside && !isNamed(place) && !names.some(isAside) && !isDevice(names);
  });
}

/** Returns a doubt about an answer that may be one page of several; null if nothing in the outline says so. */
export function pagingDoubt(
  places: readonly Place[],
  isNamed: (place: Place) => boolean,
  request: OutlineElement | null,
): string | null {
  const says = places.filter((place) => {
    const isMore = place.path.slice(1).some(({ name }) => extentNamed(name.name) === 'more');
    return (isMore || extentNamed(place.node.name.name) !== null) && !isNamed(place);
  });
  if (says.length === 0) return null;
  const sizes = (request === null ? [] : placesOf(request)).filter(({ node }) => pageSize.test(plain(node.name.name)));
  const by = sizes.length === 0 ? '' : `, perhaps by ${sizes.map(shownPath).join(', ')}`;
  return `may be answered with one page of several, as the WSDL has ${says.map(shownPath).join(', ')} in the answer, and no further page is read: let the template ask for the whole list${by}; an answer that says that there is more is unreadable`;
}

const pageSize =
  /pagesize|pagelength|limit|^max(?:imum)?(?:number)?(?:of)?(?:result|count|entr|record|item|row|product)|perpage/;

import { nameOf } from './soap-envelope.ts';
import { namespaceOf, type XmlElement } from './xml.ts';

/** What a WSDL says that an element holds. Read by wsdl.ts, used to check XML strictly and to find named elements. */
export interface ElementModel {
  readonly ns: string;
  readonly name: string;
  readonly minOccurs: number;
  /** Infinity where unbounded. */
  readonly maxOccurs: number;
  readonly nillable: boolean;
  /** Resolved on first use, because types may hold themselves. */
  readonly type: () => TypeModel;
}

export type TypeModel =
  /** Text only; `check` gives null, or what is wrong with the value (never the value itself). */
  | { readonly kind: 'text'; readonly check: (text: string) => string | null }
  | {
      readonly kind: 'elements';
      readonly content: Particle | null;
      readonly requiredAttributes: readonly string[];
    };

export type Particle =
  | { readonly kind: 'element'; readonly element: ElementModel }
  | { readonly kind: 'any'; readonly minOccurs: number; readonly maxOccurs: number }
  | {
      readonly kind: 'sequence' | 'choice' | 'all';
      readonly minOccurs: number;
      readonly maxOccurs: number;
      readonly items: readonly Particle[];
    };

/** Where XML and model part. `structure`: an element too many, too few, or misplaced; `value`: a text out of its type. */
export interface ContentMistake {
  readonly kind: 'structure' | 'value';
  readonly message: string;
}

const schemaInstanceNamespace = 'http://www.w3.org/2001/XMLSchema-instance';

/**
 * Checks an element and everything in it against the model; null where it fits, else the first mistake. Attributes are
 * not looked at, and texts not without `values`.
 */
export function checkContent(
  element: XmlElement,
  model: ElementModel,
  check: { readonly values: boolean },
): ContentMistake | null {
  return checkElement(element, model, model.name, check.values);
}

function checkElement(element: XmlElement, model: ElementModel, path: string, values: boolean): ContentMistake | null {
  if (element.ns !== model.ns || element.name !== model.name) {
    return structure(`${path}: ${nameOf(element)} stands where ${nameOf(model)} is expected`);
  }
  const type = model.type();
  if (model.nillable && isNil(element)) {
    return element.children.length === 0 && element.text === ''
      ? null
      : structure(`${path}: is nil and still holds something`);
  }
  if (type.kind === 'text') {
    if (element.children.length > 0) return structure(`${path}: holds elements where only text may stand`);
    const problem = values ? type.check(element.text) : null;
    return problem === null ? null : { kind: 'value', message: `${path}: ${problem}` };
  }
  if (element.text.trim() !== '') return structure(`${path}: holds text between its elements`);
  const walk: Walk = { children: element.children, position: 0, path, values };
  const mistake = type.content === null ? null : matchParticle(walk, type.content);
  if (mistake !== null) return mistake;
  const extra = walk.children[walk.position];
  return extra === undefined ? null : structure(`${path}: ${nameOf(extra)} is not expected here`);
}

function isNil(element: XmlElement): boolean {
  for (const [name, value] of Object.entries(element.attributes)) {
    const [prefix, local] = name.split(':');
    if (local === 'nil' && prefix !== undefined && namespaceOf(element, prefix) === schemaInstanceNamespace) {
      return value === 'true' || value === '1';
    }
  }
  return false;
}

interface Walk {
  readonly children: readonly XmlElement[];
  readonly path: string;
  readonly values: boolean;
  position: number;
}

// A schema may not be ambiguous (XSD's "unique particle attribution"), so the next element alone decides: no backtracking.
function matchParticle(walk: Walk, particle: Particle): ContentMistake | null {
  const { minOccurs, maxOccurs } = particle.kind === 'element' ? particle.element : particle;
  let count = 0;
  while (count < maxOccurs && mayStart(walk, particle)) {
    const before = walk.position;
    const mistake = matchOnce(walk, particle);
    if (mistake !== null) return mistake;
    count++;
    if (walk.position === before) break;
  }
  if (count >= minOccurs || canBeEmpty(particle)) return null;
  const next = walk.children[walk.position];
  const found = next === undefined ? 'the end' : nameOf(next);
  return structure(`${walk.path}: ${describe(particle)} is missing before ${found}`);
}

function matchOnce(walk: Walk, particle: Particle): ContentMistake | null {
  switch (particle.kind) {
    case 'element': {
      const child = walk.children[walk.position++];
      return child === undefined
        ? structure(`${walk.path}: ${particle.element.name} is missing`)
        : checkElement(child, particle.element, `${walk.path}/${particle.element.name}`, walk.values);
    }
    case 'any':
      walk.position++;
      return null;
    case 'sequence':
      for (const item of particle.items) {
        const mistake = matchParticle(walk, item);
        if (mistake !== null) return mistake;
      }
      return null;
    case 'choice': {
      const chosen = particle.items.find((item) => mayStart(walk, item));
      return chosen === undefined ? null : matchParticle(walk, chosen);
    }
    case 'all': {
      const left = [...particle.items];
      for (;;) {
        const index = left.findIndex((item) => mayStart(walk, item));
        const [item] = index < 0 ? [] : left.splice(index, 1);
        if (item === undefined) break;
        const mistake = matchParticle(walk, item);
        if (mistake !== null) return mistake;
      }
      const missing = left.find((item) => !canBeEmpty(item));
      return missing === undefined ? null : structure(`${walk.path}: ${describe(missing)} is missing`);
    }
  }
}

function mayStart(walk: Walk, particle: Particle): boolean {
  const next = walk.children[walk.position];
  return next !== undefined && startsWith(particle, next);
}

function startsWith(particle: Particle, next: XmlElement): boolean {
  switch (particle.kind) {
    case 'element':
      return particle.element.name === next.name && particle.element.ns === next.ns;
    case 'any':
      return true;
    case 'choice':
    case 'all':
      return particle.items.some((item) => startsWith(item, next));
    case 'sequence':
      for (const item of particle.items) {
        if (startsWith(item, next)) return true;
        if (!canBeEmpty(item)) return false;
      }
      return false;
  }
}

function canBeEmpty(particle: Particle): boolean {
  switch (particle.kind) {
    case 'element':
      return particle.element.minOccurs === 0;
    case 'any':
      return particle.minOccurs === 0;
    case 'choice':
      return particle.minOccurs === 0 || particle.items.some((item) => canBeEmpty(item));
    case 'sequence':
    case 'all':
      return particle.minOccurs === 0 || particle.items.every((item) => canBeEmpty(item));
  }
}

function describe(particle: Particle): string {
  switch (particle.kind) {
    case 'element':
      return particle.element.name;
    case 'any':
      return 'an element';
    case 'choice':
      return `one of ${particle.items.map((item) => describe(item)).join(', ')}`;
    case 'sequence':
    case 'all':
      return particle.items[0] === undefined ? 'nothing' : describe(particle.items[0]);
  }
}

/** Every element that may stand directly in `model`, in the schema's order. */
export function childrenOf(model: ElementModel): ElementModel[] {
  const type = model.type();
  return type.kind === 'text' || type.content === null ? [] : elementsOf(type.content);
}

function elementsOf(particle: Particle): ElementModel[] {
  if (particle.kind === 'element') return [particle.element];
  return particle.kind === 'any' ? [] : particle.items.flatMap((item) => elementsOf(item));
}

function structure(message: string): ContentMistake {
  return { kind: 'structure', message };
}

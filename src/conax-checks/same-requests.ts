import type { CasCommand } from '../conax/cas-definition.types.ts';
import { render } from '../conax/template.ts';
import { type CommandType, questions } from '../planning/command.ts';
import { nameOf } from '../soap/envelope.ts';
import { fileLimits, readXml, type XmlElement, XmlError } from '../soap/xml.ts';
import { sampleFields } from './samples.ts';
import type { ParsedTemplate } from './template-parser.ts';
import type { WsdlOperation } from './wsdl-operations.ts';

export interface SentCommand extends Pick<CasCommand, 'type' | 'path' | 'soapAction' | 'answer'> {
  readonly template: ParsedTemplate;
  /** The operations that the WSDL binds to the element in the Body and the SOAPAction; empty if it has none. */
  readonly operations: readonly WsdlOperation[];
}

/**
 * Reports, at the first of both, two commands that send the same request for the same values: same path, SOAPAction and
 * envelope, whatever its prefixes. The CAS cannot tell them apart, so it does for one what the other means. A different
 * SOAPAction is enough only if the WSDL binds both to operations of their own: most servers do what the Body says.
 * Two Bodies that are the same under different Headers are a warning, as a CAS may go by WS-Addressing.
 * Two questions may send the same: an answer may hold services and pairing. So may two messages, two pairings and the two
 * PIN commands, if the CAS has one operation for both; `isMeant` says that this is possible. It is, too, if only the
 * constants of one operation are the same, such as a type that stayed after copying. Templates with a mistake in a tag are
 * left out. Returns the commands that have the request of another one.
 */
export function reportSameRequests(
  commands: readonly SentCommand[],
  report: (type: CommandType, problem: string, isMeant: boolean) => void,
): ReadonlySet<CommandType> {
  const copies = new Set<CommandType>();
  const sent = commands
    .filter(({ template }) => template.badLines.size === 0)
    .map((command) => ({ ...command, ...requestsOf(command) }));
  for (const [index, one] of sent.entries()) {
    for (const other of sent.slice(index + 1)) {
      if (isQuestion(one) && isQuestion(other)) continue;
      const both = `${one.type} and ${other.type}`;
      if (one.requests.some((request) => other.requests.includes(request))) {
        const { problem, isBound, copy } = sameRequest(one, other);
        if (copy !== null) copies.add(copy.type);
        const isMeant = KINDS.some((kind) => kind.test(one.type) && kind.test(other.type));
        report(one.type, `${both} send ${problem}`, isMeant || isBound);
      } else if (one.bodies.some((body) => other.bodies.includes(body))) {
        const remedy = `compare ${one.template.file} with ${other.template.file}: does the CAS go by the Header?`;
        report(one.type, `${both} send the same Body, and only their Headers differ; ${remedy}`, true);
      } else if (one.operation === other.operation) {
        const [fewer, more] = [one.constants, other.constants].toSorted((a, b) => a.size - b.size);
        const shared = [...(fewer ?? [])];
        if (shared.length === 0 || !shared.every((constant) => more?.has(constant))) continue;
        const remedy = `compare ${one.template.file} with ${other.template.file}: does the CAS need another one to tell them apart?`;
        report(one.type, `${both} use one operation with the same ${shared.join(', ')}; ${remedy}`, true);
      }
    }
  }
  return copies;
}

type Requests = SentCommand & ReturnType<typeof requestsOf>;

interface SameRequest {
  readonly problem: string;
  /** Whether the WSDL has an operation for the action of each. */
  readonly isBound: boolean;
  /** The command that has the request of the other one, if that can be told. */
  readonly copy: Requests | null;
}

function sameRequest(one: Requests, other: Requests): SameRequest {
  const [file, otherFile] = [one.template.file, other.template.file];
  const copy = copyOf(one, other);
  const remedy =
    file === otherFile
      ? 'they have the same template; name the one of each command'
      : copy === null
        ? `compare ${file} with ${otherFile}, and correct the one that does what the other means`
        : `correct ${copy.template.file}, which has the request of ${copy === one ? other.type : one.type}`;
  if (one.soapAction === other.soapAction) return { problem: `the same request; ${remedy}`, isBound: false, copy };
  const same = `the same request but for the SOAPAction ("${one.soapAction}", "${other.soapAction}")`;
  const [own = [], others = []] = [one, other].map(({ operations }) => operations.map(({ name }) => name));
  if (own.length > 0 && others.length > 0 && !own.some((name) => others.includes(name))) {
    const listed = [own[0], others[0]].join(' and ');
    const look = 'send both from SoapUI, and look whether the CAS goes by the SOAPAction';
    return { problem: `${same}, for which the WSDL has the operations ${listed}; ${look}`, isBound: true, copy: null };
  }
  const bound =
    'or, if the CAS goes by the SOAPAction, name a WSDL in the area that binds each action to an operation of its own with this element';
  return { problem: `${same}, and the CAS may do what the Body says; ${remedy}, ${bound}`, isBound: false, copy };
}

/** The one of two commands that has the other's request: its answer is another, or only the other is named in it. */
function copyOf(one: Requests, other: Requests): Requests | null {
  const isOdd = ({ operations, answer: { element } }: Requests): boolean =>
    element !== null &&
    operations.length > 0 &&
    !operations.some(({ output }) => output !== null && nameOf(output) === nameOf(element));
  const isNamed = ({ type }: Requests): boolean => {
    const [verb = ''] = type.toLowerCase().split('_', 1);
    return `${one.operation} ${[...one.constants].join(' ')}`.toLowerCase().includes(verb);
  };
  if (isOdd(one) !== isOdd(other)) return isOdd(one) ? one : other;
  if (isNamed(one) !== isNamed(other)) return isNamed(one) ? other : one;
  return null;
}

/** Commands of one kind differ in how they show or add something, not in what they take or give. */
const KINDS = [/^SEND_/, /^(?:CREATE|ADD_TO_EXISTING)_PAIRING$/, /^UPDATE_CA_PIN/];

function isQuestion({ type }: SentCommand): boolean {
  return questions.some((question) => question === type);
}

/**
 * Everything that the command may send, the operation that takes it, and what its Body always says, such as
 * `Send/@type="BARK"`. Samples are names, so that no constant of a template is equal by chance.
 */
function requestsOf({ type, path, soapAction, template }: SentCommand) {
  const requests: string[] = [];
  const bodies: string[] = [];
  const constants = new Set<string>();
  let operation = '';
  for (const values of [true, false].flatMap((entitled) => sampleFields(type, sampleName, entitled))) {
    try {
      const envelope = readXml(render(template, values), fileLimits);
      requests.push(JSON.stringify([path, said(envelope)]));
      const [body] = envelope.children.find(({ name }) => name === 'Body')?.children ?? [];
      if (body === undefined) continue;
      bodies.push(JSON.stringify([path, said(body)]));
      operation = JSON.stringify([path, soapAction, nameOf(body)]);
      for (const constant of constantsIn(body)) constants.add(constant);
    } catch (error) {
      if (!(error instanceof XmlError)) throw error;
    }
  }
  return { requests, bodies, operation, constants };
}

function constantsIn({ name, attributes, text, children }: XmlElement): string[] {
  const isConstant = (value: string): boolean => value.trim() !== '' && !value.includes('Field_');
  const own = Object.entries(attributes).filter(([key, value]) => !key.startsWith('{') && isConstant(value));
  return [
    ...own.map(([key, value]) => `${name}/@${key}="${value}"`),
    ...(isConstant(text) ? [`${name} "${text.trim()}"`] : []),
    ...children.flatMap(constantsIn),
  ];
}

/** The existing card of a pairing is a card: a request that names it like the first card to pair is the same one. */
function sampleName(field: string, n: number): string {
  return `Field_${field === 'existingSmartcard' ? 'smartcards' : field}_${n}`;
}

/**
 * What makes no other command: the period of an entitlement (an ADD without it is an ADD all the same), the login, and the
 * ids of a call. A time is no id: an ADD whose end is now may be a CANCEL.
 */
const noDifference = /^Field_(?:entitled(?:From|Until)|requestNumber|messageId|username|password)_0$/;

/** What an element says, whatever its prefixes and the order of its attributes; null if it holds only what makes no difference. */
function said({ ns, name, attributes, children, text }: XmlElement): unknown {
  const sorted = Object.entries(attributes)
    .filter(([, value]) => !noDifference.test(value))
    .toSorted(([a], [b]) => (a < b ? -1 : 1));
  const inner = children.map(said).filter((child) => child !== null);
  const own = text.trim().replace(noDifference, '');
  const isEmpty = inner.length + sorted.length + own.length === 0;
  const wasEmpty = children.length + Object.keys(attributes).length + text.trim().length === 0;
  // SoapUI writes an empty Header into every request.
  if (isEmpty && (!wasEmpty || name === 'Header')) return null;
  return [nameOf({ ns, name }), sorted, own, inner];
}

import type { CasCommand } from '../conax/cas-definition.types.ts';
import { render } from '../conax/template.ts';
import { type CommandType, questions } from '../planning/command.ts';
import { nameOf } from '../soap/envelope.ts';
import { fileLimits, readXml, type XmlElement, XmlError } from '../soap/xml.ts';
import { sampleFields } from './samples.ts';
import type { ParsedTemplate } from './template-parser.ts';

export interface SentCommand extends Pick<CasCommand, 'type' | 'path' | 'soapAction'> {
  readonly template: ParsedTemplate;
}

/**
 * Reports, at the first of both, two commands that send the same request for the same values: same path, SOAPAction and
 * envelope, whatever its prefixes. The CAS cannot tell them apart, so it does for one what the other means. Nor can most, if
 * only the SOAPAction differs: they do what the Body says. Two questions may send the same: an answer may hold services and pairing. So may two messages, two pairings and the two PIN commands, if the
 * CAS has one operation for both; `isMeant` says that this is possible. It is, too, if only the constants of one operation
 * are the same, such as a type that stayed after copying. Templates with a mistake in a tag are left out.
 */
export function reportSameRequests(
  commands: readonly SentCommand[],
  report: (type: CommandType, problem: string, isMeant: boolean) => void,
): void {
  const sent = commands
    .filter(({ template }) => template.badLines.size === 0)
    .map((command) => ({ ...command, ...requestsOf(command) }));
  for (const [index, one] of sent.entries()) {
    for (const other of sent.slice(index + 1)) {
      if (isQuestion(one) && isQuestion(other)) continue;
      const both = `${one.type} and ${other.type}`;
      const files = [one, other].map(({ template }) => template.file);
      if (one.requests.some((request) => other.requests.includes(request))) {
        const isSame = one.soapAction === other.soapAction;
        const what = isSame
          ? 'the same request'
          : `the same request but for the SOAPAction ("${one.soapAction}", "${other.soapAction}"), and the CAS may do what the Body says`;
        const remedy =
          files[0] === files[1]
            ? 'they have the same template; name the one of each command'
            : `compare ${files.join(' with ')}, and correct the one that does what the other means`;
        const isMeant = KINDS.some((kind) => kind.test(one.type) && kind.test(other.type));
        report(one.type, `${both} send ${what}; ${remedy}`, isMeant);
      } else if (one.operation === other.operation) {
        const [fewer, more] = [one.constants, other.constants].toSorted((a, b) => a.size - b.size);
        const shared = [...(fewer ?? [])];
        if (shared.length === 0 || !shared.every((constant) => more?.has(constant))) continue;
        const remedy = `compare ${files.join(' with ')}: does the CAS need another one to tell them apart?`;
        report(one.type, `${both} use one operation with the same ${shared.join(', ')}; ${remedy}`, true);
      }
    }
  }
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
  const constants = new Set<string>();
  let operation = '';
  for (const values of [true, false].flatMap((entitled) => sampleFields(type, sampleName, entitled))) {
    try {
      const envelope = readXml(render(template, values), fileLimits);
      requests.push(JSON.stringify([path, said(envelope)]));
      const [body] = envelope.children.find(({ name }) => name === 'Body')?.children ?? [];
      if (body === undefined) continue;
      operation = JSON.stringify([path, soapAction, nameOf(body)]);
      for (const constant of constantsIn(body)) constants.add(constant);
    } catch (error) {
      if (!(error instanceof XmlError)) throw error;
    }
  }
  return { requests, operation, constants };
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

/** The period of an entitlement: an ADD without it is an ADD all the same, and no other command has one. */
const period = /^Field_entitled(?:From|Until)_0$/;

/** What an element says, whatever its prefixes and the order of its attributes; null if it holds only a period. */
function said({ ns, name, attributes, children, text }: XmlElement): unknown {
  const sorted = Object.entries(attributes)
    .filter(([, value]) => !period.test(value))
    .toSorted(([a], [b]) => (a < b ? -1 : 1));
  const inner = children.map(said).filter((child) => child !== null);
  const own = text.trim().replace(period, '');
  const isEmpty = inner.length + sorted.length + own.length === 0;
  const wasEmpty = children.length + Object.keys(attributes).length + text.trim().length === 0;
  if (isEmpty && !wasEmpty) return null;
  return [nameOf({ ns, name }), sorted, own, inner];
}

import { childrenOf, type ElementModel } from '../conax/content-model.ts';
import type { MappedCommand } from '../conax/mapping.ts';
import { soapNamespaces } from '../conax/soap-envelope.ts';
import { escapeXml } from '../conax/xml.ts';
import type { CommandType } from '../requests/command.ts';

/** What an answer says; `referenceNumber` is left out where it is null. */
export interface AnswerTexts {
  readonly statusCode: string;
  readonly message: string;
  readonly referenceNumber: string | null;
  readonly lists: Readonly<Record<string, readonly string[]>>;
}

/** Writes the answer of a command as its WSDL has it. */
export type WriteAnswer = (command: MappedCommand, texts: AnswerTexts) => string;

const declaration = '<?xml version="1.0" encoding="UTF-8"?>';
const slot = /\{\{(\w+)\}\}/;

/** Answers without lists are cut from a template that is written once for each command. */
export function createAnswerWriter(): WriteAnswer {
  const templates = new Map<CommandType, readonly string[]>();
  return (command, texts) => {
    if (texts.referenceNumber === null || Object.keys(texts.lists).length > 0) return writeAnswer(command, texts);
    let template = templates.get(command.type);
    if (template === undefined) {
      const named = (name: string): string => `{{${name}}}`;
      const blank = {
        statusCode: named('statusCode'),
        message: named('message'),
        referenceNumber: named('referenceNumber'),
        lists: {},
      };
      template = writeAnswer(command, blank).split(slot);
      templates.set(command.type, template);
    }
    const values: Readonly<Record<string, string>> = {
      statusCode: escapeXml(texts.statusCode),
      message: escapeXml(texts.message),
      referenceNumber: texts.referenceNumber,
    };
    return template.map((part, index) => (index % 2 === 0 ? part : (values[part] ?? ''))).join('');
  };
}

/** A SOAP 1.1 Fault; with a code, it stands in the detail. */
export function writeFault(faultCode: 'Client' | 'Server', text: string, code: string | null): string {
  const detail =
    code === null
      ? ''
      : `<detail><ServiceFault xmlns="http://www.conax.com/cas/xsd/common-types/v1"><StatusCode>${escapeXml(code)}</StatusCode><Message>${escapeXml(text)}</Message></ServiceFault></detail>`;
  return envelope(
    `<soap:Fault><faultcode>soap:${faultCode}</faultcode><faultstring>${escapeXml(text)}</faultstring>${detail}</soap:Fault>`,
  );
}

export function envelope(content: string): string {
  return `${declaration}<soap:Envelope xmlns:soap="${soapNamespaces['1.1']}"><soap:Body>${content}</soap:Body></soap:Envelope>`;
}

function writeAnswer(command: MappedCommand, { statusCode, message, referenceNumber, lists }: AnswerTexts): string {
  const texts = new Map<ElementModel, readonly string[]>();
  const onTheWay = new Set<ElementModel>([command.output]);
  const fields: Record<string, readonly string[]> = {
    statusCode: [statusCode],
    message: [message],
    referenceNumber: referenceNumber === null ? [] : [referenceNumber],
    ...lists,
  };
  for (const [field, path] of Object.entries(command.answer)) {
    const values = fields[field] ?? [];
    const last = path.steps.at(-1);
    if (values.length === 0 || last === undefined) continue;
    texts.set(path.steps[path.repeatedStep] ?? last, values);
    for (const step of path.steps) onTheWay.add(step);
  }
  const prefixes = new Map<string, string>();
  const content = writeElement(command.output);
  const declared = [...prefixes].map(([ns, prefix]) => ` xmlns:${prefix}="${escapeXml(ns)}"`).join('');
  return envelope(content.replace(/^<[\w:.-]+/, (start) => `${start}${declared}`));

  function writeElement(model: ElementModel, text?: string): string {
    const name = nameIn(model);
    const isText = model.type().kind === 'text';
    const inner = isText
      ? escapeXml(text ?? '')
      : childrenOf(model)
          .flatMap((child) => writeChild(child, text))
          .join('');
    return `<${name}>${inner}</${name}>`;
  }

  function writeChild(child: ElementModel, text: string | undefined): string[] {
    const own = texts.get(child);
    if (own !== undefined) return own.map((value) => writeElement(child, value));
    const isWanted = onTheWay.has(child) || child.minOccurs > 0;
    return isWanted ? [writeElement(child, onTheWay.has(child) ? text : undefined)] : [];
  }

  function nameIn({ ns, name }: ElementModel): string {
    if (ns === '') return name;
    let prefix = prefixes.get(ns);
    if (prefix === undefined) prefixes.set(ns, (prefix = `n${prefixes.size}`));
    return `${prefix}:${name}`;
  }
}

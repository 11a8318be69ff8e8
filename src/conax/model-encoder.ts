import { buildBody } from './body.ts';
import { childrenOf, type ElementModel } from './content-model.ts';
import { type BodyNode, type BodyValue, guardedArguments } from './guard.ts';
import type { Encode } from './encoder.ts';
import { soapNamespaces } from './soap-envelope.ts';
import { escapeXml } from './xml.ts';

/**
 * Writes a request by the WSDL's model alone, each element in its own namespace. For operations that the package `soap`
 * cannot write, such as a repeated reference to an element of another namespace.
 */
export const encodeByModel: Encode = (command, values) => {
  const prefixes = new Map<string, string>();
  const body = guardedArguments(buildBody(command, values), command.input, command.operation);
  const content = element(command.input, body, prefixes);
  const declared = [...prefixes].map(([ns, prefix]) => ` xmlns:${prefix}="${escapeXml(ns)}"`).join('');
  return (
    '<?xml version="1.0" encoding="utf-8"?>' +
    `<soap:Envelope xmlns:soap="${soapNamespaces['1.1']}"${declared}><soap:Body>${content}</soap:Body></soap:Envelope>`
  );
};

function element(model: ElementModel, value: BodyValue, prefixes: Map<string, string>): string {
  if (Array.isArray(value)) return value.map((item: string | BodyNode) => element(model, item, prefixes)).join('');
  const name = qualified(model, prefixes);
  return `<${name}>${typeof value === 'string' ? value : children(model, value as BodyNode, prefixes)}</${name}>`;
}

function children(model: ElementModel, node: BodyNode, prefixes: Map<string, string>): string {
  const models = childrenOf(model);
  // The guard has put them in the order of the WSDL.
  return Object.entries(node)
    .map(([name, value]) => {
      const child = models.find((candidate) => candidate.name === name);
      return child === undefined ? '' : element(child, value, prefixes);
    })
    .join('');
}

function qualified({ ns, name }: ElementModel, prefixes: Map<string, string>): string {
  if (ns === '') return name;
  let prefix = prefixes.get(ns);
  if (prefix === undefined) prefixes.set(ns, (prefix = `n${prefixes.size}`));
  return `${prefix}:${name}`;
}

import { XmlElement } from 'libxml2-wasm';
import { elements, type WsdlDocuments } from './wsdl-documents.ts';

/** A part of a WSDL, with its file. */
export interface WsdlPart {
  readonly file: string;
  readonly found: XmlElement;
}

/** The UsernameToken that a policy demands of a request. */
export interface DemandedToken {
  readonly file: string;
  readonly line: number;
  /** Whether it must have a digest in place of the password. */
  readonly isHashed: boolean;
}

/** Warns about demands that no schema has: signatures, tokens, addresses. Only a person can check whether they are sent. */
export function warnAboutPolicies({ found, file }: WsdlPart, documents: WsdlDocuments, warnings: string[]): void {
  const names = ['UsingAddressing', 'PolicyReference', 'Policy'].map((name) => `local-name()="${name}"`);
  const demands = found.find(`descendant-or-self::*[${names.join(' or ')} or @*[local-name()="PolicyURIs"]]`);
  const first = demands.find((demand) => demand instanceof XmlElement);
  if (first === undefined) return;
  const warning = `${file}:${documents.lineOf(file, first)}: the ${found.name} has a policy or demands WS-Addressing, which is not checked; write what it demands into the Header of the templates`;
  if (!warnings.includes(warning)) warnings.push(warning);
}

/** A policy that refers to itself is read no deeper. */
const depthMax = 32;

/**
 * Returns the UsernameToken that the policies of these parts demand in every alternative (WS-Policy 1.5, 4.3); null if they
 * demand none, or if the policy is in no file that was read.
 */
export function demandedToken(parts: readonly WsdlPart[], documents: WsdlDocuments): DemandedToken | null {
  for (const { file, found } of parts) {
    const written = elements(found, '*[local-name()="Policy" or local-name()="PolicyReference"]');
    const named = (attribute(found, 'PolicyURIs') ?? '').split(/\s+/).map((uri) => policyAt(uri, file, documents));
    for (const policy of [...written.map((one) => ({ file, found: one })), ...named]) {
      const token = policy === null ? null : tokenIn(policy, documents, 0);
      if (token === null) continue;
      const isHashed = elements(token.found, './/*[local-name()="HashPassword"]').length > 0;
      return { file: token.file, line: documents.lineOf(token.file, token.found), isHashed };
    }
  }
  return null;
}

function tokenIn({ file, found }: WsdlPart, documents: WsdlDocuments, depth: number): WsdlPart | null {
  if (depth > depthMax || /^(?:true|1)$/.test(attribute(found, 'Optional') ?? '')) return null;
  if (found.name === 'UsernameToken') {
    const isSent = !/\/(?:Never|AlwaysToInitiator)$/.test(attribute(found, 'IncludeToken') ?? '');
    return isSent ? { file, found } : null;
  }
  if (found.name === 'PolicyReference') {
    const policy = policyAt(attribute(found, 'URI') ?? '', file, documents);
    return policy === null ? null : tokenIn(policy, documents, depth + 1);
  }
  const inner = elements(found, '*').map((child) => tokenIn({ file, found: child }, documents, depth + 1));
  if (found.name === 'ExactlyOne' && inner.includes(null)) return null;
  return inner.find((token) => token !== null) ?? null;
}

/** The policy that a reference such as `#Login` means. */
function policyAt(uri: string, from: string, { definitions }: WsdlDocuments): WsdlPart | null {
  if (!uri.startsWith('#')) return null;
  for (const { file, root } of definitions.toSorted((a, b) => Number(b.file === from) - Number(a.file === from))) {
    const found = elements(root, './/*[local-name()="Policy"]').find((one) =>
      ['Id', 'id'].some((name) => attribute(one, name) === uri.slice(1)),
    );
    if (found !== undefined) return { file, found };
  }
  return null;
}

/** An attribute, whatever its namespace. */
function attribute(element: XmlElement, name: string): string | undefined {
  return element.find(`@*[local-name()="${name}"]`)[0]?.content.trim();
}

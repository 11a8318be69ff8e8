import { type SetFiles, types } from './quay.ts';

/** Something that WSDLs of others have, as one change of the small CAS in `quay.ts`, with what must come of it. */
export interface Construct extends SetFiles {
  /** `works`: the servers receive it right. A pattern: the start is refused, and this is in the message. */
  readonly verdict: 'works' | RegExp;
  /** What is said at start all the same. Without it nothing may be said. */
  readonly warning?: RegExp;
  /** How Apache CXF opens the WSDL. If it cannot, the reason, and the schema that says the same and that it can read. */
  readonly cxf?: Readonly<Record<string, string>> | { readonly cannot: string; readonly schema?: string };
  /** What stands in the Permit that a server receives, attributes first; holder and title unless it is named. */
  readonly reads?: readonly string[];
  readonly username?: string;
  readonly password?: string;
}

export const HOLDER = '00000000001';
export const TITLE = '0101';

/** The bodies with another content of the Permit and the Withdraw. */
export const granting = (content: string, attributes = ''): NonNullable<SetFiles['bodies']> => ({
  Permit: `<m:Permit${attributes}>${content}</m:Permit>`,
  Withdraw: `<m:Withdraw${attributes}>${content}</m:Withdraw>`,
});
export const holderAndTitle = '<m:Holder>{{smartcard}}</m:Holder><m:Title>{{service}}</m:Title>';
/** The type of Permit and Withdraw with other content. */
export const typesWith = (content: string, attributes = ''): string =>
  types.replace(
    /<xs:complexType name="Grant">[^]*?<\/xs:complexType>/,
    `<xs:complexType name="Grant">${content}${attributes}</xs:complexType>`,
  );
const two = '<xs:element name="Holder" type="xs:string"/><xs:element name="Title" type="xs:string"/>';
export const sequence = (before: string, after = ''): string => `<xs:sequence>${before}${two}${after}</xs:sequence>`;

import type { CommandType } from '../planning/command.ts';
import type { QName, SoapVersion } from '../soap/envelope.ts';
import type { AnswerShape } from './answer-shape.ts';
import type { Template } from './template.ts';

/** Where a command goes, what is sent, and how the answer is read. */
export interface CasCommand {
  readonly type: CommandType;
  readonly area: string;
  /** The path after the base URL, with a leading slash. */
  readonly path: string;
  readonly wsdlFile: string | null;
  readonly soapAction: string;
  readonly soapVersion: SoapVersion;
  /** The element in the SOAP body of the request. */
  readonly body: QName;
  readonly template: Template;
  readonly answer: AnswerShape;
}

/** How a CAS is spoken to. */
export interface CasDefinition {
  readonly file: string;
  /** Whether user and password are sent as HTTP Basic. */
  readonly basicAuth: boolean;
  /** Every command that is not `unsupported`. */
  readonly commands: Readonly<Partial<Record<CommandType, CasCommand>>>;
  /** Why the CAS does not have a command, for people. */
  readonly unsupported: ReadonlyMap<CommandType, string>;
  /** Secrets that are constants in templates and paths: masked like the password. */
  readonly secrets: readonly string[];
  /** What was not checked and why, each with file and line. */
  readonly unchecked: readonly string[];
  /** What people should look at. */
  readonly warnings: readonly string[];
}

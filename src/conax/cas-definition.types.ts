import type { CommandType } from '../planning/command.ts';
import type { QName, SoapVersion } from '../soap/envelope.ts';
import type { AnswerPath } from '../soap/xml-path.ts';
import type { Template } from './template.ts';

/** How the answer of a command is read. */
export interface AnswerShape {
  /** Status codes; any other one refuses, and is for review unless it is in `refused`. */
  readonly success: ReadonlySet<string>;
  readonly refused: ReadonlySet<string>;
  readonly tryLater: ReadonlySet<string>;
  /** The login is refused, not the command. */
  readonly notAuthorised: ReadonlySet<string>;
  /** Whether an answer with nothing in its body is a success. */
  readonly emptySuccess: boolean;
  /** The element in the SOAP body; null if only an empty answer is a success. */
  readonly element: QName | null;
  /**
   * By field: statusCode, message, referenceNumber, and the lists of the command; `ignored.0` and so on: what the reader of
   * the lists skips.
   */
  readonly paths: Readonly<Record<string, AnswerPath>>;
}

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

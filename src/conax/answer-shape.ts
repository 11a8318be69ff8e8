import type { QName } from '../soap/envelope.ts';
import type { AnswerPath } from '../soap/xml-path.ts';

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
   * By field: statusCode, message, referenceNumber, and the lists of the command; `ignored.0` and so on: what says nothing
   * about the lists.
   */
  readonly paths: Readonly<Record<string, AnswerPath>>;
}

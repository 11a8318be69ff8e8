import type { FieldValue } from './fields.ts';
import { type MappedCommand, type Mapping, MappingError } from './mapping.ts';
import { encodeByModel } from './model-encoder.ts';
import { sampleProblems } from './old-samples.ts';
import { createSoapEncoder } from './soap-encoder.ts';

/** Makes the SOAP envelope of a command out of its fields. Throws NotEncodable. */
export type Encode = (command: MappedCommand, values: Readonly<Record<string, FieldValue>>) => string;

/**
 * The encoder of a mapping. Before it is given away, samples of every command are encoded and read back against the WSDL,
 * so that an element that the WSDL requires and the mapping forgets shows at start: as a MappingError that names all of
 * them. The package `soap` writes the requests; where it gets a sample wrong, the model of the WSDL does.
 */
export async function createEncoder(mapping: Mapping): Promise<Encode> {
  const viaSoap = await createSoapEncoder(mapping).catch((error: unknown) => {
    throw new MappingError(mapping.file, [error instanceof Error ? error.message : String(error)]);
  });
  const encoders = new Map<MappedCommand, Encode>();
  const mistakes: string[] = [];
  for (const command of Object.values(mapping.commands)) {
    const encode = sampleProblems(command, viaSoap).length === 0 ? viaSoap : encodeByModel;
    if (encode !== viaSoap) mistakes.push(...sampleProblems(command, encode));
    encoders.set(command, encode);
  }
  if (mistakes.length > 0) throw new MappingError(mapping.file, mistakes);
  return (command, values) => {
    const encode = encoders.get(command);
    if (encode === undefined) throw new Error(`${command.type} is of another mapping`);
    return encode(command, values);
  };
}

import type { CasDefinition } from '../conax/cas-definition.types.ts';
import { type ConaxClientOptions, createConaxClient, unsupportedText } from '../conax/client.ts';
import type { ConaxClient } from '../conax/client.types.ts';
import { defaultCasFile, loadCasDefinition } from './cas-definition.ts';
import { CasDefinitionError } from './mistakes.ts';

export interface OpenOptions extends Omit<ConaxClientOptions, 'definition'> {
  /** conax.json; without it, that of the project. */
  readonly mappingFile?: string | undefined;
  /** The same, if it is loaded already. */
  readonly definition?: CasDefinition | undefined;
  /** Called once with each thing that people should know. */
  readonly onWarning?: ((warning: string) => void) | undefined;
}

/**
 * Opens the CAS of a conax.json; no connection is made before the first call.
 * @throws CasDefinitionError, which names every mistake in conax.json, the templates and the WSDLs, or the login that the
 * templates need.
 */
export async function openConaxClient({ mappingFile = defaultCasFile, ...options }: OpenOptions): Promise<ConaxClient> {
  const definition = options.definition ?? (await loadCasDefinition(mappingFile, (options.entitlementMonths ?? 0) > 0));
  assertLogin(definition, options);
  const { file, unchecked, warnings, unsupported } = definition;
  const refused = [...unsupported].map(([type, why]) => `${file}: ${unsupportedText(type, why)}`);
  for (const warning of [...unchecked, ...warnings, ...refused]) options.onWarning?.(warning);
  return createConaxClient({ ...options, definition });
}

/** A template sends user and password only if the settings have them. */
function assertLogin({ file, commands }: CasDefinition, options: OpenOptions): void {
  const mistakes = (['username', 'password'] as const).flatMap((field) => {
    const [first, ...more] = Object.values(commands).filter(({ template }) => template.uses.has(field));
    if (first === undefined || options[field] !== undefined) return [];
    const others = more.length === 0 ? '' : `, as do ${more.length} more templates`;
    return [
      `${first.template.file}:${first.template.uses.get(field)}: uses {{${field}}}${others}; set CONAX_${field.toUpperCase()}`,
    ];
  });
  if (mistakes.length > 0) throw new CasDefinitionError(file, mistakes);
}

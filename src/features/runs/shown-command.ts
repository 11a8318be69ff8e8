import { z } from 'zod';
import type { Command } from '../../planning/command.ts';

/** A command that would be sent, as operations show it. */
export const commandFields = {
  type: z.string().nullable(),
  smartcard_ca_id: z.string().nullable().describe('Several are separated by blanks.'),
  stb_ca_ids: z.array(z.string()),
  service_ca_id: z.string().nullable(),
};
export type ShownCommand = z.output<z.ZodObject<typeof commandFields>>;

export const NO_COMMAND: ShownCommand = { type: null, smartcard_ca_id: null, stb_ca_ids: [], service_ca_id: null };

/** Returns an entitlement or a pairing with the fields of `commandFields`. */
export function showCommand(
  command: Extract<Command, { service: unknown } | { setTopBoxes: unknown }>,
): ShownCommand & { readonly type: string } {
  if ('service' in command) {
    const { type, smartcard, service } = command;
    return { type, smartcard_ca_id: smartcard, stb_ca_ids: [], service_ca_id: service.caId };
  }
  const existing = command.type === 'ADD_TO_EXISTING_PAIRING' ? [command.existingSmartcard] : [];
  return {
    type: command.type,
    smartcard_ca_id: [...existing, ...command.smartcards].map(({ caId }) => caId).join(' '),
    stb_ca_ids: command.setTopBoxes.map(({ caId }) => caId),
    service_ca_id: null,
  };
}

import type { Service } from '../events/crm.generated.ts';
import { commandKey, smartcardsOf } from './command.ts';
import type { EntitlementCommand } from './command.ts';
import type { Distributor } from './snapshot.ts';
import type { EarlierCommand, PlannedCommand, Withheld, WithheldReason } from './types.ts';

/** A rule's proposal; `about` names what a person looks for in the CRM. */
export type Proposal =
  /** A command to send. */
  | { readonly kind: 'command'; readonly command: PlannedCommand; readonly about: string }
  /** A command that the matrix does not trigger here. It shows as NOT_TRIGGERED unless the action has made it (R10). */
  | { readonly kind: 'untriggered'; readonly command: PlannedCommand; readonly about: string }
  /** A command that a rule withholds (R11). */
  | { readonly kind: 'withheld'; readonly withheld: Withheld };

/** Returns a proposal to send a command. */
export function send(command: PlannedCommand, about: string): Proposal {
  return { kind: 'command', command, about };
}

/** Returns a proposal to withhold a command. */
export function withhold(
  type: Withheld['type'],
  reason: WithheldReason,
  smartcard: string | null,
  serviceCaId: string | null,
  detail: string,
): Proposal {
  return { kind: 'withheld', withheld: { type, reason, smartcard, serviceCaId, detail } };
}

/** Returns the command that entitles or revokes a service on a card, with the distributor of the service (R1, R10). */
export function entitlementCommand(
  type: EntitlementCommand['type'],
  smartcard: string,
  serviceCaId: string,
  distributor: Distributor,
): EntitlementCommand {
  return { type, smartcard, service: { caId: serviceCaId, distributor } };
}

/** Describes a service in a withheld command: "service S1 (EFFECTIVE, distributor D1)". */
export function describeService(service: Service): string {
  return `service ${service.id} (${service.state}, ${describeDistributor(service.distributor)})`;
}

/** Describes a distributor: "distributor D1" or "no distributor". */
export function describeDistributor(distributor: Distributor): string {
  return distributor === null ? 'no distributor' : `distributor ${distributor}`;
}

/**
 * Keeps, in order, each proposed command that the action has not made yet (R6). A command that an earlier event of the
 * action made, or that comes earlier in this event, is withheld as ALREADY_REQUESTED. If the last earlier request for
 * it was REJECTED, it is sent again. Equal withheld commands are kept once.
 */
export function oncePerAction(
  proposals: readonly Proposal[],
  earlier: readonly EarlierCommand[],
): { commands: PlannedCommand[]; withheld: Withheld[] } {
  const made = new Set<string>();
  for (const { key, rejected } of earlier) {
    if (rejected) made.delete(key);
    else made.add(key);
  }
  const commands: PlannedCommand[] = [];
  const withheld = new Map<string, Withheld>();
  const note = (entry: Withheld): unknown => withheld.set(JSON.stringify(Object.values(entry)), entry);
  for (const proposal of proposals) {
    if (proposal.kind === 'withheld') {
      note(proposal.withheld);
      continue;
    }
    const key = commandKey(proposal.command);
    if (made.has(key)) {
      note(unsent(proposal.command, 'ALREADY_REQUESTED', `This action has already requested it: ${proposal.about}.`));
    } else if (proposal.kind === 'untriggered') {
      note(unsent(proposal.command, 'NOT_TRIGGERED', `The action does not trigger it: ${proposal.about}.`));
    } else {
      commands.push(proposal.command);
      made.add(key);
    }
  }
  return { commands, withheld: [...withheld.values()] };
}

function unsent(command: PlannedCommand, reason: WithheldReason, detail: string): Withheld {
  return {
    type: command.type,
    reason,
    smartcard: smartcardsOf(command)[0] ?? null,
    serviceCaId: 'service' in command ? command.service.caId : null,
    detail,
  };
}

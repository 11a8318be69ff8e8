import type { Pairing } from '../../planning/types.ts';
import type { ProvisioningRequest } from '../../requests/find.ts';

/** What the CAS said of one device's pairing. */
export interface PairingTold {
  readonly requestNumber: number;
  /** The card that was asked about; null where it was a set-top box. */
  readonly smartcard: string | null;
  readonly setTopBox: string | null;
  /** False: the CAS has not answered, and the request says why. */
  readonly answered: boolean;
  /** The devices that it is paired with, itself among them; null where there are none. */
  readonly pairing: Pairing | null;
}

/** The answers among requests, in their order. */
export function pairingsTold(requests: readonly ProvisioningRequest[]): PairingTold[] {
  return requests.flatMap(({ number, command, lifeCycleState, answer }): PairingTold[] => {
    const told = {
      requestNumber: number,
      answered: lifeCycleState === 'COMPLETED' && answer?.pairing !== undefined,
      pairing: answer?.pairing ?? null,
    };
    if (command.type === 'GET_PAIRING_STATUS_FOR_CARD') {
      return [{ smartcard: command.smartcard.caId, setTopBox: null, ...told }];
    }
    if (command.type === 'GET_PAIRING_STATUS_FOR_PAIRING_MODULE') {
      return [{ smartcard: null, setTopBox: command.setTopBox.caId, ...told }];
    }
    return [];
  });
}
